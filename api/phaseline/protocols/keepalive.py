"""Pings, by which a viewer is noticed whose machine has vanished."""

import asyncio
import secrets
from collections.abc import Callable

# How long after the handshake, or after an answer, the next goes out, and how long its answer may take. In seconds.
INTERVAL = 20.0
PATIENCE = 20.0

# Enough that an answer to this ping is told from one to another, or to none. In bytes.
_PAYLOAD = 4


class Keepalive:
    """One ping at a time: `ping` sends it, and `lost` is called where it is not answered."""

    def __init__(self, ping: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._ping = ping
        self._lost = lost
        self._payload = b""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Wait for the time of the next."""
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._send)

    def end(self) -> None:
        """Send no more, and expect no answer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def answered(self, payload: bytes) -> None:
        """A pong has come, which may be the answer."""
        if self._payload and payload == self._payload and self._timer is not None:
            self.end()
            self._payload = b""
            self.begin()

    def _send(self) -> None:
        self._payload = secrets.token_bytes(_PAYLOAD)
        self._ping(self._payload)
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._lost)
