"""What is at our GitHub: repositories with their refs and workflows, and runs with their attempts and jobs."""

import itertools
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

# Beyond 2^31, as GitHub's own are.
_ids = itertools.count(12_877_621_891)

Inputs = Mapping[str, str]


def new_id() -> int:
    """One that nothing has yet."""
    return next(_ids)


def new_sha() -> str:
    """One of a commit that is not there yet."""
    return secrets.token_hex(20)


def console_run_name(inputs: Inputs) -> str:
    """As deploy-console.yml names its runs."""
    of_console = inputs.get("console_deploy_id")
    named = f"Deploy {inputs.get('ref')} to {inputs.get('environment')}"
    return f"{named} (console deploy {of_console})" if of_console else named


@dataclass
class Workflow:
    """A workflow file that can be dispatched. `jobs`: the names of what it runs, each after those that it `needs`."""

    file: str = "deploy-console.yml"
    required: tuple[str, ...] = ("environment", "ref")
    optional: tuple[str, ...] = ("commit", "console_deploy_id")
    jobs: tuple[str, ...] = ("smoke-gate", "deploy")
    needs: Mapping[str, Collection[str]] = field(default_factory=dict)
    run_name: Callable[[Inputs], str] = console_run_name
    dispatchable: bool = True
    id: int = field(default_factory=new_id)

    def and_those_after(self, jobs: Collection[str]) -> set[str]:
        """These jobs, and all that need one of them, however far behind it."""
        found = set(jobs)
        for job in self.jobs:
            if found.intersection(self.needs.get(job, ())):
                found.add(job)
        return found


@dataclass
class Job:
    """A job of one attempt."""

    name: str
    status: str = "queued"
    conclusion: str | None = None
    id: int = field(default_factory=new_id)


@dataclass
class Attempt:
    """How a run stands in one attempt.

    `approvals`: the environments for which it waits for people; `timers`: those for which it waits for a time to pass.
    """

    number: int
    jobs: list[Job]
    status: str = "queued"
    conclusion: str | None = None
    approvals: list[str] = field(default_factory=list)
    timers: list[str] = field(default_factory=list)
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Run:
    """A run. `listed`: whether GitHub's listing has caught up with its being there."""

    repository: "Repository"
    workflow: Workflow
    name: str
    branch: str
    sha: str
    number: int
    inputs: Inputs = field(default_factory=dict)
    listed: bool = True
    cancelling: bool = False
    id: int = field(default_factory=new_id)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def newest(self) -> Attempt:
        return self.attempts[-1]

    def add_attempt(self, again: Callable[[Job], bool] = lambda _: True) -> Attempt:
        """Begin one, in which those jobs run again; the others stand as they stood."""
        before = self.attempts[-1].jobs if self.attempts else [Job(name) for name in self.workflow.jobs]
        jobs = [Job(job.name) if again(job) else Job(job.name, job.status, job.conclusion) for job in before]
        self.attempts.append(Attempt(len(self.attempts) + 1, jobs))
        self.cancelling = False
        return self.newest


@dataclass
class Repository:
    """`hidden`: the credential may not see it. Each commit has one before it, or none."""

    full_name: str
    id: int = field(default_factory=new_id)
    hidden: bool = False
    before: dict[str, str | None] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    annotated: dict[str, str] = field(default_factory=dict)
    workflows: dict[str, Workflow] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)

    def commit(self, branch: str = "main") -> str:
        """Put a new commit on a branch, which begins with it where there was none."""
        sha = new_sha()
        self.before[sha] = self.refs.get(f"refs/heads/{branch}")
        self.refs[f"refs/heads/{branch}"] = sha
        return sha

    def branch(self, name: str, sha: str) -> None:
        """Have a branch begin at this commit."""
        self.refs[f"refs/heads/{name}"] = sha

    def tag(self, name: str, sha: str, *, annotated: bool = False) -> None:
        """Tag this commit. An annotated tag is an object of its own, with a SHA of its own."""
        self.refs[f"refs/tags/{name}"] = sha
        if annotated:
            self.annotated[f"refs/tags/{name}"] = new_sha()

    def commit_of(self, name: str) -> str | None:
        """The commit of a branch or a tag, by any of its names, or of a SHA's beginning."""
        for full in (name, f"refs/{name}", f"refs/heads/{name}", f"refs/tags/{name}"):
            if full in self.refs:
                return self.refs[full]
        begins = [sha for sha in self.before if sha.startswith(name)] if len(name) >= 7 else []
        return begins[0] if len(begins) == 1 else None

    def history(self, sha: str) -> list[str]:
        """The commit and all before it, newest first."""
        found: list[str] = []
        at: str | None = sha
        while at is not None:
            found.append(at)
            at = self.before[at]
        return found

    def start(self, workflow: Workflow, ref: str, inputs: Inputs) -> Run:
        """A new run of this, at a ref that is there."""
        sha = self.commit_of(ref)
        assert sha is not None, ref
        branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        run = Run(self, workflow, workflow.run_name(inputs), branch, sha, len(self.runs) + 1, inputs)
        run.add_attempt()
        self.runs[run.id] = run
        return run
