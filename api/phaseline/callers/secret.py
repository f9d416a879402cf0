"""Secrets that phaseline gives out: how they look, and what is kept of them."""

import secrets
import string
import zlib
from hashlib import sha256

# Scanners look for this beginning; the last six characters are a checksum, so that they need not ask anybody.
TOKEN_PREFIX = "phl_"

_DIGITS = string.digits + string.ascii_letters
_LENGTH = 40  # 62**40: 238 bits
_CHECK = 6


def new_token() -> str:
    """A token: the prefix, 40 random characters of 0-9a-zA-Z, and a checksum: CRC-32 of all before it, in base 62."""
    body = TOKEN_PREFIX + "".join(secrets.choice(_DIGITS) for _ in range(_LENGTH))
    return body + _checksum(body)


def is_token(text: str) -> bool:
    """Whether it is whole, and so may be one that was given out."""
    body, check = text[:-_CHECK], text[-_CHECK:]
    return (
        text.startswith(TOKEN_PREFIX) and len(text) == len(TOKEN_PREFIX) + _LENGTH + _CHECK and check == _checksum(body)
    )


def new_cookie() -> str:
    """What a signed-in browser sends."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """What is kept of a secret. It is random and long, so one round of SHA-256 is as good as many."""
    return sha256(secret.encode(errors="replace")).hexdigest()


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode(errors="replace")), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
