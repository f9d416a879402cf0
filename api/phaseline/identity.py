"""Who is calling. Resolved once for a request or a socket, and passed down as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller; `name` is the actor of the audit entries it causes."""

    name: str


# Nothing proves who a caller is yet, and the log must not say more than is known.
ANONYMOUS = Identity("anonymous")
