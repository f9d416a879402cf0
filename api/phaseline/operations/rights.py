"""Refuses an operation that asks for more than its caller may have, before anything of it is executed."""

from collections.abc import Iterator
from functools import lru_cache

from graphql import DocumentNode, GraphQLError, GraphQLSchema, TypeInfo, TypeInfoVisitor, Visitor, visit
from graphql.language import FieldNode
from strawberry.extensions import SchemaExtension

from phaseline.identity import Identity
from phaseline_schema.refusals import Forbidden, Refusal
from phaseline_schema.rights import RULES, Right

_ROOTS = frozenset({"Query", "Mutation", "Subscription"})

# What tells the form of the API, and nothing of any deploy. `__typename` is open to whoever calls.
_INTROSPECTION = frozenset({"__schema", "__type"})

_CACHED_DOCUMENTS = 200


class Rights(SchemaExtension):
    """Holds the fields that a document asks for against the rules."""

    def on_validate(self) -> Iterator[None]:
        """Refuse, where the document is valid."""
        context = self.execution_context
        if not context.pre_execution_errors and context.graphql_document is not None:
            asked = _fields(context.schema._schema, context.graphql_document)
            context.pre_execution_errors = [
                GraphQLError(refusal.message, original_error=refusal, extensions=refusal.extensions)
                for refusal in (self._refusal(name) for name in asked)
                if refusal is not None
            ][:1]
        yield

    def _refusal(self, name: str) -> Refusal | None:
        identity: Identity = self.execution_context.context.identity
        _, field = name.split(".")
        if field in _INTROSPECTION:
            return identity.refusal(*Right)
        if name not in RULES:
            return Forbidden(f"nobody may ask for {name}")
        needed = RULES[name]
        return identity.refusal(*needed) if needed is not None else None


@lru_cache(_CACHED_DOCUMENTS)
def _fields(schema: GraphQLSchema, document: DocumentNode) -> tuple[str, ...]:
    """The fields of a valid document that there is a rule for, or has to be, as `Type.field`; of all its operations."""
    types = TypeInfo(schema)
    found: dict[str, None] = {}

    class Collector(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            parent = types.get_parent_type()
            name = f"{parent.name if parent else ''}.{node.name.value}"
            is_root = parent is not None and parent.name in _ROOTS and node.name.value != "__typename"
            if is_root or name in RULES:
                found[name] = None

    visit(document, TypeInfoVisitor(types, Collector()))
    return tuple(found)
