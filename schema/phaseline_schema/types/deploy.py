"""Deploys, their phases and their audit entries as callers see them."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID, Info, Private

from phaseline_schema import pipeline as graph
from phaseline_schema.phases import Standing
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.types.dispatch import Dispatch
from phaseline_schema.types.enums import AuditKind, EntrySource
from phaseline_schema.types.page import PageInfo
from phaseline_schema.types.pipeline import Pipeline
from phaseline_schema.types.reader import HasReader, Page
from phaseline_schema.types.standing import DeployStatus, OperatorRequest, Phase, Run

_FIRST = "How many, 1 to 200."
_AFTER = "The cursor of the last one of the page before."


@strawberry.type(description="A deploy of a ref to an environment, as its audit entries tell it.")
class Deploy:
    """A deploy at one entry of its log: the newest, or in an event the one it tells of."""

    record: Private[DeployRecord]
    known_graph: Private[graph.Pipeline | None] = None
    known_standing: Private[Standing | None] = None

    @classmethod
    def at(cls, standing: Standing) -> Self:
        """The deploy as it stood then."""
        return cls(record=standing.deploy, known_graph=standing.pipeline, known_standing=standing)

    @strawberry.field(description="The console_deploy_id that the workflow is given.")
    def id(self) -> ID:
        """Its id."""
        return ID(self.record.id)

    @strawberry.field(description="Where it goes, such as `production`.")
    def environment(self) -> str:
        """Its environment."""
        return self.record.environment

    @strawberry.field(description="What is deployed: a branch, a tag or a commit.")
    def ref(self) -> str:
        """Its ref."""
        return self.record.ref

    @strawberry.field(
        description="The commit that the ref was when it was started: hexadecimal; null where nobody has looked."
    )
    def commit(self) -> str | None:
        """Its commit."""
        return self.record.commit_sha

    @strawberry.field(description="The transition graph that it follows.")
    async def pipeline(self, info: Info[HasReader, None]) -> Pipeline:
        """Its pipeline."""
        return Pipeline.of(await self._graph(info))

    @strawberry.field(description="The status last reported.")
    async def status(self, info: Info[HasReader, None]) -> DeployStatus:
        """Its status."""
        pipeline = await self._graph(info)
        status = pipeline.by_key[self.record.status]
        return DeployStatus(
            key=status.key,
            label=status.label,
            outcome=status.outcome,
            next=pipeline.following(status.key),
        )

    @strawberry.field(description="The phases in stepper order.")
    async def phases(self, info: Info[HasReader, None]) -> list[Phase]:
        """Its phases."""
        standing = await self._standing(info)
        return [
            Phase(
                key=phase.key,
                label=phase.label,
                position=position,
                state=standing.phases[phase.key].state,
                attempt=standing.phases[phase.key].attempt,
                started_at=standing.phases[phase.key].started_at,
                finished_at=standing.phases[phase.key].finished_at,
            )
            for position, phase in enumerate(standing.pipeline.phases, start=1)
        ]

    @strawberry.field(description="The attempt that reported last: 1, then more for re-runs.")
    def attempt(self) -> int:
        """Its attempt."""
        return self.record.attempt

    @strawberry.field(description="The sequence of its newest audit entry, refusals included.")
    def sequence(self) -> int:
        """Its sequence."""
        return self.record.sequence

    @strawberry.field(description="Who started it.")
    def started_by(self) -> str:
        """Its first actor."""
        return self.record.started_by

    @strawberry.field(description="When it was started.")
    def started_at(self) -> datetime:
        """The time of its first entry."""
        return self.record.started_at

    @strawberry.field(description="When its status was last reported; a refusal is no report.")
    def updated_at(self) -> datetime:
        """The time of its newest accepted entry."""
        return self.record.updated_at

    @strawberry.field(description="When its end was reported; null until then, and in a re-run.")
    def finished_at(self) -> datetime | None:
        """The time of its end."""
        return self.record.finished_at

    @strawberry.field(description="The workflow run's page, as this attempt last gave it.")
    def run_url(self) -> str | None:
        """Its run."""
        return self.record.run_url

    @strawberry.field(description="What GitHub has last said of its run, beside the status; null while nothing.")
    async def run(self, info: Info[HasReader, None]) -> Run | None:
        """Its run as GitHub tells it."""
        found = (await self._standing(info)).run
        return Run.of(found) if found else None

    @strawberry.field(
        description=(
            "What an operator has last asked GitHub for in this attempt; null while nothing. The deploy's end, or a "
            "new attempt, closes what was asked for before it."
        )
    )
    async def request(self, info: Info[HasReader, None]) -> OperatorRequest | None:
        """What is open of what operators have asked for."""
        found = (await self._standing(info)).request
        return OperatorRequest.of(found) if found else None

    @strawberry.field(
        description=(
            "Its place among the deploys that wait for its environment, from 1, as of now, in events too; null where "
            "it does not wait."
        )
    )
    async def queue_position(self, info: Info[HasReader, None]) -> int | None:
        """Its place in the queue."""
        if self.record.finished_at is not None:
            return None
        return await info.context.reader.occupancy.position_of(self.record.id)

    @strawberry.field(
        description=(
            "What has become of asking GitHub for its run, as of now, in events too; null where phaseline does not ask."
        )
    )
    async def dispatch(self, info: Info[HasReader, None]) -> Dispatch | None:
        """Whether GitHub was asked for its run."""
        found = await info.context.reader.dispatch(self.record.id)
        return Dispatch.of(found) if found else None

    @strawberry.field(description="Its audit entries, oldest first, refusals included.")
    async def audit_entries(
        self,
        info: Info[HasReader, None],
        first: Annotated[int | None, strawberry.argument(description=_FIRST)] = 50,
        after: Annotated[str | None, strawberry.argument(description=_AFTER)] = None,
    ) -> "AuditEntryConnection":
        """A page of its log."""
        page = await info.context.reader.entries_of(self.record, first, after)
        return AuditEntryConnection.of(page, deploy=self)

    async def _graph(self, info: Info[HasReader, None]) -> graph.Pipeline:
        return self.known_graph or await info.context.reader.pipeline(self.record)

    async def _standing(self, info: Info[HasReader, None]) -> Standing:
        return self.known_standing or await info.context.reader.standing(self.record)


@strawberry.type(description="One line of the log. It is never changed and never deleted.")
class AuditEntry:
    """An entry, with its deploy where the caller has it at hand."""

    record: Private[EntryRecord]
    known_deploy: Private[Deploy | None] = None

    @strawberry.field(description="Its id among all audit entries.")
    def id(self) -> ID:
        """Its id."""
        return ID(str(self.record.id))

    @strawberry.field(description="Its deploy: in an event as it stood at this entry, elsewhere as it stands.")
    async def deploy(self, info: Info[HasReader, None]) -> Deploy:
        """Its deploy."""
        if self.known_deploy is not None:
            return self.known_deploy
        return Deploy(record=await info.context.reader.deploy(self.record.deploy_id))

    @strawberry.field(description="1, 2, 3 … within its deploy, without a gap.")
    def sequence(self) -> int:
        """Its sequence."""
        return self.record.sequence

    @strawberry.field(description="What it records.")
    def kind(self) -> AuditKind:
        """Its kind."""
        return self.record.kind

    @strawberry.field(description="Who says so. Of entries from before sources were kept, their kind tells it.")
    def source(self) -> EntrySource:
        """Its source."""
        return self.record.known_source

    @strawberry.field(description="The status before; null where the deploy was started.")
    def from_status(self) -> str | None:
        """Where the deploy stood."""
        return self.record.from_status

    @strawberry.field(
        description="The status after; for a refusal, what was asked for; where nothing moves, the one before."
    )
    def to_status(self) -> str | None:
        """Where it went."""
        return self.record.to_status

    @strawberry.field(description="The attempt that reported it, or that it speaks of.")
    def attempt(self) -> int:
        """Its attempt."""
        return self.record.attempt

    @strawberry.field(description="Who did it.")
    def actor(self) -> str:
        """Its actor."""
        return self.record.actor

    @strawberry.field(description="The code of the refusal; null for all other kinds.")
    def refusal(self) -> str | None:
        """Its refusal."""
        return self.record.refusal

    @strawberry.field(description="One line for people, as it was given.")
    def message(self) -> str | None:
        """Its message."""
        return self.record.message

    @strawberry.field(description="The workflow run that reported it.")
    def run_id(self) -> str | None:
        """Its run."""
        return self.record.run_id

    @strawberry.field(description="The page of the workflow run that reported it.")
    def run_url(self) -> str | None:
        """Its run's page."""
        return self.record.run_url

    @strawberry.field(description="How the run stands, in GitHub's own word; null where GitHub does not say it.")
    def run_status(self) -> str | None:
        """GitHub's status of its run."""
        return self.record.run_status

    @strawberry.field(
        description="How the run's attempt has ended, in GitHub's own word; null where it does not say it."
    )
    def run_conclusion(self) -> str | None:
        """GitHub's conclusion of its run."""
        return self.record.run_conclusion

    @strawberry.field(
        description=(
            "SHA-256, in lower-case hexadecimal, over its content and the digest of the deploy's entry before it, "
            "in the format `phaseline-audit-2`, or, from before sources were kept, `phaseline-audit-1` (docs/audit.md)."
        )
    )
    def digest(self) -> str:
        """Its digest."""
        return self.record.digest

    @strawberry.field(description="When it was recorded, by the server's clock.")
    def recorded_at(self) -> datetime:
        """Its time."""
        return self.record.recorded_at


