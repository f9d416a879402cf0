"""Following a deploy: how it stands, then each entry as it is recorded; once, in order, none left out."""

from collections.abc import AsyncGenerator

from phaseline.identity import Lease
from phaseline.standings import Event
from phaseline.tails import Tails


async def follow(
    tails: Tails, deploy_id: str, after: int | None, *, refusals: bool, lease: Lease
) -> AsyncGenerator[Event, None]:
    """Every entry with a sequence above `after`; without it, first the newest one.

    Without `refusals`, entries that moved nothing are left out. The first event without `after`
    then holds the newest entry that moved the deploy, and the deploy as it stands.

    The follower sets the pace: nothing is read while it is busy, so nothing piles up.

    `lease`: ends it when its caller's proof is over.

    Raises DeployNotFound, AfterAhead, Unauthenticated, Unavailable, WrongVersion.
    """
    with tails.following(deploy_id) as tail, tail.wakeups() as wakeups, lease(wakeups.end):
        await tail.renew()
        first, last = tail.begin(after, refusals=refusals)
        if first is not None:
            yield first
        while True:
            for event in await tail.since(last):
                last = event.entry.sequence
                if refusals or event.entry.accepted:
                    yield event
            if last == tail.sequence:
                await wakeups.wait()
