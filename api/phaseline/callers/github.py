"""ID tokens of GitHub's workflow runs: who calls with one, and for which deploys it holds."""

import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt

from phaseline.callers import claims
from phaseline.callers.claims import Claims
from phaseline.callers.keys import Away, Keys
from phaseline.callers.repositories import GitHub, Repository
from phaseline.identity import Identity, Run, known, unknown
from phaseline_schema.refusals import Forbidden, Refusal, Unauthenticated, Unavailable
from phaseline_schema.rights import Proof, Role

_ALGORITHM = "RS256"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

# GitHub's have about 2,000 characters.
_LONGEST = 8192

# Claims are held against the tables of claims.py, so that each fault is told in one way.
_ONLY_THE_SIGNATURE: jwt.types.Options = {
    "verify_signature": True,
    "enforce_minimum_key_length": True,
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},  # type: ignore[typeddict-item]
}


class IdTokens:
    """Knows the ID tokens of the runs of trusted repositories."""

    def __init__(self, trusted: GitHub) -> None:
        self._trusted = trusted
        self._keys = Keys(trusted.keys_url)

    async def identify(self, token: str) -> Identity:
        """Who calls with this one."""
        try:
            said = await self._verified(token)
        except Refusal as refusal:
            return unknown(refusal)
        fault = claims.unproven(said, self._expected())
        if fault is not None:
            return unknown(Unauthenticated(fault.problem, claim=fault.claim))
        return self._of_run(said)

    async def _verified(self, token: str) -> Claims:
        """The claims of a token that the issuer has signed. Raises Unauthenticated, Unavailable."""
        key_id = self._key_id(token)
        try:
            key = await self._keys.find(key_id)
        except Away:
            raise Unavailable("the keys that ID tokens are verified by cannot be had; try again later") from None
        if key is None:
            raise Unauthenticated("the ID token's kid names no key of its issuer's", claim="kid")
        try:
            return jwt.decode(token, key, [_ALGORITHM], _ONLY_THE_SIGNATURE)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthenticated("the ID token's signature does not hold") from None

    def _key_id(self, token: str) -> str:
        """The key that the token says it is signed by. What would be refused anyway asks the issuer for nothing."""
        if len(token) > _LONGEST:
            raise Unauthenticated(f"the ID token is longer than {_LONGEST} characters")
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthenticated("this is no token of this server's, and no ID token") from None
        header, payload = unverified["header"], unverified["payload"]
        if header.get("alg") != _ALGORITHM:
            raise Unauthenticated("the ID token's alg is not one that is accepted", claim="alg")
        if not isinstance(header.get("kid"), str) or not _KEY_ID.fullmatch(header["kid"]):
            raise Unauthenticated("the ID token's kid is missing, or not of its form", claim="kid")
        problem = claims.PROVING["iss"](payload, self._expected())
        if problem is not None:
            raise Unauthenticated(f"the ID token's iss {problem}", claim="iss")
        return str(header["kid"])

    def _expected(self) -> claims.Expected:
        return claims.Expected(self._trusted.issuer, self._trusted.audience, time.time())

    def _of_run(self, said: Claims) -> Identity:
        """The run, under the name of its repository; a repository that is trusted nowhere has no rights at all."""
        name = f"github:{said['repository']}"
        trusted = [one for one in self._trusted.repositories if str(one.repository_id) == said["repository_id"]]
        if not trusted:
            return Identity(name, None, Proof.ID_TOKEN, problem=_untrusted("repository_id", said))
        expires_at = datetime.fromtimestamp(said["exp"] + claims.LEEWAY, UTC)
        return known(
            name,
            Role.WORKFLOW,
            Proof.ID_TOKEN,
            scope=TrustedRuns(tuple(trusted), said),
            expires_at=expires_at,
            run=self._run(said, expires_at, several_deploys=any(one.several_deploys for one in trusted)),
        )

    def _run(self, said: Claims, expires_at: datetime, *, several_deploys: bool) -> Run:
        url = "{}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}".format(self._trusted.pages_url, **said)
        return Run(said["iss"], said["jti"], said["run_id"], int(said["run_attempt"]), url, expires_at, several_deploys)


@dataclass(frozen=True, slots=True)
class TrustedRuns:
    """A run's rights hold for the environments that its repository is trusted for, where its other claims are right.

    `trusted`: all that is said of its repository in the trust file; one that fits is enough.
    """

    trusted: tuple[Repository, ...]
    said: Claims

    def refusal(self, environment: str) -> Refusal | None:
        """FORBIDDEN, with the claim that came furthest before it was found wrong."""
        wrong = [
            claims.unpermitted(self.said, one, environment) for one in self.trusted if environment in one.environments
        ]
        if None in wrong:
            return None
        order = list(claims.PERMITTING)
        furthest = max((claim for claim in wrong if claim is not None), key=order.index, default="repository_id")
        return _untrusted(furthest, self.said)

    def described(self) -> Collection[str] | None:
        """Those alone whose claims are right: what else its repository is trusted for is not told to any run of it."""
        named = frozenset[str]().union(*(one.environments for one in self.trusted))
        return {environment for environment in named if self.refusal(environment) is None}


def _untrusted(claim: str, said: Claims) -> Forbidden:
    return Forbidden(f"the ID token's {claim} is {claims.said(said, claim)}: not trusted for this deploy", claim=claim)
