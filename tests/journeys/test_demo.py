"""`phaseline demo`, started and ended as somebody does who tries it out."""

import asyncio
import os
import re
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from playwright.async_api import expect

from tests.journeys.console import ConsolePage
from tests.journeys.expected import EIGHT
from tests.support import logins
from tests.support.browser import OUTAGE, Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.server import PHASELINE


class Demo:
    """The command, in a process group of its own, as a shell starts it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def link(self) -> str:
        """The link that it prints when it is ready, which signs a browser in."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said += line.decode()
            if found := re.search(r"phaseline is at (http://\S+)", self.said):
                return found[1]
        raise AssertionError(f"the demo ended: {self.said}")

    async def interrupt(self) -> int:
        """Ctrl-C: the terminal sends it to the whole group. Returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        assert self.process.stdout is not None
        self.said += (await self.process.stdout.read()).decode()
        return await self.process.wait()


@asynccontextmanager
async def demo(directory: Path, *options: str, **variables: str) -> AsyncIterator[Demo]:
    """The demo for the length of a block."""
    arguments = [
        "--port",
        "0",
        *(options or ["--no-browser"]),
        "--pause",
        "0.3",
        "--database",
        str(directory / "demo.db"),
    ]
    process = await asyncio.create_subprocess_exec(
        PHASELINE,
        "demo",
        *arguments,
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(directory), **variables},
    )
    try:
        yield Demo(process)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def processes_that_name(path: Path) -> list[str]:
    """The command lines of all processes that name this path there or in their environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command_line, environment = (directory / "cmdline").read_bytes(), (directory / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is not ours
        if str(path).encode() in command_line + environment and int(directory.name) != os.getpid():
            found.append(command_line.replace(b"\0", b" ").decode())
    return found


async def start_deploy(console: ConsolePage, ref: str) -> str:
    """Start a deploy by the page's form and return its id."""
    await console.button("Start a deploy").first.click()
    await console.form.get_by_label("Environment").fill("staging")
    await console.form.get_by_label("Ref").fill(ref)
    await console.form.get_by_role("button", name="Start deploy").click()
    await expect(console.dialog).to_be_visible()
    await expect(console.modal.part("ref")).to_have_text(ref)
    return await console.modal.part("deploy-id").inner_text()


async def test_the_demo_runs_the_workflow_for_each_deploy_and_ends_without_a_trace(
    tmp_path: Path, viewers: Viewers
) -> None:
    async with demo(tmp_path) as running:
        link = await running.link()
        await logins.write(tmp_path / "demo.db")
        console = ConsolePage(await viewers.open(link))
        async with Caller(link.partition("/demo/")[0]) as caller:
            deploy_id = await start_deploy(console, "main")
            shown = await console.modal.at("succeeded", 9)
            assert shown.states == "PASSED PASSED PASSED PASSED"
            assert [entry["toStatus"] for entry in await caller.entries(deploy_id)] == ["queued", *EIGHT]
            await console.press("Escape")
            await start_deploy(console, "fail-smoke")
            shown = await console.modal.at("failed", 3)
            assert shown.states == "FAILED NOT_REPORTED NOT_REPORTED NOT_REPORTED"
            await keep_screenshot(console.page, "demo")
            await console.press("Escape")
            # And one that is still going on when the demo ends.
            await start_deploy(console, "v3")
            await expect(console.modal.host).to_have_attribute("data-status", "smoke_running")
            assert [line for line in processes_that_name(tmp_path) if "workflow_dispatch" in line]
        viewers.tolerate(OUTAGE)
        code = await running.interrupt()
        await console.modal.connection("lost")
    with closing(sqlite3.connect(tmp_path / "demo.db")) as log:
        newest = log.execute("SELECT to_status FROM audit_entries ORDER BY id DESC LIMIT 1").fetchone()
    assert newest == ("cancelled",), "the run is told to end while the server can still be told of it"
    assert code in (0, 130), "the ends that a shell takes for an interruption's"
    assert "Traceback" not in running.said
    assert processes_that_name(tmp_path) == []
    assert [name for name in os.listdir(tmp_path) if not name.startswith("demo.db")] == []


async def test_the_demo_listens_on_this_machine_alone_and_opens_signed_in_without_naming_its_link(
    tmp_path: Path, viewers: Viewers
) -> None:
    opened = tmp_path / "opened"
    os.mkfifo(opened)
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\nprintf '%s' \"$*\" > {opened}\n")
    browser.chmod(0o700)
    variables = {"BROWSER": f"{browser} %s", "DISPLAY": ":0", "PHASELINE_HOST": "0.0.0.0"}
    async with demo(tmp_path, "--browser", **variables) as running:
        link = await running.link()
        told = await asyncio.to_thread(opened.read_text)
        assert link.startswith("http://127.0.0.1:")
        assert told.startswith("file://")
        assert "/demo/" not in told
        page = told.removeprefix("file://")
        assert os.stat(page).st_mode & 0o777 == 0o600
        console = ConsolePage(await viewers.open(told, signed_in=False))
        await console.page.wait_for_url(link.partition("/demo/")[0] + "/")
        await expect(console.button("Start a deploy").first).to_be_visible()
        viewers.tolerate(OUTAGE)
        await running.interrupt()
    assert os.path.basename(page) not in os.listdir(tmp_path)
