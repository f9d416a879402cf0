"""What phaseline comes to GitHub with, and that nothing of it is ever shown."""

import asyncio
import logging
import traceback

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from phaseline.github import credentials
from phaseline.github.client import GitHub
from phaseline.github.credentials import App, Token
from phaseline.github.errors import GitHubError, Limited, NotAllowed, NotSent
from tests.support.github import FakeGitHub
from tests.support.github.access import APP_ID, INSTALLATION_ID, TOKEN, private_key, private_key_pem
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.faults import Fault, failing, lost, primary_limit, refusal, slow
from tests.support.waiting import until

TOKENS = "/access_tokens"
INPUTS = {"environment": "staging", "ref": "main"}


async def test_an_app_asks_for_one_token_however_many_wait_for_it(github: FakeGitHub, app: GitHub) -> None:
    gate = asyncio.Event()
    github.faults.add(slow(gate), path=TOKENS)
    asking = [asyncio.create_task(app.commit_of(REPOSITORY, "heads/main")) for _ in range(20)]
    await until(lambda: github.times("POST", TOKENS) == 1)
    gate.set()
    assert len(set(await asyncio.gather(*asking))) == 1
    assert github.times("POST", TOKENS) == 1
    await app.commit_of(REPOSITORY, "heads/main")
    assert github.times("POST", TOKENS) == 1
    assert {asked.headers["authorization"] for asked in github.asked[1:]} == {f"token {github.access.given[0]}"}


async def test_an_app_proves_itself_for_a_few_minutes(github: FakeGitHub, app: GitHub) -> None:
    await app.commit_of(REPOSITORY, "heads/main")
    proof = github.asked[0].headers["authorization"].split(" ")[1]
    claims = jwt.decode(proof, private_key().public_key(), ["RS256"])
    assert claims["iss"] == APP_ID
    assert claims["exp"] - claims["iat"] == 600
    assert jwt.get_unverified_header(proof)["alg"] == "RS256"


async def test_who_gives_up_waiting_for_a_token_takes_it_from_nobody(github: FakeGitHub, app: GitHub) -> None:
    gate = asyncio.Event()
    github.faults.add(slow(gate), path=TOKENS)
    first, second = (asyncio.create_task(app.commit_of(REPOSITORY, "heads/main")) for _ in range(2))
    await until(lambda: github.times("POST", TOKENS) == 1)
    first.cancel()
    await asyncio.wait({first})
    gate.set()
    assert await second
    assert (first.cancelled(), github.times("POST", TOKENS)) == (True, 1)


async def test_a_token_is_renewed_shortly_before_its_end(github: FakeGitHub, app: GitHub) -> None:
    github.access.lives = 299
    for _ in range(2):
        await app.commit_of(REPOSITORY, "heads/main")
    github.access.lives = 400
    for _ in range(3):
        await app.commit_of(REPOSITORY, "heads/main")
    assert len(github.access.given) == 3


async def test_a_token_that_is_no_longer_accepted_is_thrown_away(github: FakeGitHub, app: GitHub) -> None:
    await app.commit_of(REPOSITORY, "heads/main")
    github.access.revoke(github.access.given[0])
    with pytest.raises(NotAllowed):
        await app.commit_of(REPOSITORY, "heads/main")
    await app.commit_of(REPOSITORY, "heads/main")
    assert len(github.access.given) == 2


async def test_a_401_for_a_token_of_before_does_not_throw_the_new_one_away(github: FakeGitHub) -> None:
    app = App(APP_ID, INSTALLATION_ID, private_key_pem())
    async with GitHub(github.api_url, app) as client:
        await client.commit_of(REPOSITORY, "heads/main")
        app.discard("ghs_another")
        await client.commit_of(REPOSITORY, "heads/main")
    assert len(github.access.given) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (failing(502), NotSent),
        (failing(502, done=True), NotSent),
        (lost(), NotSent),
        (primary_limit(), Limited),
        (Fault(lambda: refusal(401, "A JSON web token could not be decoded")), NotAllowed),
        (Fault(lambda: refusal(403, "This installation has been suspended")), NotAllowed),
        (Fault(lambda: refusal(404, "Not Found")), NotAllowed),
        (Fault(lambda: refusal(422, "Validation Failed")), NotAllowed),
    ],
    ids=["502", "502 when it was done", "lost", "limited", "401", "suspended", "404", "422"],
)
async def test_where_an_app_gets_no_token_nothing_was_sent(
    github: FakeGitHub, app: GitHub, fault: Fault, error: type[GitHubError]
) -> None:
    github.faults.add(fault, path=TOKENS)
    with pytest.raises(error):
        await app.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS)
    assert (len(github.asked), github.repository.runs) == (1, {})
    await app.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS)
    assert len(github.repository.runs) == 1


