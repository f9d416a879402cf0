"""Every place of the schema where a caller gives a value, and an operation around each."""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_nullable_type,
    is_non_null_type,
)

# How a field of an object that is no root is reached: the operation's beginning, and its end.
_WAYS = {"Deploy": ("query ($id: ID!, %s) { deploy(id: $id) { %s } }", {"id": "the deploy"})}

# Those that only a server with an environments file comes to: tests/api/test_environments.py tries them.
_ELSEWHERE = {"Environment"}


@dataclass(frozen=True)
class Place:
    """An argument, or a field of the input object that is one."""

    name: str
    scalar: str
    required: bool
    kind: str  # query, mutation or subscription
    document: str
    around: dict[str, Any] = field(hash=False, default_factory=dict)

    def variables(self, value: Any, examples: dict[str, Any]) -> dict[str, Any]:
        """The operation's variables with this value here, and examples where something has to be."""
        variables: dict[str, Any] = dict(self.around)
        operation = self.name.split(".")[0]
        for name, example in {**examples, self.name: value}.items():
            path = name.split(".")
            if path[0] == operation:
                target = variables
                for step in path[1:-1]:
                    target = target.setdefault(step, {})
                target[path[-1]] = example
        return variables


def places(schema: GraphQLSchema) -> list[Place]:
    """All of them."""
    found: list[Place] = []
    roots = {schema.query_type: "query", schema.mutation_type: "mutation", schema.subscription_type: "subscription"}
    for owner in schema.type_map.values():
        if isinstance(owner, GraphQLObjectType) and not owner.name.startswith("__"):
            for name, member in owner.fields.items():
                if member.args and owner.name not in _ELSEWHERE:
                    found += _places(owner, name, member, roots.get(owner))
    return found


def _places(owner: GraphQLObjectType, name: str, member: GraphQLField, kind: str | None) -> list[Place]:
    declared = ", ".join(f"${argument}: {given.type}" for argument, given in member.args.items())
    call = f"{name}({', '.join(f'{argument}: ${argument}' for argument in member.args)}) {{ __typename }}"
    around: dict[str, Any] = {}
    if kind:
        document = f"{kind} ({declared}) {{ {call} }}"
    else:
        way, around = _WAYS[owner.name]
        document = way % (declared, call)
        name = f"{owner.name}-{name}"
    found = []
    for argument, given in member.args.items():
        inside = get_nullable_type(given.type)
        members: dict[str, GraphQLArgument | GraphQLInputField] = {f"{name}.{argument}": given}
        if isinstance(inside, GraphQLInputObjectType):
            members = {f"{name}.{argument}.{key}": value for key, value in inside.fields.items()}
        for path, value in members.items():
            scalar = str(get_nullable_type(value.type))
            found.append(Place(path, scalar, is_non_null_type(value.type), kind or "query", document, around))
    return found
