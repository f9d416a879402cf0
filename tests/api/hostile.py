"""What somebody may try who has no right to send a callback: the rows of the table in test_hostile_callbacks.py."""

import base64
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.issuer import REF, REPOSITORY, WORKFLOW, Issuer, new_key, published

OURS, STRANGER = f"github:{REPOSITORY}", "github:evil-corp/console"


@dataclass(frozen=True)
class Sent:
    """One request: its `Authorization`, what its callback says beside deploy and status, and its address' query."""

    authorization: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """The issuer, phaseline's own tokens by what they are, and how the deploy's right workflow sends a callback."""

    issuer: Issuer
    tokens: Mapping[str, str]
    send: Callable[..., Awaitable[Any]]


Trick = Callable[[Scene, str], Awaitable[Sent]]


@dataclass(frozen=True)
class Row:
    """What is tried on a deploy of `environment`, and how it is refused: HTTP status, code, claim and actor."""

    name: str
    trick: Trick
    status: int
    code: str
    claim: str | None = None
    actor: str = "anonymous"
    environment: str = "production"


def bearer(token: str) -> Sent:
    return Sent(f"Bearer {token}")


def sent(authorization: str | None) -> Trick:
    async def trick(scene: Scene, deploy_id: str) -> Sent:
        return Sent(authorization)

    return trick


def own(name: str) -> Trick:
    """One of phaseline's own tokens."""

    async def trick(scene: Scene, deploy_id: str) -> Sent:
        return bearer(scene.tokens[name])

    return trick


def made(make: Callable[[Issuer], str]) -> Trick:
    """A token made by somebody who knows how the issuer makes its own."""

    async def trick(scene: Scene, deploy_id: str) -> Sent:
        return bearer(make(scene.issuer))

    return trick


def says(**claims: Any) -> Trick:
    """A token that the issuer has signed, with these claims; None leaves one out."""
    return made(lambda issuer: issuer.token(**claims))


def at(**seconds: int) -> Trick:
    """The same with claims that are times, told from now."""
    return made(lambda issuer: issuer.token(**{claim: int(time.time()) + later for claim, later in seconds.items()}))


def body(**said: Any) -> Trick:
    """A token as it should be, with a callback that says something else."""

    async def trick(scene: Scene, deploy_id: str) -> Sent:
        return Sent(f"Bearer {scene.issuer.token()}", said)

    return trick


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token put together by hand: libraries refuse to make what is plainly wrong."""
    parts = [_encoded(json.dumps(part).encode()) for part in (header, claims)]
    return b".".join([*parts, _encoded(sign(b".".join(parts)))]).decode()


def public_key_as_secret(issuer: Issuer) -> str:
    pem = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": issuer.key_id}
    return forged(header, issuer.saying(), lambda signed: hmac.new(pem, signed, sha256).digest())


def unsigned(issuer: Issuer, algorithm: str = "none") -> str:
    return forged({"alg": algorithm, "kid": issuer.key_id}, issuer.saying(), lambda _: b"")


def by_another_key(issuer: Issuer) -> str:
    return jwt.encode(issuer.saying(), new_key(), "RS256", {"kid": issuer.key_id})


def bringing_its_key(issuer: Issuer) -> str:
    key = new_key()
    return jwt.encode(issuer.saying(), key, "RS256", {"kid": issuer.key_id, "jwk": published(key, issuer.key_id)})


def pointing_to_its_key(header: str) -> Trick:
    """A token of a key that is published where its own header says."""

    def make(issuer: Issuer) -> str:
        key = new_key()
        issuer.pages["/mine"] = {"keys": [published(key, issuer.key_id)]}
        return jwt.encode(issuer.saying(), key, "RS256", {"kid": issuer.key_id, header: f"{issuer.url}/mine"})

    return made(make)


def changed(issuer: Issuer) -> str:
    header, _, signature = issuer.token().split(".")
    return ".".join([header, _encoded(json.dumps(issuer.saying(run_id="1")).encode()).decode(), signature])


async def in_the_query_string(scene: Scene, deploy_id: str) -> Sent:
    token = scene.issuer.token()
    names = ("token", "access_token", "bearer_token")
    return Sent(query={"authorization": f"Bearer {token}", **dict.fromkeys(names, token)})


async def key_that_nobody_can_look_up(scene: Scene, deploy_id: str) -> Sent:
    scene.issuer.rotate()
    scene.issuer.away = True
    return bearer(scene.issuer.token())


async def key_of_before_a_rotation(scene: Scene, deploy_id: str) -> Sent:
    before = scene.issuer.token()
    scene.issuer.rotate()
    await scene.send(deploy_id, bearer(scene.issuer.token()))
    return bearer(before)


async def another_run_of_its_repository(scene: Scene, deploy_id: str) -> Sent:
    await scene.send(deploy_id, bearer(scene.issuer.token()))
    return bearer(scene.issuer.token(run_id="4711"))


async def a_higher_attempt_of_another_run_after_a_failure(scene: Scene, deploy_id: str) -> Sent:
    await scene.send(deploy_id, bearer(scene.issuer.token()), "failed")
    return bearer(scene.issuer.token(run_id="4711", run_attempt="2"))


async def used_for_another_callback(scene: Scene, deploy_id: str) -> Sent:
    used = bearer(scene.issuer.token())
    await scene.send(deploy_id, used)
    return Sent(used.authorization, {"message": "another one"})


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _unknown(name: str, trick: Trick, claim: str | None = None) -> Row:
    return Row(name, trick, 401, "UNAUTHENTICATED", claim)


def _forbidden(name: str, trick: Trick, claim: str | None, actor: str = OURS, environment: str = "production") -> Row:
    return Row(name, trick, 403, "FORBIDDEN", claim, actor, environment)


def _own_file(name: str, ref: str = REF) -> dict[str, str]:
    """The two claims that name a run's file."""
    return dict.fromkeys(("workflow_ref", "job_workflow_ref"), f"{REPOSITORY}/{name}@{ref}")