async def test_all_who_wait_for_a_token_that_does_not_come_are_told_so_at_once(github: FakeGitHub, app: GitHub) -> None:
    gate = asyncio.Event()
    fault = failing(502)
    fault.until = gate
    github.faults.add(fault, path=TOKENS)
    asking = [asyncio.create_task(app.commit_of(REPOSITORY, "heads/main")) for _ in range(5)]
    await until(lambda: github.times("POST", TOKENS) == 1)
    gate.set()
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(one) for one in ended} == {NotSent}
    assert len(github.asked) == 1


async def test_another_app_is_given_nothing(github: FakeGitHub) -> None:
    for app_id, installation_id in (("1", INSTALLATION_ID), (APP_ID, "1")):
        async with GitHub(github.api_url, App(app_id, installation_id, private_key_pem())) as client:
            with pytest.raises(NotAllowed, match="GitHub gives the App no token: Not Found"):
                await client.run(REPOSITORY, "1")


@pytest.mark.parametrize("answer", [{}, {"token": 5}, {"token": "a b", "expires_at": "2030-01-01T00:00:00Z"}, []])
async def test_a_token_that_cannot_be_read_is_none(answer: object) -> None:
    async def ask(installation_id: str, proof: str) -> object:
        return answer

    with pytest.raises(NotSent, match="cannot be read"):
        await App(APP_ID, INSTALLATION_ID, private_key_pem()).token(ask)


def _pem_of_another_kind() -> str:
    return elliptic(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem() -> str:
    return private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _locked_pem() -> str:
    lock = BestAvailableEncryption(b"x")
    return private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()


@pytest.mark.parametrize("made", [lambda: "", lambda: "key", _pem_of_another_kind, _public_pem, _locked_pem])
def test_only_a_private_rsa_key_is_one(made: object) -> None:
    assert callable(made)
    with pytest.raises(ValueError, match="is no private RSA key in PEM"):
        App(APP_ID, INSTALLATION_ID, made())


@pytest.mark.parametrize("value", ["", "a b", "a\n", "größe", "\x00"])
def test_what_cannot_be_sent_is_no_token(value: str) -> None:
    with pytest.raises(ValueError, match="is no token"):
        Token(value)


async def test_no_secret_is_in_any_message_log_line_or_representation(
    github: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    for credential in (Token(TOKEN), App(APP_ID, INSTALLATION_ID, private_key_pem())):
        async with GitHub(github.api_url, credential) as client:
            await client.commit_of(REPOSITORY, "heads/main")
            secrets = [TOKEN, *github.access.given, private_key_pem().splitlines()[1]]
            shown += [repr(client), repr(credential), str(vars(client)), str(client)]
            for fault in (
                Fault(lambda: refusal(422, f"wrong: {github.asked[-1].headers}")),
                Fault(lambda: refusal(401, f"Bad credentials {github.asked[-1].headers['authorization']}")),
                failing(),
                lost(),
            ):
                github.faults.add(fault, path="/commits/")
                with pytest.raises(GitHubError) as raised:
                    await client.commit_of(REPOSITORY, "heads/main")
                shown += [str(raised.value), repr(raised.value), str(vars(raised.value))]
                shown += traceback.format_exception(raised.value)
            shown += [record.getMessage() for record in caplog.records]
    proofs = [asked.headers["authorization"].split(" ")[1] for asked in github.asked if TOKENS in asked.path]
    assert (len(proofs), len(github.access.given)) == (2, 2)
    assert [text for text in shown if any(secret in text for secret in [*secrets, *proofs])] == []


async def test_the_proof_of_an_app_is_not_in_what_is_said_of_its_being_refused(github: FakeGitHub, app: GitHub) -> None:
    def repeating() -> Fault:
        return Fault(lambda: refusal(401, f"{github.asked[-1].headers['authorization']} does not hold"))

    github.faults.add(repeating(), path=TOKENS)
    with pytest.raises(NotAllowed, match="bearer … does not hold"):
        await app.run(REPOSITORY, "1")


def test_the_proof_holds_for_no_longer_than_github_takes() -> None:
    assert credentials._BEHIND + credentials._HOLDS <= 600
