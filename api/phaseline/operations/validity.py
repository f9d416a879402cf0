"""What is wrong with a document, and what it asks too much of, whoever sends it."""

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
    specified_rules,
    validate,
    visit,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from phaseline.operations.errors import told
from phaseline.operations.weighing import Scales
from phaseline_schema.refusals import OperationTooLarge

# All of these are generous against what tools ask for, and none is a setting: they follow from the schema and from what
# graphql-core costs, and not from who runs the server. The introspection query has 300 tokens or so.
_OPERATIONS = 10
_FRAGMENTS = 40
# A name that is asked for again in one selection: the rule that such fields have to agree compares each with each.
_REPETITIONS = 20
_DIGITS = 30  # Python does not convert numbers of thousands, and graphql-core repeats those that are too large
_PROBLEMS = 10  # how many are looked for in a document that is not valid
_DEPTH = 12
_ALIASES = 30
# What an operation costs: the fields of its answer, with lists as long as they can be. A page of 200 deploys with all
# that the modal shows of each is 12,601.
_COST = 60_000
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)  # as Strawberry has them


def problems(schema: GraphQLSchema, document: DocumentNode, *, hide_suggestions: bool) -> list[GraphQLError]:
    """Why nothing of it may be executed; only a valid document is weighed, and sure to have no fragment in itself."""
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
        ("operations", operations(document), _OPERATIONS),
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


def operations(document: DocumentNode) -> int:
    """How many it has."""
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
