"""What every answer says to browsers, and what may be kept of it."""

import pytest

from tests.support.caller import Caller
from tests.support.server import serving

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
API = ["/graphql", "/healthz", "/readyz", "/metrics", "/sign-in", "/nothing", "/graphql?query={__typename}"]


@pytest.mark.parametrize("path", [*API, "/", "/deploys/x", "/icon.svg", "/phaseline-modal.js"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
async def test_every_answer_is_for_nothing_but_what_it_is(caller: Caller, method: str, path: str) -> None:
    response = await caller.http.request(method, path)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert "cross-origin-resource-policy" in response.headers
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert "strict-transport-security" not in response.headers
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("path", API)
async def test_nobody_keeps_an_answer_that_depends_on_who_asks(caller: Caller, path: str) -> None:
    response = await caller.http.get(path)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"] == NOTHING


async def test_a_stream_has_them_too(caller: Caller) -> None:
    response = await caller.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"accept": "text/event-stream"}
    )
    assert response.headers["content-security-policy"] == NOTHING
    assert "no-cache" in response.headers["cache-control"]


async def test_401_says_how_to_prove_who_calls(caller: Caller) -> None:
    query = {"query": "{ pipeline { name } }"}
    response = await caller.http.post("/graphql", json=query, headers={"authorization": ""})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert "www-authenticate" not in (await caller.http.post("/graphql", json=query)).headers


async def test_behind_https_browsers_are_told_to_stay_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("https") / "phaseline.db"
    async with serving(path, public_url="https://phaseline.example") as running, Caller(running.url) as caller:
        for asked in ("/", "/graphql", "/nothing"):
            response = await caller.http.get(asked)
            assert response.headers["strict-transport-security"] == "max-age=31536000"


async def test_an_allowed_page_may_send_its_token_and_never_its_cookies(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path, origin = tmp_path_factory.mktemp("allowed") / "phaseline.db", "https://console.example"
    asking = {"origin": origin, "access-control-request-method": "POST"}
    async with serving(path, allowed_origins=origin) as running, Caller(running.url) as caller:
        for header, status in (("authorization", 200), ("content-type", 200), ("x-other", 400)):
            response = await caller.http.options(
                "/graphql", headers=asking | {"access-control-request-headers": header}
            )
            assert response.status_code == status
            assert "access-control-allow-credentials" not in response.headers
