"""The server's own log: a line for what was done, and for an error no more than tells where it happened."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.caller import Caller
from tests.support.database import change
from tests.support.server import Server, serving
from tests.support.viewer import PHASE_CHANGED, viewing
from tests.support.witness import lines_on

SECRET = "correct horse battery staple"
REPORT = {"level": "info", "event": "callback", "attempt": 1, "duplicate": False, "refusal": None}
REPORT |= {"actor": "token:workflow"}
START = {"level": "info", "event": "deploy started", "actor": "token:operator"}


async def test_every_start_and_every_callback_is_one_line(server: Server, caller: Caller) -> None:
    deploy = (await caller.start("staging", "v1"))["id"]
    await caller.report(deploy, "building", message=SECRET)
    await caller.report(deploy, "building")
    await caller.report(deploy, "succeeded")
    await caller.report(deploy, "failed", 2)
    assert await lines_on(server, deploy, 5) == [
        START | {"deploy": deploy, "environment": "staging", "ref": "v1", "commit": None, "waits": False},
        REPORT | {"deploy": deploy, "status": "building", "sequence": 2},
        REPORT | {"deploy": deploy, "status": "building", "sequence": 2, "duplicate": True},
        REPORT | {"deploy": deploy, "status": "succeeded", "sequence": 3, "refusal": "ILLEGAL_TRANSITION"},
        REPORT | {"deploy": deploy, "status": "failed", "sequence": 4, "attempt": 2},
    ]


async def test_a_viewer_is_no_line(database: Path) -> None:
    async with serving(database) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        await lines_on(server, deploy["id"], 1)
        before = len(server.log)
        async with viewing(server.url) as viewer:
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            await viewer.event()
        await caller.report(deploy["id"], "building")
        await lines_on(server, deploy["id"], 2)
        assert [line["event"] for line in server.log[before:]] == ["callback"]


async def test_a_log_for_people_tells_of_an_error_without_what_was_sent(database: Path) -> None:
    async with serving(database, log_format="console") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        # The statement that fails is the one that carries the message.
        change(database, "CREATE TRIGGER no BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no'); END")
        answer = await caller.report(deploy["id"], "building", message=SECRET)
        assert answer.code == "INTERNAL_SERVER_ERROR"
    log = "\n".join(line["event"] for line in server.log)
    assert "unexpected error" in log
    assert "IntegrityError" in log
    assert SECRET not in log
    assert len(log) < 20_000


def test_what_python_warns_of_is_a_line_like_all_others() -> None:
    """As where a viewer vanishes while a resolver's coroutine is yet to be begun."""
    program = "import warnings; logs.configure(Settings(log_format='json')); warnings.warn('never awaited')"
    imports = "from phaseline import logs; from phaseline.settings import Settings;"
    ran = subprocess.run([sys.executable, "-c", imports + program], capture_output=True, text=True, check=True)
    (line,) = map(json.loads, ran.stderr.splitlines())
    assert line["level"] == "warning"
    assert "never awaited" in line["event"]
