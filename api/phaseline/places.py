"""How many sockets, streams or subscriptions may be open at once for one caller, or at one address."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from phaseline_schema.refusals import Refusal


class Places:
    """So many for each; `refusal` makes what whoever gets none is told."""

    def __init__(self, most: int, refusal: Callable[[], Refusal]) -> None:
        self._most = most
        self._refusal = refusal
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, who: str) -> Iterator[None]:
        """One of them, for as long as the block runs. Raises the refusal where there is none left."""
        if self._taken[who] >= self._most:
            raise self._refusal()
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
