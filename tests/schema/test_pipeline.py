"""The transition graph: its legality in full, and that it is well-formed."""

from collections import defaultdict
from itertools import product

import pytest

from phaseline_schema.pipeline import Outcome, Pipeline
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.pipelines.console import CONSOLE
from phaseline_schema.records import Source
from phaseline_schema.refusals import (
    CallbackRefusal,
    IllegalTransition,
    StaleAttempt,
    UnknownStatus,
)
from tests.support import model

EVERY_PAIR = list(product(model.STATUSES, model.STATUSES))
every_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES.keys())


def _refusal(
    origin: str, target: str, attempt: int = 1, reported_attempt: int = 1, source: Source = Source.CALLBACK
) -> CallbackRefusal:
    with pytest.raises(CallbackRefusal) as raised:
        CONSOLE.legal(origin=origin, attempt=attempt, target=target, reported_attempt=reported_attempt, source=source)
    return raised.value


def test_the_model_and_the_pipeline_speak_of_the_same_statuses_and_phases() -> None:
    assert tuple(status.key for status in CONSOLE.statuses) == model.STATUSES
    assert tuple(phase.key for phase in CONSOLE.phases) == model.PHASES
    assert {status.key: status.phase for status in CONSOLE.statuses if status.phase} == model.PHASE_OF


@pytest.mark.parametrize("reported_attempt", [3, 4, 9], ids=["same", "next", "much higher"])
@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize(("origin", "target"), EVERY_PAIR)
def test_legality_is_as_the_design_tells_it(origin: str, target: str, source: Source, reported_attempt: int) -> None:
    if model.is_legal(origin, 3, target, reported_attempt, source):
        edge = CONSOLE.legal(origin=origin, attempt=3, target=target, reported_attempt=reported_attempt, source=source)
        assert (edge.origin, edge.target) == (origin, target)
    else:
        refusal = _refusal(origin, target, 3, reported_attempt, source)
        assert type(refusal) is IllegalTransition
        assert refusal.details["from"] == origin
        assert refusal.details["to"] == target
        assert refusal.details["attempt"] == 3
        assert set(refusal.details["allowed"]) == model.open_to(origin, 3, reported_attempt, source)
        for status in (origin, target, *refusal.details["allowed"]):
            assert status in refusal.message


@pytest.mark.parametrize(("origin", "target"), EVERY_PAIR)
def test_a_report_of_an_older_attempt_is_stale_wherever_it_leads(origin: str, target: str) -> None:
    refusal = _refusal(origin, target, attempt=3, reported_attempt=2)
    assert type(refusal) is StaleAttempt
    assert refusal.details == {"from": origin, "to": target, "allowed": [], "attempt": 3}


@pytest.mark.parametrize("reported_attempt", [2, 3, 4])
@pytest.mark.parametrize("unknown", ["", "SUCCEEDED", "smoke-running", "paused", "queued "])
def test_an_unknown_status_is_refused_with_what_is_legal_instead(unknown: str, reported_attempt: int) -> None:
    refusal = _refusal("building", unknown, 3, reported_attempt)
    assert type(refusal) is UnknownStatus
    assert refusal.details["to"] == unknown
    assert set(refusal.details["allowed"]) == model.open_to("building", 3, reported_attempt)


@pytest.mark.parametrize("origin", model.STATUSES)
def test_what_follows_is_what_some_attempt_may_report(origin: str) -> None:
    assert CONSOLE.following(origin) == CONSOLE.following(origin, Source.CALLBACK)
    for source in Source:
        following = CONSOLE.following(origin, source)
        assert len(following) == len(set(following))
        assert set(following) == model.open_to(origin, 1, 2, source)


@every_pipeline
def test_keys_are_unique_and_every_label_and_reason_is_given(pipeline: Pipeline) -> None:
    assert len(pipeline.positions) == len(pipeline.phases) > 0
    assert len(pipeline.by_key) == len(pipeline.statuses)
    assert len(pipeline.edges) == len(pipeline.transitions)
    assert all(phase.key and phase.label for phase in pipeline.phases)
    assert all(status.key and status.label for status in pipeline.statuses)
    assert all(edge.why for edge in pipeline.transitions)


@every_pipeline
def test_statuses_and_edges_name_only_what_exists(pipeline: Pipeline) -> None:
    assert pipeline.start in pipeline.by_key
    for status in pipeline.statuses:
        assert set(status.asserts) <= set(pipeline.positions)
        assert status.phase is None or status.phase in status.asserts
    for edge in pipeline.transitions:
        assert {edge.origin, edge.target} <= set(pipeline.by_key)


@every_pipeline
def test_every_status_can_be_reached_and_every_one_can_come_to_an_end(pipeline: Pipeline) -> None:
    reached, ahead = {pipeline.start}, [pipeline.start]
    while ahead:
        origin = ahead.pop()
        new = {target for source in Source for target in pipeline.following(origin, source)} - reached
        reached |= new
        ahead += new
    assert reached == set(pipeline.by_key)
    for status in pipeline.statuses:
        if status.outcome is Outcome.IN_PROGRESS:
            following = {pipeline.by_key[key].outcome for key in pipeline.following(status.key)}
            assert {Outcome.FAILED, Outcome.CANCELLED} <= following, status.key
            told = {pipeline.by_key[key].outcome for key in pipeline.following(status.key, Source.GITHUB)}
            assert {Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELLED} <= told, status.key
            said = {pipeline.by_key[key].outcome for key in pipeline.following(status.key, Source.OPERATOR)}
            assert said == {Outcome.ABANDONED} | ({Outcome.CANCELLED} if status.key == pipeline.start else set())


@every_pipeline
def test_each_outcome_has_one_end(pipeline: Pipeline) -> None:
    for outcome in set(Outcome) - {Outcome.IN_PROGRESS}:
        (end,) = [status.key for status in pipeline.statuses if status.outcome is outcome]
        assert pipeline.ending(outcome) == end


@every_pipeline
def test_within_one_attempt_no_status_can_come_twice(pipeline: Pipeline) -> None:
    before: defaultdict[str, set[str]] = defaultdict(set)
    for edge in pipeline.transitions:
        if not edge.new_attempt:
            before[edge.target].add(edge.origin)
    left = set(pipeline.by_key)
    while firsts := {key for key in left if not before[key] & left}:
        left -= firsts
    assert not left, f"these lie on a circle: {sorted(left)}"


@every_pipeline
def test_only_a_new_attempt_leaves_an_end_and_nothing_leaves_success_or_what_was_abandoned(pipeline: Pipeline) -> None:
    for edge in pipeline.transitions:
        outcome = pipeline.by_key[edge.origin].outcome
        assert outcome not in (Outcome.SUCCEEDED, Outcome.ABANDONED)
        assert edge.new_attempt == (outcome is not Outcome.IN_PROGRESS)
        assert edge.target != pipeline.start
