"""What a test has told a server of one deploy, and what the server should make of it by the model."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support import model

# The code of the refusal that a report gets, given status and attempt before it and its own; None where it is legal.
Judge = Callable[[str, int, str, int], str | None]


@dataclass
class Told:
    """A deploy whose log should hold this: kind, from, to, attempt and refusal of each entry."""

    id: str
    log: list[tuple[str, str | None, str, int, str | None]] = field(
        default_factory=lambda: [("DEPLOY_STARTED", None, model.START, 1, None)]
    )
    reports: list[model.Report] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Where it stands."""
        return self.reports[-1][1] if self.reports else model.START

    @property
    def attempt(self) -> int:
        """The attempt that reported last."""
        return self.reports[-1][0] if self.reports else 1

    def refusal(self, status: str, attempt: int, judge: Judge = model.refusal) -> str | None:
        """The code of the refusal that this report should get."""
        return judge(self.status, self.attempt, status, attempt)

    def record(self, status: str, attempt: int, code: str | None) -> None:
        """One more entry."""
        kind = "CALLBACK_REFUSED" if code else "TRANSITION"
        self.log.append((kind, self.status, status, attempt, code))
        if code is None:
            self.reports.append((attempt, status))
