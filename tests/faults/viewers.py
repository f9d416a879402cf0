"""Viewers: each follows deploys over one connection, and over another one when that is lost, until it has seen all."""

import asyncio
import json
import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import WebSocketException

from tests.faults.history import Entry, Event, Follow, Phases, Stand, Stretch
from tests.support.logins import VIEWER, bearer
from tests.support.viewer import Viewer as Socket
from tests.support.viewer import viewing

_ENTRY = "sequence kind fromStatus toStatus attempt refusal runId message actor"
_DEPLOY = "sequence attempt status { key } phases { key state attempt }"
# What makes an event of it that is soon too much for a connection: systems hold megabytes for one that is not read. It
# is no more than that, for all of it has to come through a connection that holds little.
_MUCH = "pipeline { transitions { from to why } }"


def _query(follow: Follow, more: str = "") -> str:
    """The subscription, with `more` of the deploy."""
    deploy = "deploy { " + _DEPLOY + more + " }"
    if follow.everything:
        selected = "auditEntryAdded(deployId: $id, after: $after) { " + _ENTRY + " " + deploy + " }"
    else:
        selected = "phaseChanged(deployId: $id, after: $after) { entry { " + _ENTRY + " } " + deploy + " }"
    return "subscription ($id: ID!, $after: Int) { " + selected + " }"


_TLS = ssl.create_default_context()  # not used, and slow to make for each connection anew

# Ten thousands of events show the same few standings: each is kept once.
_known_phases: dict[Phases, Phases] = {}


def entry_of(node: dict[str, Any]) -> Entry:
    """An audit entry as the API tells it."""
    return Entry(
        node["sequence"],
        node["kind"],
        node["fromStatus"],
        node["toStatus"],
        node["attempt"],
        node["refusal"],
        node["runId"],
        node["message"],
        node["actor"],
    )


def stand_of(node: dict[str, Any]) -> Stand:
    """How a deploy stands, as the API tells it."""
    phases = tuple((phase["key"], phase["state"], phase["attempt"]) for phase in node["phases"])
    phases = _known_phases.setdefault(phases, phases)
    return Stand(node["sequence"], node["status"]["key"], node["attempt"], phases)


class Lost(Exception):
    """The connection is of no use any more."""


