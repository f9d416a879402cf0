"""WebSockets: frames and their limits, between a transport and the session that a socket belongs to."""

import asyncio
import logging
from collections.abc import Coroutine
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from phaseline.connections import WIRE, Session
from phaseline.protocols.closing import (
    FAREWELL,
    INVALID_DATA,
    KEEPALIVE_TIMEOUT,
    LAST_FAREWELL,
    MESSAGE_TOO_BIG,
    NOT_ANSWERED,
    POLICY_VIOLATION,
    RESTARTING,
    SERVICE_RESTART,
    TOO_SLOW,
    TRY_AGAIN_LATER,
)
from phaseline.protocols.handshakes import rejection
from phaseline.protocols.keepalive import Keepalive
from phaseline.protocols.patience import BACKLOG, Config, Watched
from phaseline.protocols.pieces import Pieces
from phaseline.refusing import raw
from phaseline_schema.refusals import NotUnderstood, Refusal

# The library's own, which is silent: what it would tell of is what anybody may send.
_LOG = logging.getLogger("websockets.server")

log = logging.getLogger(__name__)


class WebSocket(Watched):
    """One socket. Who does not read is told so behind all that it has not read, and loses the connection.

    The application is asked once, with the request, who the session is; from then on there is no task for a socket at
    which nothing happens.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        state: dict[str, Any],
        ends: tuple[tuple[str, int] | None, tuple[str, int | None] | None],
        *,
        is_secure: bool,
    ) -> None:
        """`state`: the application's; `ends`: the addresses of the viewer and of the server."""
        self.config = config
        self.client, self._server = ends
        self._scheme = "wss" if is_secure else "ws"
        self._state = state
        self._connections, self._tasks = server_state.connections, server_state.tasks
        self._held = config.held
        self._headers = config.last_headers
        self._protocol = ServerProtocol(max_size=config.ws_max_size, logger=_LOG)
        self._protocol.reject = partial(rejection, self._headers)  # type: ignore[method-assign]
        self._handshake: Response | None = None
        self._session: Session | None = None
        self._pieces = Pieces(partial(self._close_if_open, POLICY_VIOLATION, "The message did not end in time"))
        self._keepalive = Keepalive(self._ping, self._vanished)
        self._is_full = False
        self._room: asyncio.Event | None = None
        self._reads = True
        self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Until it is known who is there, it makes room for others."""
        self._transport = cast("asyncio.Transport", transport)
        super().connection_made(transport)
        self._connections.add(cast("Any", self))  # where uvicorn lists those of its own kinds
        self._held.waits(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        super().connection_lost(exc)
        self._connections.discard(cast("Any", self))
        self._held.no_longer_waits(self)
        self._end()
        # These lead back to the socket: it would stay until somebody looks for garbage, with all that was its viewer's.
        self._protocol.parser.close()
        del self._pieces, self._keepalive

    def eof_received(self) -> None:
        """Whoever has no more to say has gone: the transport closes."""

    def data_received(self, data: bytes) -> None:
        """Act upon what is complete of it."""
        self._protocol.receive_data(data)
        if self._protocol.parser_exc is not None:
            self._hang_up()
            return
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._asked(event)
            else:
                self._take(cast("Frame", event))
        if self._handshake is None and not self._ending:  # what no library would send
            self._answer(b"".join(self._protocol.data_to_send()) or raw(NotUnderstood(), self._headers))

    def pause_writing(self) -> None:
        """As inherited."""
        super().pause_writing()
        self._is_full = True

    def resume_writing(self) -> None:
        """As inherited."""
        super().resume_writing()
        self._is_full = False
        self._wake()
        if self._session is not None:
            self._session.go_on()

    # What a session may ask for.

    def accept(self, session: Session, subprotocol: str | None) -> None:
        """Open the socket for this session."""
        assert self._handshake is not None
        if subprotocol is not None:
            self._handshake.headers["Sec-WebSocket-Protocol"] = subprotocol
        self._protocol.send_response(self._handshake)
        self._flush()
        self._session = session
        self._keepalive.begin()

    def refuse(self, refusal: Refusal) -> None:
        """Answer the request with this refusal."""
        self._answer(raw(refusal, self._headers))

    def forbid(self) -> None:
        """Answer the request with 403."""
        self._reject(HTTPStatus.FORBIDDEN)

    def known(self) -> None:
        """It is known who is there."""
        self._held.no_longer_waits(self)

    def has_room(self) -> bool:
        """Whether the viewer has read what it was sent, as far as that can be told."""
        return not self._is_full

    def tell(self, message: bytes) -> bool:
        """Send a text at once; False where the viewer has not read what was sent before, or has gone."""
        if self._is_full or not self._is_open():
            return False
        self._transport.write(_head(len(message)) + message)
        return True

    async def tell_in_turn(self, message: bytes) -> None:
        """Send a text as soon as there is room. Raises ClientDisconnected where the viewer has gone."""
        while not self.tell(message):
            if not self._is_open():
                raise ClientDisconnected
            self._room = self._room or asyncio.Event()
            await self._room.wait()  # of several that wait, the first may fill it again

    def read(self, *, on: bool) -> None:
        """Take what the viewer sends, or leave it with the system."""
        if on != self._reads and not self._transport.is_closing():
            self._reads = on
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    def close(self, code: int, reason: str) -> None:
        """Close it, behind what is being sent; whoever does not read that is not waited for."""
        self._close_if_open(code, reason)

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this in a task that a server which stops waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What a server may.

    def give_way(self) -> None:
        """Make room for somebody else."""
        self._transport.abort()

    def shutdown(self) -> None:
        """The server stops; who does not read that soon loses the connection."""
        if self._is_open():
            self._close(SERVICE_RESTART, RESTARTING, LAST_FAREWELL)
            return
        if self._session is None and not self._ending:
            self._reject(HTTPStatus.INTERNAL_SERVER_ERROR)
        self._transport.close()
        asyncio.get_running_loop().call_later(LAST_FAREWELL, self._transport.abort)

    def cut(self) -> None:
        """As inherited."""
        super().cut()
        if self._is_open():
            self._close(TRY_AGAIN_LATER, TOO_SLOW, FAREWELL)
        else:
            self._transport.abort()

    # The handshake.

    def _asked(self, request: Request) -> None:
        self._handshake = self._protocol.accept(request)
        if self._handshake.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self.run(self._ask(request))
        else:
            self._protocol.send_response(self._handshake)
            self._answer(b"".join(self._protocol.data_to_send()))

    async def _ask(self, request: Request) -> None:
        """Have the application say whose session it is. It hears and says nothing else."""
        status = HTTPStatus.FORBIDDEN
        try:
            await self.config.loaded_app(self._scope(request), _nothing, _nothing)
        except Exception:
            log.exception("a socket could not be opened")
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        if self._session is None and not self._ending:
            self._reject(status)

    def _scope(self, request: Request) -> dict[str, Any]:
        path, _, query = request.path.partition("?")
        protocols = request.headers.get_all("Sec-WebSocket-Protocol")
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self._scheme,
            "server": self._server,
            "client": self.client,
            "root_path": self.config.root_path,
            "path": unquote(path),
            "raw_path": path.encode("ascii", "surrogateescape"),
            "query_string": query.encode("ascii", "surrogateescape"),
            "headers": [
                (name.lower().encode("ascii"), value.encode("ascii", "surrogateescape"))
                for name, value in request.headers.raw_items()
            ],
            "subprotocols": [name.strip() for name in ",".join(protocols).split(",")],
            "state": self._state | {WIRE: self},
        }

    def _reject(self, status: HTTPStatus) -> None:
        self._protocol.send_response(self._protocol.reject(status, ""))
        self._answer(b"".join(self._protocol.data_to_send()))

    def _answer(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)
        self._ending = True
        self._transport.close()

    # Frames.

    def _take(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.PING:
                self._flush()
                # Pongs do not wait their turn, and so would be kept without end where they are never read.
                if self._transport.get_write_buffer_size() > 2 * BACKLOG:
                    self.cut()
            case Opcode.PONG:
                self._keepalive.answered(bytes(frame.data))
            case Opcode.CLOSE:
                self._hang_up()
            case _ if self._is_open():
                self._take_piece(frame)

    def _take_piece(self, frame: Frame) -> None:
        if self._pieces.add(frame):
            kind, message = self._pieces.whole()
            if kind is Opcode.TEXT and not _is_utf8(message):
                self._close(INVALID_DATA, "Not UTF-8", FAREWELL)
            elif self._session is not None:
                self._session.received(message if kind is Opcode.TEXT else None)
        elif self._pieces.are_too_many:
            self._close(MESSAGE_TOO_BIG, "Too many pieces", FAREWELL)

    def _flush(self) -> None:
        if data := b"".join(self._protocol.data_to_send()):
            self._transport.write(data)

    def _ping(self, payload: bytes) -> None:
        if self._is_open():
            self._protocol.send_ping(payload)
            self._flush()

    def _vanished(self) -> None:
        """No answer to a ping; who does not even read that, is not waited for."""
        self._close_if_open(KEEPALIVE_TIMEOUT, NOT_ANSWERED)

    # The end.

    def _is_open(self) -> bool:
        return self._session is not None and not self._ending and not self._transport.is_closing()

    def _close_if_open(self, code: int, reason: str) -> None:
        if self._is_open():
            self._close(code, reason, FAREWELL)

    def _close(self, code: int, reason: str, seconds: float) -> None:
        """Close it, however full it is; what waits to be sent is given up."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
        self._flush()
        self.read(on=True)  # its answer to the close
        self._end()
        asyncio.get_running_loop().call_later(seconds, self._transport.abort)

    def _hang_up(self) -> None:
        """It is over: close behind what is still to be said, which nobody has to read."""
        self._flush()
        self._end()
        self._transport.close()
        asyncio.get_running_loop().call_later(FAREWELL, self._transport.abort)

    def _end(self) -> None:
        """Nothing more is sent, and nobody is told what is received."""
        self._ending = True
        self._keepalive.end()
        self._pieces.drop()
        self._wake()
        session, self._session = self._session, None
        if session is not None:
            session.lost()

    def _wake(self) -> None:
        """Let those go on that wait to send."""
        if self._room is not None:
            self._room.set()
            self._room = None


@lru_cache(1024)
def _head(length: int) -> bytes:
    """What comes before a text of so many bytes."""
    return Frame(Opcode.TEXT, bytes(length)).serialize(mask=False)[:-length]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _nothing(*_: Any) -> Any:
    raise RuntimeError("what a socket is told does not go through the application")
