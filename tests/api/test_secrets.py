"""What proves who calls never reaches the log, wherever a caller puts it and however finely the log is written."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from tests.support.caller import Caller
from tests.support.logins import COOKIE, OPERATOR, VIEWER, WORKFLOW, bearer
from tests.support.raw_socket import connected, frame
from tests.support.server import Server, serving
from tests.support.viewer import PROTOCOL, viewing
from tests.support.witness import faults, heard

# Header and payload are real ones, as of a workflow run.
ID_TOKEN = (
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3Rva2VuLmFjdGlvbnMuZ2l0aHVidXNlcmNvbnRlbnQuY29tIn0"
    ".c2lnbmF0dXJlLW9mLW5vYm9keQ"
)
CUT = VIEWER[:-1]  # its checksum does not hold
OPAQUE = "a-token-of-some-other-service-0123456789"
SECRETS = [OPERATOR, WORKFLOW, VIEWER, CUT, ID_TOKEN, OPAQUE, COOKIE]
READ = "{ pipeline { name } }"
REPORT = 'mutation { applyCallback(input: {deployId: "%s", status: "building"}) { duplicate } }'


@pytest.fixture(params=["json", "console"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that tells as much as it can."""
    async with serving(
        tmp_path / "phaseline.db", log_level="debug", log_format=request.param, unproven_per_minute="60000"
    ) as running:
        yield running


async def test_no_secret_reaches_the_log(server: Server) -> None:
    async with Caller(server.url) as caller:
        deploy = await caller.start()
        for secret in SECRETS:
            await _in_headers(caller.http, secret, deploy["id"])
            await _in_addresses_and_bodies(caller.http, secret, deploy["id"])
            await _in_sockets(server, secret)
            await _in_what_is_no_request(server, secret)
    if server.log[-1].get("level"):
        await heard(server)
        assert not faults(server)
    await server.stop()
    assert len(server.log) > 10
    assert [line for line in server.log if any(secret[8:40] in json.dumps(line) for secret in SECRETS)] == []


async def _in_headers(http: httpx.AsyncClient, secret: str, deploy: str) -> None:
    """Where a proof belongs, and beside it."""
    for query in (READ, REPORT % deploy, REPORT % "nowhere", "{"):
        for headers in (
            bearer(secret),
            {"authorization": secret},
            {"authorization": f"Basic {secret}"},
            {"authorization": f"Bearer  {secret} {secret}"},
            {"authorization": "", "cookie": f"phaseline={secret}; __Host-phaseline={secret}"},
            {"x-token": secret, "referer": f"https://console.example/?token={secret}", "origin": f"https://{secret}"},
            {"user-agent": secret, "content-type": secret},
        ):
            await http.post("/graphql", json={"query": query}, headers=headers)
            await http.post("/graphql", json={"query": query}, headers={"accept": "text/event-stream"} | headers)


async def _in_addresses_and_bodies(http: httpx.AsyncClient, secret: str, deploy: str) -> None:
    for path in ("/graphql", f"/{secret}", "/sign-in", f"/deploys/{secret}", "/healthz", f"/sign-in/{secret}"):
        await http.get(path, params={"access_token": secret, "query": READ, "code": secret, "state": secret})
    for body in (
        {"token": secret},
        {"query": secret},
        {"query": READ, "operationName": secret},
        {"query": READ, "variables": secret},
        {"query": f'{{ deploy(id: "{secret}") {{ id }} }}'},
        {"query": REPORT % secret},
        {"query": "query ($id: ID!) { deploy(id: $id) { id } }", "variables": {"id": [secret]}},
    ):
        for path in ("/graphql", "/sign-in", "/sign-out"):
            await http.post(path, json=body)
    await http.post("/graphql", content=f'{{"query": "{secret}', headers={"content-type": "application/json"})


