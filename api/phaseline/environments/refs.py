"""Which refs may be deployed to an environment, as people give them."""

import re
from collections.abc import Iterable

from phaseline.callers.forms import matches

_COMMIT = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)

# What git takes for no name of a branch or a tag, `*` and a path that leads elsewhere among it.
_NO_REF = re.compile(
    r"""[\x00-\x20\x7f~^:?*\[\\] | \.\. | @\{ | // | ^[/.-] | /\. | [/.]$ | \.lock(?:/|$) | ^@$""", re.VERBOSE
)
_SHORTENED = ("refs/heads/", "refs/tags/")


def meant(ref: str) -> tuple[str, ...]:
    """The whole refs that somebody may mean by it: `main` is a branch, or a tag. Of a commit there are none."""
    if is_commit(ref) or _NO_REF.search(ref):
        return ()
    return (ref,) if ref.startswith("refs/") else tuple(f"{start}{ref}" for start in _SHORTENED)


def is_commit(ref: str) -> bool:
    """Whether it is the whole id of a commit."""
    return _COMMIT.fullmatch(ref) is not None


def allowed(ref: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """Those of the refs that are meant by it which one of these patterns allows."""
    known = tuple(patterns)
    return tuple(one for one in meant(ref) if any(matches(one, pattern) for pattern in known))
