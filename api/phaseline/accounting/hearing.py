"""What GitHub says is held against the log, each in a transaction of its own, and whoever follows a deploy is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import accounts, occupants
from phaseline.accounting import deliveries, whose
from phaseline.accounting.whose import KnownRun, Where
from phaseline.accounts import EarlierAttemptFirst
from phaseline.feed import Feed
from phaseline.github.values import waits_for
from phaseline.github.webhooks import Delivered
from phaseline.graph import GraphCache
from phaseline.store import Store, to_the_end
from phaseline_schema import inputs
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import EntryRecord, RunReport
from phaseline_schema.refusals import BadUserInput

log = structlog.get_logger(__name__)

_LAST_ATTEMPT = 2**31 - 1

_COMPLETED = "completed"

# An entry, and the graph that it was recorded along.
Recorded = tuple[EntryRecord, Pipeline]


@dataclass
class Heard:
    """What has come of a delivery: what was recorded, and of which deploys GitHub has to be asked.

    `again`: it had come before. `known`: its run is a deploy's.
    """

    recorded: list[Recorded] = field(default_factory=list)
    ask: list[str] = field(default_factory=list)
    again: bool = False
    known: bool = False

    def add(self, other: "Heard") -> None:
        """What has come of it for one more deploy."""
        self.recorded += other.recorded
        self.ask += other.ask
        self.again |= other.again


class Hearing:
    """`where`: what tells whose a run is."""

    def __init__(self, store: Store, feed: Feed, graphs: GraphCache, where: Where) -> None:
        self._store, self._feed, self._graphs = store, feed, graphs
        self.where = where

    async def deliver(self, delivered: Delivered, delivery_id: str) -> Heard:
        """Take in what a webhook says. Raises WrongVersion."""
        return await to_the_end(self._deliver(delivered, delivery_id))

    async def report(self, deploy_id: str, told: RunReport) -> list[EntryRecord]:
        """Record what is new in an answer of GitHub's. Raises DeployNotFound, WrongVersion and EarlierAttemptFirst."""
        return await to_the_end(self._report(deploy_id, told))

    async def not_found(self, run: KnownRun) -> None:
        """GitHub says that there is no such run. That is recorded where a deploy that has ended would stand in the way
        of others for good, because a later attempt of it is said to go on. Raises WrongVersion."""
        await to_the_end(self._not_found(run))

    async def _not_found(self, run: KnownRun) -> None:
        attempt = await self._store.read(lambda connection: occupants.attempt_again(connection, run.deploy_id))
        told = report(run, attempt, occupants.NOT_FOUND, None, None, asked=True)
        if told is not None:
            await self._report(run.deploy_id, told)

    async def _deliver(self, delivered: Delivered, delivery_id: str) -> Heard:
        """Runs of others are looked up and no more: to write would have callbacks wait for them."""
        if self._is_elsewhere(delivered):
            log.warning("a webhook of another GitHub is ignored", repository=delivered.repository_url)
            return Heard()
        runs = await self._store.read(partial(whose.of_delivery, where=self.where, delivered=delivered))
        heard = Heard(known=bool(runs))
        for run in runs:
            # It has had its effect when it has had all of it, on each of its deploys.
            is_all = run is runs[-1] and not heard.ask
            hear = partial(self._hear, run=run, delivered=delivered, delivery_id=delivery_id, is_all=is_all)
            part = await self._store.write(hear, run.deploy_id)
            self._tell(part.recorded)
            heard.add(part)
        return heard

    def _is_elsewhere(self, delivered: Delivered) -> bool:
        """Whether it is of another GitHub than the environments are on, where that is known."""
        here, there = self.where.web_url, delivered.repository_url
        return here is not None and there is not None and _host(here) != _host(there)

    async def _report(self, deploy_id: str, told: RunReport) -> list[EntryRecord]:
        recorded = await self._store.write(lambda connection: self._record(connection, deploy_id, told), deploy_id)
        self._tell(recorded)
        return [entry for entry, _ in recorded]

    async def _hear(
        self, connection: AsyncConnection, run: KnownRun, delivered: Delivered, delivery_id: str, is_all: bool
    ) -> Heard:
        heard = Heard()
        if await deliveries.came_before(connection, delivery_id):
            heard.again = True
        elif not await whose.claim(connection, self.where, run):
            heard.ask.append(run.deploy_id)
        else:
            await self._hear_of(connection, run, delivered, heard)
            if is_all and not heard.ask:
                await deliveries.remember(connection, delivery_id)
        return heard

    async def _hear_of(self, connection: AsyncConnection, run: KnownRun, delivered: Delivered, heard: Heard) -> None:
        """A job says nothing of its run but that there may be something to ask for: where it waits, and where it does
        not any more and the run is still said to."""
        if delivered.job is not None:
            said = await accounts.run_status(connection, run.deploy_id)
            if delivered.waits_for is not None or waits_for(said) is not None:
                heard.ask.append(run.deploy_id)
            return
        told = report(run, delivered.attempt, delivered.status, delivered.conclusion, delivered.url, asked=False)
        if told is None or (told.status == _COMPLETED and told.conclusion is None):
            heard.ask.append(run.deploy_id)
            return
        try:
            heard.recorded += await self._record(connection, run.deploy_id, told)
        except EarlierAttemptFirst:
            heard.ask.append(run.deploy_id)

    async def _record(self, connection: AsyncConnection, deploy_id: str, told: RunReport) -> list[Recorded]:
        entries = await accounts.report(connection, self._graphs, deploy_id, told)
        if not entries:
            return []
        graphs = await self._graphs.at(connection)
        return [(entry, graphs[entry.pipeline]) for entry in entries]

    def _tell(self, recorded: Sequence[Recorded]) -> None:
        """After the commit."""
        for entry, pipeline in recorded:
            self._feed.announce(entry, pipeline)
            log.info(
                "account of a run",
                deploy=entry.deploy_id,
                status=entry.to_status,
                attempt=entry.attempt,
                sequence=entry.sequence,
                run_status=entry.run_status,
                run_conclusion=entry.run_conclusion,
                actor=entry.actor,
            )


def report(
    run: KnownRun, attempt: int | None, status: str | None, conclusion: str | None, url: str | None, *, asked: bool
) -> RunReport | None:
    """What GitHub says of a deploy's run; None where it leaves out, or cannot mean, the attempt or the status."""
    if attempt is None or not 1 <= attempt <= _LAST_ATTEMPT or not status or not status.isprintable():
        return None
    if conclusion is not None and not conclusion.isprintable():
        return None
    page = _page(f"{url}/attempts/{attempt}") if url else None
    return RunReport(run.run_id, attempt, status, conclusion, page, f"github:{run.repository}", asked)


def _page(url: str) -> str | None:
    """Nothing, where it is no address that a page can link to."""
    try:
        return inputs.optional_url("url", url)
    except BadUserInput:
        return None


def _host(url: str) -> str | None:
    """With its port; nothing, where it is no address."""
    try:
        return urlsplit(url).netloc.casefold()
    except ValueError:
        return None
