"""The transition graph of the `console` pipeline: the only file that knows its statuses by name."""

from phaseline_schema.pipeline import Outcome, Phase, PhaseState, Pipeline, Status, Transition
from phaseline_schema.records import Source

_ACTIVE = PhaseState.ACTIVE
_PASSED = PhaseState.PASSED

_PHASES = (
    Phase("smoke_gate", "Smoke gate"),
    Phase("freeze_check", "Freeze check"),
    Phase("deploy", "Deploy"),
    Phase("health_check", "Health check"),
)

_STATUSES = (
    Status("queued", "Queued"),
    Status("smoke_running", "Smoke gate running", "smoke_gate", asserts={"smoke_gate": _ACTIVE}),
    Status("smoke_passed", "Smoke gate passed", "smoke_gate", asserts={"smoke_gate": _PASSED}),
    Status("freeze_checking", "Checking for a freeze", "freeze_check", asserts={"freeze_check": _ACTIVE}),
    Status("freeze_passed", "Freeze check passed", "freeze_check", asserts={"freeze_check": _PASSED}),
    Status("building", "Building", "deploy", asserts={"deploy": _ACTIVE}),
    Status("deploying", "Deploying", "deploy", asserts={"deploy": _ACTIVE}),
    Status("health_checking", "Checking health", "health_check", asserts={"deploy": _PASSED, "health_check": _ACTIVE}),
    Status("succeeded", "Succeeded", outcome=Outcome.SUCCEEDED),
    Status("failed", "Failed", outcome=Outcome.FAILED),
    Status("cancelled", "Cancelled", outcome=Outcome.CANCELLED),
    Status("abandoned", "Abandoned", outcome=Outcome.ABANDONED),
)

# Reasons that several rows share.
_LOST = "a lost or refused gate callback must not wedge the deploy"
_RERUN = "a re-run starts where the earlier attempt failed or was cancelled"
_FAILS = "a run can fail at any point"
_CANCELS = "a run can be cancelled at any point"
_UNTOLD = "the run has succeeded, and the callbacks between were lost"
_UNTOLD_RERUN = "a re-run has ended, and its callbacks were lost"
_ABANDONS = "nobody will report on it any more, as a person says"

_TRANSITIONS = (
    Transition("queued", "smoke_running", "the first report of a run"),
    Transition("queued", "smoke_passed", _LOST),
    Transition("queued", "freeze_checking", _LOST),
    Transition("queued", "freeze_passed", _LOST),
    Transition("queued", "building", "workflows that report no gates begin here"),
    Transition("queued", "succeeded", _UNTOLD, reported_by=Source.GITHUB),
    Transition("queued", "failed", _FAILS),
    Transition("queued", "cancelled", _CANCELS),
    Transition("queued", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("smoke_running", "smoke_passed", "the smoke gate passes"),
    Transition("smoke_running", "freeze_checking", _LOST),
    Transition("smoke_running", "freeze_passed", _LOST),
    Transition("smoke_running", "building", _LOST),
    Transition("smoke_running", "succeeded", _UNTOLD, reported_by=Source.GITHUB),
    Transition("smoke_running", "failed", _FAILS),
    Transition("smoke_running", "cancelled", _CANCELS),
    Transition("smoke_running", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("smoke_passed", "freeze_checking", "the freeze check begins"),
    Transition("smoke_passed", "freeze_passed", _LOST),
    Transition("smoke_passed", "building", _LOST),
    Transition("smoke_passed", "succeeded", _UNTOLD, reported_by=Source.GITHUB),
    Transition("smoke_passed", "failed", _FAILS),
    Transition("smoke_passed", "cancelled", _CANCELS),
    Transition("smoke_passed", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("freeze_checking", "freeze_passed", "the freeze check passes"),
    Transition("freeze_checking", "building", _LOST),
    Transition("freeze_checking", "succeeded", _UNTOLD, reported_by=Source.GITHUB),
    Transition("freeze_checking", "failed", _FAILS),
    Transition("freeze_checking", "cancelled", _CANCELS),
    Transition("freeze_checking", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("freeze_passed", "building", "the gates are open and the deploy begins"),
    Transition("freeze_passed", "succeeded", _UNTOLD, reported_by=Source.GITHUB),
    Transition("freeze_passed", "failed", _FAILS),
    Transition("freeze_passed", "cancelled", _CANCELS),
    Transition("freeze_passed", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("building", "deploying", "what was built is being rolled out"),
    Transition("building", "succeeded", _UNTOLD, reported_by=Source.GITHUB),
    Transition("building", "failed", _FAILS),
    Transition("building", "cancelled", _CANCELS),
    Transition("building", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("deploying", "health_checking", "the roll-out is done and its health is checked"),
    Transition("deploying", "succeeded", "workflows without a health check end here"),
    Transition("deploying", "failed", _FAILS),
    Transition("deploying", "cancelled", _CANCELS),
    Transition("deploying", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("health_checking", "succeeded", "the health check passes"),
    Transition("health_checking", "failed", _FAILS),
    Transition("health_checking", "cancelled", _CANCELS),
    Transition("health_checking", "abandoned", _ABANDONS, reported_by=Source.OPERATOR),
    Transition("failed", "smoke_running", _RERUN, new_attempt=True),
    Transition("failed", "smoke_passed", _LOST, new_attempt=True),
    Transition("failed", "freeze_checking", _RERUN, new_attempt=True),
    Transition("failed", "freeze_passed", _LOST, new_attempt=True),
    Transition("failed", "building", _RERUN, new_attempt=True),
    Transition("failed", "health_checking", _RERUN, new_attempt=True),
    Transition("failed", "succeeded", _UNTOLD_RERUN, new_attempt=True, reported_by=Source.GITHUB),
    Transition("failed", "failed", _UNTOLD_RERUN, new_attempt=True, reported_by=Source.GITHUB),
    Transition("failed", "cancelled", _UNTOLD_RERUN, new_attempt=True, reported_by=Source.GITHUB),
    Transition("cancelled", "smoke_running", _RERUN, new_attempt=True),
    Transition("cancelled", "smoke_passed", _LOST, new_attempt=True),
    Transition("cancelled", "freeze_checking", _RERUN, new_attempt=True),
    Transition("cancelled", "freeze_passed", _LOST, new_attempt=True),
    Transition("cancelled", "building", _RERUN, new_attempt=True),
    Transition("cancelled", "health_checking", _RERUN, new_attempt=True),
    Transition("cancelled", "succeeded", _UNTOLD_RERUN, new_attempt=True, reported_by=Source.GITHUB),
    Transition("cancelled", "failed", _UNTOLD_RERUN, new_attempt=True, reported_by=Source.GITHUB),
    Transition("cancelled", "cancelled", _UNTOLD_RERUN, new_attempt=True, reported_by=Source.GITHUB),
)

CONSOLE = Pipeline(name="console", start="queued", phases=_PHASES, statuses=_STATUSES, transitions=_TRANSITIONS)
