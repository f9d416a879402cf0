"""Following a deploy."""

from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from functools import partial
from typing import Annotated

import strawberry
from strawberry import ID, Info

from phaseline import metrics
from phaseline.context import Context
from phaseline.follow import Event, follow
from phaseline.rates import who
from phaseline_schema import inputs
from phaseline_schema.types.deploy import AuditEntry, Deploy, PhaseChanged

_AFTER = (
    "The sequence of the newest entry that the viewer has seen: everything after it is sent. "
    "0 stands for none. Beyond what the log holds: refused with AFTER_AHEAD."
)


def _follow(
    info: Info[Context, None], deploy_id: str, after: int | None, *, refusals: bool
) -> aclosing[AsyncGenerator[Event, None]]:
    services, identity = info.context.services, info.context.identity
    lease = partial(services.leases.held, identity)
    wanted = inputs.text("deployId", deploy_id, inputs.ID)
    return aclosing(
        follow(services.store, services.feed, services.graphs, wanted, after, refusals=refusals, lease=lease)
    )


def _place(info: Info[Context, None]) -> AbstractContextManager[None]:
    """One of the caller's. Raises TooManySubscriptions."""
    context = info.context
    assert context.request is not None
    return context.services.followers.taken(who(context.identity, context.request))


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
        with _place(info), metrics.subscription("phaseChanged") as pushed:
            async with _follow(info, deploy_id, after, refusals=False) as events:
                async for event in events:
                    deploy = Deploy.at(event.standing)
                    yield PhaseChanged(deploy=deploy, entry=AuditEntry(record=event.entry, known_deploy=deploy))
                    pushed(event.entry.recorded_at)

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
        with _place(info), metrics.subscription("auditEntryAdded") as pushed:
            async with _follow(info, deploy_id, after, refusals=True) as events:
                async for event in events:
                    yield AuditEntry(record=event.entry, known_deploy=Deploy.at(event.standing))
                    pushed(event.entry.recorded_at)
