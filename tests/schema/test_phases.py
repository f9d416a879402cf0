"""The fold: what a deploy's phases are said to be after its log."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaseline_schema.phases import PhaseStanding, RequestStanding, RunStanding, Standing, advance, fold
from phaseline_schema.pipeline import Outcome, PhaseState, Pipeline
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.pipelines.console import CONSOLE
from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord, Source
from tests.support import model

BEGINNING = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def _at(sequence: int) -> datetime:
    """When the entry with this sequence was recorded."""
    return BEGINNING + timedelta(minutes=sequence)


def _deploy(pipeline: Pipeline = CONSOLE) -> DeployRecord:
    return DeployRecord(
        id="d",
        environment="production",
        ref="main",
        pipeline=pipeline.name,
        status=pipeline.start,
        attempt=1,
        sequence=1,
        started_by="anonymous",
        started_at=_at(1),
        updated_at=_at(1),
        finished_at=None,
        run_url=None,
    )


def _entry(sequence: int, kind: AuditKind, attempt: int, status: str, source: Source | None = None) -> EntryRecord:
    return EntryRecord(
        id=sequence,
        deploy_id="d",
        sequence=sequence,
        kind=kind,
        pipeline="console",
        environment="production",
        from_status=None if kind is AuditKind.DEPLOY_STARTED else "queued",
        to_status=status,
        attempt=attempt,
        actor="anonymous",
        refusal="ILLEGAL_TRANSITION" if kind is AuditKind.CALLBACK_REFUSED else None,
        message=None,
        run_id=None,
        run_url=None,
        recorded_at=_at(sequence),
        source=source,
    )


# Who says so, where it is no callback: told by the first letter.
_SIGNS = {"@": Source.GITHUB, "%": Source.OPERATOR}


def _log(reports: list[model.Report], pipeline: Pipeline = CONSOLE) -> list[EntryRecord]:
    """A log in which the reports begin at sequence 2. A status that begins with ! is a refusal, with @ what GitHub
    says, with % what an operator does."""
    entries = [_entry(1, AuditKind.DEPLOY_STARTED, 1, pipeline.start)]
    for sequence, (attempt, status) in enumerate(reports, start=2):
        refused = status.startswith("!")
        kind = AuditKind.CALLBACK_REFUSED if refused else AuditKind.TRANSITION
        entries.append(_entry(sequence, kind, attempt, status.lstrip("!@%"), _SIGNS.get(status[0])))
    return entries


def _plainly(reports: list[model.Report]) -> tuple[list[model.Report], set[int]]:
    """What was accepted, without signs; and the attempts whose end no callback told."""
    accepted = [(attempt, status) for attempt, status in reports if status[0] != "!"]
    return [(attempt, status.lstrip("@%")) for attempt, status in accepted], {
        attempt for attempt, status in accepted if status[0] in _SIGNS
    }


def _reports(text: str) -> list[model.Report]:
    """`building failed | building`: the bar begins the next attempt."""
    return [(attempt, status) for attempt, part in enumerate(text.split("|"), start=1) for status in part.split()]


SMOKE = "smoke_running smoke_passed "
FREEZE = "freeze_checking freeze_passed "
TO_DEPLOY = SMOKE + FREEZE + "building deploying "

# A report's sequence is its place in the text, counted from 2. A phase is told as its state, then
# its attempt and the sequences that began and finished it; - stands for nothing.
HISTORIES = {
    "nothing reported": ("", "PENDING", "PENDING", "PENDING", "PENDING"),
    "in the smoke gate": ("smoke_running", "ACTIVE 1 2 -", "PENDING", "PENDING", "PENDING"),
    "between the gates": (SMOKE, "PASSED 1 2 3", "PENDING", "PENDING", "PENDING"),
    "building": (
        SMOKE + FREEZE + "building",
        *("PASSED 1 2 3", "PASSED 1 4 5", "ACTIVE 1 6 -", "PENDING"),
    ),
    "deploying, active since building": (
        TO_DEPLOY,
        *("PASSED 1 2 3", "PASSED 1 4 5", "ACTIVE 1 6 -", "PENDING"),
    ),
    "checking health": (
        TO_DEPLOY + "health_checking",
        *("PASSED 1 2 3", "PASSED 1 4 5", "PASSED 1 6 8", "ACTIVE 1 8 -"),
    ),
    "full success": (
        TO_DEPLOY + "health_checking succeeded",
        *("PASSED 1 2 3", "PASSED 1 4 5", "PASSED 1 6 8", "PASSED 1 8 9"),
    ),
    "an older workflow": (
        "building deploying succeeded",
        *("NOT_REPORTED", "NOT_REPORTED", "PASSED 1 2 4", "NOT_REPORTED"),
    ),
    "an older workflow that fails": (
        "building failed",
        *("NOT_REPORTED", "NOT_REPORTED", "FAILED 1 2 3", "NOT_REPORTED"),
    ),
    "the smoke gate fails": (
        "smoke_running failed",
        *("FAILED 1 2 3", "NOT_REPORTED", "NOT_REPORTED", "NOT_REPORTED"),
    ),
    "the freeze check fails": (
        SMOKE + "freeze_checking failed",
        *("PASSED 1 2 3", "FAILED 1 4 5", "NOT_REPORTED", "NOT_REPORTED"),
    ),
    "a failure between two phases is no phase's": (
        SMOKE + "failed",
        *("PASSED 1 2 3", "NOT_REPORTED", "NOT_REPORTED", "NOT_REPORTED"),
    ),
    "failed before anything was reported": ("failed", *["NOT_REPORTED"] * 4),
    "the end of the smoke gate is lost": (
        "smoke_running freeze_checking",
        *("NOT_REPORTED 1 2 -", "ACTIVE 1 3 -", "PENDING", "PENDING"),
    ),
    "the beginning of the smoke gate is lost": (
        "smoke_passed",
        *("PASSED 1 - 2", "PENDING", "PENDING", "PENDING"),
    ),
    "the whole smoke gate is lost": (
        "freeze_passed",
        *("NOT_REPORTED", "PASSED 1 - 2", "PENDING", "PENDING"),
    ),
    "cancelled while deploying": (
        TO_DEPLOY + "cancelled",
        *("PASSED 1 2 3", "PASSED 1 4 5", "CANCELLED 1 6 8", "NOT_REPORTED"),
    ),
    "cancelled before it began": ("cancelled", *["NOT_REPORTED"] * 4),
    "the health check fails": (
        TO_DEPLOY + "health_checking failed",
        *("PASSED 1 2 3", "PASSED 1 4 5", "PASSED 1 6 8", "FAILED 1 8 9"),
    ),
    "a re-run of failed jobs keeps what has passed": (
        SMOKE + FREEZE + "building failed | building",
        *("PASSED 1 2 3", "PASSED 1 4 5", "ACTIVE 2 8 -", "PENDING"),
    ),
    "a re-run of failed jobs that succeeds": (
        SMOKE + FREEZE + "building failed | building deploying health_checking succeeded",
        *("PASSED 1 2 3", "PASSED 1 4 5", "PASSED 2 8 10", "PASSED 2 10 11"),
    ),
    "a re-run of everything begins each phase anew as it is reported": (
        SMOKE + "freeze_checking failed | smoke_running",
        *("ACTIVE 2 6 -", "PENDING", "PENDING", "PENDING"),
    ),
    "a re-run of everything, to the end": (
        TO_DEPLOY + "health_checking failed |" + TO_DEPLOY + "health_checking succeeded",
        *("PASSED 2 10 11", "PASSED 2 12 13", "PASSED 2 14 16", "PASSED 2 16 17"),
    ),
    "what passes again, and does not say when it began": (
        SMOKE + "failed | smoke_passed",
        *("PASSED 2 - 5", "PENDING", "PENDING", "PENDING"),
    ),
    "a re-run after gates that were never reported": (
        "building failed | building",
        *("NOT_REPORTED", "NOT_REPORTED", "ACTIVE 2 4 -", "PENDING"),
    ),
    "a re-run whose gates are reported this time": (
        "building failed | freeze_checking",
        *("NOT_REPORTED", "ACTIVE 2 4 -", "PENDING", "PENDING"),
    ),
    "a re-run of the health check alone": (
        TO_DEPLOY + "health_checking failed | health_checking",
        *("PASSED 1 2 3", "PASSED 1 4 5", "PASSED 1 6 8", "ACTIVE 2 10 -"),
    ),
    "a re-run of the health check after a deploy that had failed": (
        "building failed | health_checking",
        *("NOT_REPORTED", "NOT_REPORTED", "PASSED 2 - 4", "ACTIVE 2 4 -"),
    ),
    "a third attempt still knows what the first has passed": (
        SMOKE + "failed | freeze_checking cancelled | freeze_passed",
        *("PASSED 1 2 3", "PASSED 3 - 7", "PENDING", "PENDING"),
    ),
    "what failed again is no longer passed": (
        SMOKE + "failed | smoke_running failed | building",
        *("NOT_REPORTED", "NOT_REPORTED", "ACTIVE 3 7 -", "PENDING"),
    ),
    "a re-run takes over where no end was reported": (
        "building || deploying",
        *("NOT_REPORTED", "NOT_REPORTED", "ACTIVE 3 3 -", "PENDING"),
    ),
    "GitHub tells that the run has failed": (
        SMOKE + "freeze_checking @failed",
        *("PASSED 1 2 3", "NOT_REPORTED 1 4 -", "NOT_REPORTED", "NOT_REPORTED"),
    ),
    "GitHub tells that the run has succeeded": (
        TO_DEPLOY + "@succeeded",
        *("PASSED 1 2 3", "PASSED 1 4 5", "NOT_REPORTED 1 6 -", "NOT_REPORTED"),
    ),
    "GitHub tells of a run that reported nothing": ("@succeeded", *["NOT_REPORTED"] * 4),
    "an operator abandons what nobody reports on": (
        SMOKE + FREEZE + "building %abandoned",
        *("PASSED 1 2 3", "PASSED 1 4 5", "NOT_REPORTED 1 6 -", "NOT_REPORTED"),
    ),
    "a re-run after an end that GitHub told": (
        SMOKE + FREEZE + "building @cancelled | building deploying succeeded",
        *("PASSED 1 2 3", "PASSED 1 4 5", "PASSED 2 8 10", "NOT_REPORTED"),
    ),
    "two attempts of which only the ends are known": ("@failed | @succeeded", *["NOT_REPORTED"] * 4),
    "a re-run that fails says nothing of what the attempt before had begun": (
        "building | failed",
        *("NOT_REPORTED", "NOT_REPORTED", "NOT_REPORTED 1 2 -", "NOT_REPORTED"),
    ),
}


def _standing(told: str) -> PhaseStanding:
    state, *numbers = told.split()
    if not numbers:
        return PhaseStanding(PhaseState(state))
    attempt, began, finished = numbers
    return PhaseStanding(
        PhaseState(state),
        int(attempt),
        None if began == "-" else _at(int(began)),
        None if finished == "-" else _at(int(finished)),
    )


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
def test_each_history_says_what_it_says_of_each_phase(history: tuple[str, ...]) -> None:
    text, *told = history
    reports = _reports(text)
    phases = fold(CONSOLE, _deploy(), _log(reports)).phases
    assert phases == dict(zip(model.PHASES, map(_standing, told), strict=True))
    # The same table holds the model that the tests of the API use.
    assert model.phases(*_plainly(reports)) == {
        key: model.PhaseTold(phase.state.value, phase.attempt) for key, phase in phases.items()
    }
    assert _times(reports) == {key: (phase.started_at, phase.finished_at) for key, phase in phases.items()}


def _times(reports: list[model.Report]) -> dict[str, tuple[datetime | None, ...]]:
    """When each phase began and ended, by the model, which looks at the whole and not at refusals."""
    sequences = [sequence for sequence, report in enumerate(reports, start=2) if report[1][0] != "!"]
    return {
        key: tuple(None if place is None else _at(sequences[place]) for place in places)
        for key, places in model.times(*_plainly(reports)).items()
    }


@st.composite
def _histories(draw: st.DrawFn, pipeline: Pipeline = CONSOLE) -> list[model.Report]:
    """Any walk along the graph, with refusals strewn in and attempts that may rise at any step."""
    status, attempt = pipeline.start, 1
    reports: list[model.Report] = []
    for _ in range(draw(st.integers(0, 24))):
        if draw(st.integers(0, 4)) == 0:
            reports.append((draw(st.integers(1, 5)), "!" + draw(st.sampled_from(model.STATUSES))))
        sign = draw(st.sampled_from(["", "", "", "@", "%"]))
        targets = pipeline.following(status, _SIGNS.get(sign, Source.CALLBACK))
        if not targets:
            break
        target = draw(st.sampled_from(targets))
        higher = pipeline.edges[status, target].new_attempt or draw(st.integers(0, 9)) == 0
        status, attempt = target, attempt + (draw(st.integers(1, 3)) if higher else 0)
        is_end = pipeline.by_key[target].outcome is not Outcome.IN_PROGRESS
        reports.append((attempt, f"{sign if is_end else ''}{status}"))
    return reports


def _standings(pipeline: Pipeline, log: list[EntryRecord]) -> Iterator[Standing]:
    standing = fold(pipeline, _deploy(pipeline), log[:1])
    yield standing
    for entry in log[1:]:
        standing = advance(pipeline, standing, entry)
        yield standing


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES.keys())
@given(data=st.data())
def test_what_the_phases_may_never_say(pipeline: Pipeline, data: st.DataObject) -> None:
    log = _log(data.draw(_histories(pipeline)), pipeline)
    asserted: set[str] = set()
    before: set[str] = set()
    for entry, standing in zip(log, _standings(pipeline, log), strict=True):
        states = {key: phase.state for key, phase in standing.phases.items()}
        active = {key for key, state in states.items() if state is PhaseState.ACTIVE}
        ended = pipeline.by_key[standing.deploy.status].outcome
        assert len(active) <= 1
        if ended is not Outcome.IN_PROGRESS:
            assert not active
            assert PhaseState.PENDING not in states.values()
        if entry.accepted:
            status = pipeline.by_key[entry.to_status]
            asserted |= {key for key, state in status.asserts.items() if state is PhaseState.PASSED}
            if ended is Outcome.SUCCEEDED and entry.source is None:
                asserted |= before  # an end says of the phase that was active how it ended
            before = active
        assert {key for key, state in states.items() if state is PhaseState.PASSED} <= asserted
        for phase in standing.phases.values():
            assert (phase.finished_at is not None) == (
                phase.state in (PhaseState.PASSED, PhaseState.FAILED, PhaseState.CANCELLED)
            )
            assert phase.attempt is None or phase.attempt <= standing.deploy.attempt


@given(_histories())
def test_entry_by_entry_and_all_at_once_come_to_the_same(reports: list[model.Report]) -> None:
    log = _log(reports)
    *_, last = _standings(CONSOLE, log)
    assert last == fold(CONSOLE, _deploy(), log)
    accepted = [entry for entry in log if entry.accepted]
    assert fold(CONSOLE, _deploy(), accepted).phases == last.phases


@given(_histories())
def test_the_fold_agrees_with_the_model_that_looks_at_the_whole(
    reports: list[model.Report],
) -> None:
    phases = fold(CONSOLE, _deploy(), _log(reports)).phases
    told = model.phases(*_plainly(reports))
    assert {key: model.PhaseTold(phase.state, phase.attempt) for key, phase in phases.items()} == told
    assert {key: (phase.started_at, phase.finished_at) for key, phase in phases.items()} == _times(reports)


@given(_histories(), st.integers(1, 9), st.sampled_from(model.STATUSES))
def test_a_refusal_moves_nothing_but_the_sequence(reports: list[model.Report], attempt: int, status: str) -> None:
    before, after = (
        fold(CONSOLE, _deploy(), _log(history)) for history in (reports, [*reports, (attempt, f"!{status}")])
    )
    assert after.phases == before.phases
    assert after.deploy.sequence == before.deploy.sequence + 1
    unmoved = ("status", "attempt", "updated_at", "finished_at", "run_url")
    assert all(getattr(after.deploy, name) == getattr(before.deploy, name) for name in unmoved)


def _account(sequence: int, attempt: int, status: str, page: str | None) -> EntryRecord:
    entry = _entry(sequence, AuditKind.RUN_REPORTED, attempt, "queued", Source.GITHUB)
    return replace(entry, run_id="17", run_status=status, run_url=page)


@given(_histories(), st.integers(1, 9), st.sampled_from([None, "https://ci.example/1"]))
def test_what_github_says_of_a_run_moves_nothing_but_its_page(
    reports: list[model.Report], attempt: int, page: str | None
) -> None:
    log = _log(reports)
    before = fold(CONSOLE, _deploy(), log)
    after = advance(CONSOLE, before, _account(len(log) + 1, attempt, "waiting", page))
    own = page if attempt == before.deploy.attempt else None
    assert after.phases == before.phases
    assert after.deploy == replace(before.deploy, sequence=len(log) + 1, run_url=own)
    assert after.run == RunStanding("17", page, attempt, "waiting", None, _at(len(log) + 1))


def test_of_two_attempts_of_a_run_the_later_one_is_told() -> None:
    standing = fold(CONSOLE, _deploy(), _log(_reports("building failed")))
    assert standing.run is None
    for sequence, attempt, status, told in (
        (4, 1, "completed", 1),
        (5, 2, "queued", 2),
        (6, 1, "x", 2),
        (7, 2, "y", 2),
    ):
        standing = advance(CONSOLE, standing, _account(sequence, attempt, status, None))
        assert standing.run is not None
        assert standing.run.attempt == told
    assert standing.run is not None
    assert standing.run.status == "y"


def test_an_end_that_github_tells_says_how_the_run_has_ended() -> None:
    entry = replace(_log([(1, "@failed")])[1], run_id="17", run_status="completed", run_conclusion="timed_out")
    standing = fold(CONSOLE, _deploy(), [*_log([]), entry])
    assert standing.run == RunStanding("17", None, 1, "completed", "timed_out", _at(2))


def _asked(sequence: int, kind: AuditKind, attempt: int, status: str, why: str) -> EntryRecord:
    """What an operator has asked GitHub for, or what has become of that."""
    source = Source.CONSOLE if kind is AuditKind.REQUEST_FAILED else Source.OPERATOR
    return replace(_entry(sequence, kind, attempt, status, source), actor="token:ann", message=why)


def test_what_an_operator_has_asked_for_is_told_until_the_deploy_ends_or_begins_anew() -> None:
    log = _log(_reports("building"))
    cancel = _asked(3, AuditKind.CANCEL_REQUESTED, 1, "building", "the wrong ref")
    open_ = RequestStanding(AuditKind.CANCEL_REQUESTED, "token:ann", "the wrong ref", _at(3))
    asked = fold(CONSOLE, _deploy(), [*log, cancel])
    assert fold(CONSOLE, _deploy(), log).request is None
    assert asked.request == open_
    # It goes on meanwhile, and what is refused or told of its run changes nothing of what was asked for.
    for entry in (
        _entry(4, AuditKind.TRANSITION, 1, "deploying"),
        _entry(4, AuditKind.CALLBACK_REFUSED, 1, "queued"),
        _account(4, 1, "in_progress", None),
    ):
        assert advance(CONSOLE, asked, entry).request == open_
    for end in ("cancelled", "failed"):
        for source in (Source.CALLBACK, Source.GITHUB):
            ended = advance(CONSOLE, asked, _entry(4, AuditKind.TRANSITION, 1, end, source))
            assert ended.request is None
    rerun = advance(CONSOLE, ended, _asked(5, AuditKind.RERUN_REQUESTED, 1, "failed", "a flaky gate"))
    assert rerun.request == RequestStanding(AuditKind.RERUN_REQUESTED, "token:ann", "a flaky gate", _at(5))
    assert advance(CONSOLE, rerun, _entry(6, AuditKind.TRANSITION, 2, "building")).request is None
    assert advance(CONSOLE, rerun, _entry(6, AuditKind.TRANSITION, 2, "failed", Source.GITHUB)).request is None


def test_a_request_that_has_failed_says_why_until_another_is_made() -> None:
    log = _log(_reports("building"))
    failed = _asked(4, AuditKind.REQUEST_FAILED, 1, "building", "GitHub was not reached")
    assert fold(CONSOLE, _deploy(), [*log, replace(failed, sequence=3)]).request is None
    cancel = _asked(3, AuditKind.CANCEL_REQUESTED, 1, "building", "the wrong ref")
    asked = fold(CONSOLE, _deploy(), [*log, cancel])
    standing = advance(CONSOLE, asked, failed)
    assert standing.request == RequestStanding(
        AuditKind.CANCEL_REQUESTED, "token:ann", "the wrong ref", _at(3), "GitHub was not reached", Source.CONSOLE
    )
    refused = advance(CONSOLE, asked, replace(failed, source=Source.GITHUB, actor="github:octo-org/console"))
    assert refused.request is not None
    assert refused.request.failed_by is Source.GITHUB
    again = advance(CONSOLE, standing, replace(cancel, sequence=5, message="again", recorded_at=_at(5)))
    assert again.request == RequestStanding(AuditKind.CANCEL_REQUESTED, "token:ann", "again", _at(5))


@given(_histories(), st.sampled_from([AuditKind.CANCEL_REQUESTED, AuditKind.RERUN_REQUESTED, AuditKind.REQUEST_FAILED]))
def test_what_operators_ask_for_moves_nothing_but_the_sequence(reports: list[model.Report], kind: AuditKind) -> None:
    log = _log(reports)
    before = fold(CONSOLE, _deploy(), log)
    after = advance(CONSOLE, before, _asked(len(log) + 1, kind, before.deploy.attempt, before.deploy.status, "x"))
    assert (after.phases, after.run) == (before.phases, before.run)
    assert after.deploy == replace(before.deploy, sequence=len(log) + 1)
