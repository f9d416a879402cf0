"""The script of the action notify-deploy-status, against a server that has been called too often."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from phaseline.demo.workspace import STAND_INS
from phaseline.resources import find
from tests.support.caller import Caller
from tests.support.logins import WORKFLOW
from tests.support.server import serving

SCRIPT = find(".github/actions/notify-deploy-status/notify.sh")


@pytest.mark.takes_seconds
@pytest.mark.skipif(any(shutil.which(command) is None for command in STAND_INS), reason="no curl or no jq")
async def test_a_report_that_comes_too_often_is_sent_again_and_arrives(tmp_path: Path) -> None:
    """The window has only just begun, so that this is the longest that a report can be told to wait."""
    async with serving(tmp_path / "phaseline.db", callbacks_per_minute="1") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], "building")
        assert (await caller.report(deploy["id"], "deploying")).code == "RATE_LIMITED"
        environment = {
            "PATH": os.environ["PATH"],
            "PHASELINE_URL": server.url,
            "PHASELINE_TOKEN": WORKFLOW,
            "PHASELINE_DEPLOY_ID": deploy["id"],
            "PHASELINE_STATUS": "deploying",
            "PHASELINE_FAIL_ON": "unreachable rejected unauthorized",
        }
        reporting = await asyncio.create_subprocess_exec(
            "bash", SCRIPT, env=environment, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await reporting.communicate()
        assert told == b"deploying: delivered (entry 3)\n"
