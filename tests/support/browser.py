"""Headless Chromium, and pages of it that are held to complaining of nothing."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from phaseline.callers import cookies
from tests.support.logins import COOKIE
from tests.tools.chromium import launch_options

ARTEFACTS = Path(__file__).resolve().parents[2] / "artifacts"

# Playwright hears of errors and warnings in the console; a violated policy is told to the page itself as well.
_TELL_OF_VIOLATIONS = """
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        console.error(`policy violated: ${violatedDirective} by ${blockedURI}`));
"""

# What Chromium logs, and no page can hinder, where a connection cannot be made or breaks.
OUTAGE = r"WebSocket connection to .* failed|Failed to load resource: net::ERR_"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser for the length of a block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        try:
            yield browser
        finally:
            await browser.close()


async def sign_in(context: BrowserContext, cookie: str) -> None:
    """Give a browser the cookie, as the server would. Browsers tell hosts apart by it, and not ports."""
    name = cookies.name(secure=False)
    await context.add_cookies(
        [{"name": name, "value": cookie, "domain": "127.0.0.1", "path": "/", "httpOnly": True, "sameSite": "Strict"}]
    )


@dataclass
class Viewers:
    """Opens pages, each in a context of its own, and keeps what they complain of."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)
    _tolerated: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    async def open(self, url: str, *, signed_in: bool = True, **options: Any) -> Page:
        """A page at this address. Options are those of a Playwright context."""
        page = await self.blank(signed_in=signed_in, **options)
        await page.goto(url)
        return page

    async def blank(self, *, signed_in: bool = True, **options: Any) -> Page:
        """A page that has not gone anywhere yet, in a browser that is signed in as an operator, or in none."""
        context = await self.browser.new_context(**{"viewport": {"width": 1180, "height": 900}, **options})
        self._contexts.append(context)
        if signed_in:
            await sign_in(context, COOKIE)
        await context.add_init_script(_TELL_OF_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        return await context.new_page()

    def tolerate(self, *patterns: str) -> None:
        """Take complaints that match for what this test causes on purpose."""
        self._tolerated += patterns

    async def close(self) -> None:
        """Close all pages. Raises AssertionError with whatever they have complained of."""
        for context in self._contexts:
            await context.close()
        complaints = [
            complaint
            for complaint in self.complaints
            if not any(re.search(pattern, complaint) for pattern in self._tolerated)
        ]
        assert complaints == [], "\n".join(complaints)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")


async def moving(page: Page) -> list[str]:
    """What moves on the page by itself, by element. A document does not tell of the animations in its shadow roots."""
    return list(
        await page.evaluate("""() => {
            const roots = [document];
            for (const root of roots)
                for (const { shadowRoot } of root.querySelectorAll("*")) if (shadowRoot) roots.push(shadowRoot);
            const running = new Set(roots.flatMap((root) => root.getAnimations()));
            return [...running].filter(({ playState }) => playState === "running").map((animation) => {
                const { target, pseudoElement } = animation.effect;
                const what = animation.animationName ?? animation.transitionProperty;
                return `${what} of ${target.localName}.${target.getAttribute("class")}${pseudoElement ?? ""}`;
            });
        }""")
    )


async def keep_screenshot(page: Page, name: str, *, full_page: bool = False) -> None:
    """A picture of the page as it is, kept in `artifacts/` as NAME.png."""
    path = ARTEFACTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path, full_page=full_page, animations="disabled")
