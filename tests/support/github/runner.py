"""Who carries out the runs of our GitHub: act, by the real deploy-console.yml, which reports as any run does."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from phaseline.demo import Commands, Line, run_workflow
from tests.support.github.console import console_workflow
from tests.support.github.fake import FakeGitHub
from tests.support.github.state import Run
from tests.support.logins import WORKFLOW
from tests.workflow.rerun import rerun_of_failed_jobs

# How long a run may take, in seconds, to report its end where it is to be gone.
_PATIENCE = 0.1


class Runner:
    """For the length of a block, every run of the repository's that is begun, or begun again, is carried out.

    Its callbacks go to `server_url`, with a stored token. `commands`: what its phases run, from the next attempt on.
    `began`: the attempts that were begun, as runs' ids and their numbers. What is still under way when the block ends
    is ended.
    """

    def __init__(self, github: FakeGitHub, server_url: str, folder: Path) -> None:
        self.commands = Commands()
        self.began: list[tuple[int, int]] = []
        self._github, self._server_url, self._folder = github, server_url, folder
        self._under_way: set[asyncio.Task[None]] = set()
        self._working: dict[int, asyncio.Task[int]] = {}
        self._lost: dict[int, str] = {}
        workflow = console_workflow()
        github.repository.workflows[workflow.file] = workflow

    async def __aenter__(self) -> Self:
        self._github.carrier = self
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, where: TracebackType | None) -> None:
        await self._github.told()
        self._github.carrier = None
        await self._kill(*self._working.values())
        await self.over()

    def begin(self, run: Run) -> None:
        """Carry out its newest attempt."""
        under_way = asyncio.create_task(self._carry_out(run))
        self._under_way.add(under_way)

    def cancel(self, run: Run) -> None:
        """End it as GitHub does, so that it still reports its end."""
        if run.id in self._working:
            self._working[run.id].cancel()

    async def lose(self, run: Run, conclusion: str) -> None:
        """It is gone, and tells nobody. GitHub notices, and gives it this conclusion."""
        self._lost[run.id] = conclusion
        await self._kill(self._working[run.id])
        await self.over()

    async def over(self) -> None:
        """Wait until nothing is under way, and GitHub has told of all ends. Raises what has kept a run from running."""
        await asyncio.gather(*self._under_way)

    async def _carry_out(self, run: Run) -> None:
        attempt, ends = run.newest, _Ends()
        passed = [job.name for job in attempt.jobs if job.status == "completed"]
        self.began.append((run.id, attempt.number))
        await self._github.runs.begin(run)
        if run.cancelling:  # before any of its jobs had begun
            await self._github.runs.end(run, "cancelled")
            return
        working = self._working[run.id] = asyncio.create_task(
            run_workflow(
                deploy_id=run.inputs.get("console_deploy_id"),
                environment=run.inputs["environment"],
                ref=run.inputs["ref"],
                commit=run.inputs.get("commit"),
                server_url=self._server_url,
                commands=self.commands,
                attempt=attempt.number,
                run_id=str(run.id),
                token=WORKFLOW,
                repository=run.repository.full_name,
                environment_of_jobs={"GITHUB_SERVER_URL": self._github.url},
                workflow=self._workflow(run, passed),
                on_line=ends.hear,
            )
        )
        await asyncio.wait({working})
        del self._working[run.id]
        if working.cancelled():
            conclusion = self._lost.get(run.id, "cancelled")
            await self._github.runs.end(run, conclusion, dict.fromkeys(ends.passed, "success"))
        elif working.result() == 0:
            await self._github.runs.end(run, "success")
        else:
            skipped = {job.name: "skipped" for job in attempt.jobs}
            failed = dict.fromkeys(ends.failed, "failure")
            await self._github.runs.end(run, "failure", skipped | dict.fromkeys(ends.passed, "success") | failed)

    def _workflow(self, run: Run, passed: list[str]) -> Path | None:
        """The workflow without what is not to be done again; None: all of it, as it is."""
        if not passed:
            return None
        return rerun_of_failed_jobs(self._folder / f"{run.id}-{run.newest.number}.yml", passed=passed)

    @staticmethod
    async def _kill(*working: asyncio.Task[int]) -> None:
        """Once, as somebody cancels it; again, because nobody lets its last report in."""
        for patience in (_PATIENCE, None):
            for one in working:
                one.cancel()
            if working:
                await asyncio.wait(working, timeout=patience)


@dataclass
class _Ends:
    """Which jobs have ended, and how, as far as act has said."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def hear(self, line: Line) -> None:
        if line.text.endswith("Job succeeded"):
            self.passed.add(line.job)
        elif line.text.endswith("Job failed"):
            self.failed.add(line.job)
