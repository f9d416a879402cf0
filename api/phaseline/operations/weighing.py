"""What an operation costs: the fields of its answer, with lists as long as they can be, and what else takes work."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from phaseline_schema.pipelines import PIPELINES

_PAGE = 200  # what `first` is taken for where it is a variable

# How long lists without `first` are: those of the largest graph, and all others.
_LENGTHS = {
    "phases": max(len(pipeline.phases) for pipeline in PIPELINES.values()),
    "statuses": max(len(pipeline.statuses) for pipeline in PIPELINES.values()),
    "transitions": max(len(pipeline.transitions) for pipeline in PIPELINES.values()),
}
_LIST = 20

# What takes far more than it answers: reading a whole log, asking GitHub.
_WORK = {"auditVerification": 20_000, "refSuggestions": 500, "comparison": 500}

# What describes the schema, at the most that it can answer without an alias: graphql-core limits how deep it goes, and
# what is asked for twice under one name is answered once.
_INTROSPECTION = {"__schema": 15_000, "__type": 2_000}


def cost(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """What one operation of a valid document costs."""
    return Scales(schema, document).weigh(operation.selection_set, schema.get_root_type(operation.operation)).cost


@dataclass(frozen=True, slots=True)
class Weight:
    """Of a selection."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0


class Scales:
    """Weighs selections of a valid document. Each fragment is weighed once, however often it is spread."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._weighed: dict[str, Weight] = {}

    def weigh(self, selections: SelectionSetNode | None, parent: Any) -> Weight:
        """What a selection on a type weighs."""
        depth = aliases = cost = 0
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
            cost += weight.cost
        return Weight(depth, aliases, cost)

    def _fragment(self, name: str) -> Weight:
        if name not in self._weighed:
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self._weighed[name] = self.weigh(fragment.selection_set, parent)
        return self._weighed[name]

    def _field(self, node: FieldNode, parent: GraphQLObjectType | None) -> Weight:
        alias = 1 if node.alias else 0
        if node.name.value.startswith("__") or parent is None or parent.name.startswith("__"):
            # Its depth is graphql-core's to limit. Each alias in it may have almost all of it answered once more.
            aliases = self.weigh(node.selection_set, None).aliases
            return Weight(0, alias + aliases, 1 + _INTROSPECTION.get(node.name.value, 0) * (1 + aliases))
        field = parent.fields[node.name.value]
        inside = self.weigh(node.selection_set, get_named_type(field.type))
        return Weight(
            inside.depth + 1 if node.selection_set else 0,
            alias + inside.aliases,
            1 + _WORK.get(node.name.value, 0) + inside.cost * _length(node, field),
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
    if not isinstance(kind, GraphQLList) or node.name.value == "edges":
        return 1
    return _LENGTHS.get(node.name.value, _LIST)