@strawberry.type(description="A deploy and its place in a list.")
class DeployEdge:
    """As in the GraphQL cursor connections specification."""

    cursor: str = strawberry.field(description="Where it stands: give it as `after`.")
    node: Deploy = strawberry.field(description="The deploy.")


@strawberry.type(description="A page of deploys.")
class DeployConnection:
    """As in the GraphQL cursor connections specification."""

    edges: list[DeployEdge] = strawberry.field(description="The deploys of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")

    @classmethod
    def of(cls, page: Page[DeployRecord]) -> Self:
        """The GraphQL form of a page."""
        return cls(
            edges=[DeployEdge(cursor=at, node=Deploy(record=row)) for at, row in page.rows],
            page_info=PageInfo.of(page),
        )


@strawberry.type(description="An audit entry and its place in a list.")
class AuditEntryEdge:
    """As in the GraphQL cursor connections specification."""

    cursor: str = strawberry.field(description="Where it stands: give it as `after`.")
    node: AuditEntry = strawberry.field(description="The audit entry.")


@strawberry.type(description="A page of audit entries.")
class AuditEntryConnection:
    """As in the GraphQL cursor connections specification."""

    edges: list[AuditEntryEdge] = strawberry.field(description="The audit entries of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")

    @classmethod
    def of(cls, page: Page[EntryRecord], deploy: Deploy | None = None) -> Self:
        """The GraphQL form of a page; `deploy` where all entries are of one."""
        return cls(
            edges=[
                AuditEntryEdge(cursor=at, node=AuditEntry(record=row, known_deploy=deploy)) for at, row in page.rows
            ],
            page_info=PageInfo.of(page),
        )


@strawberry.type(description="The answer to a callback that was accepted, now or before.")
class CallbackReceipt:
    """What became of a callback."""

    deploy: Deploy = strawberry.field(description="The deploy as it stands.")
    entry: AuditEntry = strawberry.field(description="The entry that records the report.")
    duplicate: bool = strawberry.field(description="Whether the same report had come before; then nothing was written.")


@strawberry.type(description="A deploy has moved.")
class PhaseChanged:
    """An event of `phaseChanged`."""

    deploy: Deploy = strawberry.field(description="The deploy as it stood at this entry.")
    entry: AuditEntry = strawberry.field(description="The entry that moved it.")
