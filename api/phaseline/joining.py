"""How a subscription comes into a group: which one it is, and what begins one."""

import asyncio
import json
from collections.abc import Hashable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError
from strawberry.schema import BaseSchema
from strawberry.types import ExecutionResult

from phaseline.context import Context
from phaseline.groups import Group, NotBegun, Result, Wanted
from phaseline.operations import checks
from phaseline.operations.documents import core, document, follows
from phaseline.operations.errors import coded

# A subscription with more characters of variables than this is in no group.
_SHORT = 2000


class Refused(Exception):
    """This caller may not have what the group has; `errors` say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation that somebody asks for."""

    schema: BaseSchema
    query: str
    name: str | None
    variables: dict[str, Any]

    @property
    def follows(self) -> bool:
        """Whether it is a subscription, which goes on until somebody ends it."""
        return follows(core(self.schema), self.query, self.name)


@dataclass(frozen=True, slots=True)
class Joined:
    """A group, what it wants, and what is given back by whoever leaves it."""

    group: Group
    wanted: Wanted
    held: ExitStack


def key_of(asked: Asked, context: Context) -> Hashable | None:
    """What the subscriptions of a group have in common; None for all that is in none."""
    if not asked.follows:
        return None
    with suppress(RecursionError):
        variables = json.dumps(asked.variables, sort_keys=True)
        if len(variables) <= _SHORT:
            return asked.query, asked.name, variables, context.identity.rights
    return None


async def join(asked: Asked, key: Hashable, context: Context) -> Joined | Result | None:
    """A place in the group of this key, which is begun where there is none; or what the subscription has ended with
    before it wanted an event. Raises Refused."""
    groups = context.services.groups
    while True:
        group, is_new = groups.find(key), False
        if group is None:
            group, is_new = await _begin(asked, context), True
        elif problems := _problems(asked, context):
            raise Refused(problems)
        with ExitStack() as held:
            held.enter_context(groups.joined(key, group))
            try:
                wanted = group.wanted.result() if group.wanted.done() else await asyncio.shield(group.wanted)
            except NotBegun as error:
                if is_new:
                    return error.result
                continue  # it was of somebody else's that nothing came of it
            return Joined(group, wanted, held.pop_all())


def failure(error: Exception) -> Result:
    """What a subscription ends with whose events end with an error; a fault of the server's is logged."""
    return ExecutionResult(data=None, errors=[coded(GraphQLError(str(error), original_error=error), began=True)])


async def _begin(asked: Asked, context: Context) -> Group:
    group = Group(context.services.tails)
    results = await asked.schema.stream(
        asked.query,
        variable_values=asked.variables,
        context_value=context.of_group(group.events),
        operation_name=asked.name,
    )
    group.run(results)
    return group


def _problems(asked: Asked, context: Context) -> list[GraphQLError]:
    known = document(core(asked.schema), asked.query)
    problems = checks.of_subscription(known, asked.name, asked.variables, context)
    return [coded(problem, began=False) for problem in problems]
