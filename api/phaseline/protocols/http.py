"""HTTP and SSE: an end to how long a request may take to arrive, and to how large its head may be."""

import asyncio
import re

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from phaseline.protocols.closing import FAREWELL, LAST_FAREWELL
from phaseline.protocols.patience import Config, Watched
from phaseline.protocols.websocket import WebSocket
from phaseline.refusing import raw
from phaseline_schema.refusals import HeadTooLarge, NotUnderstood, Refusal, RequestTimeout, TooManyConnections

# How long the head of a request may take, in seconds, and how large it may be, in bytes.
HEAD_SECONDS = 10.0
HEAD_BYTES = 16 * 1024

# What every client's request for a WebSocket has in it, and one of two, which is how browsers and libraries write it.
_FOR_SOCKET = (b"\r\nhost: ", b"\r\nupgrade: websocket\r\n")
_UPGRADE = (b"\r\nconnection: upgrade\r\n", b"\r\nconnection: keep-alive, upgrade\r\n")
_END_OF_HEAD = re.compile(rb"\n\r?\n")


class Http(Watched, H11Protocol):
    """HTTP and SSE: who does not read an answer, or does not end the head of a request, loses the connection."""

    _due: asyncio.TimerHandle | None = None
    _over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As inherited, where there is room."""
        super().connection_made(transport)
        assert isinstance(self.config, Config)
        self._held = self.config.held
        self._headers = self.config.last_headers
        if self._held.have_room(len(self.connections)):
            self._look()
        else:
            self._end_with(TooManyConnections())

    def connection_lost(self, exc: Exception | None) -> None:
        """As inherited."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As inherited; what comes after the last answer is read away, so that the answer arrives.

        Whoever begins by asking for a WebSocket gets one without h11, which takes longer than everything after it.
        """
        if self._over:
            return
        if self._cycle() is None and not self._has_begun() and _asks_for_socket(data):
            self._unset_keepalive_if_required()
            self._stop_waiting()
            self._hand_over(data)
        else:
            super().data_received(data)

    def handle_events(self) -> None:
        """As inherited; a head that has begun to arrive has to end in time, and before it is too large."""
        if self._is_head_too_large():
            self._answer_last(HeadTooLarge(HEAD_BYTES))
            return
        super().handle_events()
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """As inherited, to what these protocols have for it."""
        lines = [b"%s %s HTTP/1.1" % (event.method, event.target), *(b"%s: %s" % header for header in self.headers)]
        self._hand_over(b"\r\n".join([*lines, b"", b""]))

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so as everything else is told."""
        cycle = self._cycle()
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()  # in the middle of an answer nothing else can be said
        else:
            self._answer_last(NotUnderstood())

    def give_way(self) -> None:
        """Make room for somebody else."""
        self.transport.abort()

    def _look(self) -> None:
        state = self.conn.their_state
        if self._over:  # it has been answered for the last time, and may go at any moment
            return
        is_here = self in self.connections and not self.transport.is_closing()  # and is no WebSocket by now
        if not is_here or state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_waiting()
            return
        # Who has not said all yet gives way, whether it is the head or the body that lacks its end.
        self._held.waits(self)
        if state is h11.SEND_BODY:
            self._stop_timer()
        # Between two requests uvicorn has a time-out of its own, which the first byte ends.
        elif self._due is None and (self._has_begun() or self.cycle is None):
            self._due = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _hand_over(self, request: bytes) -> None:
        """The connection is one for a WebSocket from now on."""
        assert isinstance(self.config, Config)
        self.connections.discard(self)
        self.let_go()
        ends = self.client, self.server
        protocol = WebSocket(self.config, self.server_state, self.app_state, ends, is_secure=self.scheme == "https")
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        if self.flow.write_paused:  # it is not said a second time
            protocol.pause_writing()
        protocol.data_received(request)

    def _cycle(self) -> RequestResponseCycle | None:
        return self.cycle  # before the first request there is none, whatever uvicorn's type says

    def _has_begun(self) -> bool:
        return bool(self.conn.trailing_data[0])

    def _is_head_too_large(self) -> bool:
        """Whether it is, though it may have come in one piece with its end: h11 looks at those that lack theirs."""
        if self.conn.their_state is not h11.IDLE:
            return False
        begun = self.conn.trailing_data[0]
        return len(begun) > HEAD_BYTES and _END_OF_HEAD.search(begun, 0, HEAD_BYTES) is None

    def _should_upgrade(self) -> bool:
        """As inherited; the WebSocket protocol would leave any other method without an answer."""
        return self.scope["method"] == "GET" and super()._should_upgrade()

    def _stop_waiting(self) -> None:
        self._held.no_longer_waits(self)
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_late(self) -> None:
        if self._has_begun():
            self._end_with(RequestTimeout(HEAD_SECONDS))
        else:  # a browser that keeps one ready; it did not ask, and is told nothing
            self.transport.close()

    def _answer_last(self, refusal: Refusal) -> None:
        """Answer somebody who may still be sending, and listen until he has heard it."""
        self._over = True
        self._stop_timer()
        cycle = self._cycle()
        if cycle is not None:  # its application waits for the rest of what cannot be understood
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(raw(refusal, self._headers))
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(FAREWELL, self.transport.abort)

    def _end_with(self, refusal: Refusal) -> None:
        self.transport.write(raw(refusal, self._headers))
        self.transport.close()
        self.loop.call_later(FAREWELL, self.transport.abort)

    def shutdown(self) -> None:
        """As inherited; an answer that is under way has to be taken soon."""
        super().shutdown()
        self.loop.call_later(LAST_FAREWELL, self.transport.abort)

    def cut(self) -> None:
        """As inherited."""
        super().cut()
        self.transport.abort()


def _asks_for_socket(data: bytes) -> bool:
    """Whether this is a request for a WebSocket, whole and as usual, with nothing behind it."""
    if not data.startswith(b"GET ") or len(data) > HEAD_BYTES or data.find(b"\r\n\r\n") != len(data) - 4:
        return False
    head = data.lower()
    return all(part in head for part in _FOR_SOCKET) and any(part in head for part in _UPGRADE)
