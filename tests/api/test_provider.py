"""Signing in through an organisation's OpenID Connect provider: who gets in, as what, and who does not."""

import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from phaseline.callers import trust
from phaseline.toml.reading import FileError
from tests.support.command import phaseline
from tests.support.issuer import new_key
from tests.support.ports import free_port
from tests.support.provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.support.server import Server, serving

ROLES = (
    {"group": "watchers", "role": "viewer"},
    {"group": "auditors", "role": "tool"},
    {"group": "deployers", "role": "operator", "environments": ["staging"]},
    {"group": "drivers", "role": "operator", "environments": ["production"]},
    {"group": "owners", "role": "operator"},
)
IDENTITY = "{ identity { name role proof environments } }"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture(autouse=True)
def as_it_should_be(provider: Provider) -> None:
    """Each test begins with a provider that has nothing the matter with it."""
    provider.claims, provider.refuses, provider.away = {}, False, False
    provider.signing_key, provider.algorithm = None, "RS256"
    provider.asked.clear()


@pytest.fixture(scope="module")
async def server(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that trusts it."""
    directory = tmp_path_factory.mktemp("provider")
    async with _trusting(directory, provider.trust_file(*ROLES)) as running:
        yield running


@asynccontextmanager
async def _trusting(directory: Path, trust: str, public_url: str | None = None, **more: str) -> AsyncIterator[Server]:
    file, port = directory / "trust.toml", free_port()
    file.write_text(trust)
    settings = {"trust_file": str(file), "port": str(port), "provider_secret": CLIENT_SECRET, "log_level": "debug"}
    url = public_url or f"http://127.0.0.1:{port}"
    settings |= {"sign_ins_per_minute": "6000"} | more
    async with serving(directory / "phaseline.db", public_url=url, **settings) as running:
        yield running


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of its own, which keeps cookies and goes where it is sent, one step at a time."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


async def go_through(browser: httpx.AsyncClient) -> httpx.Response:
    """Go to the provider and come back: the answer to that."""
    leaving = await browser.get("/sign-in/provider")
    assert leaving.status_code == 302, leaving.headers
    there = await browser.get(leaving.headers["location"])
    return await browser.get(there.headers["location"])


async def go_anew(browser: httpx.AsyncClient) -> None:
    """The same as a browser that is signed in: coming back from another site, it does not send the strict cookie."""
    leaving = await browser.get("/sign-in/provider", headers={"sec-fetch-site": "same-origin"})
    there = await browser.get(leaving.headers["location"])
    browser.cookies.delete("phaseline")
    back = await browser.get(there.headers["location"], headers={"sec-fetch-site": "cross-site"})
    assert back.headers["location"] == "/"


async def who(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = (await browser.post("/graphql", json={"query": IDENTITY})).json()
    found: dict[str, Any] = answer["data"]["identity"]
    return found


async def test_the_page_is_told_of_the_provider(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/sign-in")
    assert answer.json() == {"authentication": "on", "provider": {"name": "Example"}}


async def test_who_comes_back_is_signed_in_and_named_so_that_nobody_else_can_be(browser: httpx.AsyncClient) -> None:
    back = await go_through(browser)
    assert (back.status_code, back.headers["location"]) == (303, "/")
    assert back.headers["cache-control"] == "no-store"
    assert (await who(browser))["name"] == "oidc:ann@example.com"


async def test_who_signs_in_anew_leaves_no_older_sign_in_behind(browser: httpx.AsyncClient, server: Server) -> None:
    await go_through(browser)
    before = {"cookie": f"phaseline={browser.cookies['phaseline']}"}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as another:
        await go_through(another)
        await go_anew(browser)
        for still_good in (browser, another):
            assert (await who(still_good))["name"] == "oidc:ann@example.com"
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, headers=before) as keeper:
        asked = await keeper.post("/graphql", json={"query": "{ deploys { edges { node { id } } } }"})
    assert (asked.status_code, asked.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def test_it_asks_as_the_code_flow_with_state_nonce_and_a_hashed_challenge(
    browser: httpx.AsyncClient, provider: Provider, server: Server
) -> None:
    await go_through(browser)
    await go_through(browser)
    first, _, second, _ = provider.asked
    assert first["response_type"] == "code"
    assert first["client_id"] == CLIENT_ID
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == f"{server.url}/sign-in/provider/callback"
    assert "openid" in first["scope"].split()
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 20
        assert first[name] != second[name]


@pytest.mark.parametrize(
    ("groups", "role", "environments"),
    [
        (["watchers"], "VIEWER", None),
        (["auditors"], "TOOL", None),
        (["auditors", "watchers"], "VIEWER", None),
        (["watchers", "deployers"], "OPERATOR", ["staging"]),
        (["deployers", "drivers", "unheard of"], "OPERATOR", ["production", "staging"]),
        (["deployers", "owners"], "OPERATOR", None),
        ("owners", "OPERATOR", None),
    ],
)
async def test_the_strongest_role_of_all_groups_counts(
    browser: httpx.AsyncClient, provider: Provider, groups: Any, role: str, environments: list[str] | None
) -> None:
    provider.claims = {"groups": groups}
    await go_through(browser)
    found = await who(browser)
    assert found["role"] == role
    assert (sorted(found["environments"]) if found["environments"] else None) == environments


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no group": ({"groups": []}, "FORBIDDEN"),
    "no claim of groups": ({"groups": None}, "FORBIDDEN"),
    "other groups": ({"groups": ["Owners", "owners ", 7, None]}, "FORBIDDEN"),
    "groups of another form": ({"groups": {"owners": True}}, "FORBIDDEN"),
    "another issuer": ({"iss": "https://evil.example"}, "UNAUTHENTICATED"),
    "another audience": ({"aud": "somebody-else"}, "UNAUTHENTICATED"),
    "another audience, authorized for us": ({"aud": "somebody-else", "azp": CLIENT_ID}, "UNAUTHENTICATED"),
    "no audience": ({"aud": None}, "UNAUTHENTICATED"),
    "expired": ({"exp": int(time.time()) - 3600}, "UNAUTHENTICATED"),
    "no end": ({"exp": None}, "UNAUTHENTICATED"),
    "made in the future": ({"iat": int(time.time()) + 36000}, "UNAUTHENTICATED"),
    "another nonce": ({"nonce": "x" * 20}, "UNAUTHENTICATED"),
    "no nonce": ({"nonce": None}, "UNAUTHENTICATED"),
    "an address nobody verified": ({"email_verified": False}, "UNAUTHENTICATED"),
    "no word of whether it was verified": ({"email_verified": None}, "UNAUTHENTICATED"),
    "verified, as a text": ({"email_verified": "true"}, "UNAUTHENTICATED"),
    "no address": ({"email": None}, "UNAUTHENTICATED"),
    "an address that is none": ({"email": ["ann@example.com"]}, "UNAUTHENTICATED"),
    "a name of two lines": ({"email": "ann@example.com\ntoken:root"}, "UNAUTHENTICATED"),
    "a name that turns round": ({"email": "\u202eann@example.com"}, "UNAUTHENTICATED"),
    "an endless name": ({"email": "a" * 300}, "UNAUTHENTICATED"),
}


@pytest.mark.parametrize(("claims", "code"), REFUSED.values(), ids=REFUSED)
async def test_whoever_the_id_token_does_not_let_in_is_led_to_the_page_with_a_code(
    browser: httpx.AsyncClient, provider: Provider, claims: dict[str, Any], code: str
) -> None:
    provider.claims = claims
    await _is_refused(browser, await go_through(browser), code)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("RS256", new_key()), ("HS256", CLIENT_SECRET + "-which-both-sides-know"), ("HS256", "x" * 40), ("none", "")],
)
async def test_an_id_token_that_the_provider_did_not_sign_is_refused(
    browser: httpx.AsyncClient, provider: Provider, algorithm: str, key: Any
) -> None:
    provider.algorithm, provider.signing_key = algorithm, key
    await _is_refused(browser, await go_through(browser), "UNAUTHENTICATED")


async def test_who_turned_back_at_the_provider_is_not_signed_in(
    browser: httpx.AsyncClient, provider: Provider, server: Server
) -> None:
    provider.refuses = True
    back = await go_through(browser)
    await _is_refused(browser, back, "UNAUTHENTICATED")
    assert "script" not in back.headers["location"]


async def test_a_code_that_another_browser_asked_for_signs_nobody_in(
    browser: httpx.AsyncClient, server: Server
) -> None:
    leaving = await browser.get("/sign-in/provider")
    there = await browser.get(leaving.headers["location"])
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as victim:
        await _is_refused(victim, await victim.get(there.headers["location"]), "UNAUTHENTICATED")
        await victim.get("/sign-in/provider")  # one of its own is under way
        await _is_refused(victim, await victim.get(there.headers["location"]), "UNAUTHENTICATED")
    # Nor does it a second time.
    assert (await browser.get(there.headers["location"])).headers["location"] == "/"
    again = await browser.get(there.headers["location"])
    assert again.headers["location"] == "/?sign-in=UNAUTHENTICATED"


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=x", "?code=x&state=y", "?error=x&error_description=%0a%1b[2J"]
)
async def test_coming_back_from_nowhere_signs_nobody_in(browser: httpx.AsyncClient, query: str) -> None:
    await _is_refused(browser, await browser.get(f"/sign-in/provider/callback{query}"), "UNAUTHENTICATED")


async def test_two_tabs_at_once_do_not_disturb_each_other(browser: httpx.AsyncClient, server: Server) -> None:
    """Not even where the browser has not yet heard what the other tab was answered."""
    first = await browser.get("/sign-in/provider")
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as second_tab:
        second = await second_tab.get("/sign-in/provider")
        browser.cookies.update(second_tab.cookies)
    for leaving in (first, second):
        there = await browser.get(leaving.headers["location"])
        assert (await browser.get(there.headers["location"])).headers["location"] == "/"
    assert (await who(browser))["name"] == "oidc:ann@example.com"
    assert list(browser.cookies) == ["phaseline"], "nothing is left of either"


async def test_going_there_often_does_not_fill_the_browser_with_cookies(browser: httpx.AsyncClient) -> None:
    for _ in range(9):
        leaving = await browser.get("/sign-in/provider")
    assert len(browser.cookies) == 4
    there = await browser.get(leaving.headers["location"])
    assert (await browser.get(there.headers["location"])).headers["location"] == "/"


async def test_over_https_no_other_host_can_set_what_is_remembered(tmp_path: Path, provider: Provider) -> None:
    async with (
        _trusting(tmp_path, provider.trust_file(*ROLES), "https://phaseline.example") as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as browser,
    ):
        cookie = (await browser.get("/sign-in/provider")).headers["set-cookie"].lower()
    assert cookie.startswith("__host-phaseline-provider-")
    for part in ("secure", "path=/;", "httponly", "samesite=lax"):
        assert part in cookie
    assert "domain" not in cookie


async def test_what_is_remembered_meanwhile_is_in_a_cookie_that_ends_soon_and_that_nobody_can_change(
    browser: httpx.AsyncClient, server: Server
) -> None:
    leaving = await browser.get("/sign-in/provider")
    cookie = leaving.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "max-age=600", "path=/;"):
        assert part in cookie
    there = (await browser.get(leaving.headers["location"])).headers["location"]
    ((name, value),) = browser.cookies.items()
    jar = {"cookie": f"{name}={value[:-2]}xx"}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, headers=jar) as forger:
        await _is_refused(forger, await forger.get(there), "UNAUTHENTICATED")


async def test_a_provider_that_is_away_is_said_to_be(browser: httpx.AsyncClient, provider: Provider) -> None:
    leaving = await browser.get("/sign-in/provider")
    there = await browser.get(leaving.headers["location"])
    provider.away = True
    # What is known of it is known for a while; a code cannot be redeemed.
    await _is_refused(browser, await browser.get(there.headers["location"]), "UNAVAILABLE")


async def test_secrets_are_neither_logged_nor_kept(
    browser: httpx.AsyncClient, provider: Provider, server: Server
) -> None:
    await go_through(browser)
    cookie = browser.cookies["phaseline"]
    verifier = provider.asked[-1]["code_verifier"]
    log = json.dumps(server.log)
    content = b"".join(file.read_bytes() for file in server.database.parent.glob("phaseline.db*"))
    for secret in (cookie, verifier, provider.asked[-1]["code"], provider.given[-1], CLIENT_SECRET):
        assert secret not in log
        assert secret.encode() not in content
    with closing(sqlite3.connect(server.database)) as database:
        assert database.execute("SELECT count(*) FROM sign_ins WHERE name = 'oidc:ann@example.com'").fetchone()[0] > 0


async def test_a_provider_that_calls_itself_by_another_issuer_is_not_used(tmp_path: Path) -> None:
    with Provider() as other:
        other.metadata = {"issuer": "https://elsewhere.example"}
        async with (
            _trusting(tmp_path, other.trust_file(*ROLES)) as server,
            httpx.AsyncClient(base_url=server.url, trust_env=False) as browser,
        ):
            answer = await browser.get("/sign-in/provider")
    assert answer.headers["location"] == "/?sign-in=UNAVAILABLE"
    assert other.asked == []


async def _is_refused(browser: httpx.AsyncClient, back: httpx.Response, code: str) -> None:
    """It leads to our own page and says why, and nobody is signed in."""
    assert back.status_code == 303
    assert back.headers["location"] == f"/?sign-in={code}"
    assert (await browser.post("/graphql", json={"query": "{ deploys { edges { node { id } } } }"})).status_code == 401


ONE = {"group": "owners", "role": "operator"}
USELESS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "no roles": ([], {}, "roles: is missing"),
    "a role there is not": ([{"group": "owners", "role": "root"}], {}, "provider.roles[1].role"),
    "a person as a workflow": ([ONE, {"group": "bots", "role": "workflow"}], {}, "a person cannot be a workflow"),
    "a viewer for an environment": (
        [{"group": "watchers", "role": "viewer", "environments": ["staging"]}],
        {},
        "the role viewer is not for environments",
    ),
    "an operator for no environment": ([{**ONE, "environments": []}], {}, "provider.roles[1].environments"),
    "a group without a name": ([{"group": "", "role": "viewer"}], {}, "provider.roles[1].group"),
    "no openid": ([ONE], {"scopes": ["email"]}, "must hold openid"),
    "an issuer that others can pose as": ([ONE], {"issuer": "http://login.example.com"}, "must begin with https://"),
    "an issuer that is none": ([ONE], {"issuer": "login.example.com"}, "provider.issuer"),
    "a key there is not": ([ONE], {"client_secret": "hunter2"}, "provider.client_secret: there is no such key"),
}


@pytest.mark.parametrize(("roles", "keys", "said"), USELESS.values(), ids=USELESS)
def test_a_trust_file_of_no_use_is_refused_and_the_key_is_named(
    provider: Provider, tmp_path: Path, roles: list[dict[str, Any]], keys: dict[str, Any], said: str
) -> None:
    file = tmp_path / "trust.toml"
    file.write_text(provider.trust_file(*roles, **keys))
    with pytest.raises(FileError, match=re.escape(said)) as refused:
        trust.read(file, "https://phaseline.example", has_provider_secret=True)
    assert "hunter2" not in str(refused.value)


def test_a_provider_asks_for_the_settings_that_it_needs(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "trust.toml"
    file.write_text(provider.trust_file(ONE))
    needed = phaseline(tmp_path / "phaseline.db", "serve", TRUST_FILE=str(file))
    assert (needed.returncode, "PHASELINE_PUBLIC_URL" in needed.stderr) == (2, True)
    with pytest.raises(FileError, match="PHASELINE_PROVIDER_SECRET"):
        trust.read(file, "https://phaseline.example")


async def test_a_sign_in_counts_once_and_one_too_many_ends_on_the_page(provider: Provider, tmp_path: Path) -> None:
    async with (
        _trusting(tmp_path, provider.trust_file(*ROLES), sign_ins_per_minute="18") as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as browser,
    ):
        for _ in range(3):
            assert (await go_through(browser)).headers["location"] == "/"
        for path in ("/sign-in/provider", "/sign-in/provider/callback?code=x&state=y"):
            refused = await browser.get(path)
            assert (refused.status_code, refused.headers["location"]) == (303, "/?sign-in=RATE_LIMITED")
            assert refused.headers["cache-control"] == "no-store"
        assert (await browser.get("/")).status_code == 200
