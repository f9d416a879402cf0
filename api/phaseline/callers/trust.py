"""Whom this server trusts beyond its own tokens: the TOML file of PHASELINE_TRUST_FILE, read once before serving."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from phaseline.callers.provider import Provider
from phaseline.callers.repositories import GitHub


class TrustError(Exception):
    """The file cannot be used. The text names each key that is wrong and says why."""


class Trust(BaseModel):
    """The file; each section is there or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    github: GitHub | None = None
    provider: Provider | None = None


NOBODY_ELSE = Trust()

# What pydantic says of keys, in plainer words.
_SAID = {"extra_forbidden": "there is no such key", "missing": "is missing"}


def read(file: Path | None, public_url: str | None, *, has_provider_secret: bool = False) -> Trust:
    """What the file says. Raises TrustError.

    `public_url`: this server's own address, where it is known; it is what ID tokens have to be made for.
    `has_provider_secret`: whether there is one to prove to the provider with who asks.
    """
    if file is None:
        return NOBODY_ELSE
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrustError(f"{file}: {error.strerror or error}") from None
    except ValueError as error:  # it is not TOML, or not UTF-8
        raise TrustError(f"{file}: {error}") from None
    context = {"public_url": public_url, "has_provider_secret": has_provider_secret}
    try:
        return Trust.model_validate(content, context=context)
    except ValidationError as error:
        problems = [_problem(detail["loc"], _SAID.get(detail["type"], detail["msg"])) for detail in error.errors()]
        raise TrustError(f"{file}: {'; '.join(problems)}") from None


def _problem(location: tuple[int | str, ...], message: str) -> str:
    """As people count and write: github.repositories[1].refs[2]."""
    key = ""
    for part in location:
        key += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return f"{key.removeprefix('.')}: {message.removeprefix('Value error, ')}"
