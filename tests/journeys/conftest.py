"""A browser for all journeys; pages, a door and the workflow for each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser

from phaseline.demo import Commands, run_workflow
from tests.journeys.door import Door, door_to
from tests.journeys.modal import KEEP_WHAT_WAS_SHOWN, Modal
from tests.support.browser import Viewers, chromium
from tests.support.logins import WORKFLOW
from tests.support.server import Server

OpenModal = Callable[[dict[str, Any]], Awaitable[Modal]]
StartWorkflow = Callable[..., "asyncio.Task[int]"]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests: each page has a context of its own."""
    async with chromium() as running:
        yield running


@pytest.fixture
async def viewers(browser: Browser) -> AsyncIterator[Viewers]:
    """Opens pages. The test fails where one of them has complained in its console."""
    opened = Viewers(browser)
    yield opened
    await opened.close()


@pytest.fixture
def open_modal(server: Server, viewers: Viewers) -> OpenModal:
    """Opens the shared server's modal of a deploy at its own address."""

    async def open_it(deploy: dict[str, Any]) -> Modal:
        page = await viewers.blank()
        await page.add_init_script(KEEP_WHAT_WAS_SHOWN)
        await page.goto(f"{server.url}/deploys/{deploy['id']}")
        return Modal(page)

    return open_it


@pytest.fixture
async def door(server: Server) -> AsyncIterator[Door]:
    """A door to the shared server."""
    async with door_to(server.url) as standing:
        yield standing


@pytest.fixture
async def start_workflow() -> AsyncIterator[StartWorkflow]:
    """Starts the real deploy-console.yml for a deploy, and ends at the test's end what is still going on."""
    runs: list[asyncio.Task[int]] = []

    def start(deploy: dict[str, Any] | None, server_url: str, **chosen: Any) -> asyncio.Task[int]:
        told: dict[str, Any] = {
            "deploy_id": deploy["id"] if deploy else None,
            "environment": deploy["environment"] if deploy else "production",
            "ref": deploy["ref"] if deploy else "main",
            "server_url": server_url,
            "commands": Commands(),
            "token": WORKFLOW,
            **chosen,
        }
        runs.append(asyncio.create_task(run_workflow(**told)))
        return runs[-1]

    yield start
    for run in runs:
        # Once, as somebody cancels it; again, because nobody is there any more to let its last report in.
        for patience in (0.1, None):
            run.cancel()
            await asyncio.wait({run}, timeout=patience)
