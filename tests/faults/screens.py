"""What modals have shown, held against the log: nothing but what the log held at the entry that was named.

The log is read past phaseline, and what has to be on the screen is told by the model.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tests.faults.sampling import Sample, Socket, Watched
from tests.journeys.expected import WORDS
from tests.support import logs, model
from tests.support.postgres import Postgres

Problems = Iterator[str]
Screen = dict[str, Any]

# A lost connection is told of within ten seconds, where nothing comes any more; where the browser itself says that it
# is closed, as soon as it is drawn. In milliseconds, the second also for a busy machine.
TOLD_WITHIN = 10_000
DRAWN_WITHIN = 2_000

_POSITION = re.compile(r"entry (\d+) of (\d+)")
_OUTCOME_WORDS = {
    "IN_PROGRESS": "In progress",
    "SUCCEEDED": "Succeeded",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
    "ABANDONED": "Abandoned",
}
# Of each state of the connection: the words in the bar, and how the notice then begins.
_CONNECTION_WORDS = {
    "connecting": {"Connecting": ""},
    "live": {"Live": ""},
    "lost": {
        "Connection lost": "Connection lost.",
        "No connection": "No connection.",
        "Database not answering": "The database does not answer.",
    },
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log."""

    sequence: int
    kind: str
    status: str
    attempt: int
    refusal: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Log:
    """The entries of a deploy, and the labels of phases and statuses."""

    entries: list[Entry]
    phases: dict[str, str]
    statuses: dict[str, str]


async def log_of(postgres: Postgres, database: str, deploy: str) -> Log:
    """What the database holds of a deploy."""
    entries = (await logs.read(database))[deploy].entries
    phases = await postgres.fetch("SELECT key, label FROM pipeline_phases", database=database)
    statuses = await postgres.fetch("SELECT key, label FROM pipeline_statuses", database=database)
    return Log([_entry(row) for row in entries], _labels(phases), _labels(statuses))


def _entry(row: logs.Row) -> Entry:
    columns = ("sequence", "kind", "to_status", "attempt", "refusal", "recorded_at")
    return Entry(*(row[column] for column in columns))


def _labels(rows: list[Any]) -> dict[str, str]:
    return {row["key"]: row["label"] for row in rows}


def judge(watched: Watched, log: Log) -> list[str]:
    """Everything that this page has shown and had no right to."""
    return [problem for check in CHECKS for problem in check(watched, log)]


def shows_the_log_at_the_entry_it_names(watched: Watched, log: Log) -> Problems:
    """Steps, headline and facts are, all of them, what the log up to the entry that is named says."""
    screens = {entry.sequence: _screen(log, entry.sequence) for entry in log.entries}
    for sample in watched.samples:
        sequence, newest = _named(sample)
        if not sequence:
            if sample.steps or sample.status or sample.marks.keys() & {"status", "sequence"}:
                yield f"{_at(watched, sample)} shows a deploy and names no entry"
            continue
        if not sequence <= newest <= len(log.entries):
            yield f"{_at(watched, sample)} names entry {sequence} of {newest}, and the log has {len(log.entries)}"
            continue
        for what, expected in screens[sequence].items():
            found = _shown(sample)[what]
            if found != expected:
                yield (
                    f"{_at(watched, sample)} names entry {sequence} and shows {what} as\n"
                    f"  {found}, which at entry {sequence} the log holds as\n  {expected}"
                )


def lists_the_entries_of_the_log(watched: Watched, log: Log) -> Problems:
    """The audit entries on the screen are those of the log, newest first, none left out."""
    for sample in watched.samples:
        if not sample.entries:
            continue
        newest, last = sample.entries[0][0], sample.entries[-1][0]
        held = [(entry.sequence, entry.kind, entry.status, entry.refusal) for entry in log.entries[last - 1 : newest]]
        if list(sample.entries) != held[::-1]:
            yield f"{_at(watched, sample)} lists {sample.entries}, and the log has {held[::-1]}"


