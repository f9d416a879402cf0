"""Whether the database is asked about a proof: guesses are not to keep it busy."""

from collections import OrderedDict
from hashlib import sha256

from starlette.requests import HTTPConnection

from phaseline.rates import Kind, Rates, address
from phaseline_schema.refusals import RateLimited

# How many proofs are remembered.
_MOST = 10_000


class Asking:
    """Refuses proofs from an address that too many guesses have come from, but none that has held before: people and
    workflows behind the same address are not held up by who is guessing there."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._held: OrderedDict[bytes, None] = OrderedDict()

    def refusal(self, proof: str, connection: HTTPConnection) -> RateLimited | None:
        """Why the database is not asked, or None."""
        if _name(proof) in self._held:
            return None
        return self._rates.used_up(Kind.UNPROVEN, address(connection))

    def note(self, proof: str, *, held: bool) -> None:
        """It has held, or no longer does. Those that have not held for the longest time are forgotten."""
        self._held.pop(_name(proof), None)
        if held:
            self._held[_name(proof)] = None
        if len(self._held) > _MOST:
            self._held.popitem(last=False)


def _name(proof: str) -> bytes:
    return sha256(proof.encode(errors="replace")).digest()
