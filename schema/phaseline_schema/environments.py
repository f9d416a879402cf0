"""What there is to say of environments, whoever says it."""

from enum import StrEnum


class WhenBusy(StrEnum):
    """What becomes of a start while another deploy to the environment is in progress."""

    REFUSE = "refuse"
    WAIT = "wait"
