"""Every refusal, worded once. A refusal's `code` is what callers act upon; its text is for people."""

from collections.abc import Mapping, Sequence
from typing import Any

# When whoever was turned away with 503 may try again, in seconds: a database or a node is often back by then.
RETRY_AFTER_SECONDS = 2


class Refusal(Exception):
    """The request was understood and is not carried out. `http_status` is how HTTP says so."""

    code: str
    http_status: int

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def extensions(self) -> dict[str, Any]:
        """What goes into the GraphQL error's `extensions`."""
        return {"code": self.code, **self.details}

    @property
    def as_stored(self) -> dict[str, Any]:
        """What `repeated` makes the same answer of."""
        return {"message": self.message, "status": self.http_status, "extensions": self.extensions}


def repeated(stored: Mapping[str, Any]) -> Refusal:
    """A refusal that was given before, to be given again word for word."""
    extensions = dict(stored["extensions"])
    refusal = Refusal(stored["message"])
    refusal.code, refusal.http_status = extensions.pop("code"), stored["status"]
    refusal.details = extensions
    return refusal


class BadUserInput(Refusal):
    """A value that is not of the form its field asks for. Nothing was written."""

    code = "BAD_USER_INPUT"
    http_status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}", field=field)


class DeployNotFound(Refusal):
    """No deploy has this id."""

    code = "DEPLOY_NOT_FOUND"
    http_status = 422

    def __init__(self) -> None:
        super().__init__("there is no deploy with this id")


class EnvironmentBusy(Refusal):
    """Another deploy has the environment to itself. Nothing was written.

    `details`: `deployId`, `ref` and `startedBy` of that deploy, and `since` when it has had it, as RFC 3339.
    """

    code = "ENVIRONMENT_BUSY"
    http_status = 409

    def __init__(self, environment: str, deploy_id: str, ref: str, started_by: str, since: str) -> None:
        super().__init__(
            f"{environment} is in the hands of another deploy: {started_by} deploys {ref} there since {since}",
            deployId=deploy_id,
            ref=ref,
            startedBy=started_by,
            since=since,
        )


class NotPossibleNow(Refusal):
    """What an operator asks for cannot be done as the deploy stands. Nothing was written. `status`: the deploy's."""

    code = "NOT_POSSIBLE_NOW"
    http_status = 409

    def __init__(self, problem: str, status: str) -> None:
        super().__init__(problem, status=status)


class PipelineNotFound(Refusal):
    """No pipeline has this name."""

    code = "PIPELINE_NOT_FOUND"
    http_status = 422

    def __init__(self, known: Sequence[str]) -> None:
        names = ", ".join(known)
        super().__init__(f"there is no pipeline with this name; there are: {names}")


class AfterAhead(Refusal):
    """A viewer says it has seen entries that the log does not hold (a restored backup, say)."""

    code = "AFTER_AHEAD"
    http_status = 422

    def __init__(self, sequence: int) -> None:
        super().__init__(
            f"this deploy's log does not hold what was seen of it before; its newest audit entry is {sequence}",
            sequence=sequence,
        )


class Unauthenticated(Refusal):
    """Nothing proves who is calling. `claim`, where a token's claim is at fault: which one, never what was expected."""

    code = "UNAUTHENTICATED"
    http_status = 401

    def __init__(self, problem: str = "this needs a token; none was given", claim: str | None = None) -> None:
        super().__init__(problem, **({"claim": claim} if claim else {}))


class Forbidden(Refusal):
    """Who calls is known, and may not do this. `claim`, where a token's claim is at fault: which one."""

    code = "FORBIDDEN"
    http_status = 403

    def __init__(self, problem: str, claim: str | None = None) -> None:
        super().__init__(problem, **({"claim": claim} if claim else {}))


class CallbackRefusal(Refusal):
    """A callback for a deploy that exists, off the transition graph. It is recorded in the log.

    `details`: `from`, `to`, `allowed` (the statuses a report of this attempt could have asked
    for) and `attempt` (the one the deploy is in).
    """

    http_status = 422


class UnknownStatus(CallbackRefusal):
    """The deploy's pipeline has no status of this name."""

    code = "UNKNOWN_STATUS"

    def __init__(self, origin: str, target: str, allowed: Sequence[str], attempt: int) -> None:
        super().__init__(
            f"this deploy's pipeline has no status {target!r}; {_next(allowed)}",
            **{"from": origin, "to": target, "allowed": list(allowed), "attempt": attempt},
        )


class IllegalTransition(CallbackRefusal):
    """The graph has no such transition from where the deploy stands."""

    code = "ILLEGAL_TRANSITION"

    def __init__(self, origin: str, target: str, allowed: Sequence[str], attempt: int) -> None:
        super().__init__(
            f"the deploy is {origin!r} in attempt {attempt} and cannot become {target!r}; {_next(allowed)}",
            **{"from": origin, "to": target, "allowed": list(allowed), "attempt": attempt},
        )


class StaleAttempt(CallbackRefusal):
    """The report belongs to an attempt that a later one has replaced."""

    code = "STALE_ATTEMPT"

    def __init__(self, origin: str, target: str, attempt: int) -> None:
        super().__init__(
            f"the deploy is {origin!r} in attempt {attempt}; a report of an older attempt no longer counts",
            **{"from": origin, "to": target, "allowed": [], "attempt": attempt},
        )


class TooLarge(Refusal):
    """The request's body is larger than this server reads."""

    code = "TOO_LARGE"
    http_status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request is larger than {limit} bytes", limit=limit)


class HeadTooLarge(Refusal):
    """The request's head is larger than this server reads."""

    code = "HEAD_TOO_LARGE"
    http_status = 431

    def __init__(self, limit: int) -> None:
        super().__init__(f"the head of the request is larger than {limit} bytes", limit=limit)