@dataclass
class Viewer(ABC):
    """Follows over a connection to one of `addresses`.

    `patience` is how many seconds it lets a silent connection be before it makes a new one; more where that does not
    help, so that a busy machine makes nothing fail but only late. `reading` is cleared
    while it does not read.
    """

    name: str
    follows: list[Follow]
    addresses: Callable[[], list[str]]
    patience: float
    random: Random
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _fruitless: int = 0  # connections, since something came

    def __post_init__(self) -> None:
        self.reading.set()

    async def watch(self) -> None:
        """Follow until cancelled."""
        while True:
            self.connections += 1
            self._fruitless += 1
            with suppress(Lost, OSError, TimeoutError, WebSocketException, httpx.TransportError):
                await self._connected(self.random.choice(self.addresses()))
            await asyncio.sleep(self.random.uniform(0.1, 0.5))

    @property
    def _patience(self) -> float:
        return self.patience * (1 + self._fruitless // 4)

    async def idle(self, seconds: float) -> None:
        """Read nothing for so many seconds."""
        self.reading.clear()
        await asyncio.sleep(seconds)
        self.reading.set()

    @abstractmethod
    async def _connected(self, address: str) -> None:
        """Follow over one connection, for as long as it carries."""

    def _begin(self, follow: Follow) -> dict[str, Any]:
        """The variables of a new subscription, after what has been seen; now and then somewhat before it."""
        after = follow.last
        if after is None and self.random.random() < 0.5:
            after = 0
        elif after is not None and self.random.random() < 0.1:
            after = self.random.randint(0, after)
        follow.stretches.append(Stretch(after, time.monotonic()))
        return {"id": follow.deploy, "after": after}

    def _take(self, follow: Follow, stretch: Stretch, payload: dict[str, Any]) -> None:
        """One result. Raises Lost where it is an error."""
        if payload.get("errors"):
            self._note_errors(follow, payload["errors"])
            raise Lost
        (data,) = payload["data"].values()
        event = Event(entry_of(data.get("entry", data)), stand_of(data["deploy"]), time.monotonic())
        stretch.events.append(event)
        self._fruitless = 0
        follow.last = max(follow.last or 0, event.entry.sequence, event.stand.sequence)

    @staticmethod
    def _note_errors(follow: Follow, errors: Iterable[dict[str, Any]]) -> None:
        for error in errors:
            code = error.get("extensions", {}).get("code")
            if code == "UNAVAILABLE":
                follow.away.append(time.monotonic())
            elif code != "SERVER_STOPPING":
                follow.complaints.append(str(error))


class SocketViewer(Viewer):
    """Over graphql-transport-ws, all deploys over one socket."""

    async def _connected(self, address: str) -> None:
        # Few messages are read ahead, so that a viewer which stops reading is one whose connection is full.
        options: dict[str, Any] = {
            "ping_interval": None,
            "close_timeout": 0.2,
            "max_queue": 4,
            "open_timeout": self._patience,
        }
        async with (
            asyncio.timeout(self._patience) as opening,
            viewing(address, **options, **await self._more(address)) as viewer,
        ):
            opening.reschedule(None)
            running: dict[str, tuple[Follow, Stretch]] = {}
            for follow, number in zip(self.follows, count(1), strict=False):
                variables = self._begin(follow)
                running[str(number)] = (follow, follow.stretches[-1])
                more = "" if self.reading.is_set() else _MUCH
                await viewer.subscribe(_query(follow, more), str(number), **variables)
            while True:
                await self.reading.wait()
                message = await self._receive(viewer)
                if message["type"] == "next":
                    self._take(*running[message["id"]], message["payload"])
                elif message["type"] == "error":
                    self._note_errors(running[message["id"]][0], message["payload"])
                    raise Lost
                elif message["type"] == "complete":
                    raise Lost
                elif message["type"] == "ping":
                    await viewer.send(type="pong")

    async def _more(self, address: str) -> dict[str, Any]:
        """Further options of a connection to this address."""
        return {}

    async def _receive(self, viewer: Socket) -> dict[str, Any]:
        """The next message. Of a server that is silent it is asked whether it is there."""
        try:
            async with asyncio.timeout(self._patience / 2):
                return await viewer.receive()
        except TimeoutError:
            await viewer.send(type="ping")
            async with asyncio.timeout(self._patience / 2):
                return await viewer.receive()


class IdleViewer(SocketViewer):
    """The same over a connection that holds little, and always from the beginning, which is much at once."""

    _connection: socket.socket | None = None

    async def idle(self, seconds: float) -> None:
        """Connect anew, and read nothing for so many seconds."""
        if self._connection is not None:
            with suppress(OSError):  # it is closed already
                self._connection.shutdown(socket.SHUT_RDWR)
        await super().idle(seconds)

    def _begin(self, follow: Follow) -> dict[str, Any]:
        follow.stretches.append(Stretch(0, time.monotonic()))
        return {"id": follow.deploy, "after": 0}

    async def _more(self, address: str) -> dict[str, Any]:
        server = urlsplit(address)
        connecting = socket.socket()
        try:
            connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connecting.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connecting, (server.hostname, server.port))
        except BaseException:
            connecting.close()
            raise
        self._connection = connecting
        return {"sock": connecting}


class StreamViewer(Viewer):
    """Over graphql-sse, one deploy."""

    async def _connected(self, address: str) -> None:
        (follow,) = self.follows
        request = {"query": _query(follow), "variables": self._begin(follow)}
        stretch = follow.stretches[-1]
        headers = {"accept": "text/event-stream", **bearer(VIEWER)}
        async with (
            httpx.AsyncClient(timeout=self._patience, verify=_TLS, trust_env=False) as http,
            http.stream("POST", f"{address}/graphql", json=request, headers=headers) as response,
        ):
            if response.status_code != 200:
                body = (await response.aread()).decode()
                if response.status_code == 503:
                    self._note_errors(follow, json.loads(body)["errors"])
                else:
                    follow.complaints.append(f"{response.status_code}: {body}")
                raise Lost
            async for kind, payload in _events(response):
                await self.reading.wait()
                if kind == "complete":
                    raise Lost
                self._take(follow, stretch, payload)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The events of a stream, each with its kind, without the signs of life between them."""
    kind = ""
    data = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = line.removeprefix("data: ")
        elif not line and kind:  # an event is whole when an empty line has come
            yield kind, json.loads(data) if data else {}
            kind = data = ""
