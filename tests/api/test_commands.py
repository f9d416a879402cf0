"""The `phaseline` command: what it refuses to start on, and what it prints."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from phaseline.settings import PREFIX, Settings
from phaseline_schema.pipelines.console import CONSOLE
from tests.support.command import phaseline
from tests.support.database import change, migrate

SDL = Path(__file__).parents[2] / "schema" / "schema.graphql"


def _is_refused(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    """It ends with code 2, and says why in words for people and not in a traceback."""
    assert ended.returncode == 2, ended
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("phaseline: ")
    for word in words:
        assert word in ended.stderr


async def test_an_older_database_is_not_served_and_the_way_on_is_named(database: Path) -> None:
    await migrate(database, "0002")
    refused = phaseline(database, "serve")
    _is_refused(refused, "revision 0002", "phaseline migrate")
    assert "PHASELINE_ACCEPT_REVISION" not in refused.stderr
    assert "0002 -> 0006" in phaseline(database, "migrate").stdout


async def test_a_revision_that_cannot_be_served_is_not_accepted(database: Path) -> None:
    for accepted in ("0002", "0005", "1"):
        _is_refused(
            phaseline(database, "serve", ACCEPT_REVISION=accepted), "PHASELINE_ACCEPT_REVISION", "none but 0006"
        )


async def test_a_database_that_a_newer_version_has_made_unfit_for_this_one_is_not_touched(database: Path) -> None:
    await migrate(database)
    change(database, "UPDATE alembic_version SET version_num = '9999'")
    change(database, "UPDATE oldest_server SET revision = '9998'")
    _is_refused(phaseline(database, "serve", ACCEPT_REVISION="9999"), "9999", "newer version")
    _is_refused(phaseline(database, "migrate"), "9999", "newer version")


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_somebody_else_s_database_is_not_touched(database: Path, command: str) -> None:
    change(database, "CREATE TABLE invoices (id INTEGER PRIMARY KEY)")
    before = database.read_bytes()
    _is_refused(phaseline(database, command), "PHASELINE_DATABASE_URL")
    assert database.read_bytes() == before
    assert os.listdir(database.parent) == [database.name]


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_file_that_is_no_database_is_refused(database: Path, command: str) -> None:
    database.write_text("the minutes of the meeting\n" * 100)
    _is_refused(phaseline(database, command), str(database), "not a database")


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path, command: str) -> None:
    nowhere = tmp_path / "missing" / "phaseline.db"
    _is_refused(phaseline(nowhere, command), str(nowhere), "unable to open")


def test_every_variable_that_is_wrong_is_named(database: Path) -> None:
    wrong = {
        "PROT": "8000",
        "PORT": "eighty",
        "POLL_SECONDS": "0",
        "MAX_BODY_BYTES": "10",
        "LOG_LEVEL": "loud",
        "LOG_FORMAT": "xml",
        "ALLOWED_ORIGINS": "https://example.org/path",
        "DATABASE_URL": "mysql://localhost/x",
    }
    ended = phaseline(database, "serve", **wrong)
    _is_refused(ended, *(f"PHASELINE_{name}: " for name in wrong))
    assert not database.exists()


def test_the_demo_refuses_what_serve_refuses(database: Path) -> None:
    ended = phaseline(database, "demo", "--no-browser", "--database", str(database), PROT="8000", LOG_LEVEL="loud")
    _is_refused(ended, "PHASELINE_PROT: ", "PHASELINE_LOG_LEVEL: ")
    assert len(ended.stderr.splitlines()) == 2
    assert not database.exists()


def test_a_port_that_is_taken_is_named(database: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _is_refused(phaseline(database, "serve", PORT=str(port)), f"port {port}")


def test_migrate_says_from_where_to_where_and_which_revisions_there_are(database: Path) -> None:
    assert phaseline(database, "migrate", "--to", "0001").stdout == "database: empty -> 0001\n"
    _is_refused(phaseline(database, "migrate", "--to", "0007"), "'0007'", "0001, 0002, 0003, 0004, 0005, 0006")


def test_settings_lists_every_variable(database: Path) -> None:
    listed = phaseline(database, "settings", LOG_LEVEL="loud")
    assert listed.returncode == 0
    for name, field in Settings.model_fields.items():
        assert f"{PREFIX}{name.upper()}" in listed.stdout
        assert (field.description or "-").split()[0] in listed.stdout
    assert not database.exists()


def test_sdl_prints_the_schema_that_is_exported(database: Path) -> None:
    assert phaseline(database, "sdl").stdout.strip() == SDL.read_text().strip()


def test_diagram_draws_every_status_of_a_pipeline_that_exists(database: Path) -> None:
    drawn = phaseline(database, "diagram").stdout
    assert all(status.key in drawn for status in CONSOLE.statuses)
    _is_refused(phaseline(database, "diagram", "canary"), "'canary'", "console")