class NotUnderstood(Refusal):
    """What came is not HTTP, or no handshake for a WebSocket."""

    code = "BAD_REQUEST"
    http_status = 400

    def __init__(self) -> None:
        super().__init__("this is no request that HTTP knows")


class OperationTooLarge(Refusal):
    """The document asks for more than one operation may. `limit`: what of, `most`: how much it may be."""

    code = "OPERATION_TOO_LARGE"
    http_status = 400

    def __init__(self, limit: str, most: int) -> None:
        super().__init__(f"the operation is too large: it may have at most {most} {limit}", limit=limit, most=most)


class IntrospectionDisabled(Refusal):
    """This server does not tell its schema. It is published with the program."""

    code = "INTROSPECTION_DISABLED"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("this server does not answer __schema and __type")


class RequestTimeout(Refusal):
    """The request did not arrive in time."""

    code = "REQUEST_TIMEOUT"
    http_status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the request did not arrive within {seconds:g} seconds")


class TooManyUnfinished(Refusal):
    """From this address there are as many requests whose bodies do not end as there may be."""

    code = "TOO_MANY_UNFINISHED"
    http_status = 429

    def __init__(self) -> None:
        super().__init__(
            "your address has as many unfinished requests as it may have; try again",
            retryAfterSeconds=RETRY_AFTER_SECONDS,
        )


class OperationTimeout(Refusal):
    """What an operation asks for could not be read in time. What a mutation was to write is written, unless another
    error says that it is not."""

    code = "TIMEOUT"
    http_status = 503

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"what was asked for could not be read within {seconds:g} seconds; ask for less, or try again",
            retryAfterSeconds=RETRY_AFTER_SECONDS,
        )


class TooManySubscriptions(Refusal):
    """The caller follows as many deploys as it may."""

    code = "TOO_MANY_SUBSCRIPTIONS"
    http_status = 429

    def __init__(self) -> None:
        super().__init__(
            "the caller has as many subscriptions as it may have; end one, or try again later",
            retryAfterSeconds=RETRY_AFTER_SECONDS,
        )


class RateLimited(Refusal):
    """There were too many of these lately. Nothing was written: send the same again after the wait."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, what: str, seconds: int) -> None:
        super().__init__(f"too many {what}; try again in {seconds} s", retryAfterSeconds=seconds)


class TooManySockets(Refusal):
    """There are as many open sockets and streams as there may be: of this caller, or, where nobody is known yet, of
    this address."""

    code = "TOO_MANY_SOCKETS"
    http_status = 429

    def __init__(self, whose: str) -> None:
        super().__init__(
            f"{whose} has as many sockets and streams as it may have; close one, or try again later",
            retryAfterSeconds=RETRY_AFTER_SECONDS,
        )


class TooManyConnections(Refusal):
    """This node has as many connections as it can hold: another node, or a later attempt, may be answered."""

    code = "TOO_MANY_CONNECTIONS"
    http_status = 503

    def __init__(self) -> None:
        super().__init__(
            "this server has as many connections as it can hold; try again",
            retryAfterSeconds=RETRY_AFTER_SECONDS,
        )


class Unavailable(Refusal):
    """The database, or the issuer of ID tokens, does not answer. Nothing is known to be written: send the same again
    later."""

    code = "UNAVAILABLE"
    http_status = 503

    def __init__(self, problem: str = "the database does not answer; try again later") -> None:
        super().__init__(problem, retryAfterSeconds=RETRY_AFTER_SECONDS)


class GitHubRefused(Refusal):
    """GitHub has said no, or does not let this server in: nothing was done. The text ends with GitHub's own reason."""

    code = "GITHUB_REFUSED"
    http_status = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"GitHub has not done it: {reason}")


class GitHubUnavailable(Refusal):
    """GitHub was not reached, or takes no more requests for now: nothing was done. Send the same again later."""

    code = "GITHUB_UNAVAILABLE"
    http_status = 503

    def __init__(self, reason: str, seconds: int = RETRY_AFTER_SECONDS) -> None:
        super().__init__(f"nothing was done: {reason}", retryAfterSeconds=seconds)


class GitHubUnclear(Refusal):
    """GitHub was asked for it, and whether it has done it is not known. It may have."""

    code = "GITHUB_UNCLEAR"
    http_status = 502

    def __init__(self, reason: str) -> None:
        super().__init__(f"it may have been done: {reason}")


class CallerNotLookedUp(Unavailable):
    """The database does not answer, so that it is not known who calls."""


class Fault(Refusal):
    """A fault of the server's, of which its log tells."""

    code = "INTERNAL_SERVER_ERROR"
    http_status = 500

    def __init__(self) -> None:
        super().__init__("something went wrong in the server; it is in its log")


class WrongVersion(Refusal):
    """A migration has made the database one that this node's version must not work on. Nothing was written: send the
    same again, and a node of a version that may will answer."""

    code = "WRONG_VERSION"
    http_status = 503

    def __init__(self) -> None:
        super().__init__(
            "the database was migrated, and this server's version cannot work on it; try again",
            retryAfterSeconds=RETRY_AFTER_SECONDS,
        )


class ServerStopping(Refusal):
    """This node is about to end and begins nothing any more: send the same again, and another node will answer."""

    code = "SERVER_STOPPING"
    http_status = 503

    def __init__(self) -> None:
        super().__init__("this server is stopping; try again", retryAfterSeconds=RETRY_AFTER_SECONDS)


def _next(allowed: Sequence[str]) -> str:
    return f"legal now: {', '.join(allowed)}" if allowed else "nothing is legal now"
