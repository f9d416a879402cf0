"""Gives every error a code, and keeps the inside of the server out of its text."""

import re

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from phaseline import faults
from phaseline.store import is_unavailable
from phaseline_schema.refusals import Fault, OperationTooLarge, Refusal, Unavailable

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"

# What Strawberry raises for an operation that it does not begin.
_NOT_TO_BE_HAD = (CannotGetOperationTypeError, InvalidOperationTypeError, MissingQueryError)

# The parser's own limits are told apart from other syntax errors by nothing else.
_EXCESS = re.compile(r"contains more than (\d+) (tokens|code points)")
_UNITS = {"tokens": "tokens", "code points": "characters"}


def coded(error: GraphQLError, *, began: bool) -> GraphQLError:
    """The error with a code; one that was never meant for callers is logged and replaced.

    `began`: the operation had begun, so that a fault of the caller's lies in its values and not in the document.
    """
    if error.extensions and "code" in error.extensions:
        return error
    if isinstance(error, GraphQLSyntaxError):
        excess = _EXCESS.search(error.message)
        return told(OperationTooLarge(_UNITS[excess[2]], int(excess[1]))) if excess else _with(error, PARSE_FAILED)
    cause = error.original_error
    if cause is None or _is_the_callers(error):
        return _with(error, BAD_USER_INPUT if began else VALIDATION_FAILED)
    refusal = faults.told(cause, path=error.path)
    return GraphQLError(
        refusal.message, nodes=error.nodes, path=error.path, original_error=refusal, extensions=refusal.extensions
    )


def told(refusal: Refusal) -> GraphQLError:
    """The refusal as an error of an operation that is not begun."""
    return GraphQLError(refusal.message, original_error=refusal, extensions=refusal.extensions)


def code_of(error: Exception) -> str:
    """The code that a caller is answered with where this was raised."""
    if isinstance(error, Refusal):
        return error.code
    return Unavailable.code if is_unavailable(error) else Fault.code


def _is_the_callers(error: GraphQLError) -> bool:
    """Whether the operation is at fault: it cannot be had, or a value in it is not of its type.

    What a resolver raised has a path; what a subscription raised between two events has neither that nor nodes.
    """
    return isinstance(error.original_error, _NOT_TO_BE_HAD) or (not error.path and bool(error.nodes))


def _with(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code}
    return error