def shows_nothing_before_it_is_recorded(watched: Watched, log: Log) -> Problems:
    """An entry is on the screen only after the moment at which it was recorded."""
    for sample in watched.samples:
        newest = max([_named(sample)[1], *(entry[0] for entry in sample.entries)])
        if 0 < newest <= len(log.entries):
            recorded = log.entries[newest - 1].recorded_at
            if sample.at + 1 < recorded.timestamp() * 1000:
                yield f"{_at(watched, sample)} knows of entry {newest}, which was recorded at {recorded:%H:%M:%S.%f}"


def never_goes_back(watched: Watched, _: Log) -> Problems:
    """What has been confirmed, known or listed stays so, and the history is never said to be another one."""
    for before, sample in pairwise(watched.samples):
        reached = _reached(sample)
        for what, old in _reached(before).items():
            if reached[what] < old:
                yield f"{_at(watched, sample)} goes back from {what} {old} to {reached[what]}"
        if sample.restarted or sample.failure or sample.marks["connection"] == "closed":
            yield f"{_at(watched, sample)} gives up or starts over: {sample.restarted or sample.failure}"


def says_how_it_is_connected(watched: Watched, _: Log) -> Problems:
    """The word, the notice and the clocks tell of the same connection; clocks run only while it is live."""
    for sample in watched.samples:
        connection = sample.marks.get("connection", "")
        if not connection:  # it has not been drawn yet
            continue
        beginning = _CONNECTION_WORDS.get(connection, {}).get(sample.connection)
        if beginning is None or not sample.lost.startswith(beginning):
            yield f"{_at(watched, sample)} is {connection} and says {sample.connection!r}, {sample.lost!r}"
        if bool(sample.lost) != (connection == "lost") or bool(sample.retry) != (connection == "lost"):
            yield f"{_at(watched, sample)} is {connection} and says {sample.lost!r}, {sample.retry!r}"
        if sample.lost and sample.steps and f"entry {_named(sample)[0]}," not in sample.confirmed:
            yield f"{_at(watched, sample)} is lost at entry {_named(sample)[0]} and says {sample.confirmed!r}"
        for step in sample.steps:
            if step.stands != (step.runs and not sample.is_live):
                yield f"{_at(watched, sample)} is {connection} and the clock of {step.phase} says otherwise: {step}"


def is_live_only_while_the_server_is_heard(watched: Watched, _: Log) -> Problems:
    """It is live only over a socket that has told of the deploy, is open, and has carried something a while ago."""
    ends = [sample.at for sample in watched.samples[1:]] + [watched.read]
    for sample, end in zip(watched.samples, ends, strict=True):
        if not sample.is_live:
            continue
        sockets = [socket for socket in watched.sockets if socket.opened <= sample.at]
        if not sockets or sockets[-1].proved is None or sockets[-1].proved > sample.at:
            yield f"{_at(watched, sample)} is live, and the deploy has not come over its socket"
            continue
        yield from _unheard(watched, sample, sockets[-1], end)


def ends_live_at_the_last_entry(watched: Watched, log: Log) -> Problems:
    """When all is well again it shows the newest entry, as live."""
    last = watched.samples[-1]
    if not last.is_live or _named(last) != (len(log.entries), len(log.entries)):
        yield f"{_at(watched, last)} ends {last.connection!r} at {last.position!r}, and the log has {len(log.entries)}"


CHECKS: tuple[Callable[[Watched, Log], Problems], ...] = (
    shows_the_log_at_the_entry_it_names,
    lists_the_entries_of_the_log,
    shows_nothing_before_it_is_recorded,
    never_goes_back,
    says_how_it_is_connected,
    is_live_only_while_the_server_is_heard,
    ends_live_at_the_last_entry,
)


def same_icon_for_the_same_state(watched: list[Watched]) -> Problems:
    """Each state of a step has one drawing, and no two have the same."""
    drawings: dict[str, set[str]] = {}
    for step in (step for each in watched for sample in each.samples for step in sample.steps):
        drawings.setdefault(step.state, set()).add(step.icon)
    all_of_them = [drawing for found in drawings.values() for drawing in found]
    if "" in all_of_them or len(all_of_them) != len(drawings) or len(set(all_of_them)) != len(drawings):
        yield f"the states are drawn as {drawings}"


