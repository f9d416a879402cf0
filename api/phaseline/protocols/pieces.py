"""A message that comes in pieces: it has to end in time, and after not too many of them."""

import asyncio
from collections.abc import Callable

from websockets.frames import Frame, Opcode

# How long a message that comes in pieces may take, in seconds; and how many pieces.
MESSAGE_SECONDS = 20.0
PIECES = 256


class Pieces:
    """Those of one message. The largest message bounds what pieces hold, and not how many are empty; and one that comes
    as a single slow piece leaves no way to answer pings in between."""

    def __init__(self, too_late: Callable[[], None]) -> None:
        """`too_late` is called when a message has taken too long."""
        self._too_late = too_late
        self._kind = Opcode.TEXT
        self._pieces: list[bytes] = []
        self._due: asyncio.TimerHandle | None = None

    @property
    def are_too_many(self) -> bool:
        """Whether the message has come in more pieces than one may."""
        return len(self._pieces) > PIECES

    def add(self, frame: Frame) -> bool:
        """One more; whether the message is whole now."""
        if frame.opcode is not Opcode.CONT:
            self._kind = frame.opcode
        self._pieces.append(bytes(frame.data))
        if not frame.fin and self._due is None:
            self._due = asyncio.get_running_loop().call_later(MESSAGE_SECONDS, self._too_late)
        return frame.fin

    def whole(self) -> tuple[Opcode, bytes]:
        """What kind of message it was, and the message."""
        message = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.drop()
        return self._kind, message

    def drop(self) -> None:
        """There are none."""
        self._pieces.clear()
        if self._due is not None:
            self._due.cancel()
            self._due = None
