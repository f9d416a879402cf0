"""What an operator does and looks at while versions change."""

import asyncio
import os
from pathlib import Path
from typing import Any

from tests.support.caller import Caller
from tests.support.database import address
from tests.support.server import Server, code_of, program
from tests.support.witness import faults


async def migrate(log: Path | str, *arguments: str, version: Path | None = None) -> None:
    """Run the command, of another version if its folder is given."""
    environment = {"PATH": os.defpath, "PHASELINE_DATABASE_URL": address(log), **code_of(version)}
    migrating = await asyncio.create_subprocess_exec(
        *program(version), "migrate", *arguments, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    assert await migrating.wait() == 0


async def readiness(node: Caller) -> Any:
    """What /readyz says."""
    return (await node.http.get("/readyz")).json()


def assert_faultless(*servers: Server) -> None:
    """None of them logged an error."""
    assert not [fault for server in servers for fault in faults(server)]
