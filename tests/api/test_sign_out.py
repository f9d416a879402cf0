"""Signing out under a flood: what stands for no sign-in costs little, and whoever has one can end it."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.support.application import in_this_process
from tests.support.logins import VIEWER
from tests.support.server import Server, serving
from tests.support.witness import clear_codes, faults

DEPLOYS = {"query": "{ deploys { edges { cursor } } }"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that lets five in ten seconds prove nothing, and believes what it is told of addresses."""
    path = tmp_path_factory.mktemp("out") / "phaseline.db"
    async with serving(path, unproven_per_minute="30", trusted_proxies="127.0.0.0/8") as running:
        yield running
    assert not faults(running)


def _browser(server: Server, address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, trust_env=False, headers={"x-forwarded-for": address})


async def _guess(browser: httpx.AsyncClient, cookie: str | None) -> httpx.Response:
    return await browser.post("/sign-out", headers={"cookie": f"phaseline={cookie}"} if cookie else {})


@pytest.mark.parametrize("cookie", ["guessed", None])
async def test_who_has_nothing_to_end_is_counted_and_who_is_signed_in_is_let_out(
    server: Server, cookie: str | None
) -> None:
    address = f"198.51.100.{len(cookie or '')}"
    async with _browser(server, address) as browser, _browser(server, address) as attacker:
        await browser.post("/sign-in", json={"token": VIEWER})
        stolen = {"cookie": f"phaseline={browser.cookies['phaseline']}"}
        assert (await browser.post("/graphql", json=DEPLOYS)).status_code == 200
        for _ in range(5):
            answer = await _guess(attacker, cookie)
            assert (answer.status_code, "phaseline=" in answer.headers["set-cookie"]) == (204, True)
        refused = await _guess(attacker, cookie)
        assert (refused.status_code, clear_codes(refused.json()["errors"])) == (429, ["RATE_LIMITED"])
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert (await browser.post("/sign-out")).status_code == 204
        assert "phaseline" not in browser.cookies
    async with _browser(server, "198.51.100.99") as elsewhere:
        assert (await elsewhere.post("/graphql", json=DEPLOYS, headers=stolen)).status_code == 401


async def test_what_ends_nothing_does_not_wait_for_the_right_to_write(database: Path) -> None:
    async with in_this_process(database) as caller:
        with closing(sqlite3.connect(database, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            assert (await _guess(caller.http, "guessed")).status_code == 204
