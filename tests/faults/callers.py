"""Callers: each reports on deploys, mostly as a workflow does and sometimes as none should, until it is answered."""

import asyncio
import ssl
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import httpx

from tests.faults.history import Answer, History, Look, Sending, Start
from tests.support import model
from tests.support.caller import ENTRY
from tests.support.logins import OPERATOR, WORKFLOW, bearer

_START = "mutation ($input: StartDeployInput!) { startDeploy(input: $input) { id } }"
_REPORT = (
    "mutation ($input: CallbackInput!) { applyCallback(input: $input) "
    "{ duplicate entry {" + ENTRY + "} deploy { sequence attempt status { key } } } }"
)
_LOOK = "query ($id: ID!) { deploy(id: $id) { sequence } }"
_LATER = {"UNAVAILABLE": Answer.UNAVAILABLE, "SERVER_STOPPING": Answer.STOPPING}
_REFUSALS = ("ILLEGAL_TRANSITION", "STALE_ATTEMPT", "UNKNOWN_STATUS")

# The longest pause before something is sent again, whatever an answer asks for, in seconds: the run is short.
_LONGEST_PAUSE = 1.0

_TLS = ssl.create_default_context()  # not used, and slow to make for each caller anew


@dataclass(frozen=True, slots=True)
class Response:
    """What came: the status, the body (empty where it is no JSON) and the pause that it asks for."""

    status: int
    body: dict[str, Any]
    pause: float | None

    @property
    def error(self) -> dict[str, Any]:
        """The extensions of its first error; empty where there is none."""
        errors = self.body.get("errors")
        found: dict[str, Any] = errors[0].get("extensions", {}) if errors else {}
        return found


