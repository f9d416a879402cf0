"""A server that asks a GitHub and that it tells, and deploys that are under way on both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import starting
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent
from tests.support.github import FakeGitHub
from tests.support.github.access import TOKEN
from tests.support.github.state import Run
from tests.support.github.telling import PATH, SECRET, environments
from tests.support.server import Server, serving
from tests.support.waiting import until
from tests.support.witness import faults

INPUTS = {"environment": "production", "ref": "main"}

# What GitHub says of a run that nobody has moved on, when it is asked: see `known`.
WAITS = "RUN_REPORTED", "deploying", 1, "queued", None

# So seldom that nothing but a webhook, or what it wakes, can have told; and so often that it is waited for.
SELDOM, OFTEN = "3600", "0.2"


@dataclass
class Stage:
    """A GitHub, and a server on a database that asks it, and that it tells."""

    github: FakeGitHub
    server: Server
    caller: Caller
    database: Path | str

    async def under_way(self, *statuses: str, environment: str = "production") -> tuple[str, Run]:
        """A deploy that a run has reported for, with a stored token; nothing more of it is told by callbacks.

        Only the last of these names the run: GitHub is asked for none of which it is not known.
        """
        deploy_id, run = await starting.start(self.database, environment), self.begin()
        *earlier, last = statuses or ("building", "deploying")
        for status in earlier:
            assert (await self.caller.report(deploy_id, status)).status == 200
        assert (await self.caller.report(deploy_id, last, runId=str(run.id))).status == 200
        return deploy_id, run

    async def known(self) -> tuple[str, Run]:
        """The same, of which GitHub was asked already, and has said that it waits: so whatever comes, comes after that.

        A server that asks often may else do so before the next step of a test, or after it.
        """
        deploy_id, run = await self.under_way()
        await self.has_said(deploy_id, WAITS)
        return deploy_id, run

    def begin(self) -> Run:
        """A new run, of which nobody is told."""
        return self.github.repository.start(next(iter(self.github.repository.workflows.values())), "main", INPUTS)

    async def log(self, deploy_id: str) -> list[tuple[Any, ...]]:
        """What the log says of it after its start, shortly."""
        names = ("kind", "source", "toStatus", "attempt", "runStatus", "runConclusion")
        return [tuple(entry[name] for name in names) for entry in (await self.caller.entries(deploy_id))[1:]]

    async def by_github(self, deploy_id: str) -> list[tuple[Any, ...]]:
        """The part of it that GitHub has said, without its source."""
        return [(line[0], *line[2:]) for line in await self.log(deploy_id) if line[1] == "GITHUB"]

    async def logged(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The lines of the server's log with this event, so many of them or more."""
        await until(lambda: sum(line["event"] == event for line in self.server.log) >= count)
        return [line for line in self.server.log if line["event"] == event]

    async def has_said(self, deploy_id: str, *lines: tuple[Any, ...]) -> None:
        """Wait until GitHub has said this, and nothing else."""

        async def is_so() -> bool:
            return len(await self.by_github(deploy_id)) >= len(lines)

        await until(is_so)
        assert await self.by_github(deploy_id) == list(lines)

    def asked(self, run: Run) -> int:
        """How often GitHub was asked for it."""
        return self.github.times("GET", f"/runs/{run.id}")

    async def is_asked_again(self, run: Run, times: int = 1) -> None:
        """Wait until it was, so many times."""
        before = self.asked(run)
        await until(lambda: self.asked(run) >= before + times)


def settings(github: FakeGitHub, folder: Path, every: str, without: str = "") -> dict[str, str]:
    """`without`: an environment that is in the file by another name."""
    file = folder / f"environments-{without}.toml"
    text = environments(github.api_url, github.url)
    file.write_text(text.replace(f"[environments.{without}]", "[environments.gone]"))
    return {
        "environments_file": str(file),
        "github_token": TOKEN,
        "github_webhook_secret": SECRET,
        "reconcile_seconds": every,
    }


@asynccontextmanager
async def staged(database: Path | str, folder: Path, every: str) -> AsyncIterator[Stage]:
    """What was recorded is right in the end, and the server has had no fault."""
    async with FakeGitHub() as github, serving(database, **settings(github, folder, every)) as server:
        github.hooks.register(server.url + PATH, SECRET)
        async with Caller(server.url) as caller:
            stage = Stage(github, server, caller, database)
            yield stage
            await github.away()  # so that the log stands still
            await assert_consistent(database, *([stage.server.url] if stage.server.process.returncode is None else []))
        assert not faults(server)
