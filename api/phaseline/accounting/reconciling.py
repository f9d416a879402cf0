"""Asks GitHub, again and again, for the runs of deploys in progress: what a webhook has not told is learned so.

Whatever stands in the way, nothing is inferred from it: it is asked again later.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import structlog

from phaseline import metrics
from phaseline.accounting import asking, whose
from phaseline.accounting.duty import Duty
from phaseline.accounting.hearing import Hearing
from phaseline.accounting.letting_be import LetBe
from phaseline.accounting.troubles import Troubles
from phaseline.accounting.wakeups import Wakeup, Wakeups
from phaseline.accounting.whose import KnownRun
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError, Limited, NotAllowed, Refused, Unclear
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.refusals import Refusal

log = structlog.get_logger(__name__)

# Where GitHub is so slow or so broken, the others wait for the next time.
_MOST_UNCLEAR = 3

_PATIENCE = 900.0

_NOT_FOUND = 404


class _NoMore(Exception):
    """GitHub would tell of no other run now either, or it is another node's to ask."""


class Reconciler:
    """One question at a time: one node of all looks at every deploy in progress, and each at those that it was woken
    for. Two that ask for the same at once do no harm: what is recorded, the log decides.

    `seconds`: between two looks at all. `patience`: for how long what GitHub has refused is let be, in seconds.
    """

    def __init__(
        self, store: Store, github: GitHub, hearing: Hearing, seconds: float, patience: float = _PATIENCE
    ) -> None:
        self._store, self._github, self._hearing, self._seconds = store, github, hearing, seconds
        self._duty = Duty(store, "reconciling")
        self._troubles = Troubles()
        self._wakeups = Wakeups()
        self._let_be = LetBe(patience)
        self._stirred = asyncio.Event()
        self._next = 0.0
        self._limited_until = 0.0
        self._away = False

    def ask_soon(self, deploy_id: str) -> None:
        """Do not wait for the next time to ask about this deploy."""
        self._wakeups.add(deploy_id)
        self._stirred.set()

    async def run(self) -> None:
        """Ask for ever."""
        metrics.github_answers(True)
        try:
            while True:
                await self._until_due()
                await self._look()
        finally:
            # GitHub limits whoever asks as the same. Who would have the duty next is to ask no sooner than this one.
            if self._limited_until <= time.monotonic():
                with suppress(Exception):  # its time will be over by itself
                    await self._duty.release()

    async def _until_due(self) -> None:
        """Until somebody is to be asked for, and may be."""
        while (pause := max(min(self._next, self._wakeups.next()), self._limited_until) - time.monotonic()) > 0:
            self._stirred.clear()
            with suppress(asyncio.TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()

    async def _look(self) -> None:
        """At those that were woken; and at all deploys in progress where it is time for that."""
        is_time = time.monotonic() >= self._next
        if is_time:
            self._next = time.monotonic() + self._seconds
        self._troubles.begin()
        try:
            await self._look_at(self._wakeups.take(), everything=is_time)
        except Exception as error:
            if not is_unavailable(error):
                raise
            if not self._away:
                log.warning("the database does not say of which runs GitHub is to be asked", error=reason(error))
            self._away = True
        else:
            self._away = False

    async def _look_at(self, woken: Mapping[str, Wakeup], *, everything: bool) -> None:
        there: list[KnownRun] | None = None
        with suppress(_NoMore):
            asked = await self._ask_for_woken(woken) if woken else set()
            if everything:
                there = await self._ask_for_all(asked)
        self._troubles.end([run for run in there or () if self._let_be.has_run(run)], there)

    async def _ask_for_woken(self, woken: Mapping[str, Wakeup]) -> set[str]:
        """Whoever has the duty: else a wake-up would be lost where it has come to another. The deploys asked for."""
        where = self._hearing.where
        found = await self._store.read(partial(whose.of_deploys, where=where, ids=set(woken)))
        runs = [run for run in found if where.may_ask(run)]
        asked = {run.deploy_id for run in runs}
        for deploy_id in woken.keys() - asked:
            self._wakeups.answered(deploy_id, woken[deploy_id])
        await self._ask_each(runs, _always)
        return asked

    async def _ask_for_all(self, but: Collection[str]) -> list[KnownRun]:
        """All runs there are, but for those that are let be, or were asked for just now; in no order, because none that
        is always in the way is to keep others from being reached."""
        where = self._hearing.where
        there = [run for run in await self._store.read(partial(whose.in_progress, where=where)) if where.may_ask(run)]
        self._let_be.keep(there)
        runs = [run for run in there if run.deploy_id not in but and not self._let_be.has(run)]
        random.shuffle(runs)
        if runs and not await self._duty.take():
            # It does not answer another node, which will say so: here only what was asked for without the duty counts.
            return [run for run in there if self._wakeups.of(run.deploy_id) is not None]
        # One of them may show that all of its repository is to be let be.
        await self._ask_each((run for run in runs if not self._let_be.has(run)), self._duty.keep)
        return there

    async def _ask_each(self, runs: Iterable[KnownRun], may_go_on: Callable[[], Awaitable[bool]]) -> None:
        """Raises _NoMore."""
        unclear = 0
        for run in runs:
            if not await may_go_on():
                raise _NoMore
            try:
                await self._ask(run, may_go_on)
            except Unclear:
                unclear += 1
                if unclear == _MOST_UNCLEAR:
                    raise _NoMore from None

    async def _ask(self, run: KnownRun, may_go_on: Callable[[], Awaitable[bool]]) -> None:
        """Raises Unclear and _NoMore."""
        wakeup = self._wakeups.of(run.deploy_id)
        try:
            is_all = await asking.ask(self._github, self._hearing, run, may_go_on)
        except GitHubError as error:
            self._troubles.met(error, run)
            if isinstance(error, Refused):
                await self._refused(error, run, wakeup)
            elif isinstance(error, NotAllowed) and error.status != 401:
                self._wakeups.postpone(run.deploy_id, wakeup, self._let_be.repository(run))
            elif isinstance(error, Unclear):
                raise
            else:
                await self._stop(error)
        except Exception as error:
            _unless_of_this_deploy_alone(error, run)
        else:
            self._troubles.answered(run)
            self._let_be.over(run)
            if is_all:
                self._wakeups.answered(run.deploy_id, wakeup)

    async def _refused(self, error: Refused, run: KnownRun, wakeup: Wakeup | None) -> None:
        """GitHub is believed that a run is gone when it says so again, some time later."""
        is_believed = self._let_be.has_run(run) and (wakeup is None or wakeup.is_believed)
        self._let_be.run(run)
        self._wakeups.refused(run.deploy_id, wakeup)
        if error.status == _NOT_FOUND and is_believed:
            try:
                await self._hearing.not_found(run)
            except Exception as problem:
                _unless_of_this_deploy_alone(problem, run)

    async def _stop(self, error: GitHubError) -> None:
        """Raises _NoMore."""
        if isinstance(error, Limited):
            seconds = (error.until - datetime.now(UTC)).total_seconds()
            self._limited_until = time.monotonic() + seconds
            self._next = min(self._next, self._limited_until)
            await self._duty.take(seconds)
        raise _NoMore


def _unless_of_this_deploy_alone(error: Exception, run: KnownRun) -> None:
    """Raise it, or say it: the others are asked for all the same."""
    if is_unavailable(error):
        raise error
    if isinstance(error, Refusal):
        log.warning("what GitHub says of a run is not recorded", deploy=run.deploy_id, reason=error.code)
    else:
        log.error("cannot record what GitHub says of a run", deploy=run.deploy_id, exc_info=error)


async def _always() -> bool:
    return True
