"""The real deploy-console.yml, run by act, reporting to a real server that wants to know who calls."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from phaseline.demo import Commands, Line, run_workflow
from tests.support.caller import Caller
from tests.support.issuer import REPOSITORY, RUN_ID, Issuer, trust_file
from tests.support.issuer import WORKFLOW as WORKFLOW_FILE
from tests.support.logins import WORKFLOW
from tests.support.ports import free_port
from tests.support.server import Server, serving

from .test_deploy_console import ALL_STATUSES

_OLDER_SCRIPT = Path(__file__).with_name("older-notify.sh")


@dataclass
class Console:
    """A server that trusts the runs of one repository, and how runs of it report there."""

    server: Server
    caller: Caller
    issuer: Issuer
    lines: list[Line] = field(default_factory=list)

    async def run(self, deploy_id: str, jobs: dict[str, str], **chosen: object) -> int:
        return await run_workflow(
            deploy_id=deploy_id,
            environment="staging",
            ref="v1.2.3",
            server_url=self.server.url,
            commands=Commands(),
            run_id=RUN_ID,
            environment_of_jobs=jobs,
            on_line=self.lines.append,
            **chosen,  # type: ignore[arg-type]
        )

    @property
    def summaries(self) -> set[str]:
        """Each line once: act tells those of an action's steps again with the action's own."""
        return {line.text for line in self.lines if "Summary - " in line.text}


@pytest.fixture
async def console(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Console]:
    file, port = tmp_path / "trust.toml", free_port()
    address = f"http://127.0.0.1:{port}"
    file.write_text(trust_file(issuer, {"environments": ["staging"]}, audience=None))
    settings = {"trust_file": str(file), "port": str(port), "public_url": address}
    async with serving(tmp_path / "phaseline.db", **settings) as server, Caller(server.url) as caller:
        yield Console(server, caller, issuer)


async def test_a_run_is_accepted_from_its_start_to_its_end_without_a_stored_secret(console: Console) -> None:
    deploy = await console.caller.start("staging")
    assert await console.run(deploy["id"], console.issuer.variables()) == 0
    entries = await console.caller.entries(deploy["id"])
    assert [entry["toStatus"] for entry in entries[1:]] == ALL_STATUSES
    assert {(entry["kind"], entry["actor"], entry["runId"]) for entry in entries[1:]} == {
        ("TRANSITION", "github:octo-org/console", RUN_ID)
    }
    assert (await console.caller.deploy(deploy["id"]))["status"]["outcome"] == "SUCCEEDED"
    given = console.issuer.given
    assert len(set(given)) == len(ALL_STATUSES)
    told = json.dumps([line.text for line in console.lines]) + json.dumps(console.server.log)
    assert not [part for token in given for part in token.split(".")[1:] if part in told]


async def test_without_the_permission_the_summary_says_what_to_add_and_the_deploy_goes_on(console: Console) -> None:
    deploy = await console.caller.start("staging")
    assert await console.run(deploy["id"], {}) == 0
    assert len(console.summaries) == len(ALL_STATUSES)
    assert all(
        "add 'permissions: {contents: read, id-token: write}' to this job" in summary for summary in console.summaries
    )
    entries = await console.caller.entries(deploy["id"])
    assert {(entry["kind"], entry["refusal"]) for entry in entries[1:]} == {("CALLBACK_REFUSED", "UNAUTHENTICATED")}
    assert (await console.caller.deploy(deploy["id"]))["status"]["key"] == "queued"


async def test_a_token_with_a_wrong_claim_is_refused_and_the_summary_names_the_claim(console: Console) -> None:
    console.issuer.claims = {"workflow_ref": f"{REPOSITORY}/{WORKFLOW_FILE}@refs/heads/my-branch"}
    deploy = await console.caller.start("staging")
    assert await console.run(deploy["id"], console.issuer.variables()) == 0
    assert len(console.summaries) == len(ALL_STATUSES)
    told = f"HTTP 403 FORBIDDEN, claim workflow_ref: the ID token's workflow_ref is {REPOSITORY}/{WORKFLOW_FILE}@refs"
    assert all(told in summary for summary in console.summaries)
    assert (await console.caller.deploy(deploy["id"]))["status"]["key"] == "queued"


async def test_a_run_with_a_token_of_phaselines_own_is_accepted_too(console: Console) -> None:
    deploy = await console.caller.start("staging")
    assert await console.run(deploy["id"], console.issuer.variables(), token=WORKFLOW) == 0
    entries = await console.caller.entries(deploy["id"])
    assert [(entry["toStatus"], entry["actor"]) for entry in entries[1:]] == [
        (status, "token:workflow") for status in ALL_STATUSES
    ]
    assert console.issuer.given == []


@pytest.mark.parametrize(("token", "outcome"), [(WORKFLOW, "delivered"), ("", "unauthorized")], ids=["token", "none"])
async def test_a_copy_of_the_action_from_before_id_tokens_goes_on_working_with_a_token(
    server: Server, caller: Caller, tmp_path: Path, token: str, outcome: str
) -> None:
    deploy = await caller.start("staging")
    told = tmp_path / "outputs"
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_OUTPUT": str(told),
        "PHASELINE_DEPLOY_ID": deploy["id"],
        "PHASELINE_STATUS": "smoke_running",
        "PHASELINE_URL": server.url,
        "PHASELINE_TOKEN": token,
    }
    running = await asyncio.create_subprocess_exec("bash", _OLDER_SCRIPT, env=environment)
    assert await running.wait() == 0
    assert told.read_text() == f"outcome={outcome}\n"
