"""Following a deploy."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated

import strawberry
from strawberry import ID, Info

from phaseline import metrics
from phaseline.context import Context
from phaseline.follow import follow
from phaseline.groups import Wanted
from phaseline.rates import who
from phaseline.standings import Event
from phaseline_schema import inputs
from phaseline_schema.types.deploy import AuditEntry, Deploy, PhaseChanged

_AFTER = (
    "The sequence of the newest entry that the viewer has seen: everything after it is sent. "
    "0 stands for none. Beyond what the log holds: refused with AFTER_AHEAD."
)


def _events(
    info: Info[Context, None], field: metrics.Field, deploy_id: str, after: int | None, *, refusals: bool
) -> aclosing[AsyncGenerator[Event, None]]:
    """What is to be sent. Raises BadUserInput."""
    wanted = Wanted(
        field,
        inputs.text("deployId", deploy_id, inputs.ID),
        None if after is None else inputs.number("after", after, 0, least=0, most=2**31 - 1),
        refusals,
    )
    return aclosing(info.context.events(wanted) if info.context.events else as_they_come(info.context, wanted))


async def as_they_come(context: Context, wanted: Wanted) -> AsyncGenerator[Event, None]:
    """What the log holds and what comes, in one of the caller's places.

    Raises TooManySubscriptions, and what `follow` raises.
    """
    services, identity, request = context.services, context.identity, context.request
    assert request is not None
    lease = partial(services.leases.held, identity)
    with services.followers.taken(who(identity, request)), metrics.subscription(wanted.field) as pushed:
        events = follow(services.tails, wanted.deploy_id, wanted.after, refusals=wanted.refusals, lease=lease)
        async with aclosing(events):
            async for event in events:
                yield event
                pushed(event.entry.recorded_at)


@strawberry.type(description="Everything that can be followed.")
class Subscription:
    """The root of subscriptions."""

    @strawberry.subscription(
        description=(
            "First the deploy as it stands (or, with `after`, every accepted entry whose sequence "
            "is greater, oldest first), then each accepted transition as it is recorded: once, in "
            "order, none left out. Each event carries the deploy as it stood then."
        )
    )
    async def phase_changed(
        self,
        info: Info[Context, None],
        deploy_id: Annotated[ID, strawberry.argument(description="Which deploy.")],
        after: Annotated[int | None, strawberry.argument(description=_AFTER)] = None,
    ) -> AsyncGenerator[PhaseChanged, None]:
        """The entries that moved the deploy."""
        async with _events(info, "phaseChanged", deploy_id, after, refusals=False) as events:
            async for event in events:
                deploy = Deploy.at(event.standing)
                yield PhaseChanged(deploy=deploy, entry=AuditEntry(record=event.entry, known_deploy=deploy))

    @strawberry.subscription(
        description=(
            "Every audit entry of the deploy, refusals included, in the same manner: first the "
            "newest (or, with `after`, every later one), then each as it is recorded."
        )
    )
    async def audit_entry_added(
        self,
        info: Info[Context, None],
        deploy_id: Annotated[ID, strawberry.argument(description="Which deploy.")],
        after: Annotated[int | None, strawberry.argument(description=_AFTER)] = None,
    ) -> AsyncGenerator[AuditEntry, None]:
        """All entries."""
        async with _events(info, "auditEntryAdded", deploy_id, after, refusals=True) as events:
            async for event in events:
                yield AuditEntry(record=event.entry, known_deploy=Deploy.at(event.standing))