def _screen(log: Log, sequence: int) -> Screen:
    """What has to be shown at an entry."""
    moves = [entry for entry in log.entries[:sequence] if entry.kind != "CALLBACK_REFUSED"]
    newest = moves[-1]
    outcome = model.outcome(newest.status)
    ended = newest.status in model.ENDS
    return {
        "attributes": (newest.status, outcome, str(newest.attempt), str(sequence)),
        "headline": (log.statuses[newest.status], _OUTCOME_WORDS[outcome]),
        "attempt": str(newest.attempt),
        "last report": None if ended or len(moves) == 1 else _told(newest.recorded_at),
        "end": _told(newest.recorded_at) if ended else None,
        **_steps(log, moves[1:], newest.attempt),
    }


def _steps(log: Log, moves: list[Entry], attempt: int) -> Screen:
    reports = [(move.attempt, move.status) for move in moves]
    times = model.times(reports)
    steps: Screen = {}
    for phase, told in model.phases(reports).items():
        began, ended = (None if place is None else _told(moves[place].recorded_at) for place in times[phase])
        steps[f"step {phase}"] = {
            "label": log.phases[phase],
            "state": told.state,
            "word": WORDS[told.state],
            "attempt": told.attempt,
            "tag": "" if told.attempt in (None, attempt) else f"in attempt {told.attempt}",
            "current": told.state == "ACTIVE",
            "began": began,
            "ended": None if began else ended,
            "runs": told.state == "ACTIVE" and began is not None,
        }
    return {"steps": list(steps), **steps}


def _shown(sample: Sample) -> Screen:
    """What was shown, in the same form."""
    steps = {
        f"step {step.phase}": {
            "label": step.label,
            "state": step.state,
            "word": step.word,
            "attempt": step.attempt,
            "tag": step.tag,
            "current": step.current,
            "began": step.began,
            "ended": step.ended,
            "runs": step.runs,
        }
        for step in sample.steps
    }
    return {
        "attributes": tuple(sample.marks.get(name) for name in ("status", "outcome", "attempt", "sequence")),
        "headline": (sample.status, sample.outcome),
        "attempt": sample.attempt,
        "last report": sample.reported,
        "end": sample.finished,
        **dict.fromkeys((f"step {phase}" for phase in model.PHASES), None),
        "steps": list(steps),
        **steps,
    }


def _unheard(watched: Watched, sample: Sample, socket: Socket, end: int) -> Problems:
    """Where it was live until `end`, and should not have been."""
    if socket.closed is not None and socket.closed + DRAWN_WITHIN < end:
        yield f"{_at(watched, sample)} is live, also {end - socket.closed} ms after its socket was closed"
    heard = [sample.at, *(when for when in socket.heard if sample.at < when < end), end]
    # What was heard before counts as well: this state may have begun long after.
    heard[0] = max(when for when in socket.heard if when <= sample.at)
    longest = max(later - earlier for earlier, later in pairwise(heard))
    if longest > TOLD_WITHIN:
        yield f"{_at(watched, sample)} is live, though nothing came for {longest} ms"


def _named(sample: Sample) -> tuple[int, int]:
    """The X and the Y of "entry X of Y"; zeros where there is none."""
    found = _POSITION.fullmatch(sample.position)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _reached(sample: Sample) -> dict[str, int]:
    confirmed, newest = _named(sample)
    listed = sample.entries[0][0] if sample.entries else 0
    return {"entry": confirmed, "newest entry": newest, "listed entry": listed}


def _told(time: datetime) -> str:
    """A time as the DOM has it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _at(watched: Watched, sample: Sample) -> str:
    return f"{watched.name}, {datetime.fromtimestamp(sample.at / 1000, UTC):%H:%M:%S.%f}:"
