"""What our GitHub does when it is asked: each of the described operations that phaseline uses."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.support.github.answers import Answers
from tests.support.github.faults import Answer, refusal
from tests.support.github.state import Repository, Run, Workflow

_R = "/repos/{owner}/{repo}"
_RUN = f"{_R}/actions/runs/{{run_id}}"
_WORKFLOW = f"{_R}/actions/workflows/{{workflow_id}}"

T = TypeVar("T")

NOT_FOUND = refusal(404, "Not Found")


@dataclass(frozen=True)
class Asked:
    """A request. `operation`: as it is described, such as `GET /repos/{owner}/{repo}`."""

    method: str
    path: str
    operation: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def number(self, name: str, default: int) -> int:
        return int(self.query.get(name, default))


def ok(content: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode(), {"content-type": "application/json; charset=utf-8"})


class Operations:
    """`tells_run`: whether a dispatch can be answered with the run, as newer servers do. `changed`: told of each run
    that was begun, and of each that was begun again, with the action that GitHub would tell of it. `cancelled`: told of
    each that is to be cancelled."""

    def __init__(
        self, answers: Answers, changed: Callable[[Run], Awaitable[None]], cancelled: Callable[[Run], None]
    ) -> None:
        self.repositories: dict[str, Repository] = {}
        self.tells_run = True
        self.lags = False
        self._answers, self._changed, self._cancelled = answers, changed, cancelled

    async def answer(self, asked: Asked) -> Answer:
        """Do it, and say so."""
        repository = self.repositories.get("{owner}/{repo}".format(**asked.parameters).lower())
        if repository is None or repository.hidden:
            return NOT_FOUND
        method, path = asked.operation.split(" ")
        if path.startswith(_RUN):
            run_id = asked.parameters["run_id"]
            run = repository.runs.get(int(run_id)) if run_id.isdecimal() else None
            return NOT_FOUND if run is None else await self._of_run(asked, path.removeprefix(_RUN), run)
        if path.startswith(_WORKFLOW):
            workflow = repository.workflows.get(asked.parameters["workflow_id"])
            if workflow is None:
                return NOT_FOUND
            if method == "POST":
                return await self._dispatch(asked, repository, workflow)
            return self._runs(asked, repository, workflow)
        return self._of_repository(asked, path.removeprefix(_R), repository)

    def _of_repository(self, asked: Asked, path: str, repository: Repository) -> Answer:
        match path:
            case "":
                return ok(self._answers.repository(repository))
            case "/commits/{ref}":
                sha = repository.commit_of(asked.parameters["ref"])
                missing = refusal(422, f"No commit found for SHA: {asked.parameters['ref']}")
                return missing if sha is None else ok(self._answers.commit(sha))
            case "/git/matching-refs/{ref}":
                begins = f"refs/{asked.parameters['ref']}"
                found = sorted(name for name in repository.refs if name.startswith(begins))
                return ok([self._answers.ref(repository, name) for name in found])
            case "/branches" | "/tags":
                kind, schema = ("heads", "short-branch") if path == "/branches" else ("tags", "tag")
                found = sorted(name for name in repository.refs if name.startswith(f"refs/{kind}/"))
                return ok([self._answers.named(repository, name, schema) for name in _page(asked, found)])
            case _:
                base, _, head = asked.parameters["basehead"].partition("...")
                commits = repository.commit_of(base), repository.commit_of(head)
                return NOT_FOUND if None in commits else ok(self._answers.compared(repository, *map(str, commits)))

    def _runs(self, asked: Asked, repository: Repository, workflow: Workflow) -> Answer:
        runs = [run for run in repository.runs.values() if run.workflow is workflow and run.listed]
        newest_first = sorted(runs, key=lambda run: run.id, reverse=True)
        page = [self._answers.run(run, run.newest) for run in _page(asked, newest_first)]
        return ok({"total_count": len(runs), "workflow_runs": page})

    async def _dispatch(self, asked: Asked, repository: Repository, workflow: Workflow) -> Answer:
        body = json.loads(asked.body)
        problem = self._wrong(body, repository, workflow)
        if problem is not None:
            return refusal(422, problem)
        run = repository.start(workflow, body["ref"], body.get("inputs", {}))
        run.listed = not self.lags
        await self._changed(run)
        return ok(self._answers.dispatched(run)) if body.get("return_run_details") else Answer(204)

    def _wrong(self, body: Mapping[str, Any], repository: Repository, workflow: Workflow) -> str | None:
        """In GitHub's words."""
        inputs = body.get("inputs", {})
        known = (*workflow.required, *workflow.optional)
        unexpected = [name for name in inputs if name not in known]
        if "return_run_details" in body and not self.tells_run:
            return 'Invalid request.\n\n"return_run_details" is not a permitted key.'
        if not any(f"{kind}{body['ref']}" in repository.refs for kind in ("", "refs/heads/", "refs/tags/")):
            return f"No ref found for: {body['ref']}"
        if not workflow.dispatchable:
            return "Workflow does not have 'workflow_dispatch' trigger"
        if unexpected:
            return f"Unexpected inputs provided: {json.dumps(unexpected)}"
        return next((f"Required input '{name}' not provided" for name in workflow.required if name not in inputs), None)

    async def _of_run(self, asked: Asked, path: str, run: Run) -> Answer:
        if path.startswith("/attempts/{attempt_number}"):
            number = int(asked.parameters["attempt_number"])
            if not 1 <= number <= len(run.attempts):
                return NOT_FOUND
            attempt = run.attempts[number - 1]
            if path.endswith("/jobs"):
                page = [self._answers.job(run, attempt, job) for job in _page(asked, attempt.jobs)]
                return ok({"total_count": len(attempt.jobs), "jobs": page})
            return ok(self._answers.run(run, attempt))
        match path:
            case "":
                return ok(self._answers.run(run, run.newest))
            case "/pending_deployments":
                waited_for = [(name, True) for name in run.newest.approvals] + [
                    (name, False) for name in run.newest.timers
                ]
                return ok([self._answers.pending(name, people=people) for name, people in waited_for])
            case "/cancel":
                if run.newest.status == "completed":
                    return refusal(409, "Cannot cancel a workflow run that is completed.")
                run.cancelling = True
                self._cancelled(run)
                return ok({}, 202)
            case _:
                return await self._again(run, only_failed=path == "/rerun-failed-jobs")

    async def _again(self, run: Run, *, only_failed: bool) -> Answer:
        failed = [job.name for job in run.newest.jobs if job.conclusion == "failure"]
        if run.newest.status != "completed":
            return refusal(403, "This workflow is already running")
        if only_failed and not failed:
            return refusal(403, "This workflow run cannot be retried")
        not_done = [job.name for job in run.newest.jobs if job.conclusion in ("failure", "skipped")]
        again = run.workflow.and_those_after(not_done)
        run.add_attempt(lambda job: not only_failed or job.name in again)
        await self._changed(run)
        return ok({}, 201)


def _page(asked: Asked, items: list[T]) -> list[T]:
    size, page = min(asked.number("per_page", 30), 100), asked.number("page", 1)
    return items[(page - 1) * size : page * size]
