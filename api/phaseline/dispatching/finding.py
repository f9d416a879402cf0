"""Finds the runs of which it is not known which they are: by the id of the deploy in their names."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from phaseline import metrics
from phaseline.accounting import dispatched, whose
from phaseline.accounting.dispatched import Named
from phaseline.accounting.duty import Duty
from phaseline.accounting.whose import KnownRun, Where
from phaseline.dispatching import outbox
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError, Limited, NotSent
from phaseline.github.values import Run
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.dispatches import DispatchRecord

log = structlog.get_logger(__name__)

# A dispatch, and when its deploy was started.
Unknown = tuple[DispatchRecord, datetime]

# So much may GitHub's clock be behind.
_CLOCKS_DIFFER = timedelta(minutes=10)


class Finding:
    """One node of all looks, for each deploy in progress, until its run is found.

    That it is not found says nothing: GitHub's listing may lag. `ask_soon`: is told of deploys whose runs are.
    """

    def __init__(
        self, store: Store, github: GitHub, where: Where, seconds: float, ask_soon: Callable[[str], None]
    ) -> None:
        self._store, self._github, self._where = store, github, where
        self._seconds, self._ask_soon = seconds, ask_soon
        self._duty = Duty(store, "finding")
        self._due = asyncio.Event()
        self._not_before: datetime | None = None
        self._away = False

    def look_soon(self) -> None:
        """There is one that was not looked for yet."""
        self._due.set()

    async def run(self) -> None:
        """Look for ever."""
        try:
            while True:
                with suppress(asyncio.TimeoutError):
                    async with asyncio.timeout(self._seconds):
                        await self._due.wait()
                self._due.clear()
                await self._look()
        finally:
            with suppress(Exception):  # its time will be over by itself
                await self._duty.release()

    async def _look(self) -> None:
        if self._not_before is not None and datetime.now(UTC) < self._not_before:
            return
        try:
            unknown = await self._store.read(outbox.without_run)
            if unknown and await self._duty.take():
                await self._find_all(await self._not_told(unknown))
        except Exception as error:
            if not is_unavailable(error):
                raise
            if not self._away:
                log.warning("the database does not say which runs are to be found", error=reason(error))
            self._away = True
        else:
            self._away = False

    async def _not_told(self, unknown: list[Unknown]) -> list[Unknown]:
        """Without those whose runs have proven themselves: they need not be looked for. One that callbacks only name is
        no run that GitHub has begun for the deploy."""
        ids = [dispatch.deploy_id for dispatch, _ in unknown]
        runs = await self._store.read(lambda connection: whose.of_deploys(connection, self._where, ids))
        told = {run.deploy_id: run for run in runs if not run.is_named}
        for dispatch, _ in unknown:
            if (run := told.get(dispatch.deploy_id)) is not None and _is_of(run, dispatch):
                await self._found(dispatch, run.run_id)
        return [one for one in unknown if one[0].deploy_id not in told]

    async def _find_all(self, unknown: list[Unknown]) -> None:
        for dispatch, started_at in unknown:
            if not await self._duty.keep():
                return
            try:
                await self._find(dispatch, started_at - _CLOCKS_DIFFER)
            except Limited as limit:
                self._not_before = limit.until
                return
            except NotSent:
                return
            except GitHubError as error:
                log.info("a run was not looked for", deploy=dispatch.deploy_id, reason=str(error))

    async def _find(self, dispatch: DispatchRecord, since: datetime) -> None:
        named = await self._github.runs_named(dispatch.repository, dispatch.workflow, dispatch.deploy_id, since)
        runs = [run for run in named if await self._is_for(run, dispatch)]
        if len(runs) == 1:
            await self._found(dispatch, runs[0].id)
        elif runs:
            # Which one it is may be proven yet, and people can look at them. Nothing is guessed.
            found = [run.id for run in runs]
            log.info("several runs bear the id of a deploy", deploy=dispatch.deploy_id, runs=found)

    async def _is_for(self, run: Run, dispatch: DispatchRecord) -> bool:
        """Whether its name says so: of this deploy, and of no other whose run is not known."""
        said = Named(run.name, run.path, run.event, dispatch.repository)
        found = await self._store.read(lambda connection: dispatched.by_name(connection, said))
        return found is not None and found[0] == dispatch.deploy_id

    async def _found(self, dispatch: DispatchRecord, run_id: str) -> None:
        deploy_id = dispatch.deploy_id
        if await self._store.write(lambda connection: outbox.begun(connection, deploy_id, run_id), deploy_id):
            metrics.dispatch("found")
            log.info("the run of a deploy was found", deploy=deploy_id, run=run_id)
            self._ask_soon(deploy_id)


def _is_of(run: KnownRun, dispatch: DispatchRecord) -> bool:
    return run.repository.casefold() == dispatch.repository.casefold()
