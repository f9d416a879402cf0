"""What GitHub's account of a run should come to, written from the decision's prose and apart from the code."""

from collections import defaultdict
from dataclasses import dataclass, field

from tests.support import model

ENDS_BY = {
    "success": "succeeded",
    "cancelled": "cancelled",
    **dict.fromkeys(
        ("failure", "timed_out", "startup_failure", "skipped", "stale", "action_required", "neutral"), "failed"
    ),
}
UNHEARD_OF = "evaporated"

# What a webhook says of a run when it is made: where more of it is known, it was sent before that.
NOT_BEGUN = ("requested", "queued", "pending", "waiting")

# An entry as it should be: kind, source, from, to, attempt, and GitHub's words.
Line = tuple[str, str, str | None, str, int, str | None, str | None]


@dataclass
class Expected:
    """A deploy: what its log should hold, and what it holds of each attempt of the run."""

    id: str
    log: list[Line] = field(default_factory=lambda: [("DEPLOY_STARTED", "OPERATOR", None, model.START, 1, None, None)])
    status: str = model.START
    attempt: int = 1
    accounts: defaultdict[int, list[tuple[str, str | None]]] = field(default_factory=lambda: defaultdict(list))
    reports: set[tuple[int, str]] = field(default_factory=set)

    def call_back(self, status: str, attempt: int) -> bool:
        """A callback comes: whether it is accepted, now or before."""
        if (attempt, status) in self.reports:
            return True
        is_legal = model.is_legal(self.status, self.attempt, status, attempt)
        kind = "TRANSITION" if is_legal else "CALLBACK_REFUSED"
        self._record(kind, "CALLBACK", status, attempt, None, None)
        return is_legal

    def first_to_be_asked_for(self, attempt: int) -> int | None:
        """The earliest attempt that must have ended before this one has begun, and of which nobody has said that."""
        for earlier in range(self.attempt, attempt):
            has_end = earlier == self.attempt and self.status in model.ENDS
            if not has_end and not any(status == "completed" for status, _ in self.accounts[earlier]):
                return earlier
        return None

    def hear(self, attempt: int, status: str, conclusion: str | None, *, asked: bool) -> bool:
        """GitHub says something that may be recorded now, by itself or asked for it: whether it is."""
        said = self.accounts[attempt]
        has_completed = any(known == "completed" for known, _ in said)
        if attempt < self.attempt:
            return False
        if conclusion:
            if any(known == conclusion for _, known in said):
                return False
        elif has_completed or (said and (said[-1][0] == status or (not asked and status in NOT_BEGUN))):
            return False
        said.append((status, conclusion))
        end = ENDS_BY.get(conclusion or "")
        if end and model.is_legal(self.status, self.attempt, end, attempt, "GITHUB"):
            self._record("TRANSITION", "GITHUB", end, attempt, status, conclusion)
        else:
            self._record("RUN_REPORTED", "GITHUB", self.status, attempt, status, conclusion)
        return True

    def _record(
        self, kind: str, source: str, target: str, attempt: int, status: str | None, conclusion: str | None
    ) -> None:
        self.log.append((kind, source, self.status, target, attempt, status, conclusion))
        if kind == "TRANSITION":
            self.status, self.attempt = target, attempt
            self.reports.add((attempt, target))
