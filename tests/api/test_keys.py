"""The keys of an issuer: what is taken for them, and what is not."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.warnings import InsecureKeyLengthWarning

from phaseline.callers import keys
from phaseline.callers.github import IdTokens
from phaseline.callers.keys import Away, Keys
from phaseline.callers.trust import read
from phaseline_schema.refusals import Unauthenticated
from tests.support.issuer import Issuer, new_key, published, trust_file


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def kept(issuer: Issuer) -> Keys:
    return Keys(f"{issuer.url}/.well-known/jwks")


async def test_a_key_is_asked_for_once_and_kept(issuer: Issuer, kept: Keys) -> None:
    found = await asyncio.gather(*(kept.find(issuer.key_id) for _ in range(20)))
    assert len({id(key) for key in found}) == 1
    assert await kept.find(issuer.key_id) is found[0]
    assert issuer.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (404, {}),
        (204, b""),
        (200, b"<html>log in</html>"),
        (200, []),
        (200, {"keys": {}}),
        (200, {"keys": [], "more": "x" * 300_000}),
        (302, b"/elsewhere"),
    ],
    ids=lambda answer: str(answer)[:40],
)
async def test_what_is_no_list_of_keys_says_nothing_of_any(
    issuer: Issuer, kept: Keys, answer: tuple[int, object]
) -> None:
    issuer.keys_answer = answer
    with pytest.raises(Away):
        await kept.find(issuer.key_id)


async def test_keys_are_looked_for_nowhere_but_at_their_address(issuer: Issuer) -> None:
    with Issuer() as other:
        other.keys_answer = (307, f"{issuer.url}/.well-known/jwks".encode())
        with pytest.raises(Away):
            await Keys(f"{other.url}/.well-known/jwks").find(issuer.key_id)
    assert issuer.asked == 0


async def test_an_issuer_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_PATIENCE", 0.2)
    # It lets others connect, and never accepts.
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Away):
        await Keys(f"http://127.0.0.1:{silent.getsockname()[1]}/").find("any")


async def test_a_known_key_serves_for_a_while_though_its_issuer_is_away(
    issuer: Issuer, kept: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await kept.find(issuer.key_id)
    monkeypatch.setattr(keys, "_PAUSE", 0)
    monkeypatch.setattr(keys, "_FRESH", 0)
    issuer.away = True
    assert await kept.find(issuer.key_id) is found
    monkeypatch.setattr(keys, "_USABLE", 0)
    with pytest.raises(Away):
        await kept.find(issuer.key_id)


async def test_a_key_that_was_taken_back_is_gone_when_keys_are_looked_at_again(
    issuer: Issuer, kept: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = issuer.key_id
    assert await kept.find(before) is not None
    issuer.rotate(new_key())
    monkeypatch.setattr(keys, "_PAUSE", 0)
    monkeypatch.setattr(keys, "_FRESH", 0)
    assert await kept.find(before) is None


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"use": "enc"},
        {"alg": "RS512"},
        {"n": "not a number"},
        {"kid": 7},
    ],
    ids=str,
)
async def test_a_key_that_is_not_for_our_signatures_is_no_key(
    issuer: Issuer, kept: Keys, change: dict[str, Any]
) -> None:
    good = issuer.published[0]
    issuer.published = [good | change | {"kid": change.get("kid", "bad")}, "no key at all", good]  # type: ignore[list-item]
    assert await kept.find(issuer.key_id) is not None
    assert await kept.find("bad") is None


async def test_a_short_key_verifies_nothing(issuer: Issuer, tmp_path: Path) -> None:
    file = tmp_path / "trust.toml"
    file.write_text(trust_file(issuer, {"environments": ["production"]}))
    trusted = read(file, None).github
    assert trusted is not None
    issuer.key = generate_private_key(65537, 1024)
    issuer.published = [published(issuer.key, issuer.key_id)]
    with pytest.warns(InsecureKeyLengthWarning):
        token = issuer.token()
    problem = (await IdTokens(trusted).identify(token)).problem
    assert isinstance(problem, Unauthenticated)
    assert "signature" in problem.message
