"""The pages and the modal's script: what browsers are told to do with them."""

import pytest

from tests.support.caller import Caller

NEITHER_GUESSED_NOR_STALE = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}


@pytest.mark.parametrize("path", ["/", "/deploys/some-id"])
async def test_a_page_runs_only_what_comes_from_here_and_in_no_frame(caller: Caller, path: str) -> None:
    response = await caller.http.get(path)
    headers = response.headers
    assert (response.status_code, headers["content-type"].split(";")[0]) == (200, "text/html")
    policy = dict(directive.split(maxsplit=1) for directive in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "lit-html",
    }
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert {name: headers[name] for name in NEITHER_GUESSED_NOR_STALE} == NEITHER_GUESSED_NOR_STALE
    assert "access-control-allow-origin" not in headers


async def test_the_icon_is_a_picture(caller: Caller) -> None:
    headers = (await caller.http.get("/icon.svg")).headers
    assert headers["content-type"].startswith("image/svg")
    assert {name: headers[name] for name in NEITHER_GUESSED_NOR_STALE} == NEITHER_GUESSED_NOR_STALE


async def test_the_script_of_the_modal_may_be_run_by_every_page(caller: Caller) -> None:
    headers = (await caller.http.get("/phaseline-modal.js", headers={"origin": "https://elsewhere.example"})).headers
    assert headers["content-type"].split(";")[0] in ("text/javascript", "application/javascript")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert {name: headers[name] for name in NEITHER_GUESSED_NOR_STALE} == NEITHER_GUESSED_NOR_STALE
