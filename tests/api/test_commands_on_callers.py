"""Commands that look at the log and at who may call: which database they work on, and whom they understand."""

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.command import phaseline
from tests.support.logins import OPERATOR, VIEWER, bearer
from tests.support.server import Server, serving

ASKED = {"query": "{ deploys { edges { node { id } } } }"}
NOT_MAKING = {
    "token list": ("token", "list"),
    "token revoke": ("token", "revoke", "ann"),
    "sign-out": ("sign-out", "oidc:ann@example.com"),
    "sign-out of everybody": ("sign-out", "--everybody"),
    "audit verify": ("audit", "verify"),
    "audit checkpoint": ("audit", "checkpoint"),
}


def _said(ended: subprocess.CompletedProcess[str], code: int) -> str:
    """All that it said to people, ending with this code."""
    assert ended.returncode == code, ended
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("command", NOT_MAKING.values(), ids=NOT_MAKING)
def test_a_database_that_is_not_there_is_refused_by_name_and_not_made(database: Path, command: tuple[str, ...]) -> None:
    assert f"there is no database sqlite:///{database}" in _said(phaseline(database, *command), 2)
    assert not database.exists()
    database.touch()
    assert "the database is empty" in _said(phaseline(database, *command), 2)


async def test_each_command_names_the_database_that_it_worked_on(log: Path | str) -> None:
    name = str(log).rpartition("/")[2]
    made = phaseline(log, "token", "create", "--role", "viewer", "--name", "ann")
    assert len(made.stdout.split()) == 1, "the token alone"
    for ended in (
        made,
        phaseline(log, "token", "list", "--json"),
        phaseline(log, "token", "revoke", "ann"),
        phaseline(log, "sign-out", "--everybody"),
        phaseline(log, "audit", "verify", "--json"),
    ):
        assert ended.returncode == 0, ended
        assert [line for line in ended.stderr.splitlines() if line.startswith("database: ") and name in line], ended
        assert "secret" not in ended.stderr


async def test_either_command_understands_the_names_of_the_other(own_server: Server) -> None:
    database = own_server.database
    async with httpx.AsyncClient(base_url=own_server.url, trust_env=False) as browser:
        for name in ("viewer", "token:viewer"):
            assert (await browser.post("/sign-in", json={"token": VIEWER})).status_code == 204
            said = _said(phaseline(database, "sign-out", name), 0)
            assert "signed out: 1 browser\n" in said
            assert "phaseline token revoke viewer" in said, "who is to be kept out needs more than this"
            assert (await browser.post("/graphql", json=ASKED)).status_code == 401
        assert "phaseline sign-out oidc:ann" in _said(phaseline(database, "token", "revoke", "oidc:ann"), 2)
        _said(phaseline(database, "token", "revoke", "token:viewer"), 0)
        assert (await browser.post("/graphql", json=ASKED, headers=bearer(VIEWER))).status_code == 401


async def test_what_callers_have_in_their_environment_stops_no_command(database: Path) -> None:
    ended = phaseline(database, "token", "create", "--role", "viewer", "--name", "ann", TOKEN=VIEWER, URL="http://x")
    assert VIEWER not in _said(ended, 0)


async def test_what_a_restored_backup_brings_back_is_ended_as_the_page_says(database: Path, tmp_path: Path) -> None:
    """docs/backup.md: before the nodes take calls again, everybody is signed out, and every token revoked."""
    async with serving(database) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as browser:
        assert (await browser.post("/sign-in", json={"token": OPERATOR})).status_code == 204
        cookie = f"phaseline={browser.cookies['phaseline']}"
    backup = shutil.copy(database, tmp_path / "backup.db")  # nobody has it open
    _said(phaseline(database, "token", "revoke", "viewer"), 0)
    _said(phaseline(database, "sign-out", "--everybody"), 0)
    shutil.copy(backup, database)
    async with serving(database) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as http:

        async def statuses() -> list[int]:
            by_token = await http.post("/graphql", json=ASKED, headers=bearer(VIEWER))
            by_cookie = await http.post("/graphql", json=ASKED, headers={"cookie": cookie})
            return [by_token.status_code, by_cookie.status_code]

        assert await statuses() == [200, 200], "they are back, as the page warns"
        _said(phaseline(database, "sign-out", "--everybody"), 0)
        _said(phaseline(database, "token", "revoke", "viewer"), 0)
        assert await statuses() == [401, 401]
