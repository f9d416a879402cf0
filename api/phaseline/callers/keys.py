"""The public keys by which ID tokens are verified, fetched from their issuer when they are needed."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx2
import jwt
import structlog

log = structlog.get_logger(__name__)

# In seconds. Keys are looked at again after the first; where the issuer is away they may be used for the second.
_FRESH = 300
_USABLE = 3600

# However many tokens with made-up key ids come, the issuer is asked no more often than this, in seconds.
_PAUSE = 2

# How long the issuer may take to answer, in seconds, and how much it may send, in bytes.
_PATIENCE = 5
_LARGEST = 262_144


class Away(Exception):
    """The issuer's keys cannot be had now."""


class Keys:
    """The keys of one issuer, by their ids. A new one is found without a restart, and one that was taken back is gone
    when the keys are looked at again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._asking = asyncio.Lock()
        self._asked_at = self._answered_at = -float("inf")

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id; None where the issuer has none. Raises Away."""
        since = time.monotonic()
        known = self._keys.get(key_id) if since - self._answered_at < _USABLE else None
        if known is not None and (since - self._asked_at < _FRESH or self._asking.locked()):
            return known
        async with self._asking:
            # One answer is for all who have waited for it.
            if self._asked_at < since:
                await self._ask()
        if self._answered_at >= self._asked_at:
            return self._keys.get(key_id)
        if known is None:
            raise Away
        return known

    async def _ask(self) -> None:
        await asyncio.sleep(max(0.0, self._asked_at + _PAUSE - time.monotonic()))
        self._asked_at = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE):
                self._keys = _usable(await _fetched(self._url))
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            log.warning("the keys of ID tokens cannot be had", error=f"{type(error).__name__}: {error}".strip(": "))
        else:
            self._answered_at = time.monotonic()


async def _fetched(url: str) -> bytes:
    """What the issuer publishes. It is looked for nowhere else: a redirection is an error. Raises HTTPError."""
    content = b""
    async with httpx2.AsyncClient(timeout=_PATIENCE) as client, client.stream("GET", url) as response:
        if response.status_code != 200:
            raise httpx2.HTTPError(f"HTTP {response.status_code}")
        async for part in response.aiter_bytes():
            content += part
            if len(content) > _LARGEST:
                raise httpx2.HTTPError("too much was sent")
    return content


def _usable(content: bytes) -> Mapping[str, jwt.PyJWK]:
    """The RSA keys for signatures; others, and those that are broken, are left out. Raises ValueError."""
    listed: Any = json.loads(content)
    if not isinstance(listed, dict) or not isinstance(listed.get("keys"), list):
        raise ValueError("this is no list of keys")
    found = {}
    for key in listed["keys"]:
        if not isinstance(key, dict) or not isinstance(key.get("kid"), str) or key.get("use", "sig") != "sig":
            continue
        if key.get("kty") == "RSA" and key.get("alg", "RS256") == "RS256":
            try:
                found[key["kid"]] = jwt.PyJWK(key, "RS256")
            except jwt.PyJWTError:
                continue
    return found
