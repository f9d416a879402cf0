"""Every check of the oracle finds fault with a history that has the fault, and with no other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults import oracle
from tests.faults.history import (
    WORKFLOW,
    Answer,
    Away,
    Entry,
    Event,
    Follow,
    History,
    Look,
    Sending,
    Spell,
    Start,
    Stretch,
    Told,
)
from tests.faults.plan import Kind

CHECKS = (*oracle.CHECKS, *oracle.ALSO_OF_A_SOAK)
DEPLOY, OTHER = "d", "e"
# Attempt, status, and how a callback is refused at its place in the log.
SENT = (
    (1, "smoke_running", None),
    (1, "deploying", "ILLEGAL_TRANSITION"),
    (1, "building", None),
    (1, "failed", None),
    (2, "building", None),
    (1, "deploying", "STALE_ATTEMPT"),
    (2, "paused", "UNKNOWN_STATUS"),
    (2, "deploying", None),
)


def history() -> History:
    """One of which nothing is wrong: two nodes, a deploy, a duplicate, lost answers, and a viewer of each kind."""
    log = [Entry(1, "DEPLOY_STARTED", None, "queued", 1, None, None, "start")]
    sendings = []
    stands = "queued"
    for place, (attempt, status, refusal) in enumerate(SENT, start=2):
        kind = "CALLBACK_REFUSED" if refusal else "TRANSITION"
        log.append(Entry(place, kind, stands, status, attempt, refusal, f"run-{place}", actor=WORKFLOW))
        sending = Sending(f"run-{place}", DEPLOY, status, attempt, sent=place, answered=place + 0.5)
        if refusal:
            sending.answer, sending.refusal, sending.origin = Answer.REFUSED, refusal, stands
        else:
            sending.answer, sending.sequence, sending.first = Answer.ACCEPTED, place, sending.run
            stands = status
        sendings.append(sending)
    lost = Sending("lost", DEPLOY, "succeeded", 2, sent=20, answered=21)
    again = Sending("again", DEPLOY, "building", 1, sent=22, answered=23, sequence=4, first="run-4")
    again.answer = Answer.DUPLICATE
    stand = oracle.folds(log)
    told = Told(DEPLOY, stand[-1], log)
    events = [Event(entry, at) for entry, at in zip(log, stand, strict=True)]
    moves = [event for event in events if event.entry.accepted]
    everything = Follow("v", DEPLOY, True, [Stretch(0, 0, events[:5]), Stretch(3, 0, events[3:])])
    transitions = Follow("w", DEPLOY, False, [Stretch(None, 3.2, [Event(log[1], stand[2])]), Stretch(3, 0, moves[2:])])
    intruded = [
        Entry(1, "DEPLOY_STARTED", None, "queued", 1, None, None, "other"),
        Entry(2, "CALLBACK_REFUSED", "queued", "failed", 2, "FORBIDDEN", None, "may not", "token:viewer"),
    ]
    other = Told(OTHER, oracle.folds(intruded)[-1], intruded)
    intrusion = Sending("i", OTHER, "failed", 2, 1, Answer.REFUSED, refusal="FORBIDDEN", actor="token:viewer")
    return History(
        starts=[Start("start", DEPLOY), Start("of which nobody was told"), Start("other", OTHER)],
        sendings=[*sendings, lost, again],
        intrusions=[intrusion, replace(intrusion), replace(intrusion, answer=Answer.HELD_OFF)],
        looks=[Look(DEPLOY, 6.6, 6)],
        follows=[everything, transitions],
        told={"a": {DEPLOY: told, OTHER: other}, "b": {DEPLOY: told, OTHER: other}},
        away=[Away("node 0", "logged", 5.5, 5.5), Away("caller 1", "answered", 14.9, 17)],
        spells=[Spell(Kind.PAUSE, 5, 15), Spell(Kind.RESET, 40, 60)],
    )


def complaining(found: History) -> set[str]:
    """The checks that find something wrong."""
    return {check.__name__ for check in CHECKS if list(check(found))}


def test_a_history_of_which_nothing_is_wrong_passes() -> None:
    assert oracle.judge(history(), *oracle.ALSO_OF_A_SOAK) == {}


Change = Callable[[History], object]


def of_log(change: Callable[[list[Entry]], object], deploy: str = DEPLOY) -> Change:
    """The same change to what every node tells."""

    def doctor(found: History) -> None:
        log = found.told["a"][deploy].log[:]
        change(log)
        for node in found.told:
            found.told[node] |= {deploy: replace(found.told[node][deploy], log=log)}

    return doctor


def of_intrusion(change: Callable[[list[Entry]], object]) -> Change:
    """A change to the log of the deploy that an intruder has tried to report on."""
    return of_log(change, OTHER)


def of_stand(**changes: Any) -> Change:
    """The row, changed on every node."""

    def doctor(found: History) -> None:
        for node, told in found.told.items():
            stand = replace(told[DEPLOY].stand, **changes)
            found.told[node] |= {DEPLOY: replace(told[DEPLOY], stand=stand)}

    return doctor


def of_entry(sequence: int, **changes: Any) -> Change:
    """One entry, changed on every node."""
    return of_log(lambda log: log.__setitem__(sequence - 1, replace(log[sequence - 1], **changes)))


def of_sending(run: str, **changes: Any) -> Change:
    """One sending, changed."""

    def doctor(found: History) -> None:
        (sending,) = [sending for sending in found.sendings if sending.run == run]
        for name, value in changes.items():
            setattr(sending, name, value)

    return doctor


def of_events(change: Callable[[list[Event]], object], follow: int = 0, stretch: int = 0) -> Change:
    """The events of one subscription."""
    return lambda found: change(found.follows[follow].stretches[stretch].events)


def of_event(place: int, **changes: Any) -> Change:
    """How the deploy stood in one event, changed."""

    def change(events: list[Event]) -> None:
        events[place] = replace(events[place], stand=replace(events[place].stand, **changes))

    return of_events(change)


def swap(items: list[Any]) -> None:
    items[1], items[2] = items[2], items[1]


def without_phase(found: History) -> None:
    """The last event, with a phase that passed shown as active."""
    (key, _, attempt), *others = found.follows[0].stretches[1].events[-1].stand.phases
    events = found.follows[0].stretches[1].events
    events[-1] = replace(events[-1], stand=replace(events[-1].stand, phases=((key, "ACTIVE", attempt), *others)))


def one_node_behind(found: History) -> None:
    told = found.told["b"][DEPLOY]
    found.told["b"] |= {DEPLOY: replace(told, log=told.log[:-1])}


def all_lost(found: History) -> None:
    for told in found.told.values():
        told.clear()


def held_off(found: History) -> None:
    for sending in found.intrusions:
        sending.answer = Answer.HELD_OFF


def recorded_twice(log: list[Entry]) -> None:
    log.append(replace(log[-1], sequence=10, run="lost"))


LOST = of_log(lambda log: log.pop())
DOCTORED: dict[str, tuple[Change, set[str]]] = {
    "an acknowledged callback is lost": (LOST, {"accepted_callbacks_are_recorded_once", "rows_are_folds"}),
    "an acknowledged refusal is lost": (
        of_log(lambda log: log.pop(2)),
        {"refused_callbacks_are_recorded_once", "logs_have_no_gap"},
    ),
    "a callback is recorded twice": (
        of_log(recorded_twice),
        {"accepted_callbacks_are_recorded_once", "logs_follow_the_graph", "nothing_was_invented"},
    ),
    "a callback is recorded as another": (of_entry(5, target="cancelled"), {"nothing_was_invented"}),
    "one sending makes two entries": (of_entry(7, run="run-3"), {"nothing_was_invented"}),
    "an entry was sent by nobody": (of_entry(9, run="nobody"), {"nothing_was_invented"}),
    "two entries have changed places": (of_log(swap), {"logs_have_no_gap"}),
    "an illegal transition is recorded": (of_entry(4, target="deploying"), {"logs_follow_the_graph"}),
    "a refusal has the wrong reason": (
        of_entry(7, refusal="ILLEGAL_TRANSITION"),
        {"logs_follow_the_graph", "refused_callbacks_are_recorded_once"},
    ),
    "an entry begins elsewhere": (of_entry(4, origin="queued"), {"logs_follow_the_graph"}),
    "a deploy starts twice": (of_entry(3, kind="DEPLOY_STARTED"), {"logs_have_no_gap"}),
    "the row is ahead of the log": (of_stand(sequence=10), {"rows_are_folds"}),
    "the row has another status": (of_stand(status="building"), {"rows_are_folds"}),
    "the row has another attempt": (of_stand(attempt=1), {"rows_are_folds"}),
    "one node is behind": (one_node_behind, {"nodes_agree"}),
    "a row is not as it should be": (lambda found: found.rows.append("a status"), {"the_database_agrees"}),
    "a deploy is lost": (all_lost, {"starts_are_recorded"}),
    "nobody started a deploy": (lambda found: found.starts.clear(), {"starts_are_recorded"}),
    "a deploy has the note of another": (
        lambda found: setattr(found.starts[0], "deploy", "e"),
        {"starts_are_recorded"},
    ),
    "a caller was told another sequence": (of_sending("run-4", sequence=5), {"accepted_callbacks_are_recorded_once"}),
    "a first report was called a repeat": (
        of_sending("run-4", answer=Answer.DUPLICATE),
        {"accepted_callbacks_are_recorded_once"},
    ),
    "a repeat was called a first report": (
        of_sending("again", answer=Answer.ACCEPTED),
        {"accepted_callbacks_are_recorded_once"},
    ),
    "a repeat was shown another entry": (of_sending("again", first="run-5"), {"accepted_callbacks_are_recorded_once"}),
    "a caller was told another reason": (
        of_sending("run-7", refusal="UNKNOWN_STATUS"),
        {"refused_callbacks_are_recorded_once"},
    ),
    "an intrusion is recorded twice": (
        of_intrusion(lambda log: log.append(replace(log[-1], sequence=3))),
        {"intrusions_are_recorded"},
    ),
    "an intrusion is lost": (of_intrusion(lambda log: log.pop()), {"intrusions_are_recorded"}),
    "an intrusion is recorded that nobody sent": (
        of_intrusion(lambda log: log.append(replace(log[-1], sequence=3, actor="token:tool"))),
        {"intrusions_are_recorded"},
    ),
    "an intrusion that was refused as one too many is recorded": (
        held_off,
        {"intrusions_are_recorded"},
    ),
    "an intrusion is accepted": (
        of_intrusion(lambda log: log.__setitem__(1, replace(log[1], kind="TRANSITION", refusal=None, attempt=1))),
        {"only_workflows_move_deploys", "intrusions_are_recorded", "nothing_was_invented"},
    ),
    "an intrusion names a run": (
        of_intrusion(lambda log: log.__setitem__(1, replace(log[1], run="run-2"))),
        {"only_workflows_move_deploys"},
    ),
    "an intruder was told something else": (
        lambda found: setattr(found.intrusions[0], "answer", Answer.ODD),
        {"answers_are_as_agreed"},
    ),
    "what was turned away is recorded": (
        of_sending("run-9", answer=Answer.STOPPING),
        {"nothing_is_recorded_of_what_is_turned_away"},
    ),
    "a caller was told something else": (of_sending("lost", answer=Answer.ODD), {"answers_are_as_agreed"}),
    "a caller was never answered": (lambda found: found.unanswered.append("caller 1"), {"everybody_was_answered"}),
    "an entry stands before one that was answered before": (
        of_sending("run-5", sent=100),
        {"what_was_answered_comes_first"},
    ),
    "a node tells what is out of date": (
        lambda found: found.looks.append(Look(DEPLOY, 6.6, 5)),
        {"looks_are_never_behind"},
    ),
    "a viewer misses an event": (of_events(lambda events: events.pop(2)), {"viewers_saw_everything_once"}),
    "a viewer misses the first event": (of_events(lambda events: events.pop(0)), {"viewers_saw_everything_once"}),
    "a viewer sees an event twice": (
        of_events(lambda events: events.insert(2, events[2])),
        {"viewers_saw_everything_once"},
    ),
    "a viewer sees events out of order": (of_events(swap), {"viewers_saw_everything_once"}),
    "a viewer of transitions misses one": (
        of_events(lambda events: events.pop(0), follow=1, stretch=1),
        {"viewers_saw_everything_once"},
    ),
    "a viewer is shown a refusal unasked": (
        lambda found: found.follows[1].stretches[1].events.insert(2, found.follows[0].stretches[1].events[3]),
        {"viewers_saw_everything_once"},
    ),
    "a viewer begins behind what was answered": (
        lambda found: setattr(found.follows[1].stretches[0], "asked", 5.0),
        {"viewers_saw_everything_once"},
    ),
    "a viewer sees a wrong phase": (without_phase, {"viewers_saw_the_fold"}),
    "a viewer sees a wrong status": (of_event(3, status="queued"), {"viewers_saw_the_fold"}),
    "a viewer sees a wrong attempt": (of_event(4, attempt=2), {"viewers_saw_the_fold"}),
    "a viewer sees what was never recorded": (LOST, {"viewers_saw_the_fold"}),
    "a viewer asks for what is after something unseen": (
        lambda found: setattr(found.follows[0].stretches[1], "after", 7),
        {"viewers_went_on_where_they_were"},
    ),
    "a viewer forgets what it has seen": (
        lambda found: setattr(found.follows[0].stretches[1], "after", None),
        {"viewers_went_on_where_they_were"},
    ),
    "a viewer is left behind": (
        of_events(lambda events: events.pop(), stretch=1),
        {"viewers_have_caught_up"},
    ),
    "a viewer has seen nothing": (lambda found: found.follows[0].stretches.clear(), {"viewers_have_caught_up"}),
    "a viewer was told of an error": (
        lambda found: found.follows[0].complaints.append("AFTER_AHEAD"),
        {"viewers_were_told_no_error"},
    ),
    "a node says for no reason that the database is away": (
        lambda found: found.away.append(Away("node 0", "logged", 50, 50)),
        {"the_database_was_away_where_it_is_said"},
    ),
    "a caller is told so long after it was": (
        lambda found: found.away.append(Away("caller 1", "answered", 25.1, 26)),
        {"the_database_was_away_where_it_is_said"},
    ),
    "a viewer is told so before it is": (
        lambda found: found.away.append(Away("viewer 1", "told", 4.9, 4.9)),
        {"the_database_was_away_where_it_is_said"},
    ),
    "a node logged an error": (lambda found: found.logged.append("a trace"), {"nodes_logged_nothing_unexpected"}),
}


@pytest.mark.parametrize(("doctor", "expected"), DOCTORED.values(), ids=DOCTORED)
def test_a_doctored_history_does_not(doctor: Change, expected: set[str]) -> None:
    found = history()
    doctor(found)
    assert expected <= complaining(found)


def test_every_check_is_seen_to_fail() -> None:
    assert {name for _, names in DOCTORED.values() for name in names} == {check.__name__ for check in CHECKS}
