"""Our GitHub, over real HTTP: what comes and what goes is held against GitHub's own description, every time."""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl

from tests.support.github.access import INSTALLATIONS, Access, account
from tests.support.github.answers import Answers
from tests.support.github.description import NotDescribed, describe
from tests.support.github.faults import Answer, Faults
from tests.support.github.hooks import Hooks
from tests.support.github.operations import NOT_FOUND, Asked, Operations
from tests.support.github.runs import Runs
from tests.support.github.serving import Server, body_of
from tests.support.github.state import Repository, Run, Workflow
from tests.support.ports import free_port

REPOSITORY = "octo-org/console"
WORKFLOW = ".github/workflows/deploy-console.yml"


class Disagreement(AssertionError):
    """What was asked, or answered, is not as GitHub describes it."""


class Carrier(Protocol):
    """Whoever carries runs out. Neither waits for anything: GitHub does not, either."""

    def begin(self, run: Run) -> None:
        """Its newest attempt is to be carried out."""

    def cancel(self, run: Run) -> None:
        """It is to be ended, if it is not over yet."""


class FakeGitHub:
    """For the length of a block, at `url`; `api_url` is what a client is to be given.

    `asked`: every request there was, and `wrong` what was wrong with it or with its answer; where the block ends and
    there is any, Disagreement is raised. `faults`, `access` and `hooks` say what goes wrong, who is let in and who is
    told; `runs` is the hand that moves runs on: a test's own, or that of a `carrier`, where there is one.
    """

    def __init__(self, *, enterprise: bool = False) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._prefix = "/api/v3" if enterprise else ""
        self.api_url = self.url + self._prefix
        self.asked: list[Asked] = []
        self.wrong: list[str] = []
        self.remaining = 5000
        self.description = describe()
        self.access, self.faults, self.hooks = Access(), Faults(), Hooks()
        answers = Answers(self.description, self.url, self.api_url)
        self.runs = Runs(self.hooks, answers, self.description, self.wrong)
        self.carrier: Carrier | None = None
        self._operations = Operations(answers, self._began, self._cancelled)
        self._telling: set[asyncio.Task[None]] = set()
        self._operations.tells_run = not enterprise
        self.repository = self.add(REPOSITORY)
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        await self.back()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.told()
        await self.away()
        if kind is None and self.wrong:
            raise Disagreement("\n".join(self.wrong))

    def add(self, full_name: str) -> Repository:
        """A repository with a commit on main, and a workflow that can be dispatched."""
        repository = Repository(full_name, workflows={workflow.file: workflow for workflow in [Workflow()]})
        repository.commit()
        self._operations.repositories[full_name.lower()] = repository
        return repository

    def lag(self) -> None:
        """From now on runs are not in the listing, until it catches up."""
        self._operations.lags = True

    def catch_up(self) -> None:
        """The listing knows all runs again."""
        self._operations.lags = False
        for repository in self._operations.repositories.values():
            for run in repository.runs.values():
                run.listed = True

    async def away(self) -> None:
        """Nobody listens at the address, until it is back."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def back(self) -> None:
        """It listens, at the same address as before."""
        self._server = Server(self._serve, self._port)
        await self._server.start()

    async def told(self) -> None:
        """Wait until what was begun by a request has been told of to those who are told."""
        await asyncio.gather(*self._telling)

    def times(self, method: str, path: str = "") -> int:
        """How often it was asked so."""
        return sum(asked.method == method and path in asked.path for asked in self.asked)

    async def _began(self, run: Run) -> None:
        """GitHub tells of it by the way: whoever has asked for it may hear of it before it is answered, or after."""
        telling = asyncio.create_task(self._tell_and_begin(run))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell_and_begin(self, run: Run) -> None:
        await self.runs.began(run)
        if self.carrier is not None:
            self.carrier.begin(run)

    def _cancelled(self, run: Run) -> None:
        if self.carrier is not None:
            self.carrier.cancel(run)

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        asked = self._read(scope, await body_of(receive))
        if asked is None:
            await _send(send, NOT_FOUND, {})
            return
        self.asked.append(asked)
        self.wrong += self._named(asked, self.description.wrong_request(asked.operation, asked.query, asked.body))
        fault = self.faults.take(asked.method, asked.path)
        answer = None if fault is not None and not fault.done else await self._answer(asked)
        if fault is not None and fault.until is not None:
            await fault.until.wait()
        if fault is not None and fault.answer is not None:
            answer = fault.answer()
        else:
            assert answer is not None, "nothing was done, and nothing is answered"
        # What breaks down on the way is not held to what GitHub answers.
        if not answer.lost and answer.headers.get("content-type") != "text/html":
            self.wrong += self._named(asked, self.description.wrong_answer(asked.operation, answer.status, answer.body))
        await _send(send, answer, self._limits(answer))

    def _read(self, scope: Mapping[str, Any], body: bytes) -> Asked | None:
        """The request; None where there is no such operation."""
        method, path = scope["method"], scope["path"]
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if not path.startswith(self._prefix):
                raise NotDescribed(f"{method} {path}")
            operation, parameters = self.description.find(method, path.removeprefix(self._prefix))
        except NotDescribed as error:
            self.wrong.append(f"not described: {error}")
            return None
        return Asked(method, path, operation, parameters, query, headers, body)

    async def _answer(self, asked: Asked) -> Answer:
        refused = self.access.refusal(asked)
        if refused is not None:
            return refused
        if asked.operation == INSTALLATIONS:
            return self.access.installation_token(asked)
        answer = await self._operations.answer(asked)
        return _unless_known(asked, answer) if asked.method == "GET" and answer.status == 200 else answer

    def _limits(self, answer: Answer) -> dict[str, str]:
        """What GitHub tells of the hour's requests with each answer. Nothing new costs nothing."""
        self.remaining -= answer.status != 304
        return {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(5000 - self.remaining),
            "x-ratelimit-reset": str(int(time.time()) + 1800),
            "x-ratelimit-resource": "core",
            **answer.headers,
        }

    @staticmethod
    def _named(asked: Asked, wrong: list[str]) -> list[str]:
        return [f"{asked.method} {asked.path}: {one}" for one in wrong]


def _unless_known(asked: Asked, answer: Answer) -> Answer:
    """Nothing but 304, where the caller has it already. Another token gets another ETag for the same."""
    said = json.loads(answer.body)
    digest = hashlib.sha256(account(asked.headers).encode() + json.dumps(said, sort_keys=True).encode()).hexdigest()
    etag = f'W/"{digest}"'
    if asked.headers.get("if-none-match") == etag:
        return Answer(304, b"", {"etag": etag})
    return Answer(answer.status, answer.body, {**answer.headers, "etag": etag})


async def _send(send: Any, answer: Answer, headers: Mapping[str, str]) -> None:
    length = len(answer.body) + 100 * answer.lost
    if answer.status not in (204, 304):
        headers = {**headers, "content-length": str(length)}
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": told})
    await send({"type": "http.response.body", "body": answer.body, "more_body": answer.lost})
