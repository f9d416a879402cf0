"""What the types ask of the server when a field needs the log: the arrow points here, not back."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from phaseline_schema.dispatches import DispatchRecord
from phaseline_schema.phases import Standing
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import DeployRecord, EntryRecord

if TYPE_CHECKING:
    from phaseline_schema.types.environment import Comparison, RefSuggestion

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of rows, each with its cursor, and whether there are others on either side."""

    rows: list[tuple[str, Row]]
    has_next: bool
    has_previous: bool


class Occupancy(Protocol):
    """Reads who has environments to itself, and who waits for them, as of now."""

    async def hold_of(self, environment: str) -> tuple[DeployRecord, datetime] | None:
        """The deploy that stands in the way of others there, and since when."""

    async def queue_of(self, environment: str) -> list[DeployRecord]:
        """The deploys that wait for it, in the order of their places."""

    async def waiting_for(self, environment: str) -> int:
        """How many deploys wait for it."""

    async def deployed_to(self, environment: str) -> DeployRecord | None:
        """The deploy to it that has succeeded last."""

    async def position_of(self, deploy_id: str) -> int | None:
        """Its place in the queue of its environment, from 1; None where it does not wait."""


class Choices(Protocol):
    """Asks GitHub what people choose from before they start a deploy."""

    async def suggestions(self, environment: str, prefix: str, most: int) -> list["RefSuggestion"]:
        """Refs that may be deployed and whose names begin so; none where GitHub does not answer."""

    async def comparison(self, environment: str, base: str, ref: str) -> "Comparison | None":
        """What lies between a commit that is deployed and a ref; None where GitHub is not called."""


class Reader(Protocol):
    """Reads the log for one request or socket."""

    @property
    def occupancy(self) -> Occupancy:
        """Who has environments to itself, and who waits for them."""

    async def dispatch(self, deploy_id: str) -> DispatchRecord | None:
        """What has become of asking GitHub for the deploy's run, as of now; None where it is not asked."""

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

    @property
    def choices(self) -> Choices:
        """What GitHub can be asked before a deploy is started."""
