"""Tokens: made once, kept as a hash, taken back; what is no token, and what the command refuses."""

import asyncio
import json
import re
import sqlite3
import string
import zlib
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from typer.testing import CliRunner

from phaseline.cli import app
from tests.support import tokens
from tests.support.caller import Caller
from tests.support.command import phaseline
from tests.support.database import change
from tests.support.logins import VIEWER, bearer
from tests.support.server import Server, serving
from tests.support.waiting import until

IDENTITY = "{ identity { name role proof environments } }"
DEPLOYS = "{ deploys { edges { node { id } } } }"


async def ask(url: str, authorization: str | bytes | None, document: str = IDENTITY) -> tuple[int, dict[str, Any]]:
    """The status and the answer to one who sends this header."""
    headers = [] if authorization is None else [(b"authorization", _bytes(authorization))]
    async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
        answer = await http.post(f"{url}/graphql", json={"query": document})
    return answer.status_code, answer.json()


async def test_a_token_is_printed_once_used_listed_and_taken_back_while_the_server_runs(log: Path | str) -> None:
    async with serving(log) as server:
        made = phaseline(log, *"token create --role workflow --environment staging --name ci --expires 90d".split())
        token = made.stdout.removesuffix("\n")
        assert made.returncode == 0
        assert re.fullmatch(r"phl_[0-9A-Za-z]{46}", token), "the token alone, so that it can be piped on"
        assert token not in made.stderr
        assert "staging" in made.stderr
        assert token[-6:] == _checksum(token[:-6]), "a scanner that asks nobody knows it for a token"
        _, answer = await ask(server.url, f"Bearer {token}")
        identity = {"name": "token:ci", "role": "WORKFLOW", "proof": "TOKEN", "environments": ["staging"]}
        assert answer["data"]["identity"] == identity
        await until(lambda: tokens.was_used(log, "ci"))
        (listed,) = (entry for entry in _listed(log) if entry["name"] == "ci")
        assert (listed["role"], listed["environments"], listed["state"]) == ("workflow", ["staging"], "valid")
        assert listed["createdAt"] <= listed["lastUsedAt"]
        end, begin = datetime.fromisoformat(listed["expiresAt"]), datetime.fromisoformat(listed["createdAt"])
        assert end - begin == timedelta(days=90)
        assert phaseline(log, "token", "revoke", "ci").returncode == 0
        status, answer = await ask(server.url, f"Bearer {token}", DEPLOYS)
        assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
        again = phaseline(log, "token", "create", "--role", "viewer", "--name", "ci")
        assert (again.returncode, again.stdout) == (2, "")
        assert "never used again" in again.stderr
        table = phaseline(log, "token", "list").stdout
        assert re.search(r"ci .*workflow .*staging .* UTC .*revoked", table)
        assert token not in table + json.dumps(server.log)
    assert token not in await _content(log)


def test_the_first_token_can_be_made_before_anything_is_served(database: Path) -> None:
    assert phaseline(database, "token", "create", "--role", "operator", "--name", "ann").returncode == 0
    unknown = phaseline(database, "token", "revoke", "bob")
    assert unknown.returncode == 2
    assert unknown.stderr.endswith("\nphaseline: there is no token named 'bob'\n")


USELESS = {
    "a workflow for no environment": ("--role workflow --name ci", "--environment"),
    "all environments and one more": ("--role workflow --name ci --environment * --environment staging", "alone"),
    "a viewer for an environment": ("--role viewer --name v --environment staging", "viewer"),
    "a tool for an environment": ("--role tool --name v --environment *", "tool"),
    "an environment without a name": ("--role workflow --name ci --environment=", "empty"),
    "an environment of 65": (f"--role workflow --name ci --environment {'e' * 65}", "64"),
    "no name": ("--role viewer --name=", "name"),
    "a name that begins with a dot": ("--role viewer --name .v", "name"),
    "a name with a colon": ("--role viewer --name token:v", "name"),
    "a name of 65": (f"--role viewer --name {'v' * 65}", "name"),
    "no time": ("--role viewer --name v --expires soon", "--expires"),
    "no time at all": ("--role viewer --name v --expires 0d", "--expires"),
    "a time before now": ("--role viewer --name v --expires=-1d", "--expires"),
    "far too long": ("--role viewer --name v --expires 999999w", "--expires"),
    "a role there is not": ("--role root --name v", "'root'"),
    "no role": ("--name v", "--role"),
}


