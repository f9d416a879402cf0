"""Whether this node has been told to stop, and who wants to know."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopping:
    """Begins once and is never taken back."""

    def __init__(self) -> None:
        self.begun = False
        self._told: set[Callable[[], None]] = set()

    def begin(self) -> None:
        """Tell everybody who asked to be told."""
        self.begun = True
        for tell in list(self._told):
            tell()

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """`tell` is called when the node stops while the block runs; at once where it is stopping already."""
        self._told.add(tell)
        try:
            if self.begun:
                tell()
            yield
        finally:
            self._told.discard(tell)
