"""How requests end otherwise than well: each in exactly one way."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from phaseline.github import exchange
from phaseline.github.client import GitHub
from phaseline.github.credentials import Token
from phaseline.github.errors import GitHubError, Limited, NotAllowed, NotSent, Refused, Unclear
from tests.support.github import FakeGitHub
from tests.support.github.access import TOKEN
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.faults import Fault, failing, lost, primary_limit, secondary_limit, slow
from tests.support.github.hooks import Manner
from tests.support.waiting import until

INPUTS = {"environment": "staging", "ref": "main", "console_deploy_id": "0d9f"}

Operation = Callable[[GitHub, str], Awaitable[object]]

OPERATIONS: dict[str, Operation] = {
    "dispatch": lambda client, _: client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS),
    "runs_named": lambda client, _: client.runs_named(REPOSITORY, WORKFLOW, "0d9f", datetime.now(UTC)),
    "run": lambda client, run_id: client.run(REPOSITORY, run_id),
    "attempt": lambda client, run_id: client.attempt(REPOSITORY, run_id, 1),
    "jobs": lambda client, run_id: client.jobs(REPOSITORY, run_id, 1),
    "pending_approvals": lambda client, run_id: client.pending_approvals(REPOSITORY, run_id),
    "cancel": lambda client, run_id: client.cancel(REPOSITORY, run_id),
    "rerun": lambda client, run_id: client.rerun(REPOSITORY, run_id),
    "rerun_failed": lambda client, run_id: client.rerun_failed(REPOSITORY, run_id),
    "commit_of": lambda client, _: client.commit_of(REPOSITORY, "main"),
    "refs_like": lambda client, _: client.refs_like(REPOSITORY, "ma", 5),
    "compare": lambda client, _: client.compare(REPOSITORY, "main", "main"),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


@pytest.fixture
async def run_id(github: FakeGitHub) -> str:
    """A run that has failed, so that all may be asked of it."""
    workflow = github.repository.workflows["deploy-console.yml"]
    run = github.repository.start(workflow, "main", INPUTS)
    github.hooks.manner = Manner.NEVER
    await github.runs.end(run, "failure")
    return str(run.id)


@every_operation
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (failing(500), Unclear),
        (failing(502), Unclear),
        (failing(503, done=True), Unclear),
        (failing(520), Unclear),
        (failing(408), Unclear),
        (failing(206), Unclear),
        (failing(304), Unclear),
        (failing(418), Refused),
        (lost(), Unclear),
        (primary_limit(), Limited),
        (primary_limit(status=429), Limited),
        (secondary_limit(), Limited),
        (secondary_limit(None), Limited),
        (secondary_limit(None, status=429), Limited),
    ],
    ids=[
        *("500", "502", "503 when it was done", "520", "408", "206", "304", "418", "lost"),
        *("the hour's limit", "the hour's, by 429", "too much at once", "that without a time", "that by 429"),
    ],
)
async def test_what_goes_wrong_is_one_error_and_nothing_is_sent_again(
    github: FakeGitHub, client: GitHub, run_id: str, operation: Operation, fault: Fault, error: type[GitHubError]
) -> None:
    github.faults.add(fault, times=1)
    with pytest.raises(GitHubError) as raised:
        await operation(client, run_id)
    assert type(raised.value) is error
    assert len(github.asked) == 1


@every_operation
async def test_where_nobody_is_there_nothing_was_sent(
    github: FakeGitHub, client: GitHub, run_id: str, operation: Operation
) -> None:
    await github.away()
    with pytest.raises(NotSent):
        await operation(client, run_id)
    await github.back()
    with suppress(Refused):  # there is nothing to cancel any more
        await operation(client, run_id)
    assert github.asked


@every_operation
async def test_a_credential_that_was_taken_back_is_not_allowed(
    github: FakeGitHub, client: GitHub, run_id: str, operation: Operation
) -> None:
    github.access.revoke(TOKEN)
    with pytest.raises(NotAllowed, match="Bad credentials") as raised:
        await operation(client, run_id)
    assert raised.value.status == 401


@every_operation
async def test_a_repository_that_the_credential_may_not_see_is_told_from_what_is_not_in_it(
    github: FakeGitHub, client: GitHub, run_id: str, operation: Operation
) -> None:
    github.repository.hidden = True
    with pytest.raises(NotAllowed, match=f"{REPOSITORY} is not there, or .* needed: Metadata: read"):
        await operation(client, run_id)


async def test_a_run_that_is_not_there_is_refused(client: GitHub) -> None:
    with pytest.raises(Refused, match=r"^Not Found: actions/runs/5$") as raised:
        await client.run(REPOSITORY, "5")
    assert raised.value.status == 404


async def test_what_was_answered_stays_so_where_it_cannot_be_asked_why(github: FakeGitHub, client: GitHub) -> None:
    for fault in (failing(502), primary_limit(), lost()):
        github.faults.add(fault, "GET")
        with pytest.raises(Refused, match="Not Found"):
            await client.cancel(REPOSITORY, "5")


async def test_github_says_which_permission_is_missing(github: FakeGitHub, client: GitHub) -> None:
    github.access.may_not["POST"] = "actions=write"
    with pytest.raises(NotAllowed, match=r"not accessible by personal access token; needed: actions=write"):
        await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS)


async def test_a_slow_github_is_given_up_and_may_have_done_it(
    github: FakeGitHub, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "PATIENCE", 0.3)
    gate = asyncio.Event()
    github.faults.add(slow(gate))
    with pytest.raises(Unclear, match=r"has not answered within 0\.3 seconds"):
        await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS)
    assert len(github.repository.runs) == 1
    gate.set()


async def test_an_answer_that_trickles_is_given_up_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PATIENCE", 0.3)

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            writer.close()

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with GitHub(f"http://127.0.0.1:{port}", Token(TOKEN)) as client:
            with pytest.raises(Unclear, match="has not answered within"):
                await client.run(REPOSITORY, "1")


async def test_who_speaks_no_tls_was_sent_nothing() -> None:
    heard = b""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard = await reader.read(10_000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with GitHub(f"https://127.0.0.1:{port}", Token(TOKEN)) as client:
            with pytest.raises(NotSent):
                await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS)
    await until(lambda: bool(heard))
    assert b"dispatches" not in heard


@pytest.mark.parametrize("api_url", ["http://github.invalid", "ftp://github.example", "http://127.0.0.1:1", "nonsense"])
async def test_an_address_at_which_nobody_can_be_is_not_sent_to(api_url: str) -> None:
    async with GitHub(api_url, Token(TOKEN)) as client:
        with pytest.raises(NotSent):
            await client.run(REPOSITORY, "1")


async def test_a_client_that_is_closed_sends_nothing(github: FakeGitHub) -> None:
    async with GitHub(github.api_url, Token(TOKEN)) as client:
        pass
    with pytest.raises(NotSent):
        await client.run(REPOSITORY, "1")


_AFTER: list[Exception] = [
    httpx2.ReadTimeout("x"),
    httpx2.WriteTimeout("x"),
    httpx2.ReadError("x"),
    httpx2.WriteError("x"),
    httpx2.CloseError("x"),
    httpx2.RemoteProtocolError("x"),
    httpx2.DecodingError("x"),
    httpx2.TooManyRedirects("x"),
    httpx2.StreamClosed(),
    OSError("x"),
    ssl.SSLError("x"),
    TimeoutError(),
]
_BEFORE: list[Exception] = [
    httpx2.ConnectError("x"),
    httpx2.ConnectTimeout("x"),
    httpx2.PoolTimeout("x"),
    httpx2.ProxyError("x"),
    httpx2.UnsupportedProtocol("x"),
    httpx2.LocalProtocolError("x"),
    httpx2.InvalidURL("x"),
]


@pytest.mark.parametrize("error", [*_AFTER, *_BEFORE], ids=lambda error: type(error).__name__)
async def test_whatever_the_connection_may_raise_was_sent_or_was_not(error: Exception) -> None:
    async def fail(request: httpx2.Request) -> httpx2.Response:
        raise error

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(fail)) as http:
        client = GitHub("https://api.github.example", Token(TOKEN), http)
        with pytest.raises(NotSent if error in _BEFORE else Unclear):
            await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS)


def test_every_error_of_the_http_library_is_among_those() -> None:
    def below(kind: type[Any]) -> set[type[Any]]:
        return {kind}.union(*(below(one) for one in kind.__subclasses__() if one.__module__.startswith("httpx2")))

    never_raised_alone = {
        *(httpx2.HTTPError, httpx2.RequestError, httpx2.TransportError, httpx2.TimeoutException),
        *(httpx2.NetworkError, httpx2.ProtocolError, httpx2.HTTPStatusError),
    }
    tried = {type(error) for error in [*_AFTER, *_BEFORE]}
    assert {kind.__name__ for kind in below(httpx2.HTTPError) - never_raised_alone - tried} <= {"SSEError"}


_JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"content-type": "text/html"}, b"<html>log in</html>"),
        (_JSON, b""),
        (_JSON, b"{"),
        (_JSON, b"\xff"),
        (_JSON, b"[" * 100_000),
        (_JSON, b"[]"),
        (_JSON, b'{"id": "5"}'),
        (_JSON, b'{"id": 1e400}'),
        ({"content-type": "application/json; charset=klingon"}, b"{}"),
        ({**_JSON, "x-ratelimit-limit": "many", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "1"}, b"{}"),
        ({**_JSON, "content-encoding": "gzip"}, b"this is not"),
    ],
    ids=[
        "a page",
        "nothing",
        "half",
        "no text",
        "too deep",
        "a list",
        "a text",
        "no number",
        "charset",
        "limits",
        "gzip",
    ],
)
async def test_an_answer_that_nobody_can_read_says_nothing(headers: dict[str, str], content: bytes) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(content))

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        client = GitHub("https://api.github.example", Token(TOKEN), http)
        with pytest.raises(Unclear):
            await client.run(REPOSITORY, "5")


async def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LARGEST", 1000)

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=_JSON, content=b" " * 1001)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        client = GitHub("https://api.github.example", Token(TOKEN), http)
        with pytest.raises(Unclear, match="more than 1000 bytes"):
            await client.run(REPOSITORY, "5")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_repository_that_was_renamed_is_followed_on_its_own_host(github: FakeGitHub, status: int) -> None:
    moved = f"{github.api_url}/repos/{REPOSITORY}/commits/heads%2Fmain?per_page=1"
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        if len(asked) == 1:
            return httpx2.Response(status, headers={"location": moved, **_JSON}, json={"message": "Moved"})
        return httpx2.Response(200, json={"sha": "a" * 40})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        client = GitHub(github.api_url, Token(TOKEN), http)
        assert await client.commit_of("old/name", "heads/main") == "a" * 40
    assert len(asked) == 2


@pytest.mark.parametrize(
    "location", ["https://elsewhere.example/", "http://api.github.example/x", "https://api.github.example:444/x"]
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_other_host_is_ever_asked(status: int, location: str) -> None:
    asked: list[httpx2.URL] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url)
        return httpx2.Response(status, headers={"location": location}, json={"message": "Moved Permanently"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), follow_redirects=True) as http:
        client = GitHub("https://api.github.example", Token(TOKEN), http)
        with pytest.raises(Refused, match="Moved Permanently"):
            await client.run(REPOSITORY, "5")
        with pytest.raises(Refused, match="Moved Permanently"):
            await client.cancel(REPOSITORY, "5")
    assert {url.host for url in asked} == {"api.github.example"}
    assert len(asked) == 2


async def test_an_address_that_leads_round_and_round_is_given_up() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(307, headers={"location": "/again"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        client = GitHub("https://api.github.example", Token(TOKEN), http)
        with pytest.raises(Refused, match="another address more than"):
            await client.run(REPOSITORY, "5")


async def test_a_limit_says_until_when(github: FakeGitHub, client: GitHub) -> None:
    github.faults.add(primary_limit(600))
    with pytest.raises(Limited) as raised:
        await client.run(REPOSITORY, "5")
    assert timedelta(seconds=590) < raised.value.until - datetime.now(UTC) <= timedelta(seconds=601)


async def test_who_gives_up_waiting_raises_nothing_else(github: FakeGitHub, client: GitHub) -> None:
    gate = asyncio.Event()
    github.faults.add(slow(gate))
    asking = asyncio.create_task(client.run(REPOSITORY, "5"))
    await until(lambda: len(github.asked) == 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.set()


async def test_a_connection_that_is_never_accepted_was_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_TIMEOUT", httpx2.Timeout(1, connect=0.2))
    # Its queue of one is full, so that others are not even connected.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        async with GitHub(f"http://127.0.0.1:{full.getsockname()[1]}", Token(TOKEN)) as client:
            with pytest.raises(NotSent):
                await client.run(REPOSITORY, "5")
