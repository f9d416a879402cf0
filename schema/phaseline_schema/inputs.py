"""The form that every value from outside must have. Raises BadUserInput, which names the field."""

import unicodedata
from urllib.parse import urlsplit

from phaseline_schema.refusals import BadUserInput

ENVIRONMENT = 64
REF = 255
STATUS = 64
ID = 64
NAME = 64
ACTOR = 255
MESSAGE = 500
REQUEST = 64
URL = 2048
CURSOR = 512

# Control characters, separators of lines and paragraphs, and halves of a surrogate pair, which no
# encoding can carry.
_FORBIDDEN = {"Cc", "Zl", "Zp", "Cs"}

# They turn the direction of what follows, so that a text reads as another one.
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# What has no shape of its own: spaces, formats, marks upon other characters, what is not assigned.
_SHAPELESS = {"Zs", "Cf", "Mn", "Me", "Cn", "Co"}


def text(field: str, value: str, longest: int) -> str:
    """One line of text with something in it, of at most `longest` characters."""
    if len(value) > longest:
        raise BadUserInput(field, f"has {len(value)} characters, more than {longest}")
    categories = {unicodedata.category(character) for character in value}
    if categories & _FORBIDDEN or _TURNING & set(value):
        raise BadUserInput(field, "must be one line without control characters")
    if categories <= _SHAPELESS:
        raise BadUserInput(field, "must not be empty")
    if value != value.strip():
        raise BadUserInput(field, "must not begin or end with a space")
    return value


def optional_text(field: str, value: str | None, longest: int) -> str | None:
    """The same, or nothing: null and an empty string both say that there is none."""
    return text(field, value, longest) if value else None


def optional_url(field: str, value: str | None) -> str | None:
    """An http or https address that a page can link to, or nothing."""
    url = optional_text(field, value, URL)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or " " in url:
        raise BadUserInput(field, "must be an http or https address")
    return url


def number(field: str, value: int | None, default: int, *, least: int, most: int) -> int:
    """A whole number between `least` and `most`; null stands for the default."""
    if value is None:
        return default
    if not least <= value <= most:
        raise BadUserInput(field, f"must be between {least} and {most}")
    return value
