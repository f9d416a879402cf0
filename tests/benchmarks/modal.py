"""The modal in a browser: how large its script is, and when it shows how a deploy stands."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from tests.benchmarks.callers import calling
from tests.benchmarks.peers import OURS, serving_one
from tests.benchmarks.reports import reports
from tests.benchmarks.running import ROOT
from tests.support.browser import Viewers, chromium

SCRIPT = ROOT / "frontend/dist/phaseline-modal.js"

# Of the script, in thousands of bytes.
MOST = 35

# When the first step of a deploy's stepper stands in the page, in milliseconds from the navigation on. A document does
# not tell of what changes in its shadow roots, so it is looked at before each frame.
_WATCH = """
    const step = (root) => [...root.querySelectorAll("*")].find(
        (found) => found.matches("li[data-phase][data-state]") || (found.shadowRoot && step(found.shadowRoot)));
    const look = () => step(document) ? window.stepped = performance.now() : requestAnimationFrame(look);
    requestAnimationFrame(look);
"""
_STEPPED = """() => new Promise((resolve) => {
    const look = () => window.stepped ? resolve(window.stepped) : requestAnimationFrame(look);
    look();
})"""


@dataclass
class Modal:
    """Thousands of bytes, gzipped, and milliseconds a round."""

    size: float
    stepped: list[float]


async def measure(rounds: int, directory: Path, tell: Callable[[str], None]) -> Modal:
    """Each time in a browser that has never been there."""
    folder = directory / "modal"
    folder.mkdir()
    found = Modal(len(gzip.compress(SCRIPT.read_bytes(), 9)) / 1000, [])
    async with serving_one(OURS, folder) as served, chromium() as browser:
        async with calling(served.url) as caller:
            deploy = await caller.start()
            await caller.report(deploy, *next(reports()))
        for number in range(rounds + 1):
            tell(f"the modal, round {number} of {rounds}")
            stepped = await _stepped(browser, f"{served.url}/deploys/{deploy}")
            if number:  # the first start of everything does not count
                found.stepped.append(stepped)
    return found


async def _stepped(browser: Browser, url: str) -> float:
    viewers = Viewers(browser)
    page = await viewers.blank()
    await page.add_init_script(_WATCH)
    await page.goto(url)
    stepped = await page.evaluate(_STEPPED)
    await viewers.close()
    return float(stepped)
