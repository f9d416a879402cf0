"""A run, status by status: each callback is let in when the one before it has been found on the screen."""

from collections.abc import Sequence

from tests.journeys.door import Door
from tests.journeys.modal import Modal, Shown

# A status, and what the four steps are then.
Steps = Sequence[tuple[str, str]]

TO_DEPLOYING: Steps = (
    ("smoke_running", "ACTIVE PENDING PENDING PENDING"),
    ("smoke_passed", "PASSED PENDING PENDING PENDING"),
    ("freeze_checking", "PASSED ACTIVE PENDING PENDING"),
    ("freeze_passed", "PASSED PASSED PENDING PENDING"),
    ("building", "PASSED PASSED ACTIVE PENDING"),
    ("deploying", "PASSED PASSED ACTIVE PENDING"),
)
TO_HEALTH_CHECKING: Steps = (*TO_DEPLOYING, ("health_checking", "PASSED PASSED PASSED ACTIVE"))


async def walk(door: Door, modal: Modal, steps: Steps, *, after: int = 1) -> Shown:
    """Let these statuses in, the first becoming entry `after` + 1, hold each to its steps, and return the last."""
    shown = await modal.read()
    for sequence, (status, states) in enumerate(steps, start=after + 1):
        await door.let_in(status)
        shown = await modal.at(status, sequence)
        assert (status, shown.states) == (status, states)
        assert shown.position == f"entry {sequence} of {sequence}"
    return shown
