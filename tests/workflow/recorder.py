"""An HTTP server on a real socket in phaseline's or GitHub's place, which keeps what it is sent and answers as told."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float

    @property
    def input(self) -> dict[str, Any]:
        sent: dict[str, Any] = self.body["variables"]["input"]
        return sent

    @property
    def status(self) -> str:
        return str(self.input["status"])


@dataclass(frozen=True)
class Answer:
    """`body` is sent as JSON unless it is bytes. `hang_up` closes the connection instead of answering."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


def accepted(sequence: int = 2, *, duplicate: bool = False, attempt: int = 1, outcome: str = "IN_PROGRESS") -> Answer:
    """`attempt` and `outcome` are the deploy's, as it stands."""
    deploy = {"attempt": attempt, "status": {"key": "smoke_running", "outcome": outcome}}
    receipt = {"duplicate": duplicate, "entry": {"sequence": sequence}, "deploy": deploy}
    return Answer(body={"data": {"applyCallback": receipt}})


def refused(code: str, message: str = "No.", status: int = 422, **details: object) -> Answer:
    extensions = {"code": code, **details}
    return Answer(status, {"data": None, "errors": [{"message": message, "extensions": extensions}]})


class Recorder:
    """Answers with `script`, one after the other, and when that is used up with what `answer` makes of the request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: list[Answer] = []
        self.answer: Callable[[Request], Answer] = lambda request: accepted(len(self.requests) + 1)
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def statuses(self) -> list[str]:
        return [request.status for request in self.requests]

    def wait_for(self, status: str, seconds: float = 20) -> None:
        """Blocks until `status` has been reported. Raises TimeoutError."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: status in self.statuses, seconds):
                raise TimeoutError(f"{status} was not reported; what was: {self.statuses}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _receive(self, request: Request) -> Answer:
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        return self.script.pop(0) if self.script else self.answer(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receive = self._receive

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = receive(Request(self.path, headers, json.loads(body), time.monotonic()))
                if answer.hang_up:
                    self.close_connection = True
                    return
                sent = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                # Whoever asked may have been killed meanwhile, which is some tests' very purpose.
                with suppress(ConnectionError):
                    self.send_response(answer.status)
                    for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(sent)))
                    self.end_headers()
                    self.wfile.write(sent)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *arguments: object) -> None:
                """The tests look at what was recorded, not at a log."""

        return Handler