@pytest.mark.parametrize(("arguments", "word"), USELESS.values(), ids=USELESS)
def test_what_is_of_no_use_is_refused_in_words(arguments: str, word: str) -> None:
    # In this process, because nothing is begun: no settings are read, and no database is opened.
    ended = CliRunner().invoke(app, ["token", "create", *arguments.split(" ")])
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr


GARBAGE: dict[str, str | bytes | None] = {
    "nothing": None,
    "nothing in it": "",
    "no scheme": VIEWER,
    "another scheme": f"Basic {VIEWER}",
    "no token": "Bearer",
    "no token of ours": "Bearer hunter2",
    "the prefix alone": "Bearer phl_",
    "one character other": f"Bearer {VIEWER[:-1]}W",
    "one character less": f"Bearer {VIEWER[:-1]}",
    "one character more": f"Bearer {VIEWER}0",
    "whole, but never given out": "Bearer phl_00000000000000000000000000000000000000001FAuiV",
    "twice": f"Bearer {VIEWER} {VIEWER}",
    "in quotes": f'Bearer "{VIEWER}"',
    "not ASCII": "Bearer phl_ünïcödé".encode(),
    "not UTF-8": b"Bearer \xff\xfe\x80",
    "like an ID token": "Bearer a.b.c",
    "endless": f"Bearer {'x' * 8000}",
}


@pytest.mark.parametrize("authorization", GARBAGE.values(), ids=GARBAGE)
async def test_what_is_no_token_proves_nothing(server: Server, authorization: str | bytes | None) -> None:
    before = len(server.log)
    status, answer = await ask(server.url, authorization, DEPLOYS)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert answer.get("data") is None
    assert VIEWER not in json.dumps(answer) + json.dumps(server.log[before:])
    assert not [line for line in server.log[before:] if line["level"] == "error"]


async def test_the_scheme_is_written_in_any_case(server: Server) -> None:
    status, _ = await ask(server.url, f"bEARER  {VIEWER}", DEPLOYS)
    assert status == 200


async def test_garbage_beside_a_cookie_that_is_good_is_not_overlooked(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as browser:
        assert (await browser.post("/sign-in", json={"token": VIEWER})).status_code == 204
        ask_again = browser.post("/graphql", json={"query": DEPLOYS}, headers=bearer("phl_wrong"))
        assert (await ask_again).status_code == 401


async def test_a_token_ends_at_its_time(server: Server) -> None:
    token = await tokens.make(server.database, "short", lifetime=timedelta(days=1))
    assert (await ask(server.url, f"Bearer {token}", DEPLOYS))[0] == 200
    change(server.database, "UPDATE tokens SET expires_at = created_at WHERE name = 'short'")
    status, answer = await ask(server.url, f"Bearer {token}", DEPLOYS)
    assert (status, answer["errors"][0]["message"]) == (401, "this token has expired")


async def test_many_uses_at_once_are_written_down_once(own_server: Server, own_caller: Caller) -> None:
    change(
        own_server.database,
        "CREATE TRIGGER noted AFTER UPDATE OF last_used_at ON tokens BEGIN "
        "INSERT INTO sign_ins (id, hash, name, role, created_at, expires_at) "
        "VALUES (hex(randomblob(16)), hex(randomblob(32)), 'noted', 'viewer', '2026-01-01', '2999-01-01'); END",
    )
    await asyncio.gather(*(own_caller.send(DEPLOYS) for _ in range(20)))

    def noted() -> int:
        with closing(sqlite3.connect(own_server.database)) as database:
            found: int = database.execute("SELECT count(*) FROM sign_ins WHERE name = 'noted'").fetchone()[0]
        return found

    await until(lambda: noted() > 0)
    await own_server.stop()  # which waits for what is still to be written
    assert noted() == 1


def _bytes(header: str | bytes) -> bytes:
    return header if isinstance(header, bytes) else header.encode()


def _listed(database: Path | str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(phaseline(database, "token", "list", "--json").stdout)
    return listed


def _checksum(body: str) -> str:
    """CRC-32 of the rest, in base 62."""
    number, digits = zlib.crc32(body.encode()), string.digits + string.ascii_letters
    return "".join(digits[number // 62**place % 62] for place in range(5, -1, -1))


async def _content(database: Path | str) -> str:
    """All that the database holds of tokens."""
    if not isinstance(database, str):
        return _bytes_of(database).decode("latin-1")
    connection = await asyncpg.connect(database.replace("+asyncpg", "", 1))  # noqa: ASYNC240 - an address, no path
    try:
        return str(await connection.fetch("SELECT * FROM tokens"))
    finally:
        await connection.close()


def _bytes_of(database: Path) -> bytes:
    return b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
