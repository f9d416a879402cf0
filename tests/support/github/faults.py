"""What may go wrong with a request to our GitHub, as a test says."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.support.github.answers import error


@dataclass(frozen=True)
class Answer:
    """What is answered. `lost`: the connection is, after half of it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False


@dataclass
class Fault:
    """How a request goes wrong. `done`: what it asks for is done nevertheless. `answer`: None for the right one.

    `until`: it is answered no sooner than then.
    """

    answer: Callable[[], Answer] | None = None
    done: bool = False
    until: asyncio.Event | None = None
    # Which requests, and how many of them.
    method: str = ""
    path: str = ""
    times: int = 1


def failing(status: int = 502, *, done: bool = False) -> Fault:
    """GitHub, or something before it, breaks down, before or after doing what was asked."""
    page = Answer(status, b"" if status == 304 else b"<html>unicorn</html>", {"content-type": "text/html"})
    return Fault(lambda: page, done)


def lost(*, done: bool = True) -> Fault:
    """The connection is lost after the request was read."""
    return Fault(lambda: Answer(200, b"{", {"content-type": "application/json"}, lost=True), done)


def slow(until: asyncio.Event) -> Fault:
    """Nothing is answered before then; what is asked for is done."""
    return Fault(done=True, until=until)


def primary_limit(seconds: int = 1800, status: int = 403) -> Fault:
    """The hour's requests are used up."""

    def answer() -> Answer:
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + seconds)}
        return refusal(status, "API rate limit exceeded for installation ID 1.", headers)

    return Fault(answer)


def secondary_limit(retry_after: str | None = "60", status: int = 403) -> Fault:
    """Too much at once; GitHub may say for how long, or not."""
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return Fault(lambda: refusal(status, "You have exceeded a secondary rate limit. Please wait.", headers))


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GitHub says no."""
    said = {"content-type": "application/json", **(headers or {})}
    return Answer(status, json.dumps(error(status, message)).encode(), said)


class Faults:
    """Those that are still to come, each for the requests that fit."""

    def __init__(self) -> None:
        self._coming: list[Fault] = []

    def add(self, fault: Fault, method: str = "", path: str = "", times: int = 1) -> None:
        """Let so many requests of this method, whose paths hold this, go wrong."""
        fault.method, fault.path, fault.times = method, path, times
        self._coming.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._coming.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this one."""
        for fault in self._coming:
            if fault.method in ("", method) and fault.path in path:
                fault.times -= 1
                if not fault.times:
                    self._coming.remove(fault)
                return fault
        return None