async def _in_sockets(server: Server, secret: str) -> None:
    address = server.url.replace("http", "ws", 1) + f"/graphql?token={secret}"
    for payload in (bearer(secret), {"authorization": [secret]}, {"token": secret}, {"authorization": secret}):
        async with connect(address, subprotocols=[PROTOCOL], proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            await socket.send(json.dumps({"type": secret, "id": secret}))
            with suppress(ConnectionClosed):
                while True:
                    await socket.recv()
    for headers in ({"cookie": f"phaseline={secret}"}, bearer(secret)):
        with suppress(InvalidHandshake):
            async with connect(address, subprotocols=[Subprotocol(secret)], proxy=None, additional_headers=headers):
                pass
    async with viewing(server.url) as viewer:
        await viewer.subscribe(f'{{ deploy(id: "{secret}") {{ nope }} }}', secret)
        assert (await viewer.receive())["type"] == "error"


async def _in_what_is_no_request(server: Server, secret: str) -> None:
    async with connected(server.url, 4) as (odd, long, half, binary):
        odd.say(f"NOT HTTP AT ALL Bearer {secret}\r\n\r\n".encode())
        long.say(f"GET / HTTP/1.1\r\nauthorization: Bearer {secret}\r\nx: {'x' * 100_000}\r\n\r\n".encode())
        half.say(f"GET /?{secret} HTTP/1.1\r\nauthorization: Bearer {secret}\r\n".encode())
        await binary.upgrade(f"authorization: Bearer {secret}")
        binary.say(frame(1, b"\xff" + secret.encode()) + frame(2, secret.encode()))
        await asyncio.gather(odd.rest(), binary.reader.read(1))


async def test_not_even_a_fault_or_a_library_tells_one() -> None:
    """What nobody thought of: an exception that quotes what it was given, and a library's own line."""
    program = f"""
import logging, structlog
from phaseline import logs
from phaseline.settings import Settings
for form in ("json", "console"):
    logs.configure(Settings(log_level="debug", log_format=form))
    for secret in {SECRETS!r}:
        logging.getLogger("some.library").warning("got headers %r", [(b"authorization", b"Bearer " + secret.encode())])
        logging.getLogger("some.library").debug("sent %s", secret)
        try:
            raise ValueError(f"cannot read Authorization: bearer {{secret}}; __Host-phaseline={{secret}}; x=1")
        except ValueError:
            structlog.get_logger("phaseline.x").exception("unexpected error", cookie=f"phaseline={{secret}}")
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    _, told = await process.communicate()
    text = told.decode()
    assert process.returncode == 0, text
    assert text.count("cannot read Authorization") == 2 * len(SECRETS)
    assert [secret for secret in SECRETS if secret[8:40] in text] == []


FORMS = [
    "Authorization: Basic {}",
    "Authorization: {}",
    "{{'authorization': 'Basic {}'}}",
    "[(b'authorization', b'Basic {}')]",
    "[(b'cookie', b'__Host-phaseline={}')]",
    "cookie: __Secure-phaseline-provider={}; x=1",
    "set-cookie: phaseline-provider={}",
    "GET /sign-in/provider/callback?code={}&state=1",
    "GET /?x=1&state={}",
    "POST client_secret={}&grant_type=x",
    "code_verifier={}",
    "access_token={}&x=1",
    "bearer%20{}",
    '{{"id_token": "{}"}}',
    "{{'refresh_token': '{}'}}",
    '{{"client_secret":"{}"}}',
    "client_assertion={}",
    "postgresql+asyncpg://phaseline:{}@db/phaseline",
]


async def test_whatever_looks_like_a_secret_is_hidden_whoever_tells_it() -> None:
    """As headers, addresses, forms and answers show it. The line itself stays, and so does what is no secret."""
    program = f"""
import logging
from phaseline import logs
from phaseline.settings import Settings
for form in ("json", "console"):
    logs.configure(Settings(log_format=form))
    for text in {FORMS!r}:
        logging.getLogger("some.library").warning("told: " + text.format({OPAQUE!r}))
    logging.getLogger("some.library").warning("code=RATE_LIMITED the token is not good: it has expired")
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    _, told = await process.communicate()
    text = told.decode()
    assert [line for line in text.splitlines() if OPAQUE in line] == []
    assert [("[hidden]" in line) for line in text.splitlines() if "told: " in line] == [True] * 2 * len(FORMS)
    assert text.count("code=RATE_LIMITED the token is not good: it has expired") == 2
