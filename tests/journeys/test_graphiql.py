"""GraphiQL, where it is set to be served: from here alone, under a policy of its own, as whoever is signed in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.browser import Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.server import Server, serving

# It looks at what was written a moment later, and only then knows a subscription for one.
WRITE = """async ({ CodeMirror }, query) => {
    CodeMirror.setValue(query);
    while (CodeMirror.documentAST?.loc?.source.body !== query) await new Promise(requestAnimationFrame);
}"""


@pytest.fixture
async def graphiql(database: Path) -> AsyncIterator[Server]:
    """A server that serves it."""
    async with serving(database, graphiql="true") as running:
        yield running


async def test_it_asks_and_follows_as_whoever_is_signed_in_and_loads_nothing_from_elsewhere(
    graphiql: Server, viewers: Viewers
) -> None:
    page = await viewers.blank()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{graphiql.url}/graphiql")
    editor = page.locator(".graphiql-query-editor .CodeMirror")
    await expect(editor).to_be_visible()
    answer = page.locator(".result-window")
    async with Caller(graphiql.url) as caller:
        deploy = await caller.start("production", "the ref that is followed")
        for query, said in (
            ("{ identity { name } }", "token:operator"),
            (f'subscription {{ phaseChanged(deployId: "{deploy["id"]}") {{ deploy {{ ref }} }} }}', deploy["ref"]),
        ):
            await editor.evaluate(WRITE, query)
            await page.get_by_role("button", name="Execute query").click()
            await expect(answer).to_contain_text(said)
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await expect(page.get_by_text("Root Types")).to_be_visible()
    await keep_screenshot(page, "graphiql")
    assert asked
    assert all(url.startswith((graphiql.url, "data:")) for url in asked), asked


async def test_its_policy_runs_nothing_inline_and_shows_it_in_no_frame(graphiql: Server) -> None:
    async with Caller(graphiql.url) as caller:
        response = await caller.http.get("/graphiql")
    policy = dict(directive.split(maxsplit=1) for directive in response.headers["content-security-policy"].split(";"))
    assert (policy["script-src"], policy["style-src"], policy["default-src"]) == ("'self'", "'self'", "'none'")
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in response.headers["content-security-policy"]


async def test_it_is_not_served_unless_it_is_asked_for(caller: Caller) -> None:
    assert (await caller.http.get("/graphiql")).status_code == 404
    # Nor does it make the page that everybody loads any heavier.
    page = (await caller.http.get("/")).text
    script = page.partition('src="')[2].partition('"')[0]
    assert "CodeMirror" not in (await caller.http.get(script)).text
    assert "CodeMirror" not in (await caller.http.get("/phaseline-modal.js")).text
