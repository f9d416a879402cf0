"""Signing in and out in a browser: by a token, into a cookie that no page can read and no other site can use."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from phaseline.cli import app
from phaseline.settings import Settings
from tests.support import tokens
from tests.support.command import phaseline
from tests.support.database import migrate
from tests.support.logins import COOKIE, OPERATOR, TOOL, VIEWER, WORKFLOW
from tests.support.server import Server, serving
from tests.support.viewer import PROTOCOL, Viewer, viewing

DEPLOYS = {"query": "{ deploys { edges { node { id } } } }"}
IDENTITY = {"query": "{ identity { name role proof } }"}
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of its own, which keeps cookies."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


async def sign_in(browser: httpx.AsyncClient, token: str = OPERATOR) -> httpx.Response:
    return await browser.post("/sign-in", json={"token": token})


async def test_the_ways_to_sign_in_are_told_to_everybody(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/sign-in")
    assert answer.json() == {"authentication": "on", "provider": None}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("token", "role"), [(OPERATOR, "OPERATOR"), (VIEWER, "VIEWER"), (TOOL, "TOOL"), (f" {VIEWER}\n", "VIEWER")]
)
async def test_a_token_becomes_a_cookie_that_proves_the_same(browser: httpx.AsyncClient, token: str, role: str) -> None:
    signed_in = await sign_in(browser, token)
    assert (signed_in.status_code, signed_in.content) == (204, b"")
    assert signed_in.headers["cache-control"] == "no-store"
    answer = await browser.post("/graphql", json=IDENTITY)
    assert answer.json()["data"]["identity"] == {"name": f"token:{role.lower()}", "role": role, "proof": "SIGN_IN"}


async def test_no_page_can_read_the_cookie_and_no_other_site_sends_it(browser: httpx.AsyncClient) -> None:
    (cookie,) = SimpleCookie((await sign_in(browser)).headers["set-cookie"]).values()
    assert cookie.key == "phaseline"
    assert (cookie["path"], cookie["httponly"], cookie["samesite"].lower()) == ("/", True, "strict")
    assert cookie["domain"] == ""
    assert 12 * 3600 - 60 <= int(cookie["max-age"]) <= 12 * 3600
    assert OPERATOR not in cookie.value


async def test_over_https_the_cookie_is_one_that_no_other_host_can_set(database: Path) -> None:
    settings = {"public_url": "https://phaseline.example", "sign_in_hours": "0.5", "log_level": "debug"}
    async with serving(database, **settings) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert [line for line in server.log if "phaseline token create --role operator" in line["event"]]
        (cookie,) = SimpleCookie((await sign_in(client)).headers["set-cookie"]).values()
        assert (cookie.key, cookie["secure"], cookie["path"]) == ("__Host-phaseline", True, "/")
        assert int(cookie["max-age"]) <= 1800
        client.cookies.clear()
        for name, status in (("__Host-phaseline", 200), ("phaseline", 401)):
            asked = await client.post("/graphql", json=DEPLOYS, headers={"cookie": f"{name}={cookie.value}"})
            assert asked.status_code == status
        assert await _over_websocket(server.url, f"__Host-phaseline={cookie.value}") is None
        async with viewing(server.url, token=VIEWER):
            await _leave_no_trace(server, cookie.value, OPERATOR, VIEWER)


async def _leave_no_trace(server: Server, *secrets: str) -> None:
    """Neither the log, however much it tells, nor the database holds any of them."""
    log = json.dumps(server.log)
    kept = b"".join(file.read_bytes() for file in server.database.parent.glob("phaseline.db*"))
    for secret in secrets:
        assert secret not in log
        assert secret.encode() not in kept


async def test_who_signs_out_is_signed_out_wherever_the_cookie_has_got_to(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    stolen = {"cookie": f"phaseline={browser.cookies['phaseline']}"}
    signed_out = await browser.post("/sign-out")
    assert (signed_out.status_code, "phaseline" in browser.cookies) == (204, False)
    asked = await browser.post("/graphql", json=DEPLOYS, headers=stolen)
    assert (asked.status_code, _code(asked)) == (401, "UNAUTHENTICATED")
    assert (await browser.post("/sign-out")).status_code == 204, "once more does no harm"


async def test_who_signs_in_anew_leaves_no_older_sign_in_behind(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, VIEWER)
    before = {"cookie": f"phaseline={browser.cookies['phaseline']}"}
    await sign_in(browser, OPERATOR)
    assert (await browser.post("/graphql", json=DEPLOYS)).status_code == 200
    browser.cookies.clear()
    assert (await browser.post("/graphql", json=DEPLOYS, headers=before)).status_code == 401


async def test_a_sign_in_ends_with_its_token(browser: httpx.AsyncClient, server: Server) -> None:
    token = await tokens.make(server.database, "an-hour", lifetime=timedelta(hours=1))
    (cookie,) = SimpleCookie((await sign_in(browser, token)).headers["set-cookie"]).values()
    assert int(cookie["max-age"]) <= 3600
    assert (await browser.post("/graphql", json=DEPLOYS)).status_code == 200
    await tokens.revoke(server.database, "an-hour")
    assert (await browser.post("/graphql", json=DEPLOYS)).status_code == 401
    refused = await sign_in(browser, token)
    assert (refused.status_code, _code(refused)) == (401, "UNAUTHENTICATED")


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no token of ours": ({"json": {"token": "hunter2"}}, 401, "UNAUTHENTICATED"),
    "a cookie": ({"json": {"token": COOKIE}}, 401, "UNAUTHENTICATED"),
    "nothing": ({"json": {"token": ""}}, 401, "UNAUTHENTICATED"),
    "half a character": (
        {"content": b'{"token": "phl_\\ud800"}', "headers": {"content-type": "application/json"}},
        401,
        "UNAUTHENTICATED",
    ),
    "a workflow": ({"json": {"token": WORKFLOW}}, 403, "FORBIDDEN"),
    "no member": ({"json": {}}, 400, "BAD_USER_INPUT"),
    "a number": ({"json": {"token": 7}}, 400, "BAD_USER_INPUT"),
    "a list": ({"json": [OPERATOR]}, 400, "BAD_USER_INPUT"),
    "no JSON": ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "BAD_REQUEST"),
    "no UTF-8": ({"content": b"\xff\xff", "headers": {"content-type": "application/json"}}, 400, "BAD_REQUEST"),
    "far too deep": (
        {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}},
        400,
        "BAD_REQUEST",
    ),
    "a form": ({"data": {"token": OPERATOR}}, 400, "BAD_REQUEST"),
    "text": (
        {"content": json.dumps({"token": OPERATOR}), "headers": {"content-type": "text/plain"}},
        400,
        "BAD_REQUEST",
    ),
    "another site": ({"json": {"token": OPERATOR}, "headers": {"origin": "https://evil.example"}}, 403, "FORBIDDEN"),
    "no site": ({"json": {"token": OPERATOR}, "headers": {"origin": "null"}}, 403, "FORBIDDEN"),
    "across sites": ({"json": {"token": OPERATOR}, "headers": {"sec-fetch-site": "cross-site"}}, 403, "FORBIDDEN"),
    "a neighbour": ({"json": {"token": OPERATOR}, "headers": {"sec-fetch-site": "same-site"}}, 403, "FORBIDDEN"),
}


@pytest.mark.parametrize(("request_", "status", "code"), REFUSED.values(), ids=REFUSED)
async def test_what_signs_nobody_in(
    browser: httpx.AsyncClient, server: Server, request_: dict[str, Any], status: int, code: str
) -> None:
    before = len(server.log)
    answer = await browser.post("/sign-in", **request_)
    assert (answer.status_code, _code(answer)) == (status, code)
    assert "set-cookie" not in answer.headers
    assert not [line for line in server.log[before:] if line["level"] == "error" or OPERATOR in json.dumps(line)]


async def test_who_is_refused_is_told_whether_it_is_for_the_token_or_for_where_it_came_from(
    browser: httpx.AsyncClient, server: Server
) -> None:
    for_programs = await browser.post("/sign-in", json={"token": WORKFLOW}, headers={"origin": server.url})
    by_proxy = {"origin": server.url, "host": "phaseline.internal:8000"}
    changed_host = await browser.post("/sign-in", json={"token": OPERATOR}, headers=by_proxy)
    assert [_code(answer) for answer in (for_programs, changed_host)] == ["FORBIDDEN", "FORBIDDEN"]
    assert "this token is for programs" in for_programs.text
    assert "by way of a proxy that changed Host" in changed_host.text


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_another_site_can_neither_use_the_cookie_nor_sign_anybody_out(
    browser: httpx.AsyncClient, server: Server, headers: dict[str, str]
) -> None:
    await sign_in(browser)
    assert (await browser.post("/graphql", json=DEPLOYS, headers=headers)).status_code == 401
    refused = await browser.post("/sign-out", headers=headers)
    assert (refused.status_code, _code(refused)) == (403, "FORBIDDEN")
    assert (await browser.post("/graphql", json=DEPLOYS, headers=OWN)).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", COOKIE + "x", "\xff\xfe", "a" * 4000, '"quoted"', VIEWER])
async def test_a_cookie_that_is_none_of_ours_proves_nothing(browser: httpx.AsyncClient, cookie: str) -> None:
    header = [(b"cookie", b"phaseline=" + cookie.encode("latin-1"))]
    asked = await browser.post("/graphql", json=DEPLOYS, headers=header)
    assert (asked.status_code, _code(asked)) == (401, "UNAUTHENTICATED")


async def test_whoever_runs_the_server_can_sign_somebody_out(server: Server) -> None:
    names = ["leaving", "staying"]
    made = [await tokens.make(server.database, name) for name in names]
    async with (
        httpx.AsyncClient(base_url=server.url, trust_env=False) as leaving,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as staying,
    ):
        await sign_in(leaving, made[0])
        await sign_in(staying, made[1])
        ended = phaseline(server.database, "sign-out", "token:leaving")
        assert (ended.returncode, ended.stdout) == (0, "signed out: 1 browser\n")
        assert (await leaving.post("/graphql", json=DEPLOYS)).status_code == 401
        assert (await staying.post("/graphql", json=DEPLOYS)).status_code == 200
        assert "no browser" in phaseline(server.database, "sign-out", "token:leaving").stderr


@pytest.mark.parametrize("arguments", [[], ["token:x", "--everybody"]])
def test_who_is_to_be_signed_out_has_to_be_said(arguments: list[str]) -> None:
    ended = CliRunner().invoke(app, ["sign-out", *arguments])
    assert ended.exit_code == 2
    assert "--everybody" in ended.stderr


async def test_a_sign_in_that_ended_long_ago_is_forgotten(browser: httpx.AsyncClient, server: Server) -> None:
    await sign_in(browser)
    with closing(sqlite3.connect(server.database, timeout=30)) as database, database:
        database.execute("UPDATE sign_ins SET expires_at = '2026-01-02 00:00:00.000000' WHERE id != 'browser'")
    asked = await browser.post("/graphql", json=DEPLOYS)
    assert (asked.status_code, asked.json()["errors"][0]["message"]) == (401, "this sign-in has expired")
    await sign_in(browser)
    with closing(sqlite3.connect(server.database)) as database:
        assert database.execute("SELECT count(*) FROM sign_ins WHERE expires_at < '2026-02-01'").fetchone() == (0,)


async def test_without_authentication_whoever_is_on_this_machine_may_do_everything_and_the_log_says_so(
    database: Path,
) -> None:
    async with serving(database, authentication="off", workers="2") as server:
        assert [line["level"] for line in server.log if "AUTHENTICATION IS OFF" in line["event"]] == ["warning"]
        port = server.url.rpartition(":")[2]
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as anybody:
            assert (await anybody.get("/sign-in")).json()["authentication"] == "off"
            start = 'mutation { startDeploy(input: {environment: "here", ref: "main"}) { startedBy } }'
            started = await anybody.post("/graphql", json={"query": start})
            assert started.json()["data"]["startDeploy"]["startedBy"] == "anonymous"
            for host, status in (
                ("localhost", 200),
                ("rebound.example", 403),
                ("under_score.example", 403),
                ("[", 403),
            ):
                asked = await anybody.post("/graphql", json=DEPLOYS, headers={"host": f"{host}:{port}"})
                assert asked.status_code == status, host
        assert await _over_websocket(server.url, "") is None


@pytest.mark.parametrize(("host", "workers"), [("0.0.0.0", "1"), ("::", "2")])
def test_authentication_cannot_be_off_where_others_reach_the_server(database: Path, host: str, workers: str) -> None:
    ended = phaseline(database, "serve", AUTHENTICATION="off", HOST=host, WORKERS=workers)
    assert ended.returncode == 2
    assert "PHASELINE_AUTHENTICATION may be off only where PHASELINE_HOST is a loopback address" in ended.stderr
    assert not database.exists()


@pytest.mark.parametrize(
    "host",
    ["", " ", "*", "0", "127.1", "10.0.0.1", "phaseline.example", "localhost.example", "::ffff:10.0.0.1", "fe80::1"],
)
def test_what_is_no_loopback_address_is_not_taken_for_one(host: str) -> None:
    with pytest.raises(ValidationError, match="loopback"):
        Settings(authentication="off", host=host)


async def test_a_server_that_has_a_token_does_not_tell_how_to_make_the_first(database: Path) -> None:
    await migrate(database)
    await tokens.make(database, "ann", "operator")
    async with serving(database) as server:
        assert not [line for line in server.log if "phaseline token create" in line["event"]]


def _code(answer: httpx.Response) -> str:
    code: str = answer.json()["errors"][0]["extensions"]["code"]
    return code


async def _over_websocket(url: str, cookie: str) -> str | None:
    """The reason why the socket of a browser with this cookie is closed; None where it is acknowledged."""
    address = url.replace("http", "ws", 1) + "/graphql"
    headers = {"cookie": cookie, "origin": url}
    async with connect(address, subprotocols=[PROTOCOL], proxy=None, additional_headers=headers) as socket:
        viewer = Viewer(socket)
        try:
            await viewer.send(type="connection_init", payload={})
            assert (await viewer.receive())["type"] == "connection_ack"
        except ConnectionClosed:
            return socket.close_reason
    return None
