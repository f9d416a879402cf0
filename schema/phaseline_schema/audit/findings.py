"""What can be wrong with a log, and what a check of a deploy's log comes to."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What does not hold.

    MALFORMED: a value is not of its column's form. MISSING: an entry, or the deploy's row, is not there. SURPLUS: an
    entry is there that has no place. DIGEST: the digest is not that of the entry's content after the entry before it.
    UNLAWFUL: the entry could not have been recorded after those before it. ROW: the deploy's row is not what its
    entries make of it. GRAPH: the transition graph in the database, or which servers it is for, is not that of its
    revision. GUARD: what keeps everybody from changing the log is missing in the database, or is another, or switched
    off. CHECKPOINT: what a checkpoint holds is not in the log any more, or is another; or the checkpoint itself is not
    what it was.
    """

    MALFORMED = "MALFORMED"
    MISSING = "MISSING"
    SURPLUS = "SURPLUS"
    DIGEST = "DIGEST"
    UNLAWFUL = "UNLAWFUL"
    ROW = "ROW"
    GRAPH = "GRAPH"
    GUARD = "GUARD"
    CHECKPOINT = "CHECKPOINT"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that does not hold. `sequence`: of the entry; None where it is no entry. `message`: a sentence
    for people."""

    kind: FaultKind
    message: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What the check of one deploy's log has come to.

    `entries`: how many there are. `sequence` and `head`: those of the newest one and its digest, as they are stored,
    None where there is none or it is garbage. `fault`: None where everything holds.
    """

    deploy_id: str
    entries: int
    sequence: int | None
    head: str | None
    fault: Fault | None

    @property
    def valid(self) -> bool:
        """Whether everything holds."""
        return self.fault is None
