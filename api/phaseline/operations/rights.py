"""Refuses an operation that asks for more than its caller may have, before anything of it is executed."""

from collections.abc import Iterable, Iterator
from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from phaseline.identity import Identity
from phaseline_schema.refusals import CallerNotLookedUp, Forbidden, IntrospectionDisabled, Refusal
from phaseline_schema.rights import OPEN, RULES, Right

# What tells the form of the API, and nothing of any deploy. `__typename` is open to whoever calls.
_INTROSPECTION = frozenset({"__schema", "__type"})

# The name of a type, and of one of its fields.
Asked = tuple[str, str]


def refusal(asked: Iterable[Asked], identity: Identity, *, introspection: bool) -> Refusal | None:
    """Why the caller may not ask for all of these fields, or None. `introspection`: whether it is answered at all."""
    # Else a callback could be recorded as nobody's by a database that answers again.
    if isinstance(identity.problem, CallerNotLookedUp):
        return identity.problem
    refusals = (_of_field(parent, field, identity, introspection=introspection) for parent, field in asked)
    return next((found for found in refusals if found is not None), None)


def _of_field(parent: str, field: str, identity: Identity, *, introspection: bool) -> Refusal | None:
    name = f"{parent}.{field}"
    if name in RULES:
        needed = RULES[name]
        return identity.refusal(*needed) if needed is not None else None
    if field in _INTROSPECTION:
        return identity.refusal(*Right) or (None if introspection else IntrospectionDisabled())
    if field != "__typename" and field not in OPEN.get(parent, ()):
        return Forbidden(f"nobody may ask for {name}")
    return None


def fields(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[Asked]:
    """The fields of one operation of a valid document, each with the name of its type; of a fragment, once.

    Those that a directive would leave out count as well, and those of other operations of the document do not.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    due: list[tuple[SelectionSetNode, GraphQLNamedType | None]] = [(operation.selection_set, root)]
    while due:
        selections, found = due.pop()
        parent = cast("GraphQLObjectType", found)  # there are no interfaces and no unions
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield parent.name, node.name.value
                if node.selection_set and node.name.value in parent.fields:  # introspection has no types of ours inside
                    due.append((node.selection_set, get_named_type(parent.fields[node.name.value].type)))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                due.append((node.selection_set, schema.get_type(condition.name.value) if condition else parent))
            elif fragment := fragments.pop(cast("FragmentSpreadNode", node).name.value, None):
                due.append((fragment.selection_set, schema.get_type(fragment.type_condition.name.value)))
