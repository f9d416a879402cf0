"""The limit: a bare picows server that sends ready bytes to everyone. It parses nothing and decides nothing.

limit.py EVENT, where EVENT is a file with a message as phaseline has sent it.
"""

import json
import sys
from pathlib import Path
from typing import ClassVar

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

_ACKNOWLEDGED = b'{"type":"connection_ack"}'

# What makes it tell everyone.
SIGNAL = b"go"


class Everyone(WSListener):
    """A socket, and through the class all of them."""

    event: ClassVar[bytes] = b""
    viewers: ClassVar[set[WSTransport]] = set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer as far as a viewer needs it; tell all when somebody gives the signal."""
        if frame.msg_type != WSMsgType.TEXT:
            return
        said = frame.get_payload_as_bytes()
        if said == SIGNAL:
            for viewer in self.viewers:
                viewer.send(WSMsgType.TEXT, self.event)
        elif b'"connection_init"' in said:
            transport.send(WSMsgType.TEXT, _ACKNOWLEDGED)
        else:
            self.viewers.add(transport)
            transport.send(WSMsgType.TEXT, self.event)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Whoever has gone is told nothing."""
        self.viewers.discard(transport)


async def main() -> None:
    """Serve on a free port, and say which."""
    server = await ws_create_server(lambda _request: Everyone(), "127.0.0.1", 0, backlog=2048)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(json.dumps({"event": "serving", "address": address}), file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    Everyone.event = Path(sys.argv[1]).read_bytes()
    uvloop.run(main())