_REQUIRED = (
    *("iss", "aud", "exp", "nbf", "iat", "jti", "repository", "repository_id", "repository_owner_id", "event_name"),
    *("workflow_ref", "job_workflow_ref", "run_id", "run_attempt"),
)

ROWS = [
    _unknown("no token", sent(None)),
    _unknown("an empty token", sent("Bearer")),
    _unknown("another scheme", sent("Basic b3BlcmF0b3I6")),
    _unknown("garbage", sent("Bearer garbage")),
    _unknown("garbage in three parts", sent("Bearer a.b.c")),
    _unknown("JSON that is no object, in three parts", sent("Bearer W10.W10.W10")),
    _unknown("deep JSON in three parts", sent("Bearer " + _encoded(b"[" * 4000).decode() + ".e30.e30")),
    _unknown("bytes that are no text", sent("Bearer \xff\xfe.\xff.\xff")),
    _unknown("far too long", made(lambda issuer: issuer.token(more="x" * 10_000))),
    _unknown("a token as it should be, in the query string", in_the_query_string),
    # Signatures and keys.
    _unknown("alg none", made(unsigned), "alg"),
    _unknown("alg None", made(lambda issuer: unsigned(issuer, "None")), "alg"),
    _unknown("RS256 without a signature", made(lambda issuer: unsigned(issuer, "RS256"))),
    _unknown("HS256 with the public key", made(public_key_as_secret), "alg"),
    _unknown(
        "RS512 with the right key", made(lambda it: jwt.encode(it.saying(), it.key, "RS512", {"kid": it.key_id})), "alg"
    ),
    _unknown("another key under a known id", made(by_another_key)),
    _unknown("a key that it brings itself", made(bringing_its_key)),
    _unknown("jku", pointing_to_its_key("jku")),
    _unknown("x5u", pointing_to_its_key("x5u")),
    _unknown("crit", made(lambda it: it.signed(it.saying(), crit=["exp"]))),
    _unknown("an unknown key id", made(lambda it: it.signed(it.saying(), kid="made-up")), "kid"),
    _unknown("no key id", made(lambda it: jwt.encode(it.saying(), it.key, "RS256")), "kid"),
    _unknown("a path as key id", made(lambda it: it.signed(it.saying(), kid="../../etc/passwd")), "kid"),
    _unknown("a statement as key id", made(lambda it: it.signed(it.saying(), kid="' OR 1=1 --")), "kid"),
    _unknown("claims changed after signing", made(changed)),
    _unknown("a key of before a rotation", key_of_before_a_rotation, "kid"),
    Row("a new key, and JWKS away", key_that_nobody_can_look_up, 503, "UNAVAILABLE"),
    # What keeps a token from proving anything.
    *(_unknown(f"without {claim}", says(**{claim: None}), claim) for claim in _REQUIRED),
    _unknown("expired", at(exp=-60, iat=-360), "exp"),
    _unknown("not valid yet", at(nbf=120), "nbf"),
    _unknown("issued in the future", at(iat=120, exp=400), "iat"),
    _unknown("valid for a day", at(exp=86_400), "exp"),
    _unknown("an end that is text", says(exp="2999-01-01"), "exp"),
    _unknown("an end that is true", says(exp=True), "exp"),
    _unknown("an end beyond all time", says(exp=10**30), "exp"),
    _unknown("the audience of another service", says(aud="https://other.example"), "aud"),
    _unknown("GitHub's usual audience", says(aud="https://github.com/octo-org"), "aud"),
    _unknown("audiences of others", says(aud=["https://one.example", "https://two.example"]), "aud"),
    _unknown("the beginning of our audience", says(aud="https://phaseline"), "aud"),
    _unknown("an audience that is no text", says(aud={"https://phaseline.example": 1}), "aud"),
    _unknown("another issuer", says(iss="https://token.actions.githubusercontent.com"), "iss"),
    _unknown("the issuer with a slash", made(lambda it: it.token(iss=f"{it.url}/")), "iss"),
    _unknown("a run id that is no number", says(run_id="1; DROP TABLE deploys"), "run_id"),
    _unknown("attempt nought", says(run_attempt="0"), "run_attempt"),
    _unknown("a name that is none", says(repository="evil\n/x"), "repository"),
    # Who it is, and why that is not enough.
    _forbidden(
        "another repository", says(repository="evil-corp/console", repository_id="666"), "repository_id", STRANGER
    ),
    _forbidden("another repository under the old name", says(repository_id="666"), "repository_id"),
    _forbidden("a repository that was given away", says(repository_owner_id="666"), "repository_owner_id"),
    _forbidden("trusted for another environment", says(), "repository_id", environment="elsewhere"),
    _forbidden("pull_request", says(event_name="pull_request"), "event_name"),
    _forbidden("pull_request_target", says(event_name="pull_request_target"), "event_name"),
    _forbidden("push", says(event_name="push"), "event_name"),
    _forbidden("another workflow file", says(**_own_file(".github/workflows/evil.yml")), "workflow_ref"),
    _forbidden("a file that ends alike", says(**_own_file(f"x/{WORKFLOW}")), "workflow_ref"),
    _forbidden(
        "the file of another repository", says(workflow_ref=f"evil-corp/console/{WORKFLOW}@{REF}"), "workflow_ref"
    ),
    _forbidden("another ref", says(**_own_file(WORKFLOW, "refs/heads/evil")), "workflow_ref"),
    _forbidden("a ref that begins alike", says(**_own_file(WORKFLOW, f"{REF}-evil")), "workflow_ref"),
    _forbidden("a branch named like a tag", says(**_own_file(WORKFLOW, "refs/heads/refs/tags/v1")), "workflow_ref"),
    _forbidden("a ref within the ref", says(**_own_file(WORKFLOW, f"refs/heads/evil@{REF}")), "workflow_ref"),
    _forbidden("a job of another file", says(job_workflow_ref=f"evil-corp/x/{WORKFLOW}@{REF}"), "job_workflow_ref"),
    _forbidden("another environment", says(environment="staging"), "environment"),
    _forbidden("another spelling of it", says(environment="Production"), "environment"),
    _forbidden("an empty environment", says(environment=""), "environment"),
    _forbidden("no environment where one is asked for", says(), "environment", environment="guarded"),
    _forbidden("another run of the repository", another_run_of_its_repository, "run_id"),
    _forbidden(
        "a higher attempt of another run, after a failure", a_higher_attempt_of_another_run_after_a_failure, "run_id"
    ),
    _forbidden("another run in the body", body(runId="1"), "run_id"),
    _forbidden("another attempt in the body", body(attempt=2), "run_attempt"),
    _forbidden("replayed with another body", used_for_another_callback, "jti"),
    # phaseline's own tokens.
    _forbidden("a viewer's token", own("viewer"), None, "token:viewer"),
    _forbidden("a tool's token", own("tool"), None, "token:tool"),
    _forbidden("an operator's token", own("operator"), None, "token:operator"),
    _forbidden("another environment's token", own("for-elsewhere"), "environment", "token:for-elsewhere"),
    _unknown("a revoked token", own("that-was-revoked")),
    _unknown("an expired token", own("that-expired")),
    _unknown("a token that nobody made", own("that-nobody-made")),
    _unknown("a token with a wrong checksum", sent("Bearer phl_testtesttesttesttesttesttesttesttestworkflow4kykfX")),
]
