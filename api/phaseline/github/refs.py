"""The names of branches, tags and commits as people and GitHub write them."""

import re
from urllib.parse import quote

from phaseline.github.errors import Refused

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORTENED = re.compile(r"[0-9a-f]{7,64}")

# What git lets no ref hold. "..", above all, is not to lead an address elsewhere.
_IMPOSSIBLE = re.compile(r"\.\.|[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]|@\{|//|^/|/$|\.$|\.lock(/|$)|^@$|(^|/)\.")


def short(ref: str) -> str:
    """heads/NAME and tags/NAME for full names, which is how GitHub's addresses have them; all else as it is.

    Raises Refused, as GitHub would, for what no ref can be called.
    """
    check(ref)
    return ref.removeprefix("refs/") if ref.startswith(("refs/heads/", "refs/tags/")) else ref


def full(ref: str) -> str:
    """refs/heads/NAME for heads/NAME, and so with tags; all else as it is. Raises Refused."""
    check(ref)
    return f"refs/{ref}" if ref.startswith(("heads/", "tags/")) else ref


def says_which(ref: str) -> bool:
    """Whether it says by itself that it is a branch, or a tag."""
    return ref.startswith(("heads/", "tags/"))


def can_begin(prefix: str) -> bool:
    """Whether a ref's name can begin so; ends that only a whole name must not have do not count."""
    return not _IMPOSSIBLE.search(f"{prefix}x")


def check(ref: str) -> None:
    """Raises Refused."""
    if not ref or _IMPOSSIBLE.search(ref):
        raise Refused(f"no ref can be called {quote(ref[:100], errors='replace')}", 422)
