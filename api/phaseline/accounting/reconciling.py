"""Asks GitHub, again and again, for the runs of deploys in progress: what a webhook has not told is learned so.

Whatever stands in the way, nothing is inferred from it: it is asked again later.
"""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import structlog

from phaseline import metrics
from phaseline.accounting import asking, whose
from phaseline.accounting.duty import Duty
from phaseline.accounting.hearing import Hearing
from phaseline.accounting.troubles import Troubles
from phaseline.accounting.whose import KnownRun
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError, Limited, NotAllowed, NotSent, Refused, Unclear
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.refusals import Refusal

log = structlog.get_logger(__name__)

# Where GitHub is so slow or so broken, the others wait for the next time.
_MOST_UNCLEAR = 3

# What GitHub has refused it will go on to refuse for long, as of a run that was deleted; so many seconds.
_PATIENCE = 900.0


class Reconciler:
    """One node of all asks, one question at a time."""

    def __init__(self, store: Store, github: GitHub, hearing: Hearing, seconds: float) -> None:
        self._store, self._github, self._hearing, self._seconds = store, github, hearing, seconds
        self._duty = Duty(store, "reconciling")
        self._troubles = Troubles()
        self._woken: set[str] = set()
        self._due = asyncio.Event()
        self._next = 0.0
        self._not_before: datetime | None = None
        self._refused: dict[str, float] = {}
        self._away = False

    def ask_soon(self, deploy_id: str) -> None:
        """Do not wait for the next time to ask about this deploy."""
        self._woken.add(deploy_id)
        self._due.set()

    async def run(self) -> None:
        """Ask for ever."""
        metrics.github_answers(True)
        try:
            while True:
                await self._until_due()
                await self._look()
        finally:
            with suppress(Exception):  # its time will be over by itself
                await self._duty.release()

    async def _until_due(self) -> None:
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout_at(self._next):
                await self._due.wait()
        self._due.clear()

    async def _look(self) -> None:
        """At all deploys in progress where it is time for that; at those that were woken as soon as may be."""
        is_time = self._now() >= self._next
        if is_time:
            self._next = self._now() + self._seconds
        if not self._may_ask():
            return
        woken, self._woken = self._woken, set()
        for deploy_id in woken:
            self._refused.pop(deploy_id, None)
        try:
            runs = await self._runs(woken, whole=is_time)
            if not runs or await self._duty.take():
                await self._ask_all(runs, whole=is_time)
            else:
                metrics.github_answers(True)  # it does not answer another node, which will say so
        except Exception as error:
            if not is_unavailable(error):
                raise
            if not self._away:
                log.warning("the database does not say of which runs GitHub is to be asked", error=reason(error))
            self._away = True
        else:
            self._away = False

    def _may_ask(self) -> bool:
        return self._not_before is None or datetime.now(UTC) >= self._not_before

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _runs(self, woken: set[str], *, whole: bool) -> list[KnownRun]:
        """Those to ask for, in no order: none that is always in the way is to keep others from being reached."""
        where = self._hearing.where
        found = await self._store.read(partial(whose.of_deploys, where=where, ids=woken)) if woken else []
        if whole:
            found += await self._store.read(partial(whose.in_progress, where=where))
            there = {run.deploy_id for run in found}
            self._refused = {one: until for one, until in self._refused.items() if one in there}
        runs = list({run.deploy_id: run for run in found if self._is_to_be_asked_for(run)}.values())
        random.shuffle(runs)
        return runs

    def _is_to_be_asked_for(self, run: KnownRun) -> bool:
        """Not where its environment is none any more, where it has another CI system's name, or was just refused."""
        is_github = run.run_id.isascii() and run.run_id.isdecimal()
        here = run.environment in self._hearing.where.repositories
        return here and is_github and self._refused.get(run.deploy_id, 0.0) <= self._now()

    async def _ask_all(self, runs: list[KnownRun], *, whole: bool) -> None:
        """`whole`: whether these are all that there are."""
        self._troubles.begin()
        unclear = 0
        for run in runs:
            if not await self._duty.keep():
                return
            self._refused.pop(run.deploy_id, None)
            try:
                await self._ask(run)
            except (Limited, NotSent):
                return
            except NotAllowed as error:
                if error.status == 401:
                    return
            except Unclear:
                unclear += 1
                if unclear == _MOST_UNCLEAR:
                    return
            except Refused:
                self._refused[run.deploy_id] = self._now() + _PATIENCE
        if whole:
            self._troubles.end(let_be=bool(self._refused))

    async def _ask(self, run: KnownRun) -> None:
        """Raises what GitHub has against it."""
        try:
            await asking.ask(self._github, self._hearing, run, self._duty.keep)
        except GitHubError as error:
            if isinstance(error, Limited):
                self._not_before = error.until
            self._troubles.met(error, deploy=run.deploy_id, repository=run.repository, run=run.run_id)
            raise
        except Exception as error:
            if is_unavailable(error):
                raise
            # Of this deploy alone: the others are asked for all the same.
            if isinstance(error, Refusal):
                log.warning("what GitHub says of a run is not recorded", deploy=run.deploy_id, reason=error.code)
            else:
                log.error("cannot record what GitHub says of a run", deploy=run.deploy_id, exc_info=error)
