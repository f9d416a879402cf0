"""Answers that no application gives: to what is no request, or too large or odd a one for the protocol."""

import json
from collections.abc import Awaitable
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.raw_socket import HEAD, connected
from tests.support.server import Server, serving
from tests.support.witness import clear_codes, faultless

UPGRADE = (
    b"host: phaseline\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
)
TOO_LONG = b"x: " + b"x" * 17_000 + b"\r\n"
MANY = b"".join(b"x-%d: 1\r\n" % number for number in range(200))
ANSWERS = {
    "no HTTP": (b"SPEAK FRIEND\r\n\r\n", 400, "BAD_REQUEST"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50) + b"\r\n\r\n", 400, "BAD_REQUEST"),
    "a whole head": (HEAD + TOO_LONG + b"content-length: 0\r\n\r\n", 431, "HEAD_TOO_LARGE"),
    "a head without an end": (HEAD + TOO_LONG, 431, "HEAD_TOO_LARGE"),
    "an endless first line": (b"GET /" + b"x" * 20_000, 431, "HEAD_TOO_LARGE"),
    "an odd chunk": (HEAD + b"transfer-encoding: chunked\r\n\r\nodd\r\n", 400, "BAD_REQUEST"),
    "a handshake of another version": (
        b"GET /graphql HTTP/1.1\r\n" + UPGRADE.replace(b"version: 13", b"version: 12") + b"\r\n",
        400,
        "BAD_REQUEST",
    ),
    "a handshake without a key": (
        b"GET /graphql HTTP/1.1\r\n" + UPGRADE.replace(b"sec-websocket-key", b"x-key") + b"\r\n",
        400,
        "BAD_REQUEST",
    ),
    "a handshake elsewhere": (b"GET /nowhere HTTP/1.1\r\n" + UPGRADE + b"\r\n", 403, "FORBIDDEN"),
    "a handshake of another site's": (
        b"GET /graphql HTTP/1.1\r\norigin: https://evil.example\r\n" + UPGRADE + b"\r\n",
        403,
        "FORBIDDEN",
    ),
    "a handshake by POST": (b"POST /graphql HTTP/1.1\r\n" + UPGRADE + b"content-length: 0\r\n\r\n", 400, "BAD_REQUEST"),
    "a handshake with a body": (
        b"GET /graphql HTTP/1.1\r\n" + UPGRADE + b"content-length: 2\r\n\r\n{}",
        400,
        "BAD_REQUEST",
    ),
    "a handshake with many headers": (
        b"GET /graphql HTTP/1.1\r\n" + UPGRADE + MANY + b"\r\n",
        431,
        "REQUEST_HEADER_FIELDS_TOO_LARGE",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_it_has_a_code_and_the_headers_of_every_other_answer(server: Server, name: str) -> None:
    said, status, code = ANSWERS[name]
    async with faultless(server), connected(server.url, 1) as (odd,):
        odd.say(said)
        await _is_whole(odd.rest(), status, code)


async def _is_whole(hearing: Awaitable[bytes], status: int, code: str) -> None:
    heard = await hearing
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first.startswith(f"HTTP/1.1 {status} "), heard
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "application/json"
    assert clear_codes(json.loads(body)["errors"]) == [code]


async def test_behind_https_it_keeps_browsers_there(database: Path) -> None:
    async with (
        serving(database, public_url="https://phaseline.example") as server,
        connected(server.url, 2) as (odd, slow),
    ):
        slow.say(HEAD)
        odd.say(b"SPEAK FRIEND\r\n\r\n")
        for one in (odd, slow):
            assert b"\r\nstrict-transport-security: max-age=" in await one.rest()


async def test_a_head_of_the_largest_size_is_read(server: Server) -> None:
    head = b"GET /healthz HTTP/1.1\r\nhost: phaseline\r\nconnection: close\r\nx: "
    async with connected(server.url, 1) as (large,):
        large.say(head + b"x" * (16 * 1024 - len(head) - 4) + b"\r\n\r\n")
        assert (await large.rest()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/graphql/", "/sign-in/", "/healthz/"])
async def test_nobody_is_led_to_a_host_that_the_caller_named(caller: Caller, path: str) -> None:
    response = await caller.http.get(path, headers={"host": "evil.example"})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
    assert "evil.example" not in response.text
