"""Deploys of which GitHub is to be asked soon: each until it has told, however often it has to be asked for that."""

import time
from dataclasses import dataclass
from math import inf

# The pause before it is asked again, in seconds: doubled each time, up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 900.0

# After so many times that a run is not there GitHub is believed: it may show one only some seconds after it was begun.
_MOST_REFUSALS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Wakeup:
    """One: when it is due, by `time.monotonic()`, and how often GitHub was asked since somebody woke."""

    due: float
    tries: int = 0

    @property
    def is_believed(self) -> bool:
        """Whether GitHub is, where it says now that the run is not there."""
        return self.tries >= _MOST_REFUSALS


class Wakeups:
    """By deploy. Any number that came before GitHub was asked count as one; one that comes meanwhile is another."""

    def __init__(self) -> None:
        self._all: dict[str, Wakeup] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, deploy_id: str) -> None:
        """Somebody wakes."""
        self._all[deploy_id] = Wakeup(time.monotonic())

    def next(self) -> float:
        """When one is due; never, where there is none."""
        return min((wakeup.due for wakeup in self._all.values()), default=inf)

    def take(self) -> dict[str, Wakeup]:
        """Those that are due now, as they are due again after a pause, where nothing comes of it."""
        now = time.monotonic()
        taken = {deploy_id: _later(wakeup, now) for deploy_id, wakeup in self._all.items() if wakeup.due <= now}
        self._all |= taken
        return taken

    def of(self, deploy_id: str) -> Wakeup | None:
        """The one of this deploy, as it is before GitHub is asked."""
        return self._all.get(deploy_id)

    def answered(self, deploy_id: str, wakeup: Wakeup | None) -> None:
        """What it was for is recorded, or there is nothing that could be."""
        if self._is(deploy_id, wakeup):
            self._all.pop(deploy_id, None)

    def refused(self, deploy_id: str, wakeup: Wakeup | None) -> None:
        """GitHub says that there is no such run."""
        if wakeup is not None and wakeup.is_believed:
            self.answered(deploy_id, wakeup)

    def postpone(self, deploy_id: str, wakeup: Wakeup | None, until: float) -> None:
        """Nothing will come of it before then."""
        if wakeup is not None and self._is(deploy_id, wakeup):
            self._all[deploy_id] = Wakeup(until, wakeup.tries)

    def _is(self, deploy_id: str, wakeup: Wakeup | None) -> bool:
        """Whether nobody has woken since."""
        return self._all.get(deploy_id) is wakeup


def _later(wakeup: Wakeup, now: float) -> Wakeup:
    pause = min(_FIRST_PAUSE * 2.0 ** min(wakeup.tries, 32), _LONGEST_PAUSE)
    return Wakeup(now + pause, wakeup.tries + 1)
