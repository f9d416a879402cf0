"""What an operation is counted as, and whether its caller has sent too many."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, FieldNode

from phaseline.context import Context
from phaseline.rates import Kind, who
from phaseline_schema.refusals import RateLimited

# What one read costs at most: a larger operation counts as so many more.
_READ = 1000

_WRITES = {
    "applyCallback": Kind.CALLBACKS,
    **dict.fromkeys(("startDeploy", "redeploy", "abandonDeploy", "cancelDeploy", "rerunFailedJobs"), Kind.STARTS),
}

# What could not even be parsed counts as a read.
UNPARSED: Mapping[Kind, int] = {Kind.READS: 1}


def refusal(context: Context, counted: Mapping[Kind, int]) -> RateLimited | None:
    """Count it; why it is too many, or None. Who proves nothing was counted before."""
    rates, identity, request = context.services.rates, context.identity, context.request
    assert request is not None
    for kind, times in counted.items() if identity.problem is None else ():
        found = rates.refusal(kind, who(identity, request), times)
        if found is not None:
            return found
    return None


def refusal_of_cost(context: Context, cost: int) -> RateLimited | None:
    """Of what may be executed, a large operation counts as several reads, by what it costs."""
    more = cost // _READ
    request = context.request
    assert request is not None
    return context.services.rates.refusal(Kind.READS, who(context.identity, request), more) if more else None


def counted(document: DocumentNode) -> Mapping[Kind, int]:
    """What the document does, as often as it does it; what writes nothing, as a read.

    All its operations together, at whatever depth, for it may not even be valid.
    """
    found: Counter[Kind] = Counter()
    nodes: list[Any] = list(document.definitions)
    while nodes:
        node = nodes.pop()
        if isinstance(node, FieldNode) and node.name.value in _WRITES:
            found[_WRITES[node.name.value]] += 1
        selections = getattr(node, "selection_set", None)
        nodes += selections.selections if selections else ()
    return found or {Kind.READS: 1}
