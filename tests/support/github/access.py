"""Whom our GitHub lets in, and what it gives an App to come in with."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.github.answers import moment
from tests.support.github.faults import Answer, refusal
from tests.support.github.operations import NOT_FOUND, Asked, ok
from tests.support.issuer import new_key

APP_ID, INSTALLATION_ID = "314159", "27182818"
TOKEN = "github_pat_11EXAMPLE0fThisTestAlone"
API_VERSIONS = ("2022-11-28", "2026-03-10")

INSTALLATIONS = "POST /app/installations/{installation_id}/access_tokens"


class Access:
    """`tokens`: those that are let in. `given`: the tokens that the App was given, and `lives` how long, in seconds.

    `may_not`: what the credential lacks, as `actions=write`, by what operations begin with.
    """

    def __init__(self) -> None:
        self.tokens = {TOKEN}
        self.given: list[str] = []
        self.lives = 3600
        self.may_not: dict[str, str] = {}

    def revoke(self, token: str) -> None:
        """It is let in no more."""
        self.tokens.discard(token)

    def refusal(self, asked: Asked) -> Answer | None:
        """Why this request is not taken, or None."""
        if not asked.headers.get("user-agent"):
            return refusal(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
            )
        version = asked.headers.get("x-github-api-version", API_VERSIONS[0])
        if version not in API_VERSIONS:
            return refusal(400, f"The version {version} is not supported")
        if asked.operation == INSTALLATIONS:
            return None
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or token not in self.tokens:
            return refusal(401, "Bad credentials")
        for begins, lacking in self.may_not.items():
            if asked.operation.startswith(begins):
                said = {"x-accepted-github-permissions": lacking}
                return refusal(403, "Resource not accessible by personal access token", said)
        return None

    def installation_token(self, asked: Asked) -> Answer:
        """A token for an App that has proven which one it is."""
        scheme, _, proof = asked.headers.get("authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise jwt.InvalidTokenError
            claims = jwt.decode(proof, private_key().public_key(), ["RS256"], {"require": ["exp", "iat", "iss"]})
        except jwt.PyJWTError:
            return refusal(401, "A JSON web token could not be decoded")
        if claims["exp"] - claims["iat"] > 600:
            return refusal(401, "'Expiration time' claim ('exp') is too far in the future")
        if claims["iss"] != APP_ID or asked.parameters["installation_id"] != INSTALLATION_ID:
            return NOT_FOUND
        token = f"ghs_{secrets.token_urlsafe(27)}"
        self.given.append(token)
        self.tokens.add(token)
        ends = datetime.now(UTC) + timedelta(seconds=self.lives)
        return ok({"token": token, "expires_at": moment(ends), "permissions": {"actions": "write"}}, 201)


def account(headers: Mapping[str, str]) -> str:
    """Whoever is asking, for what is kept by account."""
    return headers.get("authorization", "")


@cache
def private_key() -> RSAPrivateKey:
    """The App's, one for a test run: making keys is slow."""
    return new_key()


def private_key_pem() -> str:
    """As GitHub gives it to who has registered the App."""
    return private_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
