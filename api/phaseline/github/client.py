"""What phaseline asks of GitHub. What an operation may raise is in errors.py, and nothing else is.

None is tried again here, because who asks knows what may be done twice. All that only reads may be.
"""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any, Self

import httpx2

from phaseline.github import commits, reading, refs
from phaseline.github.asking import ACTIONS_READ, ACTIONS_WRITE, REPOSITORY, Asking, of
from phaseline.github.credentials import Credentials
from phaseline.github.errors import Refused
from phaseline.github.values import Compared, Dispatched, Job, Ref, Run

API = "https://api.github.com"

_WORKFLOW = REPOSITORY + "/actions/workflows/{workflow}"
_RUN = REPOSITORY + "/actions/runs/{run_id}"

# How many runs a page of a listing has, and how many pages are looked through at most; and the same of jobs.
_RUNS, _RUN_PAGES = 50, 6
_JOBS, _JOB_PAGES = 100, 10


class GitHub:
    """GitHub, or a GitHub Enterprise Server at its https://HOST/api/v3, as whoever the credentials are for.

    `http`: what is asked with, and closed by whoever made it; without one it has one of its own. Repositories are
    given as OWNER/NAME, workflows as .github/workflows/FILE or FILE.
    """

    def __init__(self, api_url: str, credentials: Credentials, http: httpx2.AsyncClient | None = None) -> None:
        self._own: httpx2.AsyncClient | None = None
        if http is None:
            http = self._own = httpx2.AsyncClient()
        self._asking = Asking(api_url, credentials, http)
        self._tells_run = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give back its connections."""
        if self._own is not None:
            await self._own.aclose()

    async def dispatch(self, repository: str, workflow: str, ref: str, inputs: Mapping[str, str]) -> Dispatched:
        """Have a workflow run at a branch or a tag.

        Servers that do not know how to tell which run it has become say so, having done nothing, and are then asked
        without that, this time and from now on.
        """
        body: dict[str, Any] = {"ref": refs.full(ref), "inputs": dict(inputs)}
        if self._tells_run:
            try:
                return await self._dispatch(repository, workflow, {**body, "return_run_details": True})
            except Refused as refused:
                if not _knows_less(refused):
                    raise
                self._tells_run = False
        return await self._dispatch(repository, workflow, body)

    async def _dispatch(self, repository: str, workflow: str, body: Mapping[str, Any]) -> Dispatched:
        variables = of(repository, workflow=_file(workflow))
        return await self._asking.post(_WORKFLOW + "/dispatches", variables, ACTIONS_WRITE, reading.dispatched, body)

    async def runs_named(self, repository: str, workflow: str, containing: str, since: datetime) -> list[Run]:
        """The runs of a workflow, created since then, that have this in their name, newest first.

        GitHub's listing lags: a run may be missing from it for some minutes after it was dispatched. It is asked for
        without a filter, because the filtered ones lag for longer. The newest 300 are looked through.
        """
        # GitHub tells times to the second.
        since = since.replace(microsecond=0)
        path = _WORKFLOW + "/runs{?per_page,page,exclude_pull_requests}"
        variables = of(repository, workflow=_file(workflow), exclude_pull_requests="true", per_page=_RUNS)
        found: dict[str, Run] = {}
        pages = self._asking.pages(path, variables, ACTIONS_READ, "workflow_runs", reading.run, _RUN_PAGES)
        async with aclosing(pages) as runs:
            async for run in runs:
                if run.created_at < since:
                    break
                if containing in run.name:
                    # A run that begins meanwhile moves the others on to the next page, where they are met again.
                    found.setdefault(run.id, run)
        return list(found.values())

    async def run(self, repository: str, run_id: str) -> Run:
        """The run in its newest attempt."""
        return await self._asking.get(_RUN, of(repository, run_id=run_id), ACTIONS_READ, reading.run)

    async def attempt(self, repository: str, run_id: str, attempt: int) -> Run:
        """The run in this attempt."""
        variables = of(repository, run_id=run_id, attempt=attempt)
        return await self._asking.get(_RUN + "/attempts/{attempt}", variables, ACTIONS_READ, reading.run)

    async def jobs(self, repository: str, run_id: str, attempt: int) -> list[Job]:
        """The jobs of an attempt, the first 1,000."""
        path = _RUN + "/attempts/{attempt}/jobs{?per_page,page}"
        variables = of(repository, run_id=run_id, attempt=attempt, per_page=_JOBS)
        listed = self._asking.pages(path, variables, ACTIONS_READ, "jobs", reading.job, _JOB_PAGES)
        return list({job.id: job async for job in listed}.values())

    async def pending_approvals(self, repository: str, run_id: str) -> list[str]:
        """The names of the GitHub environments for which the run waits for people."""
        path = _RUN + "/pending_deployments"
        return await self._asking.get(path, of(repository, run_id=run_id), ACTIONS_READ, reading.approvals)

    async def cancel(self, repository: str, run_id: str) -> None:
        """Ask for the run to be cancelled; it is when GitHub says so of the run. Refused for one that is over."""
        await self._of_run(repository, run_id, "/cancel")

    async def rerun(self, repository: str, run_id: str) -> None:
        """Run all jobs again, in a new attempt, which GitHub may show only some seconds later."""
        await self._of_run(repository, run_id, "/rerun")

    async def rerun_failed(self, repository: str, run_id: str) -> None:
        """The same with those jobs that have failed and those after them. Refused where none has failed."""
        await self._of_run(repository, run_id, "/rerun-failed-jobs")

    async def _of_run(self, repository: str, run_id: str, verb: str) -> None:
        await self._asking.post(_RUN + verb, of(repository, run_id=run_id), ACTIONS_WRITE, lambda _: None)

    async def commit_of(self, repository: str, ref: str) -> str:
        """The SHA of the commit that a branch, a tag or the beginning of a SHA stands for.

        heads/NAME, tags/NAME and their full forms say which; a name alone is refused where it is a branch and a tag
        that stand for different commits.
        """
        return await commits.commit_of(self._asking, repository, ref)

    async def refs_like(self, repository: str, prefix: str, limit: int) -> list[Ref]:
        """Branches and tags whose names begin so, for people to choose from: at most `limit` in all."""
        return await commits.refs_like(self._asking, repository, prefix, limit)

    async def refs_below(self, repository: str, begins: str, limit: int) -> list[Ref]:
        """Branches or tags whose full names begin so, such as refs/heads/ or refs/tags/v1: at most `limit`."""
        return await commits.refs_below(self._asking, repository, begins, limit)

    async def compare(self, repository: str, base: str, head: str) -> Compared:
        """How `head` lies to `base`: as many commits ahead, and as many behind."""
        return await commits.compare(self._asking, repository, base, head)


def _file(workflow: str) -> str:
    """A workflow's address has the name of its file alone."""
    return workflow.removeprefix(".github/workflows/")


def _knows_less(refused: Refused) -> bool:
    return refused.status == 422 and "return_run_details" in refused.message
