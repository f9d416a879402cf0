"""How often one caller, or one client address, may ask for something.

Each process counts for itself, in memory: a node more lets through as much more, and a restart forgets.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil

from starlette.requests import HTTPConnection

from phaseline import metrics
from phaseline.identity import Identity
from phaseline.settings import Settings
from phaseline.windows import Windows
from phaseline_schema.refusals import CallerNotLookedUp, RateLimited, Refusal

# A deploy's log holds that it was attacked after far fewer, and is not to be buried under them.
_REFUSED_CALLBACKS = 60

# What may be asked for in a minute is given out in parts, each of so many seconds: whoever is refused may come again
# soon, and a workflow's report, which is sent again for 45 seconds, is not lost.
_MINUTE = 60
_WINDOW = 10

# Whoever has an IPv6 address has all that begin with the same so many bits.
_NETWORK = 64

# Each request asks for its sender's several times.
_REMEMBERED = 1000


class Kind(StrEnum):
    """What is counted."""

    CALLBACKS = "callbacks"
    STARTS = "starts of deploys"
    READS = "reads"
    UNPROVEN = "requests without a proof of who calls"
    SIGN_INS = "attempts to sign in"
    REFUSED_CALLBACKS = "callbacks for this deploy from callers who may not send them"


class Rates:
    """Counts, and says when it is too many. A window begins with the first that it counts."""

    def __init__(self, most: Mapping[Kind, int]) -> None:
        self._most = {kind: ceil(number * _seconds(kind) / _MINUTE) for kind, number in most.items()}
        self._windows = {kind: Windows(_seconds(kind)) for kind in most}

    def refusal(self, kind: Kind, who: str, times: int = 1) -> RateLimited | None:
        """Count so many more of one that is named `who`; why that is too many, or None."""
        return None if self._windows[kind].count(who, times) <= self._most[kind] else self._until_next(kind, who)

    def used_up(self, kind: Kind, who: str) -> RateLimited | None:
        """The same, as one more would be told. Counts nothing."""
        return None if self._windows[kind].counted(who) < self._most[kind] else self._until_next(kind, who)

    def _until_next(self, kind: Kind, who: str) -> RateLimited:
        metrics.rate_limited(kind.name.lower())
        return RateLimited(kind.value, max(1, ceil(self._windows[kind].seconds_left(who))))

    def unproven(self, problem: Refusal, connection: HTTPConnection) -> RateLimited | None:
        """Count one that does not prove who calls, unless nobody can: the database that would know is away.

        While an issuer of ID tokens is away, what looks like one of its tokens may be anybody's, and counts.
        """
        if isinstance(problem, RateLimited):  # it was refused before anybody was asked
            return problem
        if isinstance(problem, CallerNotLookedUp):
            return None
        return self.refusal(Kind.UNPROVEN, address(connection))


def rates(settings: Settings) -> Rates:
    """Those that the settings allow."""
    return Rates(
        {
            Kind.CALLBACKS: settings.callbacks_per_minute,
            Kind.STARTS: settings.starts_per_minute,
            Kind.READS: settings.reads_per_minute,
            Kind.UNPROVEN: settings.unproven_per_minute,
            Kind.SIGN_INS: settings.sign_ins_per_minute,
            Kind.REFUSED_CALLBACKS: _REFUSED_CALLBACKS,
        }
    )


def _seconds(kind: Kind) -> int:
    """How long its windows are."""
    return _MINUTE if kind is Kind.REFUSED_CALLBACKS else _WINDOW  # nobody who is honest waits for that one's next


def address(connection: HTTPConnection) -> str:
    """The client's address; of an IPv6 address its network, which is what one client is given."""
    return _network(connection.client.host if connection.client else "")


@lru_cache(_REMEMBERED)
def _network(host: str) -> str:
    try:
        found = ip_address(host)
    except ValueError:
        return host[:_NETWORK]  # a proxy may name what it likes
    if not isinstance(found, IPv6Address):
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else f"{IPv6Address(int(found) >> _NETWORK << _NETWORK)}/{_NETWORK}"


def who(identity: Identity, connection: HTTPConnection) -> str:
    """Whom something is counted for: the caller, or the address where nobody is known."""
    return identity.name if identity.role is not None else address(connection)
