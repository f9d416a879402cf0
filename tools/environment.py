"""Make .venv hold what a lock names: `environment.py demo` or `environment.py dev`.

Runs on the machine's own Python, so it uses the standard library only. uv installs in 3 s what takes pip 30 s,
but it does not read pip's configuration, where a company may name its own index; so pip is the fallback.
"""

import re
import subprocess
import sys
from pathlib import Path

import caches
import progress

ROOT = caches.ROOT
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
LOCKS = {"demo": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
UV_LOCK = ROOT / "requirements-uv.lock"


def has_venv() -> bool:
    """A .venv can be there and be useless: half made, or left behind by a Python that has gone."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", check], capture_output=True).returncode == 0


def pip(step: str, *arguments: str | Path) -> None:
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", **caches.environment()}
    progress.run(step, [PYTHON, "-m", "pip", "install", *arguments], environment=quiet)


def uv(step: str, *arguments: str | Path) -> None:
    command = [UV, "pip", "install", "--python", PYTHON, *arguments]
    # Not run in the checkout: its `exclude-newer` is for making locks, and fails with an index that tells no dates.
    progress.run(step, command, directory=Path("/"), environment=caches.environment())


def install(lock: Path) -> None:
    packages = len(re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE))
    step = f"installing the {packages} Python packages of {lock.name}"
    # The lock is complete, so --no-deps saves asking the index what is needed; every file is checked by its hash.
    arguments = ("--no-deps", "--require-hashes", "-r", lock)
    try:
        if not UV.exists():
            pip("fetching uv", "--no-deps", "--require-hashes", "-r", UV_LOCK)
        uv(step, *arguments)
    except (progress.StepFailed, OSError) as failure:
        progress.say(f"uv cannot do it here ({failure}); trying pip, which takes longer")
        pip(step, *arguments)


def main(which: str) -> None:
    if not has_venv():
        version = ".".join(map(str, sys.version_info[:3]))
        progress.run(f"making .venv with Python {version}", [sys.executable, "-m", "venv", "--clear", VENV])
    install(LOCKS[which])
    # Editable, and built by the hatchling just installed: nothing is fetched that the lock does not name.
    pip("installing phaseline itself", "--no-deps", "--no-build-isolation", "--editable", ROOT)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except progress.StepFailed as failure:
        sys.exit(f"Set-up failed: {failure}")
