"""A server that has GitHub begin the runs of deploys, and what becomes of that."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.caller import Answer, Caller
from tests.support.consistency import assert_consistent
from tests.support.github import FakeGitHub
from tests.support.github.access import TOKEN
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.hooks import Manner
from tests.support.github.state import Run
from tests.support.github.telling import PATH, SECRET
from tests.support.server import Server, start
from tests.support.waiting import until
from tests.support.witness import faults

# Another one's turn is waited for in production alone; a commit may be deployed in one place alone.
ENVIRONMENTS = {
    "production": 'refs = ["refs/heads/*", "refs/tags/v*"]\nwhen_busy = "wait"\n',
    "staging": 'refs = ["refs/heads/*"]\n',
    "test": 'refs = ["refs/heads/*"]\n',
    "anything": 'refs = ["refs/heads/*"]\ncommits = true\nworkflow_ref = "refs/heads/main"\n',
}

# The types of what is sent, where it is not as with most.
_INPUTS = {"cancelDeploy": "CancelInput", "redeploy": "RedeployInput"}

_DEPLOY = """
    id ref commit attempt queuePosition status { key } runUrl run { id status attempt }
    dispatch { state reason ref runId } request { kind actor reason failure failedBy }
"""


@dataclass
class Desk:
    """A GitHub, and a server that asks it."""

    github: FakeGitHub
    server: Server
    caller: Caller
    database: Path | str

    async def start(self, environment: str = "production", ref: str = "main", **more: Any) -> str:
        """The id of a new deploy."""
        return str((await self.try_to_start(environment, ref, **more)).data["startDeploy"]["id"])

    async def try_to_start(self, environment: str = "production", ref: str = "main", **more: Any) -> Answer:
        """What is answered."""
        return await self._send("startDeploy", "StartDeployInput", {"environment": environment, "ref": ref, **more})

    async def steer(self, what: str, deploy_id: str, reason: str = "because", **more: Any) -> Answer:
        """Have it cancelled, run again, or deployed again."""
        kind = _INPUTS.get(what, "SteerInput")
        return await self._send(what, kind, {"deployId": deploy_id, "reason": reason, **more})

    async def deploy(self, deploy_id: str) -> dict[str, Any]:
        """How it stands, and what has become of its dispatch."""
        answer = await self.caller.send("query ($id: ID!) { deploy(id: $id) {" + _DEPLOY + "} }", id=deploy_id)
        found: dict[str, Any] = answer.data["deploy"]
        return found

    async def dispatch(self, deploy_id: str) -> dict[str, Any]:
        """What has become of it."""
        found: dict[str, Any] = (await self.deploy(deploy_id))["dispatch"]
        return found

    async def comes_to(self, deploy_id: str, state: str) -> dict[str, Any]:
        """Wait until its dispatch stands so."""

        async def is_so() -> bool:
            return bool((await self.dispatch(deploy_id))["state"] == state)

        await until(is_so)
        return await self.dispatch(deploy_id)

    async def stands_at(self, deploy_id: str, status: str) -> None:
        """Wait until it does."""

        async def is_so() -> bool:
            return bool((await self.deploy(deploy_id))["status"]["key"] == status)

        await until(is_so)

    async def log(self, deploy_id: str) -> list[tuple[Any, ...]]:
        """What is recorded of it, shortly."""
        names = ("kind", "source", "toStatus", "attempt", "actor", "message")
        return [tuple(entry[name] for name in names) for entry in await self.caller.entries(deploy_id)]

    async def of_kind(self, deploy_id: str, *kinds: str) -> list[tuple[Any, ...]]:
        """The entries of these kinds: source, actor and message of each."""
        return [(line[1], *line[4:]) for line in await self.log(deploy_id) if line[0] in kinds]

    def asked(self) -> list[dict[str, Any]]:
        """Every dispatch that GitHub was asked for, whatever it has answered."""
        return [json.loads(asked.body) for asked in self.github.asked if asked.path.endswith("/dispatches")]

    def runs(self, deploy_id: str) -> list[Run]:
        """Those that GitHub has begun for it."""
        runs = self.github.repository.runs.values()
        return [run for run in runs if run.inputs.get("console_deploy_id") == deploy_id]

    async def run(self, deploy_id: str) -> Run:
        """The only one, as soon as it was begun and is known to be."""
        await self.comes_to(deploy_id, "SENT")
        (run,) = self.runs(deploy_id)
        return run

    async def says_why(self, deploy_id: str) -> dict[str, Any]:
        """Wait until its dispatch has a reason for standing as it does."""

        async def is_so() -> bool:
            return bool((await self.dispatch(deploy_id))["reason"])

        await until(is_so)
        return await self.dispatch(deploy_id)

    async def logged(self, event: str) -> dict[str, Any]:
        """The first line of the server's log with this event."""
        await until(lambda: any(line["event"] == event for line in self.server.log))
        return next(line for line in self.server.log if line["event"] == event)

    async def _send(self, field: str, kind: str, given: dict[str, Any]) -> Answer:
        document = f"mutation ($input: {kind}!) {{ {field}(input: $input) {{ {_DEPLOY} }} }}"
        return await self.caller.send(document, input=given)


def settings(github: FakeGitHub, folder: Path, **more: str) -> dict[str, str]:
    """Those of a server that asks this GitHub."""
    file = folder / "environments.toml"
    where = f'repository = "{REPOSITORY}"\nworkflow = "{WORKFLOW}"\n'
    parts = [f"[environments.{name}]\n{where}{rest}" for name, rest in ENVIRONMENTS.items()]
    file.write_text(f'[github]\napi_url = "{github.api_url}"\nweb_url = "{github.url}"\n' + "\n".join(parts))
    return {
        "environments_file": str(file),
        "github_token": TOKEN,
        "github_webhook_secret": SECRET,
        "reconcile_seconds": "0.3",
        "poll_seconds": "0.2",
        **more,
    }


@asynccontextmanager
async def at_desk(database: Path | str, folder: Path, *, enterprise: bool = False, **more: str) -> AsyncIterator[Desk]:
    """No webhook comes, unless a test lets it. What was recorded is right in the end, and no server has had a fault."""
    async with FakeGitHub(enterprise=enterprise) as github:
        github.hooks.manner = Manner.NEVER
        server = await start(database, **settings(github, folder, **more))
        github.hooks.register(server.url + PATH, SECRET)
        async with Caller(server.url) as caller:
            desk = Desk(github, server, caller, database)
            try:
                yield desk
                await github.away()  # so that the log stands still
                await assert_consistent(database, desk.server.url)
            finally:
                await desk.server.stop()
        assert not faults(desk.server)
