"""Takes the README's picture anew: the modal while the real workflow is deploying. `make picture` runs it."""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from phaseline import logs
from phaseline.demo import Commands, run_workflow
from phaseline.settings import Settings
from tests.support.browser import Viewers, chromium
from tests.support.caller import Caller
from tests.support.logins import WORKFLOW
from tests.support.server import serving

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "modal.png"

# Long enough to be seen to take time; the deploy goes on until the picture is taken.
COMMANDS = Commands(smoke="sleep 7", freeze_check="sleep 2", build="sleep 5", deploy="sleep 60")


async def take() -> None:
    """Start a deploy, wait until it is deploying, and take the picture."""
    with tempfile.TemporaryDirectory() as directory:
        async with serving(Path(directory) / "phaseline.db") as server, Caller(server.url) as caller:
            deploy = await caller.start(ref="release/2026.11", note="Fixes the rounding of taxes")
            workflow = asyncio.create_task(
                run_workflow(
                    deploy_id=deploy["id"],
                    environment=deploy["environment"],
                    ref=deploy["ref"],
                    server_url=server.url,
                    commands=COMMANDS,
                    token=WORKFLOW,
                )
            )
            async with chromium() as browser:
                page = await Viewers(browser).open(
                    f"{server.url}/deploys/{deploy['id']}",
                    viewport={"width": 1100, "height": 860},
                    device_scale_factor=2,
                )
                modal = page.locator("phaseline-deploy-modal[data-status=deploying]")
                await modal.wait_for(state="attached", timeout=60_000)
                await page.get_by_text("running for 8 s").wait_for(timeout=60_000)
                await page.screenshot(path=PICTURE, animations="disabled")
            workflow.cancel()
            with suppress(asyncio.CancelledError):
                await workflow


if __name__ == "__main__":
    logs.configure(Settings(log_level="warning"))
    asyncio.run(take())
