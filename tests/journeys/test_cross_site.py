"""What a page of another origin can do with the cookie of whoever visits it: nothing.

It is not for want of the cookie: where the other origin is of the same site, Chromium says that it went along. Nor is
it for want of anything to get: the server's own page starts a deploy, reads answers in every way in which a page gets
to see them, and is shown the icon.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.async_api import BrowserContext, Page, Request, expect

from tests.support.browser import Viewers
from tests.support.caller import Caller
from tests.support.logins import COOKIE, VIEWER
from tests.support.server import Server
from tests.support.waiting import until

# Cookies know hosts, and no ports: another port of this host is another origin and yet the same site, so that even a
# SameSite=Strict cookie goes along. The other name of this machine is another site.
SAME_SITE, CROSS_SITE = "127.0.0.1", "localhost"
PAGE = b"<!doctype html><title>Kittens</title><link rel=icon href='data:,'><h1>Kittens</h1>"

_START = 'mutation { startDeploy(input: { environment: "production", ref: "%s" }) { id } }'
_READ = "{ deploys(first: 1) { edges { node { ref } } } }"
_STREAMS = ("WebSocket", "event stream", "streamed fetch")
# Where the cookie stays at home: browsers ask first whether they may send JSON, and ask without it. With a WebSocket it
# does go along, but of that Chromium says nothing.
_NOT_SEEN_WITH_COOKIE = ("fetch", "streamed fetch", "WebSocket")

# What is tried, each as a JavaScript function of the server's address that resolves to what the page got to know.
MUTATIONS = {
    "fetch of JSON": """(url, query) => fetch(url + "/graphql", {
        method: "POST", credentials: "include", headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }) }).then((answer) => answer.text())""",
    "fetch of text": """(url, query) => fetch(url + "/graphql", {
        method: "POST", credentials: "include", headers: { "content-type": "text/plain" },
        body: JSON.stringify({ query }) }).then((answer) => answer.text())""",
    "fetch without CORS": """(url, query) => fetch(url + "/graphql", {
        method: "POST", credentials: "include", mode: "no-cors", headers: { "content-type": "text/plain" },
        body: JSON.stringify({ query }) }).then((answer) => answer.text())""",
    "multipart": """(url, query) => {
        const body = new FormData();
        body.set("operations", JSON.stringify({ query }));
        body.set("map", "{}");
        return fetch(url + "/graphql", { method: "POST", credentials: "include", mode: "no-cors", body })
            .then((answer) => answer.text());
    }""",
    "beacon": """(url, query) => {
        const body = new Blob([JSON.stringify({ query })], { type: "text/plain" });
        return String(navigator.sendBeacon(url + "/graphql", body));
    }""",
    "form": """(url, query) => new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.name = "sink";
        const form = document.createElement("form");
        Object.assign(form, { method: "POST", action: url + "/graphql", target: "sink" });
        const field = document.createElement("input");
        Object.assign(field, { name: "query", value: query });
        form.append(field);
        document.body.append(frame, form);
        frame.onload = () => resolve("sent");
        form.submit();
    })""",
    "form of text that is JSON": """(url, query) => new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.name = "other-sink";
        const form = document.createElement("form");
        Object.assign(form, { method: "POST", action: url + "/graphql", target: "other-sink", enctype: "text/plain" });
        const field = document.createElement("input");
        Object.assign(field, { name: `{"query": ${JSON.stringify(query)}, "operationName": null, "extensions": {"x": "`,
            value: '"}}' });
        form.append(field);
        document.body.append(frame, form);
        frame.onload = () => resolve("sent");
        form.submit();
    })""",
    "GET": """(url, query) => fetch(url + "/graphql?query=" + encodeURIComponent(query), {
        credentials: "include", mode: "no-cors" }).then((answer) => answer.text())""",
}
READINGS = {
    "fetch": """(url, query) => fetch(url + "/graphql", {
        method: "POST", credentials: "include", headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }) }).then((answer) => answer.text())""",
    "GET": """(url, query) => fetch(url + "/graphql?query=" + encodeURIComponent(query), { credentials: "include" })
        .then((answer) => answer.text())""",
    "GET without CORS": """(url, query) => fetch(url + "/graphql?query=" + encodeURIComponent(query), {
        credentials: "include", mode: "no-cors" }).then((answer) => answer.text())""",
    "frame": """(url, query) => new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.src = url + "/graphql?query=" + encodeURIComponent(query);
        frame.onload = () => resolve(frame.contentDocument?.body?.innerText ?? "");
        document.body.append(frame);
    })""",
    "WebSocket": """(url, query) => new Promise((resolve) => {
        const socket = new WebSocket(url.replace("http", "ws") + "/graphql", "graphql-transport-ws");
        const said = [];
        socket.onopen = () => socket.send('{"type":"connection_init"}');
        socket.onmessage = ({ data }) => {
            said.push(data);
            const { type } = JSON.parse(data);
            if (type === "connection_ack")
                socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query } }));
            if (["next", "error", "complete"].includes(type)) resolve(said.join());
        };
        socket.onclose = ({ code }) => resolve(`closed ${code} ${said.join()}`);
    })""",
    "event stream": """(url, query) => new Promise((resolve) => {
        const source = new EventSource(url + "/graphql?query=" + encodeURIComponent(query), { withCredentials: true });
        source.addEventListener("next", ({ data }) => (source.close(), resolve(data)));
        source.onerror = () => (source.close(), resolve("error"));
    })""",
    "streamed fetch": """async (url, query) => {
        const answer = await fetch(url + "/graphql", {
            method: "POST", credentials: "include",
            headers: { "content-type": "application/json", accept: "text/event-stream" },
            body: JSON.stringify({ query }) });
        const reader = answer.body.getReader();
        const { value } = await reader.read();
        await reader.cancel();
        return new TextDecoder().decode(value);
    }""",
}
# As a script or a picture an answer can only be felt: it loads, or it does not.
ELEMENTS = {
    "script": """(url, query) => new Promise((resolve) => {
        const script = document.createElement("script");
        script.src = url + "/graphql?query=" + encodeURIComponent(query);
        script.onload = () => resolve("loaded");
        script.onerror = () => resolve("error");
        document.body.append(script);
    })""",
    "picture": """(url) => new Promise((resolve) => {
        const picture = new Image();
        picture.onload = () => resolve("loaded");
        picture.onerror = () => resolve("error");
        picture.src = url + "/icon.svg";
    })""",
}
_SEND = """async ([attempt, url, argument]) => {
    try { return await eval(attempt)(url, argument); } catch (error) { return `failed: ${error}`; }
}"""


@dataclass(frozen=True)
class Attacker:
    """A page of another origin, and the victim's browser that has it open.

    `sent`: its requests to the server. `carried`: of each that Chromium has sent, whether the cookie was with it.
    """

    page: Page
    context: BrowserContext
    url: str
    sent: list[Request]
    carried: list[bool]

    @property
    def is_of_the_same_site(self) -> bool:
        """Whether its requests carry even a cookie that is SameSite=Strict."""
        return urlsplit(self.page.url).hostname == SAME_SITE

    async def attempt(self, attempt: str, argument: str = "") -> str:
        """Do it from this page, and return what the page got to know."""
        return str(await self.page.evaluate(_SEND, [attempt, self.url, argument]))


@asynccontextmanager
async def site() -> AsyncIterator[int]:
    """The port of a server of kittens."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(65_536):
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}"
            writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + PAGE)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def opened(page: Page, server: Server, address: str) -> Attacker:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.url.startswith(server.url) else None)
    await page.goto(address)
    return Attacker(page, page.context, server.url, sent, await _carried(page))


