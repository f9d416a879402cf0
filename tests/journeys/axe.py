"""axe-core, which looks a page over for what keeps people out."""

from typing import Literal

from playwright.async_api import Page

from tests.support.browser import Viewers
from tests.tools.chromium import TOOLS

AXE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def open_for_axe(viewers: Viewers, url: str, *, signed_in: bool = True) -> Page:
    """A page with axe in it. Only here is its own policy set aside, and nothing moves, so that colours are final."""
    page = await viewers.blank(signed_in=signed_in, bypass_csp=True, reduced_motion="reduce")
    await page.add_init_script(path=AXE)
    await page.goto(url)
    return page


async def objections(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands, in light and in dark."""
    found = []
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        result = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        assert result["passes"], "axe has looked at nothing"
        found += [
            f"{scheme}: {violation['id']}: {node['html']} {node['failureSummary']}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]
    return found
