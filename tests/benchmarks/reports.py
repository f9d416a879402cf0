"""What workflows report: the whole walk of a deploy, and again in each further attempt."""

from collections.abc import Iterator
from itertools import count

# It fails at the end, so that another attempt may follow: one deploy takes any number of callbacks.
WALK = (
    "smoke_running",
    "smoke_passed",
    "freeze_checking",
    "freeze_passed",
    "building",
    "deploying",
    "health_checking",
    "failed",
)

# As the action notify-deploy-status sends it.
REPORT = (
    "mutation Report($input: CallbackInput!) "
    "{ applyCallback(input: $input) { duplicate entry { sequence } deploy { status { key } } } }"
)
START = "mutation ($input: StartDeployInput!) { startDeploy(input: $input) { id } }"


def reports() -> Iterator[tuple[int, str]]:
    """Attempt and status of one callback after the other, without end."""
    for attempt in count(1):
        for status in WALK:
            yield attempt, status
