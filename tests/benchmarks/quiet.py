"""Measuring without this process's own garbage collector. The servers' collectors run as they always do."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """A block in which nothing is collected, since all was before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
