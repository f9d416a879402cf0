"""What a run has seen from outside: what callers sent and were answered, what viewers saw, what nodes told at last."""

from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.plan import Kind

# Whose callbacks are accepted; the others are intrusions.
WORKFLOW = "token:workflow"


class Answer(StrEnum):
    """What became of a sending, as far as its caller was told."""

    ACCEPTED = "accepted"
    DUPLICATE = "accepted before"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    STOPPING = "turned away by a node that ends"
    NONE = "no answer"
    HELD_OFF = "refused as one too many"
    ODD = "an answer that nobody may get"


@dataclass(slots=True)
class Sending:
    """A callback, sent once. Sent again it is another sending, under a name (`run`) of its own."""

    run: str
    deploy: str
    status: str
    attempt: int
    sent: float
    answer: Answer = Answer.NONE
    answered: float = 0.0
    sequence: int = 0
    first: str = ""  # the run of the entry that it was answered with
    refusal: str = ""
    origin: str = ""  # where the refusal says that the deploy stood
    told: str = ""  # what came, where it is odd
    actor: str = WORKFLOW


@dataclass(frozen=True, slots=True)
class Look:
    """A deploy's sequence, as a node told it to a caller."""

    deploy: str
    asked: float
    sequence: int


@dataclass(slots=True)
class Start:
    """A deploy that somebody wanted; `deploy` is its id where that was answered."""

    note: str
    deploy: str | None = None


# Of each phase: key, state and attempt.
Phases = tuple[tuple[str, str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Stand:
    """How a deploy stands: its row and its phases."""

    sequence: int
    status: str
    attempt: int
    phases: Phases


@dataclass(frozen=True, slots=True)
class Entry:
    """An audit entry."""

    sequence: int
    kind: str
    origin: str | None
    target: str
    attempt: int
    refusal: str | None
    run: str | None
    message: str | None = None
    actor: str | None = None

    @property
    def accepted(self) -> bool:
        return self.kind != "CALLBACK_REFUSED"


@dataclass(frozen=True, slots=True)
class Event:
    """What a viewer was sent: an entry, and how the deploy stood at it."""

    entry: Entry
    stand: Stand
    came: float = 0.0


@dataclass(slots=True)
class Stretch:
    """What came over one subscription, which asked for what is `after`."""

    after: int | None
    asked: float
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Follow:
    """One viewer's following of one deploy, over all its subscriptions. `everything`: refusals as well."""

    viewer: str
    deploy: str
    everything: bool
    stretches: list[Stretch] = field(default_factory=list)
    last: int | None = None
    complaints: list[str] = field(default_factory=list)  # errors that no viewer may get
    away: list[float] = field(default_factory=list)  # when it was told that the database does not answer


@dataclass(frozen=True, slots=True)
class Told:
    """A deploy as a node tells it at the end: how it stands, and its log."""

    id: str
    stand: Stand
    log: list[Entry]


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody was told, or told the node's log, that the database does not answer; when is between two moments."""

    who: str
    what: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault, from when to when."""

    kind: Kind
    began: float
    ended: float


@dataclass(slots=True)
class History:
    """All of it. `told` has for each node every deploy that it lists, by id."""

    starts: list[Start] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    intrusions: list[Sending] = field(default_factory=list)  # by those who may send none
    looks: list[Look] = field(default_factory=list)
    follows: list[Follow] = field(default_factory=list)
    told: dict[str, dict[str, Told]] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)  # who was still waiting when all had long been well
    rows: list[str] = field(default_factory=list)  # what is wrong with what the database itself holds
    away: list[Away] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)  # what no node may log