async def _carried(page: Page) -> list[bool]:
    """Filled with whether the cookie is with each request that leaves the browser from now on. Playwright itself does
    not know it of a request whose answer the page may not see."""
    carried: list[bool] = []
    protocol = await page.context.new_cdp_session(page)
    protocol.on(
        "Network.requestWillBeSentExtraInfo",
        lambda event: carried.append(COOKIE in event["headers"].get("Cookie", "")),
    )
    await protocol.send("Network.enable")
    return carried


@pytest.fixture(params=[SAME_SITE, CROSS_SITE], ids=["same site", "cross site"])
async def attacker(request: pytest.FixtureRequest, server: Server, viewers: Viewers) -> AsyncIterator[Attacker]:
    """The victim is signed in as an operator, and has come across a page of kittens."""
    viewers.tolerate("")  # browsers complain of most of this, and in other words with each version
    async with site() as port:
        yield await opened(await viewers.blank(), server, f"http://{request.param}:{port}")


@pytest.fixture
async def own(server: Server, viewers: Viewers) -> Attacker:
    """The server's own page, with its policy set aside, so that it can do all of what the other one tries."""
    viewers.tolerate("")
    return await opened(await viewers.blank(bypass_csp=True), server, f"{server.url}/healthz")


async def refs(caller: Caller) -> list[str]:
    """The refs of the newest deploys."""
    answer = await caller.send("{ deploys(first: 50) { edges { node { ref } } } }")
    return [edge["node"]["ref"] for edge in answer.data["deploys"]["edges"]]


async def test_no_way_of_sending_starts_a_deploy(attacker: Attacker, caller: Caller) -> None:
    before = await refs(caller)
    for name, attempt in MUTATIONS.items():
        got = await attacker.attempt(attempt, _START % f"stolen by {name}")
        assert "startDeploy" not in got, name
    for request in attacker.sent:  # whatever the page itself got to know of it
        await request.response()
    assert len(attacker.sent) >= len(MUTATIONS)
    assert await refs(caller) == before
    if attacker.is_of_the_same_site:
        await until(lambda: attacker.carried.count(True) >= len(MUTATIONS) - 1)  # all but the one that asks first


