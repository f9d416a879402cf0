"""How many connections this process holds, so that it never runs out of files; and who makes room for whom."""

import asyncio
import resource
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from phaseline_schema.refusals import Refusal

# Files that are open beside those of viewers and of the database: the log, the listener, the interpreter's.
_OTHERS = 64

# Under this name an application finds the socket that somebody asks for, in the state of its scope.
WIRE = "phaseline.wire"


class Wire(Protocol):
    """What takes a viewer's messages as they are, without going through everything that a server is made of."""

    def tell(self, message: bytes) -> bool:
        """Send a text at once; False where the viewer has not read what was sent before, or has gone."""

    async def tell_in_turn(self, message: bytes) -> None:
        """Send a text as soon as there is room. Raises ClientDisconnected where the viewer has gone."""


class Session(Protocol):
    """What is at the server's end of a socket."""

    def received(self, text: bytes | None) -> None:
        """A message has come; None stands for one that is no text."""

    def go_on(self) -> None:
        """There is room again for what is sent."""

    def lost(self) -> None:
        """The viewer has gone, or was told that the socket closes. Nothing can be sent any more. Called once."""


class Socket(Wire, Protocol):
    """One socket, at first only asked for: it is opened for a session, or the request is answered."""

    def accept(self, session: Session, subprotocol: str | None) -> None:
        """Open it for this session."""

    def refuse(self, refusal: Refusal) -> None:
        """Answer the request with a refusal."""

    def forbid(self) -> None:
        """Answer the request with 403."""

    def known(self) -> None:
        """It is known whose it is: it gives way to nobody from now on."""

    def has_room(self) -> bool:
        """Whether the viewer has read what it was sent, as far as that can be told."""

    def read(self, *, on: bool) -> None:
        """Take what the viewer sends, or leave it with the system."""

    def close(self, code: int, reason: str) -> None:
        """Close it, behind what is being sent. The session is lost with that."""

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this in a task that a server which stops waits for."""


class Waiting(Protocol):
    """A connection on which no request is under way, or a socket of which it is not known whose it is."""

    def give_way(self) -> None:
        """End at once."""


class Connections:
    """At most so many. Who has asked for nothing yet, or has not proven who it is, gives way to who comes, the one that
    has waited longest first: so whoever opens connections to hold them takes them from himself."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[Waiting, None] = {}

    def have_room(self, number: int) -> bool:
        """Whether so many can stay; room has been made where it could be."""
        if number <= self._most:
            return True
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            return False
        self.no_longer_waits(oldest)
        oldest.give_way()
        return True

    def waits(self, connection: Waiting) -> None:
        """It gives way to others, from now on."""
        self._waiting.setdefault(connection)

    def no_longer_waits(self, connection: Waiting) -> None:
        """A request has come, it is known whose socket it is, or the connection has gone."""
        self._waiting.pop(connection, None)


def allowed(wanted: int, pool_size: int) -> int:
    """How many connections this process may have of those that are wanted, at one open file for each.

    The system's soft limit is raised as far as the hard one lets it: it is a thousand on many, for the sake of programs
    that are older than such numbers.
    """
    others = _OTHERS + pool_size
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + others
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with suppress(ValueError, OSError):  # some systems have another limit beside this one
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    return max(1, min(wanted, soft - others))
