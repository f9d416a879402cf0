"""What is said of GitHub's words: on one line, of a bounded length, and never with a secret in it."""

import unicodedata
from collections.abc import Iterable

from phaseline.github.errors import LONGEST

# Control characters, separators, what turns the direction of writing, halves of characters: texts end up in the log.
_UNWANTED = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def line(text: str, secrets: Iterable[str] = ()) -> str:
    """The text as it may be shown and recorded."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    shown = "".join(" " if unicodedata.category(character) in _UNWANTED else character for character in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1].rstrip() + "…"


def reason(body: object, status: int) -> str:
    """What an answer's body says of why, with the details that GitHub gives beside its message."""
    if not isinstance(body, dict) or not isinstance(body.get("message"), str) or not body["message"].strip():
        return f"HTTP {status}"
    errors = body.get("errors")
    listed = [errors] if isinstance(errors, str) else errors if isinstance(errors, list) else []
    details = [detail for detail in map(_detail, listed) if detail]
    return f"{body['message']}: {'; '.join(details)}" if details else str(body["message"])


def _detail(error: object) -> str:
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return ""
    if isinstance(error.get("message"), str):
        return str(error["message"])
    return " ".join(str(error[key]) for key in ("field", "code") if isinstance(error.get(key), str))
