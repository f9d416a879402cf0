"""The modal as its viewer finds it: what stands in the DOM, read in one go."""

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Locator, Page, expect

# How long what has happened may take to be on the screen, even on a busy machine. In milliseconds.
SOON = 10_000

# Keeps each (status, entry) that the modal has ever shown, and each text of its live region.
KEEP_WHAT_WAS_SHOWN = """
    window.shown = [];
    addEventListener("phaseline-change", ({ detail }) => window.shown.push([detail.status, detail.sequence]));
"""

_READ = """(host) => {
    const all = (selector) => [...host.shadowRoot.querySelectorAll(selector)];
    const text = (selector) => all(selector).map((found) => found.innerText.trim()).join(" | ");
    return {
        status: host.dataset.status,
        outcome: host.dataset.outcome,
        connection: host.dataset.connection,
        attempt: Number(host.dataset.attempt),
        confirmed: Number(host.dataset.sequence),
        newest: Number(host.dataset.newest),
        steps: Object.fromEntries(all("li[data-phase]").map(({ dataset }) => [dataset.phase, dataset.state])),
        attempts: Object.fromEntries(all("li[data-phase]").map(({ dataset }) => [dataset.phase, dataset.attempt])),
        labels: all("[part~=step-label]").map((label) => label.innerText),
        words: all("[part~=step-state]").map((state) => state.innerText),
        current: all("li[aria-current=step]").map((step) => step.dataset.phase),
        entries: all("[data-sequence][data-kind]").map(({ dataset }) =>
            [Number(dataset.sequence), dataset.kind, dataset.toStatus, dataset.refusal ?? null]),
        position: text("[part~=position]"),
        pill: text("[part~=status]"),
        announced: all("[role=status]").map((region) => region.textContent.trim()).join(" | "),
    };
}"""


@dataclass(frozen=True)
class Shown:
    """What stood on the screen at one moment."""

    status: str
    outcome: str
    connection: str
    attempt: int
    confirmed: int
    newest: int
    steps: dict[str, str]
    attempts: dict[str, str]
    labels: list[str]
    words: list[str]
    current: list[str]
    entries: list[list[Any]] = field(repr=False)
    position: str
    pill: str
    announced: str

    @property
    def states(self) -> str:
        """The states of the steps, from first to last."""
        return " ".join(self.steps.values())


class Modal:
    """The open modal of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.host = page.locator("phaseline-deploy-modal")

    def part(self, name: str) -> Locator:
        """A part of it, by the name that its header lists."""
        return self.host.locator(f"[part~={name}]")

    async def read(self) -> Shown:
        """What stands there now."""
        return Shown(**await self.host.evaluate(_READ))

    async def at(self, status: str, sequence: int) -> Shown:
        """Wait until it shows this status, with this entry as the newest, and both feeds agree; then read it."""
        await expect(self.host).to_have_attribute("data-status", status, timeout=SOON)
        await expect(self.part("position")).to_have_text(f"entry {sequence} of {sequence}", timeout=SOON)
        await expect(self.part("entry")).to_have_count(sequence, timeout=SOON)
        return await self.read()

    async def connection(self, state: str, *, within: float = SOON) -> None:
        """Wait until the connection is said to be connecting, live, lost or closed; `within` in milliseconds."""
        await expect(self.host).to_have_attribute("data-connection", state, timeout=within)

    async def ever_shown(self) -> list[tuple[str, int]]:
        """Every status and confirmed entry that it has shown, in order; needs KEEP_WHAT_WAS_SHOWN."""
        return [tuple(pair) for pair in await self.page.evaluate("window.shown")]
