"""Write the locks: every package of ours with its version and the hashes of its files, and no address of any index.

`lock.py` makes them anew. `lock.py --inputs` asks, without a network, whether they were made from today's
pyproject.toml. uv's own lock format is not used, because it writes down where each file was found.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import caches
import progress

ROOT = caches.ROOT
UV = ROOT / ".venv" / "bin" / "uv"

LOCKS = {
    # The dev lock comes first: the others are held to its versions, so that one .venv can serve all.
    "requirements-dev.lock": ["pyproject.toml", "--all-extras", "--group", "build", "--group", "dev", "--group", "uv"],
    "requirements.lock": ["pyproject.toml", "--extra", "demo", "--group", "build"],
    "requirements-server.lock": ["pyproject.toml"],
    "requirements-uv.lock": ["--group", "uv"],
}

INPUTS = re.compile(r"^# Made by `make lock` from pyproject.toml \(([0-9a-f]{16})\)", re.MULTILINE)


def inputs() -> str:
    """A hash of what the locks follow from. The rest of pyproject.toml may change without making them stale."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    parts = [
        project["requires-python"],
        project["dependencies"],
        project["optional-dependencies"],
        document["dependency-groups"],
        document["tool"]["uv"],
        LOCKS,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def make() -> None:
    # Indexes and files of this machine's own must not show in a lock that others use.
    ours = {name: value for name, value in os.environ.items() if name != "UV_FIND_LINKS"}
    constraint: list[str] = []
    for name, arguments in LOCKS.items():
        lock = ROOT / name
        command = [
            *(str(UV), "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header"),
            *("--no-annotate", "--upgrade", "--python-version", "3.11", *constraint, *arguments),
        ]
        progress.say(f"locking {name}")
        listed = subprocess.run(command, cwd=ROOT, env=ours, check=True, stdout=subprocess.PIPE, text=True).stdout
        lock.write_text(f"# Made by `make lock` from pyproject.toml ({inputs()}); never edited by hand.\n{listed}")
        constraint = ["--constraint", "requirements-dev.lock"]


def stale() -> list[str]:
    def made_from(lock: Path) -> str | None:
        header = INPUTS.search(lock.read_text()) if lock.exists() else None
        return header and header[1]

    return [name for name in LOCKS if made_from(ROOT / name) != inputs()]


if __name__ == "__main__":
    if sys.argv[1:] != ["--inputs"]:
        make()
    elif found := stale():
        sys.exit(f"Not made from today's pyproject.toml: {', '.join(found)}. Run `make lock`.")
