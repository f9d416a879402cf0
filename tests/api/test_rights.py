"""Who may do what: every field of the schema that there has to be a rule for, asked for by callers of every kind.

What they may do is written out here once more: a rule that is loosened, or a field that comes without one, is noticed.
"""

from collections.abc import Collection

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_required_argument,
)

from phaseline.operations.schema import SCHEMA
from phaseline_schema.rights import OPEN, RULES
from tests.support.asking import OVER
from tests.support.caller import Caller
from tests.support.logins import TOKENS, VIEWER
from tests.support.server import Server

_READS_AUDIT = {
    "Query.auditEntries",
    "Query.auditVerification",
    "Query.pipeline",
    "Subscription.auditEntryAdded",
    "Deploy.auditEntries",
}
_READS = _READS_AUDIT | {
    *("Query.deploy", "Query.deploys", "Query.environments", "Query.environment", "Subscription.phaseChanged"),
    *("Environment.inProgress", "Environment.queue", "Environment.waiting", "Environment.deployed"),
}

MAY = {
    "workflow": {"Query.identity", "Mutation.applyCallback"},
    "operator": {
        *("Query.identity", "Mutation.startDeploy", "Mutation.abandonDeploy", "Mutation.cancelDeploy"),
        *("Mutation.rerunFailedJobs", "Mutation.redeploy", "Environment.refSuggestions", "Environment.comparison"),
    }
    | _READS,
    "viewer": {"Query.identity"} | _READS,
    "tool": {"Query.identity"} | _READS_AUDIT,
    "nobody": {"Query.identity"},
    "a bad token": {"Query.identity"},
}
PROVEN = {**TOKENS, "nobody": None, "a bad token": VIEWER[:-1] + "x"}

_TYPES = SCHEMA._schema.type_map
_ROOTS = ("Query", "Mutation", "Subscription")
_ANSWERED_ONCE = [name for name in RULES if name.startswith(("Query.", "Mutation."))]

# What each field is given that cannot do without, or would answer with too much. %s: the id of a deploy.
_GIVEN = {
    "Query.deploys": "(first: 1)",
    "Query.auditEntries": "(first: 1)",
    "Deploy.auditEntries": "(first: 1)",
    "Environment.queue": "(first: 1)",
    "Query.deploy": '(id: "%s")',
    "Query.auditVerification": '(deployId: "%s")',
    "Mutation.startDeploy": '(input: {environment: "x", ref: "x"})',
    "Mutation.applyCallback": '(input: {deployId: "%s", status: "building"})',
    "Mutation.abandonDeploy": '(input: {deployId: "%s", reason: "gone"})',
    "Mutation.cancelDeploy": '(input: {deployId: "%s", reason: "wrong"})',
    "Mutation.rerunFailedJobs": '(input: {deployId: "%s", reason: "flaky"})',
    "Mutation.redeploy": '(input: {deployId: "%s", reason: "back"})',
    "Query.environment": '(name: "x")',
    "Environment.comparison": '(ref: "main")',
    "Environment.refSuggestions": "(first: 1)",
    "Subscription.phaseChanged": '(deployId: "%s")',
    "Subscription.auditEntryAdded": '(deployId: "%s")',
}


def _fields(type_name: str) -> dict[str, GraphQLField]:
    found = _TYPES[type_name]
    assert isinstance(found, GraphQLObjectType)
    fields: dict[str, GraphQLField] = found.fields
    return fields


def _everything(field: GraphQLField, seen: frozenset[str] = frozenset()) -> str:
    """A selection of all that can be reached from a field, each type once, but for what there are other rules for."""
    found = get_named_type(field.type)
    if not isinstance(found, GraphQLObjectType):
        return ""
    seen |= {found.name}
    inside = [
        name + _everything(inner, seen)
        for name, inner in found.fields.items()
        if f"{found.name}.{name}" not in RULES and get_named_type(inner.type).name not in seen
    ]
    return " { " + " ".join(inside) + " }"


def _way_to(type_name: str, roots: Collection[str]) -> list[str]:
    """The fields that lead to a type, the first one being one of these of the roots."""
    due = [[root] for root in roots]
    for way in due:
        parent, field = way[-1].split(".")
        reached = get_named_type(_fields(parent)[field].type).name
        if reached == type_name:
            return way
        if isinstance(_TYPES[reached], GraphQLObjectType) and all(not step.startswith(f"{reached}.") for step in way):
            due += [[*way, f"{reached}.{inner}"] for inner in _fields(reached) if f"{reached}.{inner}" not in RULES]
    return _way_to(type_name, _ANSWERED_ONCE)


def _asking_for(name: str, deploy_id: str, who: str) -> str:
    """An operation for a field; one of an object is reached by what its caller may do, if there is a way."""
    parent, field = name.split(".")
    way = [] if parent in _ROOTS else _way_to(parent, [open_ for open_ in _ANSWERED_ONCE if open_ in MAY[who]])
    text = field + _GIVEN.get(name, "") + _everything(_fields(parent)[field])
    for step in reversed(way):
        text = f"{step.split('.')[1]}{_GIVEN.get(step, '')} {{ {text} }}"
    kind = (way or [name])[0].split(".")[0].lower()
    return f"{kind} {{ {text} }}".replace("%s", deploy_id)


def test_every_field_has_a_rule_or_is_said_to_be_open_to_whoever_has_what_led_to_it() -> None:
    objects = [name for name, one in _TYPES.items() if isinstance(one, GraphQLObjectType) and not name.startswith("__")]
    open_ = {f"{name}.{field}" for name, fields in OPEN.items() for field in fields}
    assert {f"{name}.{field}" for name in objects for field in _fields(name)} == RULES.keys() | open_
    assert not RULES.keys() & open_
    assert not OPEN.keys() & set(_ROOTS), "nothing has led to them"


def test_for_every_rule_there_is_somebody_to_ask() -> None:
    assert set.union(*MAY.values()) == RULES.keys()
    for name in RULES:
        parent, field = name.split(".")
        required = [key for key, argument in _fields(parent)[field].args.items() if is_required_argument(argument)]
        assert not required or name in _GIVEN


def test_no_field_can_be_asked_for_by_the_name_of_another_type() -> None:
    """Else a rule for an object's field would have to hold for that of its interface too."""
    assert not [name for name, one in _TYPES.items() if isinstance(one, GraphQLInterfaceType | GraphQLUnionType)]


@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("who", MAY)
async def test_each_is_answered_what_the_table_says_and_nothing_else(
    server: Server, caller: Caller, who: str, over: str
) -> None:
    deploy = await caller.start(environment="hidden-environment", ref="hidden-ref", note="hidden-note")
    refused_with = "FORBIDDEN" if who in TOKENS else "UNAUTHENTICATED"
    # A socket is for those who have said who they are. A subscription has more than one answer.
    may = MAY[who] if over != "WebSocket" or who in TOKENS else set()
    asked = [name for name in RULES if over != "HTTP" or not name.startswith("Subscription")]
    answered = set()
    for name in asked:
        said = await OVER[over](server.url, PROVEN[who], _asking_for(name, deploy["id"], who))
        if said.code in (None, "NOT_POSSIBLE_NOW"):  # a second one finds the deploy at its end
            answered.add(name)
        else:
            assert (name, said.code) == (name, refused_with), said
            assert said.is_empty, said
            assert "hidden" not in str(said), said
    assert answered == may & set(asked)
