"""A console whose server asks a GitHub for runs: operators start there, wait, cancel and start again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.journeys.console import ConsolePage
from tests.journeys.modal import SOON
from tests.support.caller import Caller
from tests.support.github import FakeGitHub
from tests.support.github.access import TOKEN
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.state import Run
from tests.support.github.telling import PATH, SECRET
from tests.support.server import Server, serving
from tests.support.waiting import until

_FILE = """
[github]
api_url = "{api_url}"
web_url = "{url}"

[environments.production]
repository = "{repository}"
workflow = "{workflow}"
refs = ["refs/heads/*", "refs/tags/v*"]
when_busy = "wait"

[environments.staging]
repository = "{repository}"
workflow = "{workflow}"
refs = ["refs/heads/*"]
"""


@dataclass
class Steered:
    """The GitHub, the server that asks it and is told by it, and a caller of the server's API."""

    github: FakeGitHub
    server: Server
    caller: Caller

    async def run_of(self, deploy_id: str) -> Run:
        """The run that was begun for a deploy, as soon as there is one."""
        found: list[Run] = []

        def is_there() -> bool:
            runs = self.github.repository.runs.values()
            found[:] = [run for run in runs if run.inputs.get("console_deploy_id") == deploy_id]
            return bool(found)

        await until(is_there)
        await self.github.told()
        return found[0]

    async def fails(self, deploy_id: str) -> Run:
        """Its run begins, and one of its jobs fails."""
        run = await self.run_of(deploy_id)
        await self.github.runs.begin(run)
        await self.github.runs.end(run, "failure")
        return run


@asynccontextmanager
async def steered(database: Path, folder: Path) -> AsyncIterator[Steered]:
    """For the length of a block."""
    file = folder / "environments.toml"
    async with FakeGitHub() as github:
        where = {"api_url": github.api_url, "url": github.url, "repository": REPOSITORY, "workflow": WORKFLOW}
        file.write_text(_FILE.format(**where))
        told: dict[str, str] = {
            "environments_file": str(file),
            "github_token": TOKEN,
            "github_webhook_secret": SECRET,
            "reconcile_seconds": "1",
        }
        async with serving(database, **told) as server, Caller(server.url) as caller:
            github.hooks.register(server.url + PATH, SECRET)
            yield Steered(github, server, caller)
            await github.told()


class Steering(ConsolePage):
    """The console page, and what operators do in it beside starting."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.environments = page.locator("phaseline-console .environments")
        self.asks = page.locator("phaseline-confirmation dialog[open]")

    def environment(self, name: str) -> Locator:
        """What is told of an environment."""
        return self.environments.locator(f"[data-environment='{name}']")

    async def start(self, environment: str, ref: str) -> None:
        """Fill in the start form, and send it."""
        await self.button("Start a deploy").first.click()
        await self.form.get_by_label("Environment").select_option(environment)
        await self.form.get_by_label("Ref").fill(ref)
        await self.form.get_by_role("button", name="Start deploy").click()

    async def started(self, environment: str, ref: str) -> str:
        """The same; the id of the deploy that the modal shows then."""
        await self.start(environment, ref)
        await expect(self.form).to_be_hidden()
        await expect(self.modal.part("deploy-id")).to_be_visible(timeout=SOON)
        return await self.modal.part("deploy-id").inner_text()

    async def confirm(self, part: str, reason: str) -> None:
        """Press one of the modal's buttons, say why, and send it."""
        await self.modal.part(part).click(timeout=SOON)
        await expect(self.asks).to_be_visible()
        await self.asks.get_by_label("Reason").fill(reason)
        await self.press("Enter")

    async def says(self, part: str, words: Any) -> None:
        """Wait until a part of the modal says this."""
        await expect(self.modal.part(part)).to_contain_text(words, timeout=SOON)
