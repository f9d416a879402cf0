"""One run of the deploy workflow by act, from its start to its exit code."""

import asyncio
import json
import os
import secrets
import signal
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from phaseline.demo.commands import Commands
from phaseline.demo.workspace import TOOLS, WORKFLOW, Workspace, find_act, prepare

log = structlog.get_logger(__name__)

# How long a cancelled run may take to report that it was cancelled, before it is killed. In seconds.
GRACE = 20.0
# Lines of output longer than this, in bytes, are not logged.
LONGEST_LINE = 2**20


@dataclass(frozen=True)
class Line:
    """One line of the run's log. Job and step are empty for what the runner says on its own account."""

    text: str
    job: str = ""
    step: str = ""
    level: str = "info"


async def run_workflow(
    *,
    deploy_id: str | None,
    environment: str,
    ref: str,
    server_url: str,
    commands: Commands,
    commit: str | None = None,
    attempt: int = 1,
    run_id: str | None = None,
    token: str | None = None,
    repository: str = "example/console",
    has_page: bool = True,
    environment_of_jobs: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    workflow: Path | None = None,
    on_line: Callable[[Line], None] | None = None,
) -> int:
    """Runs deploy-console.yml with the action it uses, and returns the runner's exit code: 0 where every job passed.

    `deploy_id` None is a deploy that the console did not start, `commit` None one whose ref is not pinned. `attempt`
    and `run_id` are what the run says of itself, as GitHub would, `has_page` whether it gives an address for itself,
    and `environment_of_jobs` what else jobs find in their environment; `variables` are further repository variables;
    `workflow` is a file to run in the real one's place. Cancelling the task cancels the run as GitHub does, so that it
    still reports its end; cancelling it a second time, or GRACE seconds, kills it. Raises RunnerMissing where this
    machine cannot run workflows.
    """
    act = find_act()
    inputs = {"environment": environment, "ref": ref, "console_deploy_id": deploy_id or ""}
    with tempfile.TemporaryDirectory(prefix="phaseline-", ignore_cleanup_errors=True) as root:
        workspace = prepare(Path(root), workflow)
        arguments = _arguments(
            workspace,
            inputs=inputs if commit is None else {**inputs, "commit": commit},
            variables={**commands.variables(), "PHASELINE_URL": server_url, **(variables or {})},
            says={
                "GITHUB_RUN_ID": run_id or str(secrets.randbelow(10**9) + 1),
                "GITHUB_RUN_ATTEMPT": str(attempt),
                "GITHUB_REPOSITORY": repository,
                # Only to spare act the search for a repository around the tree, and a warning with each step.
                "GITHUB_REF": "refs/heads/main",
                "SHA_REF": "0" * 40,
                **({} if has_page else {"PHASELINE_RUN_URL": ""}),
                **(environment_of_jobs or {}),
            },
        )
        if token is not None:
            arguments += ["--secret-file", str(_secret_file(workspace, token))]
        return await _run([act, *arguments], workspace, on_line or _ignore)


def _arguments(
    workspace: Workspace, *, inputs: Mapping[str, str], variables: Mapping[str, str], says: Mapping[str, str]
) -> list[str]:
    arguments = ["workflow_dispatch", "-W", WORKFLOW, "-P", "ubuntu-latest=-self-hosted", "--json"]
    arguments += ["--no-cache-server", "--env-file", os.devnull]
    # There is no GitHub to check the ref to deploy out of: an empty directory takes its place.
    for version in workspace.checkouts:
        arguments += ["--local-repository", f"actions/checkout@{version}={TOOLS / 'checkout'}"]
    for flag, values in (("--input", inputs), ("--var", variables), ("--env", says)):
        for name, value in values.items():
            arguments += [flag, f"{name}={value}"]
    return arguments


def _secret_file(workspace: Workspace, token: str) -> Path:
    """The token in a file, because arguments can be read by every process of the machine."""
    if set(token) & set("'\r\n"):
        raise ValueError("a token holds neither quotes nor line breaks")
    path = workspace.home / "secrets"
    path.touch(mode=0o600)
    path.write_text(f"PHASELINE_TOKEN='{token}'\n", encoding="utf-8")
    return path


async def _run(command: list[str], workspace: Workspace, on_line: Callable[[Line], None]) -> int:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=workspace.tree,
        env=workspace.environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=LONGEST_LINE,
        # Of its own, so that Ctrl-C in a terminal reaches the run only as a cancellation, and once.
        start_new_session=True,
    )
    reading = asyncio.create_task(_read(process, on_line))
    try:
        return await process.wait()
    except asyncio.CancelledError:
        _signal(process, signal.SIGINT)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
        raise
    finally:
        # Each step runs in a terminal of its own, which closes with act: what is left of the step gets a hang-up.
        _signal(process, signal.SIGKILL)
        await asyncio.shield(process.wait())
        await reading


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def _read(process: asyncio.subprocess.Process, on_line: Callable[[Line], None]) -> None:
    assert process.stdout is not None
    while True:
        try:
            raw = await process.stdout.readline()
        except ValueError:  # longer than the limit; what was read of it is gone
            continue
        if not raw:
            return
        line = _line(raw.decode(errors="replace"))
        log.debug("workflow", job=line.job, step=line.step, said=line.text)
        on_line(line)


def _line(text: str) -> Line:
    try:
        said = json.loads(text)
    except ValueError:
        return Line(text.rstrip())
    if not isinstance(said, dict):
        return Line(text.rstrip())
    fields = {name: str(said.get(name, "")) for name in ("msg", "jobID", "step", "level")}
    return Line(fields["msg"].rstrip(), fields["jobID"], fields["step"], fields["level"])


def _ignore(line: Line) -> None:
    """Nobody asked for the lines."""
