"""What the types ask of the server when a field needs the log: the arrow points here, not back."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from phaseline_schema.phases import Standing
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import DeployRecord, EntryRecord

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of rows, each with its cursor, and whether there are others on either side."""

    rows: list[tuple[str, Row]]
    has_next: bool
    has_previous: bool


class Reader(Protocol):
    """Reads the log for one request or socket."""

    async def pipeline(self, deploy: DeployRecord) -> Pipeline:
        """The transition graph that the deploy follows."""

    async def deploy(self, deploy_id: str) -> DeployRecord:
        """The deploy as it stands."""

    async def standing(self, deploy: DeployRecord) -> Standing:
        """How the deploy and its phases stand at the entry that `deploy` has come to."""

    async def entries_of(self, deploy: DeployRecord, first: int | None, after: str | None) -> Page[EntryRecord]:
        """The deploy's entries up to the one it has come to, oldest first."""


class HasReader(Protocol):
    """The context of an operation, as far as the types need it."""

    @property
    def reader(self) -> Reader:
        """The reader of this operation."""