@dataclass
class Caller:
    """Sends to one of `addresses` after the other, at random, and again until it is answered.

    `patience` is how long it waits for an answer, in seconds; where none comes again and again, it waits longer, so
    that a busy machine makes nothing fail but only late. Some callers, like tools, keep connections; others,
    like the action, make one for each sending.
    """

    name: str
    environment: str
    addresses: Callable[[], list[str]]
    patience: float
    history: History
    random: Random
    _unanswered: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        kept = 4 if self.random.random() < 0.3 else 0
        limits = httpx.Limits(max_keepalive_connections=kept)
        self._http = httpx.AsyncClient(timeout=None, limits=limits, verify=_TLS, trust_env=False)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def start(self) -> str:
        """Start a deploy, and return its id. One whose answer was lost goes on without anybody who knows of it."""
        while True:
            note = self._name()
            start = Start(note)
            self.history.starts.append(start)
            wanted = {"environment": self.environment, "ref": "main", "note": note}
            response = await self._send(OPERATOR, _START, input=wanted)
            if response is not None and response.status == 200:
                start.deploy = response.body["data"]["startDeploy"]["id"]
                return str(start.deploy)
            await self._pause(response)

    async def walk(self, deploy: str, pause: float, stopping: asyncio.Event) -> None:
        """Report on a deploy in random steps, with pauses of this length at most, until told to stop."""
        reported: list[model.Report] = []
        standing = (1, model.START)
        while not stopping.is_set():
            report = self._next(standing, reported)
            response = await self.report(deploy, *report)
            if response is not None and response.status == 200:
                reported.append(report)
                stands = response.body["data"]["applyCallback"]["deploy"]
                standing = (stands["attempt"], stands["status"]["key"])
            elif response is not None and response.error.get("code") in _REFUSALS:
                standing = (response.error["attempt"], response.error["from"])
            if self.random.random() < 0.2:
                await self.look(deploy)
            await asyncio.sleep(self.random.uniform(0, pause))

    async def report(self, deploy: str, attempt: int, status: str) -> Response | None:
        """Send a callback until it is answered; now and then it is given up before, as a workflow does in the end."""
        gives_up_after = 2 if self.random.random() < 0.1 else None
        for tried in count(1):
            sending = Sending(self._name(), deploy, status, attempt, time.monotonic())
            self.history.sendings.append(sending)
            response = await self.send_callback(sending, WORKFLOW)
            _note(sending, response)
            if sending.answer not in (Answer.NONE, Answer.UNAVAILABLE, Answer.STOPPING):
                return response
            if tried == gives_up_after:
                break
            await self._pause(response)
        return None

    async def send_callback(self, sending: Sending, token: str | None) -> Response | None:
        """Send it once, and return what came."""
        wanted = {
            "deployId": sending.deploy,
            "status": sending.status,
            "attempt": sending.attempt,
            "runId": sending.run,
        }
        return await self._send(token, _REPORT, input=wanted)

    async def look(self, deploy: str) -> None:
        """Ask how a deploy stands, once."""
        asked = time.monotonic()
        response = await self._send(OPERATOR, _LOOK, id=deploy)
        if response is not None and response.status == 200:
            found = response.body["data"]["deploy"]
            self.history.looks.append(Look(deploy, asked, found["sequence"] if found else 0))

    async def _send(self, token: str | None, query: str, **variables: Any) -> Response | None:
        """What was answered; None where nothing was, or not all of it."""
        headers = bearer(token) if token else {}
        address = self.random.choice(self.addresses()) + "/graphql"
        try:
            async with asyncio.timeout(self.patience * (1 + self._unanswered // 4)):
                response = await self._http.post(
                    address, json={"query": query, "variables": variables}, headers=headers
                )
        except httpx.TransportError:
            return None
        except TimeoutError:
            self._unanswered += 1
            return None
        self._unanswered = 0
        pause = response.headers.get("retry-after")
        try:
            body = response.json()
        except ValueError:
            body = {}
        return Response(response.status_code, body, float(pause) if pause else None)

    async def _pause(self, response: Response | None) -> None:
        wanted = response.pause if response is not None else None
        await asyncio.sleep(min(wanted or self.random.uniform(0.1, 0.5), _LONGEST_PAUSE))

    def _next(self, standing: model.Report, reported: Collection[model.Report]) -> model.Report:
        """What to report of a deploy that stands so: mostly what is legal."""
        attempt, status = standing
        kind = self.random.random()
        if kind < 0.7:
            wanted = attempt + self.random.choice([1, 1, 1, 2]) if status in model.ENDS else attempt
            if choices := sorted(model.open_to(status, attempt, wanted)):
                return wanted, self.random.choice(_ends_seldom(choices))
        if kind < 0.85 and reported:
            return self.random.choice(sorted(reported))
        if kind < 0.9:
            return max(1, attempt - 1), self.random.choice(model.STATUSES)
        if kind < 0.92:
            return attempt, "paused"
        return attempt + self.random.choice([0, 0, 0, 1]), self.random.choice(model.STATUSES)

    def _name(self) -> str:
        return f"{self.name}-{next(self._numbers)}"


def _ends_seldom(choices: list[str]) -> list[str]:
    """The same choices, those that end an attempt less likely, and least the one that ends all."""
    weights = {"succeeded": 1, "failed": 2, "cancelled": 2}
    return [choice for choice in choices for _ in range(weights.get(choice, 6))]


def _note(sending: Sending, response: Response | None) -> None:
    """What became of a sending."""
    sending.answered = time.monotonic()
    if response is None:
        return
    code = response.error.get("code")
    if response.status == 200 and response.body.get("data"):
        receipt = response.body["data"]["applyCallback"]
        sending.answer = Answer.DUPLICATE if receipt["duplicate"] else Answer.ACCEPTED
        sending.sequence = receipt["entry"]["sequence"]
        sending.first = receipt["entry"]["runId"]
    elif response.status == 422 and code in _REFUSALS:
        sending.answer = Answer.REFUSED
        sending.refusal, sending.origin = code, response.error["from"]
    elif response.status == 503 and code in _LATER:
        sending.answer = _LATER[code]
    else:
        sending.answer = Answer.ODD
        sending.told = f"{response.status} {response.body}"
