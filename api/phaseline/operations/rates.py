"""Counts operations before they are validated, which costs more than anything before it, and refuses the excess."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import DocumentNode, FieldNode
from strawberry.extensions import SchemaExtension

from phaseline.context import Context
from phaseline.operations.errors import told
from phaseline.operations.weighing import cost
from phaseline.rates import Kind, who
from phaseline_schema.refusals import RateLimited

# What one read costs at most: a larger operation counts as so many more.
_READ = 1000

_WRITES = {"applyCallback": Kind.CALLBACKS, "startDeploy": Kind.STARTS}


class RateLimits(SchemaExtension):
    """An operation counts by what it does, as often as it does it; what writes nothing, as a read."""

    def on_operation(self) -> Iterator[None]:
        """Count what could not even be parsed as a read."""
        yield
        operation = self.execution_context
        if operation.graphql_document is None and operation.result is not None:
            refusal = _of_caller(operation.context, {Kind.READS: 1})
            if refusal is not None:
                operation.result.errors = [told(refusal)]

    def on_validate(self) -> Iterator[None]:
        """Refuse it, where there were too many."""
        document = self.execution_context.graphql_document
        assert document is not None
        refusal = _of_caller(self.execution_context.context, _counted(document))
        if refusal is not None:
            self.execution_context.pre_execution_errors = [told(refusal)]
        yield


class CostRates(SchemaExtension):
    """Of what may be executed, a large operation counts as several reads, by what it costs."""

    def on_validate(self) -> Iterator[None]:
        """Refuse it, where there were too many."""
        operation, context = self.execution_context, self.execution_context.context
        if not operation.pre_execution_errors:
            assert operation.graphql_document is not None
            found = cost(operation.schema._schema, operation.graphql_document, operation._provided_operation_name)
            if more := found // _READ:
                refusal = context.services.rates.refusal(Kind.READS, who(context.identity, context.request), more)
                if refusal is not None:
                    operation.pre_execution_errors = [told(refusal)]
        yield


def _of_caller(context: Context, counted: Mapping[Kind, int]) -> RateLimited | None:
    """Who proves nothing was counted before."""
    rates, identity, request = context.services.rates, context.identity, context.request
    assert request is not None
    for kind, times in counted.items() if identity.problem is None else ():
        refusal = rates.refusal(kind, who(identity, request), times)
        if refusal is not None:
            return refusal
    return None


def _counted(document: DocumentNode) -> Mapping[Kind, int]:
    """What the document does: all its operations together, at whatever depth, for it may not even be valid."""
    found: Counter[Kind] = Counter()
    nodes: list[Any] = list(document.definitions)
    while nodes:
        node = nodes.pop()
        if isinstance(node, FieldNode) and node.name.value in _WRITES:
            found[_WRITES[node.name.value]] += 1
        selections = getattr(node, "selection_set", None)
        nodes += selections.selections if selections else ()
    return found or {Kind.READS: 1}