async def test_its_own_page_does_start_one(own: Attacker, caller: Caller) -> None:
    got = await own.attempt(MUTATIONS["fetch of JSON"], _START % "of our own")
    assert "startDeploy" in got
    assert (await refs(caller))[0] == "of our own"
    await until(lambda: own.carried == [True])


@pytest.mark.parametrize("name", READINGS)
async def test_no_way_of_asking_tells_anything(attacker: Attacker, own: Attacker, caller: Caller, name: str) -> None:
    deploy = await caller.start("production", "the secret branch")
    query = f'subscription {{ phaseChanged(deployId: "{deploy["id"]}") {{ deploy {{ ref }} }} }}'
    asked = query if name in _STREAMS else _READ
    assert "the secret branch" not in await attacker.attempt(READINGS[name], asked)
    if attacker.is_of_the_same_site and name not in _NOT_SEEN_WITH_COOKIE:
        await until(lambda: attacker.carried == [True])
    if name not in ("GET without CORS", "frame"):
        assert "the secret branch" in await own.attempt(READINGS[name], asked), "from its own page it does"


async def test_an_answer_is_no_script_and_the_icon_is_for_our_own_pages_alone(
    attacker: Attacker, own: Attacker
) -> None:
    assert await attacker.attempt(ELEMENTS["script"], _READ) == "error"
    assert await attacker.attempt(ELEMENTS["picture"]) == "error"
    assert await own.attempt(ELEMENTS["picture"]) == "loaded"


@pytest.mark.parametrize("path", ["/", "/deploys/some-id"])
async def test_the_page_is_shown_in_no_frame(attacker: Attacker, path: str) -> None:
    await attacker.page.evaluate(
        """(address) => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            Object.assign(frame, { src: address, onload: resolve });
            document.body.append(frame);
        })""",
        attacker.url + path,
    )
    framed = attacker.page.frames[-1]
    assert await framed.locator("phaseline-console").count() == 0
    whole = await attacker.context.new_page()
    await whole.goto(attacker.url + path)
    await expect(whole.locator("phaseline-console")).to_be_visible()


# Signing in or out as somebody that the victim is not would let others see what it does.
_SIGN: dict[str, Callable[[str], str]] = {
    "JSON": lambda more: (
        f"""(url, token) => fetch(url + "/sign-{more}", {{
        method: "POST", credentials: "include", headers: {{ "content-type": "application/json" }},
        body: JSON.stringify({{ token }}) }}).then((answer) => String(answer.status))"""
    ),
    "text": lambda more: (
        f"""(url, token) => fetch(url + "/sign-{more}", {{
        method: "POST", credentials: "include", mode: "no-cors", headers: {{ "content-type": "text/plain" }},
        body: JSON.stringify({{ token }}) }}).then((answer) => String(answer.status))"""
    ),
    "form": lambda more: (
        f"""(url, token) => new Promise((resolve) => {{
        const frame = document.createElement("iframe");
        frame.name = "sign";
        const form = document.createElement("form");
        Object.assign(form, {{ method: "POST", action: url + "/sign-{more}", target: "sign", enctype: "text/plain" }});
        const field = document.createElement("input");
        Object.assign(field, {{ name: `{{"token": "${{token}}", "x": "`, value: '"}}' }});
        form.append(field);
        document.body.append(frame, form);
        frame.onload = () => (frame.remove(), resolve("sent"));
        form.submit();
    }})"""
    ),
}


@pytest.mark.parametrize("how", _SIGN)
async def test_the_victim_is_signed_neither_in_nor_out(attacker: Attacker, server: Server, how: str) -> None:
    before = await attacker.context.cookies()
    for more in ("in", "out"):
        got = await attacker.attempt(_SIGN[how](more), VIEWER)
        assert got != "204"
    assert await attacker.context.cookies() == before
    mine = await attacker.context.new_page()
    await mine.goto(server.url)
    await expect(mine.locator(".caller")).to_contain_text("token:operator")


async def test_its_own_page_signs_in_and_out(own_server: Server, viewers: Viewers) -> None:
    # On a server of this test's own: it ends the sign-in that all others have.
    own = await opened(await viewers.blank(bypass_csp=True), own_server, f"{own_server.url}/healthz")
    assert await own.attempt(_SIGN["JSON"]("in"), VIEWER) == "204"
    (viewer,) = await own.context.cookies()
    assert viewer["value"] != COOKIE
    assert await own.attempt(_SIGN["JSON"]("out"), "") == "204"
    assert await own.context.cookies() == []
