"""Following a deploy: how it stands, then each entry as it is recorded; once, in order, none left out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from phaseline.feed import Wakeups
from phaseline.identity import Lease
from phaseline.standings import Event
from phaseline.tails import Tail, Tails


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
    async with tails.begun(deploy_id) as tail:
        with tail.wakeups() as wakeups, lease(wakeups.end):
            first, last = tail.begin(after, refusals=refusals)
            if first is not None:
                yield first
            async with aclosing(go_on(tail, wakeups, last, refusals=refusals)) as events:
                async for event in events:
                    yield event


async def go_on(tail: Tail, wakeups: Wakeups, last: int, *, refusals: bool) -> AsyncGenerator[Event, None]:
    """The same after the entry `last`, of a log whose tail is known."""
    while True:
        wakeups.check()
        for event in await tail.since(last):
            last = event.entry.sequence
            if refusals or event.entry.accepted:
                yield event
        if last >= tail.sequence:
            await wakeups.wait()
