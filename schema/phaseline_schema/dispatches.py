"""Asking GitHub for the run of a deploy: for what, and what has become of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DispatchState(StrEnum):
    """What has become of asking GitHub for a deploy's run.

    WAITING: the deploy waits for its environment. PENDING: it is to be asked. SENDING: it is being asked. SENT: the run
    was begun. UNCLEAR: it was asked, and whether the run was begun is not known. REFUSED: GitHub will not begin it.
    WITHDRAWN: the deploy has ended before anything was sent.
    """

    WAITING = "waiting"
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNCLEAR = "unclear"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


# Those in which nothing has been sent, so that the console itself knows that no run was begun.
UNSENT = (DispatchState.WAITING, DispatchState.PENDING)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What GitHub is to be asked for: a run of this workflow file of this repository, OWNER/NAME, as it is at this
    whole ref."""

    repository: str
    workflow: str
    ref: str


@dataclass(frozen=True, slots=True)
class DispatchRecord:
    """A row of `dispatches`. `run_id`: None while GitHub has not told which run it is. `reason`: why it stands as it
    does, where there is something to tell. `updated_at`: since when."""

    deploy_id: str
    state: DispatchState
    repository: str
    workflow: str
    ref: str
    run_id: str | None
    reason: str | None
    updated_at: datetime
