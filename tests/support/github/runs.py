"""The hand that moves runs on, and tells those who have asked to be told."""

from collections.abc import Mapping

from tests.support.github.answers import Answers
from tests.support.github.description import Description
from tests.support.github.hooks import Hooks
from tests.support.github.state import Job, Run

# No job ends as a run does that nothing was heard of for too long.
_OF_JOBS = {"stale": "cancelled"}


class Runs:
    """Every delivery is held against GitHub's description before it is made. `wrong`: where what is not so is said."""

    def __init__(self, hooks: Hooks, answers: Answers, description: Description, wrong: list[str]) -> None:
        self._hooks, self._answers, self._description, self._wrong = hooks, answers, description, wrong

    async def began(self, run: Run) -> None:
        """A run was dispatched, or begun again; of the latter GitHub tells with its jobs alone."""
        if run.newest.number == 1:
            await self._tell(run, "requested")
        for job in run.newest.jobs:
            if job.status == "queued":
                await self._tell_job(run, "queued", job)

    async def wait(self, run: Run, environment: str) -> None:
        """Its first job waits for people who are to approve it for this environment."""
        run.newest.status, run.newest.approvals = "waiting", [environment]
        run.newest.jobs[0].status = "waiting"
        await self._tell_job(run, "waiting", run.newest.jobs[0])

    async def begin(self, run: Run) -> None:
        """A runner has taken its first job."""
        run.newest.status, run.newest.approvals = "in_progress", []
        await self._tell(run, "in_progress")
        job = next(job for job in run.newest.jobs if job.status != "completed")
        job.status = "in_progress"
        await self._tell_job(run, "in_progress", job)

    async def end(self, run: Run, conclusion: str, jobs: Mapping[str, str] | None = None) -> None:
        """It is over. `jobs`: how those ended that ended otherwise than `conclusion`.

        Of a run that never came to have jobs that ran (startup_failure) GitHub tells nothing of the jobs.
        """
        attempt = run.newest
        for job in attempt.jobs:
            if job.status != "completed" and conclusion != "startup_failure":
                job.status, job.conclusion = (
                    "completed",
                    (jobs or {}).get(job.name, _OF_JOBS.get(conclusion, conclusion)),
                )
                await self._tell_job(run, "completed", job)
        attempt.status, attempt.conclusion, attempt.approvals = "completed", conclusion, []
        await self._tell(run, "completed")

    async def _tell(self, run: Run, action: str) -> None:
        payload = self._answers.of_run(action, run, run.newest)
        self._wrong += self._description.wrong_delivery("workflow_run", action, payload)
        await self._hooks.tell("workflow_run", payload)

    async def _tell_job(self, run: Run, action: str, job: Job) -> None:
        payload = self._answers.of_job(action, run, run.newest, job)
        self._wrong += self._description.wrong_delivery("workflow_job", action, payload)
        await self._hooks.tell("workflow_job", payload)
