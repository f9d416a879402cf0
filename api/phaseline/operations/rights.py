"""Refuses an operation that asks for more than its caller may have, before anything of it is executed."""

from collections.abc import Iterator
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
    SelectionSetNode,
    get_named_type,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension

from phaseline.identity import Identity
from phaseline.operations.errors import told
from phaseline_schema.refusals import CallerNotLookedUp, Forbidden, IntrospectionDisabled, Refusal
from phaseline_schema.rights import OPEN, RULES, Right

# What tells the form of the API, and nothing of any deploy. `__typename` is open to whoever calls.
_INTROSPECTION = frozenset({"__schema", "__type"})


class Rights(SchemaExtension):
    """Holds the fields that an operation asks for against the rules.

    Those that a directive would leave out count as well, and those of other operations of the document do not.
    """

    def on_validate(self) -> Iterator[None]:
        """Refuse, where the document is valid."""
        context = self.execution_context
        if not context.pre_execution_errors and context.graphql_document is not None:
            asked = _fields(context.schema._schema, context.graphql_document, context.operation_name)
            refusals = (self._refusal(parent, field) for parent, field in asked)
            context.pre_execution_errors = [told(refusal) for refusal in refusals if refusal is not None][:1]
        yield

    def _refusal(self, parent: str, field: str) -> Refusal | None:
        identity: Identity = self.execution_context.context.identity
        # Else a callback could be recorded as nobody's by a database that answers again.
        if isinstance(identity.problem, CallerNotLookedUp):
            return identity.problem
        name = f"{parent}.{field}"
        if name in RULES:
            needed = RULES[name]
            return identity.refusal(*needed) if needed is not None else None
        if field in _INTROSPECTION:
            answers = self.execution_context.context.services.introspection
            return identity.refusal(*Right) or (None if answers else IntrospectionDisabled())
        if field != "__typename" and field not in OPEN.get(parent, ()):
            return Forbidden(f"nobody may ask for {name}")
        return None


def _fields(schema: GraphQLSchema, document: DocumentNode, operation_name: str | None) -> Iterator[tuple[str, str]]:
    """The fields of one operation of a valid document, each with the name of its type; of a fragment, once.

    Nothing of it is kept: to find what was kept for a document takes as long as to go through the document.
    """
    operation = get_operation_ast(document, operation_name)
    assert operation is not None
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
