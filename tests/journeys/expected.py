"""What a viewer has to see at each status, written from the decision record and apart from the code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """One status: the states of Smoke gate, Freeze check, Deploy and Health check, and what is announced."""

    status: str
    states: str
    pill: str
    announced: str


GOES_WELL = (
    Expected(
        "smoke_running",
        "ACTIVE PENDING PENDING PENDING",
        "Smoke gate running",
        "Smoke gate: Active. Status: Smoke gate running.",
    ),
    Expected(
        "smoke_passed",
        "PASSED PENDING PENDING PENDING",
        "Smoke gate passed",
        "Smoke gate: Passed. Status: Smoke gate passed.",
    ),
    Expected(
        "freeze_checking",
        "PASSED ACTIVE PENDING PENDING",
        "Checking for a freeze",
        "Freeze check: Active. Status: Checking for a freeze.",
    ),
    Expected(
        "freeze_passed",
        "PASSED PASSED PENDING PENDING",
        "Freeze check passed",
        "Freeze check: Passed. Status: Freeze check passed.",
    ),
    Expected("building", "PASSED PASSED ACTIVE PENDING", "Building", "Deploy: Active. Status: Building."),
    Expected("deploying", "PASSED PASSED ACTIVE PENDING", "Deploying", "Status: Deploying."),
    Expected(
        "health_checking",
        "PASSED PASSED PASSED ACTIVE",
        "Checking health",
        "Deploy: Passed. Health check: Active. Status: Checking health.",
    ),
    Expected("succeeded", "PASSED PASSED PASSED PASSED", "Succeeded", "Health check: Passed. Status: Succeeded."),
)
LABELS = ["Smoke gate", "Freeze check", "Deploy", "Health check"]
EIGHT = tuple(expected.status for expected in GOES_WELL)
STARTED = ("DEPLOY_STARTED", "queued")
WORDS = {
    "PENDING": "Pending",
    "ACTIVE": "Active",
    "PASSED": "Passed",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
    "NOT_REPORTED": "Not reported",
}
