"""Who is calling. Resolved once for a request or a socket, and passed down as a value."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from phaseline_schema.refusals import Forbidden, Refusal, Unauthenticated
from phaseline_schema.rights import RIGHTS, Proof, Right, Role

# Holds something that goes on in the name of a caller, and tells it when the caller's proof is over.
Lease = Callable[[Callable[[Refusal], None]], AbstractContextManager[None]]


class Scope(Protocol):
    """Which environments a caller's rights hold for."""

    def refusal(self, environment: str) -> Refusal | None:
        """Why they do not hold for this one, or None."""

    def described(self) -> Collection[str] | None:
        """The environments that they hold for; None: for all."""


@dataclass(frozen=True, slots=True)
class Environments:
    """The rights hold for these environments; None: for all."""

    names: frozenset[str] | None = None

    def refusal(self, environment: str) -> Refusal | None:
        """FORBIDDEN for any other."""
        if self.names is None or environment in self.names:
            return None
        return Forbidden("this token is not for the deploy's environment", claim="environment")

    def described(self) -> Collection[str] | None:
        """Those that are named."""
        return self.names


EVERYWHERE = Environments()


@dataclass(frozen=True, slots=True)
class Run:
    """The workflow run that an ID token was made for, and the token's own name, which tells a replay.

    `url`: the page of this attempt of the run. `several_deploys`: whether it may report for more deploys than one.
    """

    issuer: str
    jti: str
    run_id: str
    attempt: int
    url: str
    expires_at: datetime
    several_deploys: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller; `name` is the actor of the audit entries it causes.

    `problem`: why nothing was proven. `credential`: the id of the token or sign-in that can be taken back before
    `expires_at`. `run`: where the proof is a workflow run's ID token.
    """

    name: str
    role: Role | None
    proof: Proof
    scope: Scope = EVERYWHERE
    expires_at: datetime | None = None
    credential: str | None = None
    run: Run | None = None
    problem: Refusal | None = None
    rights: frozenset[Right] = frozenset()

    def refusal(self, *needed: Right) -> Refusal | None:
        """Why the caller has none of these rights, or None where it has one."""
        if self.problem is not None:
            return self.problem
        if self.rights.isdisjoint(needed):
            return Forbidden(f"{self.name} may not do this")
        return None


def known(
    name: str,
    role: Role,
    proof: Proof,
    *,
    scope: Scope = EVERYWHERE,
    expires_at: datetime | None = None,
    credential: str | None = None,
    run: Run | None = None,
) -> Identity:
    """A caller who has proven who it is, with the rights of its role."""
    return Identity(name, role, proof, scope, expires_at, credential, run, rights=RIGHTS[role])


def unknown(problem: Refusal) -> Identity:
    """A caller who has proven nothing, and why."""
    return Identity("anonymous", None, Proof.NOTHING, problem=problem)


def nobody() -> Identity:
    """A caller who has not tried to prove anything.

    Each time another one: an error that is raised again and again keeps all that was on its way each time.
    """
    return unknown(Unauthenticated())


# Where authentication is turned off: nothing proves who a caller is, and the log must not say more than is known.
ANYBODY = Identity("anonymous", None, Proof.NOTHING, rights=frozenset(Right))
