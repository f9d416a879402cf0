"""Callers over HTTP: each sends its requests one after the other, and all of them at once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from statistics import median
from typing import Any

from tests.benchmarks.connection import Connection
from tests.benchmarks.quiet import quiet
from tests.benchmarks.reports import REPORT, START, reports
from tests.support.logins import OPERATOR, WORKFLOW, token_for


class Callers:
    """A connection each to one server."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    async def send(self, query: str, **variables: Any) -> Any:
        """The data of one operation's answer, to the first of them."""
        return _data(await self._connections[0].post(_body(query, **variables), token_for(query)))

    async def report(self, deploy: str, attempt: int, status: str) -> None:
        """One callback."""
        await self.send(REPORT, input=_callback(deploy, attempt, status))

    async def start(self) -> str:
        """The id of a new deploy."""
        return str((await self.send(START, input={"environment": "production", "ref": "main"}))["startDeploy"]["id"])

    async def callbacks_a_second(self, warm_up: int, total: int) -> float:
        """How many are acknowledged in a second, when each caller reports on a deploy of its own."""
        callers = len(self._connections)
        warm, measured = warm_up // callers, total // callers
        bodies: list[list[bytes]] = []
        for _ in self._connections:
            deploy = await self.start()
            wanted = islice(reports(), warm + measured)
            bodies.append([_body(REPORT, input=_callback(deploy, *report)) for report in wanted])
        await self._all([mine[:warm] for mine in bodies], WORKFLOW)
        seconds, answers = await self._all([mine[warm:] for mine in bodies], WORKFLOW)
        if any(_data(answer)["applyCallback"]["duplicate"] for answer in answers):
            raise RuntimeError("a callback was taken for a duplicate")
        return len(answers) / seconds

    async def move(self, deploys: Sequence[str], walk: Sequence[tuple[int, str]], rate: float | None = None) -> float:
        """Report the same of all deploys, step by step, each caller of its share of them. Returns when it began.

        `rate`: how many are sent in a second, by all together; None: as many as are answered.
        """
        callers = len(self._connections)
        shares = [deploys[first::callers] for first in range(callers)]
        bodies = [
            [_body(REPORT, input=_callback(deploy, *report)) for report in walk for deploy in share] for share in shares
        ]
        began = time.time()
        _, answers = await self._all(bodies, WORKFLOW, rate)
        for answer in answers:
            _data(answer)
        return began

    async def milliseconds(self, query: str, times: int, **variables: Any) -> float:
        """How long the first of them waits for an answer: the median of so many `times`, one after the other."""
        body, taken, answers = _body(query, **variables), [], []
        with quiet():
            for _ in range(times):
                began = time.perf_counter()
                answers.append(await self._connections[0].post(body, OPERATOR))
                taken.append(time.perf_counter() - began)
        for answer in answers:
            _data(answer)
        return median(taken) * 1000

    async def _all(
        self, bodies: Sequence[Sequence[bytes]], token: str, rate: float | None = None
    ) -> tuple[float, list[bytes]]:
        """How many seconds they took, and the answers, which are looked at later."""
        answers: list[bytes] = []

        async def call(number: int, mine: Sequence[bytes]) -> None:
            for index, body in enumerate(mine):
                if rate is not None:
                    due = began + (index * len(self._connections) + number) / rate
                    await asyncio.sleep(due - time.perf_counter())
                answers.append(await self._connections[number].post(body, token))

        with quiet():
            began = time.perf_counter()
            await asyncio.gather(*(call(number, mine) for number, mine in enumerate(bodies)))
            return time.perf_counter() - began, answers


@asynccontextmanager
async def calling(url: str, callers: int = 1) -> AsyncIterator[Callers]:
    """Callers of a server for the length of a block."""
    connections = [await Connection.open(url) for _ in range(callers)]
    try:
        yield Callers(connections)
    finally:
        for connection in connections:
            await connection.close()


def _body(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def _callback(deploy: str, attempt: int, status: str) -> dict[str, Any]:
    return {"deployId": deploy, "status": status, "attempt": attempt}


def _data(answer: bytes) -> Any:
    found = json.loads(answer)
    if "errors" in found:
        raise RuntimeError(f"refused: {found}")
    return found["data"]
