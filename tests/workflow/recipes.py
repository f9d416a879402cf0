"""The recipes of docs/other-ci.md, and a project on disk to run them in."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phaseline.demo.workspace import STAND_INS, stand_in
from phaseline.resources import find

PAGE = find("docs/other-ci.md")
SCRIPT = find(".github/actions/notify-deploy-status/notify.sh")
COMMANDS = ("smoke-test", "freeze-check", "build", "deploy", "health-check")


def recipe(language: str) -> str:
    """The one block of the page that is in this language."""
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(block)


class Project:
    """A repository as the page asks for it: ci/notify.sh, and beside it what the phases run, which passes at first."""

    def __init__(self, root: Path) -> None:
        self.tree, self._bin = root / "tree", root / "bin"
        (self.tree / "ci").mkdir(parents=True)
        self._bin.mkdir()
        for tool in STAND_INS:
            if shutil.which(tool) is None:
                stand_in(tool, self._bin)
        shutil.copyfile(SCRIPT, self.tree / "ci/notify.sh")
        for name in COMMANDS:
            self.passes(name)

    @property
    def path(self) -> str:
        """Where its scripts find their tools. They are given nothing else of this machine."""
        return f"{self._bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

    def passes(self, name: str) -> None:
        self._command(name, "exit 0")

    def fails(self, name: str) -> None:
        self._command(name, "exit 1")

    def goes_on(self, name: str) -> str:
        """This command does not end by itself. Returns the line that it prints when it is under way."""
        line = f"ci/{name} goes on"
        self._command(name, f"echo '{line}'; exec sleep 600")
        return line

    def clean(self) -> None:
        """Take away what is not part of the repository, as a runner does before a job."""
        for file in self.tree.iterdir():
            if file.name != "ci":
                file.unlink()

    def _command(self, name: str, does: str) -> None:
        file = self.tree / "ci" / name
        file.write_text(f"#!/bin/sh\n{does}\n")
        file.chmod(0o755)


@dataclass(frozen=True)
class Ended:
    """How a script has ended, and every line it printed."""

    code: int
    lines: list[str]
    cut_short: bool


async def run(
    arguments: Sequence[str], directory: Path, environment: Mapping[str, str], cut_at: str | None = None
) -> Ended:
    """Run a script, with all it starts; end all of it as soon as it prints the line `cut_at`."""
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=directory,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    cut_short = False
    async for raw in process.stdout:
        lines.append(raw.decode().rstrip("\n"))
        if lines[-1] == cut_at:
            cut_short = True
            os.killpg(process.pid, signal.SIGTERM)
    return Ended(await process.wait(), lines, cut_short)
