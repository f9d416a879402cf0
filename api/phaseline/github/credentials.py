"""What this server proves to GitHub who it is with: a token that it was given, or those of a GitHub App."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from phaseline.github import reading
from phaseline.github.errors import NotSent, Unclear

# Asks GitHub for a token of an installation: its id, and what the App proves itself with. The answer is decoded.
Ask = Callable[[str, str], Awaitable[object]]
"""Raises NotAllowed, Limited, NotSent or Unclear."""

# A token is used until so long before its end, in seconds: a request that is under way must not lose it.
_EARLY = 300

# What an App proves itself with holds for nine minutes and one that lies before: GitHub takes ten, and clocks differ.
_BEHIND = 60
_HOLDS = 540


class Credentials(Protocol):
    """How requests come by a token."""

    async def token(self, ask: Ask) -> str:
        """The one to be used now. Raises NotAllowed, Limited, NotSent: whatever was to be asked for was not."""
        ...

    def discard(self, token: str) -> None:
        """GitHub does not accept this one."""
        ...


class Token:
    """A token that does not change. Raises ValueError for what cannot be one."""

    def __init__(self, value: str) -> None:
        _check(value)
        self._value = value

    async def token(self, ask: Ask) -> str:
        return self._value

    def discard(self, token: str) -> None:
        """There is no other: people have to see to it."""

    def __repr__(self) -> str:
        return "Token(…)"


class App:
    """A GitHub App as it is installed for one account. `key`: its private key, in PEM.

    Raises ValueError where that is none.
    """

    def __init__(self, app_id: str, installation_id: str, key: str) -> None:
        self._key = _private_key(key)
        self._app_id, self._installation_id = app_id, installation_id
        self._token, self._until = "", 0.0
        self._asking: asyncio.Task[str] | None = None

    async def token(self, ask: Ask) -> str:
        if self._token and time.time() < self._until:
            return self._token
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(ask))
            self._asking.add_done_callback(self._asked)
        # Who gives up waiting takes nothing away from the others.
        return await asyncio.shield(self._asking)

    def discard(self, token: str) -> None:
        if token == self._token:
            self._token = ""

    async def _ask(self, ask: Ask) -> str:
        try:
            answer = await ask(self._installation_id, self._proof())
        except Unclear as error:
            # Whatever has become of this request: the one that needs the token was not sent.
            raise NotSent(f"the App gets no token: {error.why}") from None
        self._token, self._until = _read(answer)
        return self._token

    def _asked(self, asking: asyncio.Task[str]) -> None:
        self._asking = None
        if not asking.cancelled():
            asking.exception()  # seen, even where nobody waits any more

    def _proof(self) -> str:
        now = int(time.time())
        return jwt.encode({"iss": self._app_id, "iat": now - _BEHIND, "exp": now + _HOLDS}, self._key, "RS256")

    def __repr__(self) -> str:
        return f"App({self._app_id!r}, {self._installation_id!r}, …)"


def _read(answer: object) -> tuple[str, float]:
    """The token, and until when it is used, in seconds since 1970. Raises NotSent."""
    try:
        said = reading.members(answer)
        token, ends = reading.text(said, "token"), reading.moment(said, "expires_at")
        _check(token)
    except ValueError:
        raise NotSent("the App gets no token: GitHub's answer cannot be read") from None
    return token, ends.timestamp() - _EARLY


def _check(token: str) -> None:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("is no token: it must be printable ASCII, without spaces")


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("is no private RSA key in PEM, without a password")
    return key
