"""A runner for the part of GitLab CI that the recipe uses; it refuses a file that uses more."""

import itertools
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from .recipes import Project, run

_TOP = {"workflow", "stages", "variables"}
_JOB = {"stage", "timeout", "environment", "dependencies", "artifacts", "before_script", "script", "after_script"}

_JOB_IDS = itertools.count(1001)


class Interruption(Enum):
    """What befalls a job while it runs."""

    CANCELLED = "canceled"  # its after_script is run
    LOST = "lost"  # the runner was killed, or the job's time was over: nothing of it is run any more


class Pipeline:
    """A pipeline of the project. `variables` come with it, or are the project's: both go before those of the file."""

    def __init__(self, text: str, project: Project, variables: Mapping[str, str], number: int = 7) -> None:
        self._file: dict[str, Any] = YAML(typ="safe").load(text)
        self._project = project
        self._given = variables
        self._number = number
        self._artifacts: dict[str, dict[str, bytes]] = {}
        self.passed: set[str] = set()
        self.lines: list[str] = []

    @property
    def jobs(self) -> list[str]:
        """Its jobs, in the order of their stages."""
        named = [name for name in self._file if name not in _TOP and not name.startswith(".")]
        return sorted(named, key=lambda name: self._file["stages"].index(self._job(name)["stage"]))

    async def run(self, befalls: Interruption | None = None, at: str | None = None) -> bool:
        """Run the jobs that have not passed, one stage after the other, up to the first that does not pass.

        Where one prints the line `at`, this `befalls` it. Returns whether all have passed.
        """
        for name in self.jobs:
            if name not in self.passed and not await self.run_job(name, befalls, at):
                return False
        return True

    async def run_job(self, name: str, befalls: Interruption | None = None, at: str | None = None) -> bool:
        """Run this job, or run it again."""
        job = self._job(name)
        self.passed.discard(name)
        self._project.clean()
        for needed in job.get("dependencies", []):
            for path, content in self._artifacts[needed].items():
                self._tree.joinpath(path).write_bytes(content)
        environment = self._environment(name)
        ended = await run(_shell(job, "before_script", "script"), self._tree, environment, at)
        self.lines += ended.lines
        status = befalls.value if befalls and ended.cut_short else "success" if ended.code == 0 else "failed"
        if status != Interruption.LOST.value:
            after = await run(_shell(job, "after_script"), self._tree, environment | {"CI_JOB_STATUS": status})
            self.lines += after.lines
        if status == "success":
            self.passed.add(name)
            self._artifacts[name] = {path: self._tree.joinpath(path).read_bytes() for path in job["artifacts"]["paths"]}
        return status == "success"

    @property
    def _tree(self) -> Path:
        return self._project.tree

    def _job(self, name: str) -> dict[str, Any]:
        job = dict(self._file[name])
        if base := job.pop("extends", None):
            job = {**self._file[base], **job}
        if unknown := set(job) - _JOB:
            raise NotImplementedError(f"this runner does not know {unknown}, which {name} uses")
        return job

    def _environment(self, job: str) -> dict[str, str]:
        found = {
            "PATH": self._project.path,
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_PROJECT_DIR": str(self._tree),
            "CI_PIPELINE_ID": str(self._number),
            "CI_PIPELINE_URL": f"https://gitlab.example.com/acme/console/-/pipelines/{self._number}",
            "CI_JOB_NAME": job,
            "CI_JOB_ID": str(next(_JOB_IDS)),
        }
        for name, said in {**self._file["variables"], **self._given}.items():
            value = said["value"] if isinstance(said, dict) else said
            found[name] = re.sub(r"\$(\w+)", lambda match: found[match[1]], value)
        return found


def _shell(job: Mapping[str, Any], *sections: str) -> list[str]:
    """One shell for these sections, which ends at the first command that fails."""
    return ["bash", "-c", "\n".join(["set -eo pipefail", *(line for name in sections for line in job[name])])]
