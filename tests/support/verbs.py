"""The verbs on a database, each in a transaction of its own, without a server around them."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import accounts, deploys, steering
from phaseline.graph import GraphCache
from phaseline.identity import ANYBODY
from phaseline.store import Store
from phaseline_schema.dispatches import Dispatch
from phaseline_schema.environments import WhenBusy
from phaseline_schema.records import AuditKind, Callback, EntryRecord, RunReport, Source, Start
from tests.support.database import address

# What GitHub would be asked for.
DISPATCH = Dispatch("example/service", ".github/workflows/deploy-console.yml", "refs/heads/main")


class Verbs:
    """What callers, GitHub and operators make of deploys."""

    def __init__(self, database: Path | str) -> None:
        self.database = database
        self.store = Store(address(database))
        self._graphs = GraphCache()

    async def start(
        self, environment: str, when_busy: WhenBusy | None = WhenBusy.WAIT, dispatch: Dispatch | None = DISPATCH
    ) -> deploys.Started:
        """A new deploy."""
        wanted = Start(environment, "main", "console", None)
        return await self.store.write(
            lambda connection: deploys.start(connection, self._graphs, ANYBODY, wanted, when_busy, dispatch)
        )

    async def call_back(self, deploy_id: str, status: str, attempt: int = 1) -> deploys.Receipt:
        """A workflow reports."""
        callback = Callback(deploy_id, status, attempt, "17", None, None)
        return await self.store.write(
            lambda connection: deploys.apply(connection, self._graphs, ANYBODY, callback), deploy_id
        )

    async def hear(
        self, deploy_id: str, status: str, conclusion: str | None = None, attempt: int = 1
    ) -> list[EntryRecord]:
        """GitHub says something of the run."""
        told = RunReport("17", attempt, status, conclusion, None, "github:example/service")
        return await self.store.write(
            lambda connection: accounts.report(connection, self._graphs, deploy_id, told), deploy_id
        )

    async def abandon(self, deploy_id: str) -> steering.Steered:
        """An operator says that nobody will report on it any more."""
        return await self.store.write(
            lambda connection: steering.abandon(connection, self._graphs, ANYBODY, deploy_id, "gone"), deploy_id
        )

    async def withdraw(self, deploy_id: str) -> steering.Steered | None:
        """An operator cancels what was not sent."""
        return await self.store.write(
            lambda connection: steering.withdraw(connection, self._graphs, ANYBODY, deploy_id, "not now"), deploy_id
        )

    async def note(self, deploy_id: str, kind: AuditKind, source: Source, message: str) -> steering.Steered:
        """Something that moves nothing is recorded."""

        async def work(connection: AsyncConnection) -> steering.Steered:
            about = await steering.subject(connection, self._graphs, ANYBODY, deploy_id)
            return await steering.note(connection, about, kind, source, "somebody", message)

        return await self.store.write(work, deploy_id)
