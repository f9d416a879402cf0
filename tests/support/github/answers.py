"""How our GitHub tells of what it has: GitHub's members, with the least of what a test does not care for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.support.github.description import Description
from tests.support.github.least import least
from tests.support.github.state import Attempt, Job, Repository, Run

DOCUMENTATION = "https://docs.github.com/rest"


def moment(value: datetime) -> str:
    """As GitHub tells times: to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def error(status: int, message: str) -> dict[str, Any]:
    """As GitHub tells of errors: the status is a text."""
    return {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}


class Answers:
    """`web_url`: where its pages are; `api_url`: where its API is."""

    def __init__(self, description: Description, web_url: str, api_url: str) -> None:
        self._description, self._web, self._api = description, web_url, api_url

    def repository(self, repository: Repository) -> dict[str, Any]:
        return self._filled("full-repository", self._of_repository(repository))

    def run(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        repository = self._filled("minimal-repository", self._of_repository(run.repository))
        said = self._of_run(run, attempt) | {"repository": repository, "head_repository": repository}
        return self._filled("workflow-run", said)

    def job(self, run: Run, attempt: Attempt, job: Job) -> dict[str, Any]:
        return self._filled("job", self._of_job(run, attempt, job))

    def run_url(self, run: Run) -> str:
        """Its page."""
        return f"{self._web}/{run.repository.full_name}/actions/runs/{run.id}"

    def dispatched(self, run: Run) -> dict[str, Any]:
        urls = {"run_url": self._run_api(run), "html_url": self.run_url(run)}
        return self._filled("workflow-dispatch-response", {"workflow_run_id": run.id} | urls)

    def pending(self, environment: str, *, people: bool) -> dict[str, Any]:
        reviewers = [{"type": "User", "reviewer": least(self._description, "simple-user")}] if people else []
        return self._filled("pending-deployment", {"environment": {"name": environment}, "reviewers": reviewers})

    def ref(self, repository: Repository, name: str) -> dict[str, Any]:
        sha, kind = repository.refs[name], "commit"
        if name in repository.annotated:
            sha, kind = repository.annotated[name], "tag"
        pointed_at = {"type": kind, "sha": sha, "url": f"{self._api}/git/{kind}s/{sha}"}
        return self._filled("git-ref", {"ref": name, "object": pointed_at})

    def named(self, repository: Repository, name: str, schema: str) -> dict[str, Any]:
        """A branch or a tag, in the list of all."""
        commit = {"sha": repository.refs[name], "url": self._api}
        return self._filled(schema, {"name": name.split("/", 2)[2], "commit": commit})

    def commit(self, sha: str) -> dict[str, Any]:
        return self._filled("commit", {"sha": sha})

    def compared(self, repository: Repository, base: str, head: str) -> dict[str, Any]:
        old, new = repository.history(base), repository.history(head)
        ahead, behind = [sha for sha in new if sha not in old], [sha for sha in old if sha not in new]
        status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
        url = f"{self._web}/{repository.full_name}/compare/{base}...{head}"
        said = {"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "html_url": url}
        return self._filled("commit-comparison", said | {"total_commits": len(ahead)})

    def of_run(self, action: str, run: Run, attempt: Attempt) -> dict[str, Any]:
        """What is sent of a run by itself. The name is missing from one kind of it in GitHub's description."""
        name = f"webhook-workflow-run-{action.replace('_', '-')}"
        payload = least(self._description, name)
        said = self._of_run(run, attempt)
        if action == "in_progress":
            del said["display_title"]
        payload["workflow_run"] |= said
        payload["repository"] |= self._of_repository(run.repository)
        return payload | {"action": action}

    def of_job(self, action: str, run: Run, attempt: Attempt, job: Job) -> dict[str, Any]:
        """The same of a job."""
        payload = least(self._description, f"webhook-workflow-job-{action.replace('_', '-')}")
        payload["workflow_job"] |= self._of_job(run, attempt, job)
        payload["repository"] |= self._of_repository(run.repository)
        return payload | {"action": action}

    def _of_repository(self, repository: Repository) -> dict[str, Any]:
        page = f"{self._web}/{repository.full_name}"
        name = repository.full_name.split("/")[1]
        return {"id": repository.id, "name": name, "full_name": repository.full_name, "html_url": page}

    def _run_api(self, run: Run) -> str:
        return f"{self._api}/repos/{run.repository.full_name}/actions/runs/{run.id}"

    def _of_run(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        return {
            "id": run.id,
            "name": "Deploy console",
            "display_title": run.name,
            "head_branch": run.branch,
            "head_sha": run.sha,
            "path": f".github/workflows/{run.workflow.file}",
            "run_number": run.number,
            "run_attempt": attempt.number,
            "event": "workflow_dispatch",
            "status": attempt.status,
            "conclusion": attempt.conclusion,
            "workflow_id": run.workflow.id,
            "url": self._run_api(run),
            "html_url": self.run_url(run),
            "created_at": moment(run.created_at),
            "updated_at": moment(datetime.now(UTC)),
            "run_started_at": moment(attempt.began_at),
        }

    def _of_job(self, run: Run, attempt: Attempt, job: Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "run_id": run.id,
            "run_url": self._run_api(run),
            "run_attempt": attempt.number,
            "head_sha": run.sha,
            "head_branch": run.branch,
            "name": job.name,
            "status": job.status,
            "conclusion": job.conclusion,
            "html_url": f"{self.run_url(run)}/job/{job.id}",
            "workflow_name": "Deploy console",
            "created_at": moment(attempt.began_at),
            "started_at": moment(attempt.began_at),
            "completed_at": moment(datetime.now(UTC)) if job.status == "completed" else None,
        }

    def _filled(self, schema: str, said: Mapping[str, Any]) -> dict[str, Any]:
        return least(self._description, schema) | dict(said)
