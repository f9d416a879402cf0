"""What one document may ask for, and the memory of documents that were asked before."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

# Generous against what tools ask for; the introspection query has 300 tokens or so.
_TOKENS = 2000
_DEPTH = 12
_ALIASES = 30
# Fields of the answer: a page of 200 deploys with all that the modal shows of each is 30,000.
_SIZE = 60_000
_PAGE = 200  # what `first` is taken for where it is a variable
_LIST = 20  # how long a list without `first` is taken to be
_CACHED_DOCUMENTS = 200
_LONGEST_CACHED = 10_000  # characters: two thousand tokens may be a quarter of a megabyte, most of it one string


class DocumentLimits(SchemaExtension):
    """Refuses documents that ask for too much, before anything is executed."""

    def on_operation(self) -> Iterator[None]:
        """Limit what is parsed at all."""
        self.execution_context.parse_options["max_tokens"] = _TOKENS
        yield

    def on_parse(self) -> Iterator[None]:
        """Parse; an error is left to Strawberry, which parses again and reports it."""
        context = self.execution_context
        with suppress(GraphQLError, RecursionError):
            text = context.query or ""
            context.graphql_document = _parse_cached(text) if _is_cached(text) else _parse(text)
        yield

    def on_validate(self) -> Iterator[None]:
        """Validate, and then weigh: only a valid document is sure to have no fragment inside itself."""
        context = self.execution_context
        document = context.graphql_document
        assert document is not None
        try:
            problems = _problems_cached if _is_cached(context.query or "") else _problems
            context.pre_execution_errors = problems(context.schema._schema, document, context.validation_rules)
        except RecursionError:
            context.pre_execution_errors = [GraphQLError("the document is nested too deeply")]
        # Strawberry would take the first one.
        if not context.pre_execution_errors and context._provided_operation_name is None and _operations(document) > 1:
            context.pre_execution_errors = [GraphQLError("the document has several operations: name one")]
        yield


def _is_cached(text: str) -> bool:
    return len(text) <= _LONGEST_CACHED


def _parse(text: str) -> DocumentNode:
    return parse(text, max_tokens=_TOKENS)


def _problems(schema: GraphQLSchema, document: DocumentNode, rules: tuple[Any, ...]) -> list[GraphQLError]:
    return validate_document(schema, document, rules) or _excesses(schema, document)


_parse_cached = lru_cache(_CACHED_DOCUMENTS)(_parse)
_problems_cached = lru_cache(_CACHED_DOCUMENTS)(_problems)


def _operations(document: DocumentNode) -> int:
    return sum(isinstance(definition, OperationDefinitionNode) for definition in document.definitions)


def _excesses(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    scales = _Scales(schema, document)
    problems = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            root = schema.get_root_type(definition.operation)
            weight = scales.weigh(definition.selection_set, root)
            problems += [
                GraphQLError(f"the operation has {name} {value}, more than {most}", [definition])
                for name, value, most in (
                    ("a depth of", weight.depth, _DEPTH),
                    ("as many aliases as", weight.aliases, _ALIASES),
                    ("an answer of as many fields as", weight.size, _SIZE),
                )
                if value > most
            ]
    return problems


@dataclass(frozen=True, slots=True)
class _Weight:
    depth: int = 0
    aliases: int = 0
    size: int = 0


class _Scales:
    """Weighs selections of a valid document. Each fragment is weighed once, however often it is spread."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._weighed: dict[str, _Weight] = {}

    def weigh(self, selections: SelectionSetNode | None, parent: Any) -> _Weight:
        depth = aliases = size = 0
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                weight = self._field(selection, parent)
            elif isinstance(selection, FragmentSpreadNode):
                weight = self._fragment(selection.name.value)
            else:
                assert isinstance(selection, InlineFragmentNode)
                weight = self.weigh(selection.selection_set, parent)
            depth = max(depth, weight.depth)
            aliases += weight.aliases
            size += weight.size
        return _Weight(depth, aliases, size)

    def _fragment(self, name: str) -> _Weight:
        if name not in self._weighed:
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self._weighed[name] = self.weigh(fragment.selection_set, parent)
        return self._weighed[name]

    def _field(self, node: FieldNode, parent: GraphQLObjectType | None) -> _Weight:
        alias = 1 if node.alias else 0
        if node.name.value.startswith("__") or parent is None or parent.name.startswith("__"):
            # Introspection, of which graphql-core itself limits the depth.
            return _Weight(0, alias + self.weigh(node.selection_set, None).aliases, 1)
        field = parent.fields[node.name.value]
        inside = self.weigh(node.selection_set, get_named_type(field.type))
        return _Weight(
            inside.depth + 1 if node.selection_set else 0,
            alias + inside.aliases,
            1 + inside.size * _length(node, field),
        )


def _length(node: FieldNode, field: Any) -> int:
    """How many times what is inside a field is answered."""
    if "first" in field.args:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                return (
                    max(1, min(_PAGE, int(argument.value.value))) if isinstance(argument.value, IntValueNode) else _PAGE
                )
        default: int = field.args["first"].default_value
        return default
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    # The edges of a page are counted by its `first`.
    return _LIST if isinstance(kind, GraphQLList) and node.name.value != "edges" else 1
