"""Documents, and the memory of what was found out about those that were sent before.

Nothing in it depends on who sends a document, or on variables.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
)
from strawberry.schema import BaseSchema

from phaseline.operations import rates, rights, validity, weighing
from phaseline.rates import Kind

# As with the limits of what is valid, these are generous, and none is a setting.
PARSED: dict[str, Any] = {"max_tokens": 1000, "max_source_length": 50_000}

_CACHED_DOCUMENTS = 200
_LONGEST_CACHED = 10_000  # characters: what people and tools ask for again is far shorter


class Operation:
    """One operation of a document. What only a valid document has is found when it is first asked for."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) -> None:
        self._schema = schema
        self._document = document
        self.node = node
        self.variables = frozenset(definition.variable.name.value for definition in node.variable_definitions or ())

    @property
    def writes(self) -> bool:
        """Whether it is a mutation."""
        return self.node.operation is OperationType.MUTATION

    @property
    def follows(self) -> bool:
        """Whether it is a subscription, which goes on until somebody ends it."""
        return self.node.operation is OperationType.SUBSCRIPTION

    @cached_property
    def fields(self) -> tuple[rights.Asked, ...]:
        """The fields it asks for, each once, with the names of their types. Of a valid document."""
        return tuple(dict.fromkeys(rights.fields(self._schema, self._document, self.node)))

    @cached_property
    def cost(self) -> int:
        """What it costs. Of a valid document."""
        return weighing.cost(self._schema, self._document, self.node)


class Document:
    """A document that could be parsed."""

    def __init__(self, schema: GraphQLSchema, text: str) -> None:
        self._schema = schema
        self._problems: dict[bool, list[GraphQLError]] = {}
        self._operations: dict[str | None, Operation] = {}
        self.text = text
        self.node = parse(text, **PARSED)

    def problems(self, *, hide_suggestions: bool) -> list[GraphQLError]:
        """Why nothing of it may be executed, whoever asks."""
        if hide_suggestions not in self._problems:
            self._problems[hide_suggestions] = validity.problems(
                self._schema, self.node, hide_suggestions=hide_suggestions
            )
        return self._problems[hide_suggestions]

    def operation(self, name: str | None) -> Operation | None:
        """The one of this name, or without a name the only one; None where there is none, or they are several."""
        if name not in self._operations:
            node = get_operation_ast(self.node, name)
            if node is None:  # which is not kept: there is no end to names
                return None
            self._operations[name] = Operation(self._schema, self.node, node)
        return self._operations[name]

    @cached_property
    def counted(self) -> Mapping[Kind, int]:
        """As what, and how often, it is counted."""
        return rates.counted(self.node)


def document(schema: GraphQLSchema, text: str) -> Document:
    """What is known of the document with this text. Raises GraphQLError and RecursionError where it is none."""
    return _remembered(schema, text) if len(text) <= _LONGEST_CACHED else Document(schema, text)


def core(schema: BaseSchema) -> GraphQLSchema:
    """Strawberry's schema as graphql-core has it."""
    found: GraphQLSchema = schema._schema  # type: ignore[attr-defined]
    return found


def follows(schema: GraphQLSchema, text: str | None, operation_name: str | None) -> bool:
    """Whether this asks for a subscription, which goes on until somebody ends it."""
    with suppress(GraphQLError, RecursionError):
        found = document(schema, text or "").operation(operation_name)
        return found is not None and found.follows
    return False


_remembered = lru_cache(_CACHED_DOCUMENTS)(Document)
