"""Counts in windows of time, each of which begins with the first that it counts."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from time import monotonic


@dataclass(slots=True)
class _Window:
    ends: float
    counted: int = 0


class Windows:
    """One at a time for each name, all of so many seconds. What is over is forgotten."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Refused callbacks may be counted in the thread that records them, all else is in the loop's.
        self._alone = Lock()
        # All are equally long, so the one that was begun first is also the first to be over.
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def count(self, name: str, times: int) -> int:
        """Count so many more; how many there are now."""
        with self._alone:
            now = self._forget()
            window = self._windows.setdefault(name, _Window(now + self._seconds))
            window.counted += times
            return window.counted

    def counted(self, name: str) -> int:
        """How many there were. Counts nothing."""
        with self._alone:
            self._forget()
            window = self._windows.get(name)
            return window.counted if window is not None else 0

    def seconds_left(self, name: str) -> float:
        """Until the window of this name is over."""
        with self._alone:
            now = self._forget()
            window = self._windows.get(name)
            return window.ends - now if window is not None else 0.0

    def _forget(self) -> float:
        """Those that are over; and what time it is. Each is looked at once when it is over, however many there are."""
        now = monotonic()
        while self._windows and next(iter(self._windows.values())).ends <= now:
            self._windows.popitem(last=False)
        return now
