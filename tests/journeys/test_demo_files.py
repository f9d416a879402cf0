"""What `phaseline demo` leaves of the files that lie where it keeps its log."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.server import PHASELINE


def _run(folder: Path, database: str, *options: str) -> None:
    """The demo from its start to its end by Ctrl-C, as soon as it serves."""
    arguments = ["demo", "--port", "0", "--database", database, *options]
    environment = {**os.environ, "BROWSER": "true", "DISPLAY": ":0"}
    with subprocess.Popen(
        [PHASELINE, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C ends the demo" in line:
                process.send_signal(signal.SIGINT)
    assert any("phaseline is at" in line for line in said), said
    assert process.returncode in (0, 130)


@pytest.mark.parametrize("options", [["--no-browser"], ["--browser"]], ids=str)
def test_the_demo_leaves_a_page_that_is_called_like_its_database(tmp_path: Path, options: list[str]) -> None:
    page = tmp_path / "index.html"
    page.write_text("mine")
    _run(tmp_path, "index.db", *options)
    assert page.read_text() == "mine"
    assert sorted(name for name in os.listdir(tmp_path) if not name.startswith("index.db-")) == ["index.db", page.name]


def test_the_demo_keeps_a_database_that_is_called_like_a_page(tmp_path: Path) -> None:
    _run(tmp_path, "log.html")
    assert (tmp_path / "log.html").read_bytes().startswith(b"SQLite format 3")
