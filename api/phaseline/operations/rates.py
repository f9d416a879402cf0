"""Counts operations before they are validated, which costs more than anything before it, and refuses the excess."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

from graphql import DocumentNode, FieldNode
from strawberry.extensions import SchemaExtension

from phaseline.context import Context
from phaseline.operations.errors import told
from phaseline.rates import Kind, who
from phaseline_schema.refusals import RateLimited

_WRITES = {"applyCallback": Kind.CALLBACKS, "startDeploy": Kind.STARTS}


class RateLimits(SchemaExtension):
    """An operation counts by what it does, as often as it does it; what writes nothing, as a read."""

    async def on_validate(self) -> AsyncIterator[None]:
        """Refuse it, where there were too many."""
        document = self.execution_context.graphql_document
        assert document is not None
        refusal = await _refusal(self.execution_context.context, document)
        if refusal is not None:
            self.execution_context.pre_execution_errors = [told(refusal)]
        yield


async def _refusal(context: Context, document: DocumentNode) -> RateLimited | None:
    rates, identity, request = context.services.rates, context.identity, context.request
    assert request is not None
    if identity.problem is None:
        for kind, times in _counted(document).items():
            refusal = await rates.refusal(kind, who(identity, request), times)
            if refusal is not None:
                return refusal
        return None
    return await rates.unproven(identity.problem, request)


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
