"""Addresses in the files that say whom to trust and where to deploy."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from phaseline.settings import is_loopback

# As much as is kept of an issuer beside the ID tokens that were used.
_LONGEST = 255


def _address(value: str) -> str:
    try:
        url = urlsplit(value)
        usable = bool(url.scheme in ("http", "https") and url.hostname) and not (url.username or url.query)
    except ValueError:
        usable = False
    if not usable or url.fragment or len(value) > _LONGEST or any(character.isspace() for character in value):
        raise ValueError("must be an address like https://example.org")
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("must begin with https://; http:// is only for this machine itself")
    return value


# https, or http on this machine: whoever can change what comes from there on its way can call as anybody.
Address = Annotated[str, AfterValidator(_address)]
