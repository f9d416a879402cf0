"""What the claims of a workflow run's ID token have to say, claim by claim.

A message may repeat what the token says, once its issuer has been found to have signed it; before that, anybody could
write what they like into the log. What was expected is never told: whoever tries things would learn it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from phaseline.callers.forms import matches
from phaseline.callers.repositories import Repository

Claims = Mapping[str, Any]

# How far clocks may be apart, and how long a token may live, in seconds. GitHub's live for five minutes.
LEEWAY = 30
_LONGEST_LIFE = 900

_HARMLESS = re.compile(r"[A-Za-z0-9 ./@:_+-]{1,160}")


@dataclass(frozen=True, slots=True)
class Expected:
    """What every token is held against."""

    issuer: str
    audience: str
    now: float


@dataclass(frozen=True, slots=True)
class Fault:
    """The claim that is wrong, and what is wrong with it."""

    claim: str
    problem: str


def _issuer(claims: Claims, expected: Expected) -> str | None:
    return None if claims.get("iss") == expected.issuer else "is not trusted here"


def _audience(claims: Claims, expected: Expected) -> str | None:
    audience = claims.get("aud")
    held = audience if isinstance(audience, list) else [audience]
    return None if expected.audience in held else f"is {said(claims, 'aud')}: it was made for somebody else"


def _not_before(claims: Claims, expected: Expected) -> str | None:
    if not _is_time(claims.get("nbf")):
        return "is no time"
    return "is still to come: the token is not valid yet" if claims["nbf"] - LEEWAY > expected.now else None


def _issued(claims: Claims, expected: Expected) -> str | None:
    if not _is_time(claims.get("iat")):
        return "is no time"
    return "is still to come: the token is not valid yet" if claims["iat"] - LEEWAY > expected.now else None


def _expiry(claims: Claims, expected: Expected) -> str | None:
    if not _is_time(claims.get("exp")):
        return "is no time"
    if claims["exp"] + LEEWAY <= expected.now:
        return "is over: the token has expired"
    return "is too far away: the token lives too long" if claims["exp"] - claims["iat"] > _LONGEST_LIFE else None


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def _like(claim: str, pattern: str) -> Callable[[Claims, Expected], str | None]:
    """A claim that has to be text of this form."""

    def check(claims: Claims, _: Expected) -> str | None:
        value = claims.get(claim)
        return None if isinstance(value, str) and re.fullmatch(pattern, value) else "is missing, or not of its form"

    return check


_ID = r"[1-9][0-9]{0,18}"
_REF = r"[^@]+@.+"

# What a token must say to prove anything, in the order in which it is looked at. Whoever has a token with a fault
# here is unknown.
PROVING: Mapping[str, Callable[[Claims, Expected], str | None]] = {
    "iss": _issuer,
    "aud": _audience,
    "nbf": _not_before,
    "iat": _issued,
    "exp": _expiry,  # its distance to iat counts too
    "jti": _like("jti", r"[!-~]{1,255}"),
    "repository": _like("repository", r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}"),
    "repository_id": _like("repository_id", _ID),
    "repository_owner_id": _like("repository_owner_id", _ID),
    "event_name": _like("event_name", r"[a-z_]{1,64}"),
    "workflow_ref": _like("workflow_ref", _REF),
    "job_workflow_ref": _like("job_workflow_ref", _REF),
    "run_id": _like("run_id", _ID),
    "run_attempt": _like("run_attempt", r"[1-9][0-9]{0,8}"),
}


def _file_and_ref(claims: Claims, trusted: Repository, _: str) -> bool:
    """The file is the repository's own, and at a ref that is trusted."""
    file, _, ref = claims["workflow_ref"].partition("@")
    return bool(file == f"{claims['repository']}/{trusted.workflow}") and any(
        matches(ref, pattern) for pattern in trusted.refs
    )


def _called(claims: Claims, trusted: Repository, _: str) -> bool:
    """The job stands in the file that the run was started with, or in the one that this file is known to call."""
    if trusted.called_workflow is not None:
        return matches(claims["job_workflow_ref"], trusted.called_workflow)
    file, _, _ = claims["workflow_ref"].partition("@")
    at_its_commit = {f"{file}@{claims[name]}" for name in ("workflow_sha", "sha") if claims.get(name)}
    return claims["job_workflow_ref"] in {claims["workflow_ref"], *at_its_commit}


def _environment(claims: Claims, trusted: Repository, environment: str) -> bool:
    """A job that declares an environment declares the deploy's; one that declares none says nothing of it."""
    declared = claims.get("environment")
    return declared == environment if declared is not None else not trusted.environment_claim


# What it must say beyond that for a deploy's environment, in this order: the claims, the repository that is trusted
# for the environment, and its name.
PERMITTING: Mapping[str, Callable[[Claims, Repository, str], bool]] = {
    "repository_id": lambda claims, trusted, _: claims["repository_id"] == str(trusted.repository_id),
    "repository_owner_id": lambda claims, trusted, _: claims["repository_owner_id"] == str(trusted.repository_owner_id),
    "event_name": lambda claims, trusted, _: claims["event_name"] in trusted.events,
    "workflow_ref": _file_and_ref,
    "job_workflow_ref": _called,
    "environment": _environment,
}

# The claims that GitHub documents and nobody looks at, and why.
UNCHECKED: Mapping[str, str] = {
    "sub": "made of other claims; repositories choose its form, and the usual one has changed",
    "repository_owner": "a name; repository_owner_id is checked",
    "repository_visibility": "whether others may read the repository says nothing of who runs its workflow",
    "ref": "where the run was started; workflow_ref names the ref that the workflow's file is of",
    "ref_type": "part of the ref",
    "ref_protected": "which refs are trusted is configured here",
    "sha": "the ref decides what may run, not the commit; looked at only as a form of job_workflow_ref",
    "workflow_sha": "the same",
    "job_workflow_sha": "the same",
    "base_ref": "only of pull requests, whose event is not trusted",
    "head_ref": "only of pull requests, whose event is not trusted",
    "workflow": "a name that the file gives itself; workflow_ref is checked",
    "actor": "who may start the workflow is for GitHub to decide",
    "actor_id": "who may start the workflow is for GitHub to decide",
    "run_number": "run_id names the run",
    "runner_environment": "where jobs may run is for the repository to decide",
    "environment_node_id": "environment is checked",
    "check_run_id": "a link to the job's page",
    "enterprise": "a name; repository_owner_id is checked",
    "enterprise_id": "repository_owner_id is narrower",
    "issuer_scope": "iss is checked",
}


def unproven(claims: Claims, expected: Expected) -> Fault | None:
    """The first claim that keeps the token from proving anything, or None."""
    for claim, check in PROVING.items():
        problem = check(claims, expected)
        if problem is not None:
            return Fault(claim, f"the ID token's {claim} {problem}")
    return None


def unpermitted(claims: Claims, trusted: Repository, environment: str) -> str | None:
    """The first claim that is not as it is trusted for the environment, or None."""
    return next((claim for claim, holds in PERMITTING.items() if not holds(claims, trusted, environment)), None)


def said(claims: Claims, claim: str) -> str:
    """What a claim says, where it can be repeated without harm."""
    value = claims.get(claim)
    if value is None:
        return "missing"
    text = ", ".join(value) if isinstance(value, list) and all(isinstance(part, str) for part in value) else value
    return text if isinstance(text, str) and _HARMLESS.fullmatch(text) else "of a form that is not repeated here"
