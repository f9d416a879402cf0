"""A wheel is the complete product: what somebody gets who installs it, far away from any checkout.

Built as `pip install phaseline` builds it: a source distribution first, from that a wheel, each in an environment of
its own, into which Node is fetched for the frontend.
"""

import json
import os
import subprocess
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".venv" / "bin" / "uv"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the source distribution and the wheel."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--out-dir", out, ROOT], check=True)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that holds the wheel, what it depends on, and nothing else."""
    venv = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([UV, "venv", "--quiet", venv], check=True)
    python = venv / "bin" / "python"
    locked = ["--constraint", str(ROOT / "requirements-dev.lock")]
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *locked, wheel], check=True)
    return venv / "bin"


@contextmanager
def serving(phaseline: Path, directory: Path) -> Iterator[str]:
    """The address of a server started in an empty directory, where it finds no file of ours."""
    environment = {"PATH": os.defpath, "PHASELINE_PORT": "0", "PHASELINE_LOG_FORMAT": "json"}
    process = subprocess.Popen([phaseline, "serve"], cwd=directory, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        log = []
        for line in process.stderr:
            log.append(line)
            if line.startswith("{") and json.loads(line).get("event") == "serving":
                yield json.loads(line)["address"]
                return
        pytest.fail("the server ended:\n" + "".join(log))
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_wheel_carries_what_the_server_looks_for_and_nothing_that_only_builds_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    bundled = {name.removeprefix("phaseline/_bundled/") for name in names if name.startswith("phaseline/_bundled/")}
    assert {
        "frontend/dist/index.html",
        "frontend/dist/phaseline-modal.js",
        "migrations/env.py",
        ".github/workflows/deploy-console.yml",
        ".github/actions/notify-deploy-status/action.yml",
        ".github/actions/notify-deploy-status/notify.sh",
    } <= bundled
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"phaseline", "phaseline_schema"}
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name or name.endswith(".ts")]


def test_the_source_distribution_holds_sources_only(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert "frontend/package-lock.json" in names
    assert not [name for name in names if name.startswith("frontend/dist") or "node_modules" in name]


def test_the_installed_command_explains_itself(installed: Path) -> None:
    help_text = subprocess.run([installed / "phaseline", "--help"], check=True, capture_output=True, text=True).stdout
    assert {"serve", "migrate", "demo", "sdl"} <= set(help_text.split())


def test_the_installed_server_migrates_answers_and_serves_the_console_page(installed: Path, tmp_path: Path) -> None:
    with serving(installed / "phaseline", tmp_path) as address:
        for path in ("/healthz", "/readyz"):
            with urllib.request.urlopen(address + path) as answer:
                assert answer.status == 200
        with urllib.request.urlopen(address) as answer:
            page = answer.read().decode()
        script = page.split('src="', 1)[1].split('"', 1)[0]
        with urllib.request.urlopen(address.rstrip("/") + script) as answer:
            assert "javascript" in answer.headers["Content-Type"]
