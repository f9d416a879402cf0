"""What is asked of every operation before anything of it is executed: what costs least, first."""

import json
import sys
from typing import Any

from graphql import GraphQLError

from phaseline.context import Context
from phaseline.operations import rates, rights
from phaseline.operations.documents import Document, Operation
from phaseline.operations.errors import told
from phaseline_schema.refusals import OperationTooLarge

# Each is kept for as long as its operation goes on, which of a subscription may be for days. In characters.
_VARIABLES = 20_000
_SUBSCRIPTION = 10_000


def of_document(
    document: Document, operation: Operation | None, variables: dict[str, Any], context: Context
) -> list[GraphQLError]:
    """Why the operation is not to be had, as far as that can be said before it is certain who calls.

    It is counted first: to validate it costs more than anything before. What nobody asked for is taken out of
    `variables`, here and wherever the same object is held.
    """
    too_many = rates.refusal(context, document.counted)
    if too_many is not None:
        return [told(too_many)]
    for name in set(variables) - (operation.variables if operation else frozenset()):
        del variables[name]
    # What helps with a wrong name also helps to guess the right ones.
    helps = context.services.introspection and context.identity.problem is None
    problems = _lasting(document, operation, variables) or document.problems(hide_suggestions=not helps)
    if not problems and operation is None:  # Strawberry would take the first one
        return [GraphQLError("the document has several operations: name one")]
    return problems


def of_subscription(
    document: Document, name: str | None, variables: dict[str, Any], context: Context
) -> list[GraphQLError]:
    """Why this caller may not have a subscription that others have."""
    operation = document.operation(name)
    assert operation is not None
    return of_document(document, operation, variables, context) or of_caller(operation, context)


def of_caller(operation: Operation, context: Context) -> list[GraphQLError]:
    """Why this caller may not have this operation of a valid document."""
    introspection = context.services.introspection
    refusal = rights.refusal(operation.fields, context.identity, introspection=introspection)
    refusal = refusal or rates.refusal_of_cost(context, operation.cost)
    return [] if refusal is None else [told(refusal)]


def _lasting(document: Document, operation: Operation | None, variables: object) -> list[GraphQLError]:
    """What is too large of that which is kept beside the document."""
    follows = operation is not None and operation.follows
    sizes = (
        ("characters in its variables", _length(variables) if variables else 0, _VARIABLES),
        ("characters in a subscription", len(document.text) if follows else 0, _SUBSCRIPTION),
    )
    return [told(OperationTooLarge(name, most)) for name, size, most in sizes if size > most]


def _length(variables: object) -> int:
    """In characters, as JSON."""
    try:
        return len(json.dumps(variables, ensure_ascii=False))
    except RecursionError:
        return sys.maxsize
