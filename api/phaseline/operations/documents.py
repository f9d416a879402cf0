"""What one document may ask for, and the memory of documents that were asked before."""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
    visit,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from phaseline.operations.errors import told
from phaseline.operations.weighing import Scales
from phaseline_schema.refusals import OperationTooLarge

# All of these are generous against what tools ask for, and none is a setting: they follow from the schema and from what
# graphql-core costs, and not from who runs the server. The introspection query has 300 tokens or so.
_CHARACTERS = 50_000
_TOKENS = 1000
_OPERATIONS = 10
_FRAGMENTS = 40
# A name that is asked for again in one selection: the rule that such fields have to agree compares each with each.
_REPETITIONS = 20
_DIGITS = 30  # Python does not convert numbers of thousands, and graphql-core repeats those that are too large
_PROBLEMS = 10  # how many are looked for in a document that is not valid
_DEPTH = 12
_ALIASES = 30
# What an operation costs: the fields of its answer, with lists as long as they can be. A page of 200 deploys with all
# that the modal shows of each is 9,801.
_COST = 60_000
# Each is kept for as long as its operation goes on, which of a subscription may be for days.
_VARIABLES = 20_000
_SUBSCRIPTION = 10_000
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)  # as Strawberry has them

_CACHED_DOCUMENTS = 200
_LONGEST_CACHED = 10_000  # characters: what people and tools ask for again is far shorter

_PARSED: dict[str, Any] = {"max_tokens": _TOKENS, "max_source_length": _CHARACTERS}


class DocumentLimits(SchemaExtension):
    """Refuses documents that ask for too much, before anything is executed."""

    def on_operation(self) -> Iterator[None]:
        """Limit what is parsed at all."""
        self.execution_context.parse_options.update(_PARSED)  # type: ignore[typeddict-item]
        yield

    def on_parse(self) -> Iterator[None]:
        """Parse; an error is left to Strawberry, which parses again and reports it."""
        context = self.execution_context
        with suppress(GraphQLError, RecursionError):
            text = context.query or ""
            context.graphql_document = _parse_cached(text) if is_cached(text) else _parse(text)
        yield

    def on_validate(self) -> Iterator[None]:
        """Validate, and then weigh: only a valid document is sure to have no fragment inside itself."""
        context = self.execution_context
        document = context.graphql_document
        assert document is not None
        if not context.pre_execution_errors:
            context.pre_execution_errors = _lasting(context)
        if not context.pre_execution_errors:
            problems = _problems_cached if is_cached(context.query or "") else _problems
            # What helps with a wrong name also helps to guess the right ones.
            helps = context.context.services.introspection and context.context.identity.problem is None
            context.pre_execution_errors = problems(context.schema._schema, document, hide_suggestions=not helps)
        # Strawberry would take the first one.
        if not context.pre_execution_errors and context._provided_operation_name is None and _operations(document) > 1:
            context.pre_execution_errors = [GraphQLError("the document has several operations: name one")]
        yield


def _lasting(context: ExecutionContext) -> list[GraphQLError]:
    """What is too large of that which is kept beside the document; what nobody asked for is not kept."""
    assert context.graphql_document is not None
    operation = get_operation_ast(context.graphql_document, context._provided_operation_name)
    definitions = (operation.variable_definitions if operation else None) or ()
    variables = context.variables or {}
    for name in set(variables) - {definition.variable.name.value for definition in definitions}:
        del variables[name]  # here, and so wherever the same object is held
    follows = context.operation_type is OperationType.SUBSCRIPTION
    sizes = (
        ("characters in its variables", _length(variables), _VARIABLES),
        ("characters in a subscription", len(context.query or "") if follows else 0, _SUBSCRIPTION),
    )
    return [told(OperationTooLarge(name, most)) for name, size, most in sizes if size > most]


def _length(variables: object) -> int:
    """In characters, as JSON."""
    try:
        return len(json.dumps(variables, ensure_ascii=False))
    except RecursionError:
        return sys.maxsize


def is_cached(text: str) -> bool:
    """Whether what is found out about a document of this text is remembered."""
    return len(text) <= _LONGEST_CACHED


def _parse(text: str) -> DocumentNode:
    return parse(text, **_PARSED)


def _problems(schema: GraphQLSchema, document: DocumentNode, *, hide_suggestions: bool) -> list[GraphQLError]:
    try:
        return (
            _repetitions(document)
            or validate(schema, document, _RULES, max_errors=_PROBLEMS, hide_suggestions=hide_suggestions)
            or _excesses(schema, document)
        )
    except RecursionError:
        return [GraphQLError("the document is nested too deeply")]


def _repetitions(document: DocumentNode) -> list[GraphQLError]:
    """What makes a document costly to validate, which is looked at before."""
    shape = _Shape()
    visit(document, shape)
    counts = (
        ("operations", _operations(document), _OPERATIONS),
        ("fragments", sum(isinstance(part, FragmentDefinitionNode) for part in document.definitions), _FRAGMENTS),
        ("repeated names", shape.repetitions, _REPETITIONS),
        ("digits in a number", shape.digits, _DIGITS),
    )
    return [told(OperationTooLarge(name, most)) for name, number, most in counts if number > most]


class _Shape(Visitor):
    """Counts names, fragments' among them, that are asked for again in the same selection; and a number's digits."""

    repetitions = 0
    digits = 0

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        self.digits = max(self.digits, len(node.value))

    def enter_float_value(self, node: FloatValueNode, *_: object) -> None:
        self.digits = max(self.digits, len(node.value))

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        names = [
            (selection.alias or selection.name).value if isinstance(selection, FieldNode) else selection.name.value
            for selection in node.selections
            if isinstance(selection, FieldNode | FragmentSpreadNode)
        ]
        self.repetitions += len(names) - len(set(names))


_parse_cached = lru_cache(_CACHED_DOCUMENTS)(_parse)
_problems_cached = lru_cache(_CACHED_DOCUMENTS)(_problems)


def _operations(document: DocumentNode) -> int:
    return sum(isinstance(definition, OperationDefinitionNode) for definition in document.definitions)


def _excesses(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    scales = Scales(schema, document)
    problems = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            root = schema.get_root_type(definition.operation)
            weight = scales.weigh(definition.selection_set, root)
            problems += [
                told(OperationTooLarge(name, most))
                for name, value, most in (
                    ("levels of depth", weight.depth, _DEPTH),
                    ("aliases", weight.aliases, _ALIASES),
                    ("fields in its answer", weight.cost, _COST),
                )
                if value > most
            ]
    return problems
