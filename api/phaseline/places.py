"""How many sockets and streams may be open at once for one caller, or at one address where nobody is known yet."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from phaseline_schema.refusals import TooManySockets


class Places:
    """So many for each; `whose` says whose they are, to whoever gets none."""

    def __init__(self, most: int, whose: str) -> None:
        self._most = most
        self._whose = whose
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, who: str) -> Iterator[None]:
        """One of them, for as long as the block runs. Raises TooManySockets where there is none left."""
        if self._taken[who] >= self._most:
            raise TooManySockets(self._whose)
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
