"""Whether everything that is kept and said of deploys agrees: the log, each deploy's row, and what nodes tell of them.

The log is read past phaseline, and what has to follow from it is told by the model, so the code is not its own judge.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support import chain, model
from tests.support import logs as stored
from tests.support.caller import DEPLOY, ENTRY, Caller
from tests.support.logs import Log, Row
from tests.support.told import Judge
from tests.support.viewer import Viewer, viewing

Problems = Iterator[str]


# A row's columns: what never changes, and what follows from the entries.
_GIVEN = ("id", "environment", "ref", "started_by", "started_at")
_SOURCES = {"DEPLOY_STARTED": "OPERATOR", "TRANSITION": "CALLBACK", "CALLBACK_REFUSED": "CALLBACK"}
_MOVED = ("status", "attempt", "sequence", "updated_at", "finished_at", "run_url")
_OF_ENTRY = (
    *("id", "sequence", "kind", "from_status", "to_status", "attempt"),
    *("actor", "refusal", "message", "run_id", "run_url", "run_status", "run_conclusion", "recorded_at", "digest"),
)

# Every move of a deploy, from its start on, with all that is told of it.
MOVES = (
    "subscription ($id: ID!) { phaseChanged(deployId: $id, after: 0) { entry {"
    + ENTRY
    + "} deploy {"
    + DEPLOY
    + "} } }"
)
_ALL = "subscription ($id: ID!) { auditEntryAdded(deployId: $id, after: 0) {" + ENTRY + " deploy {" + DEPLOY + "} } }"


async def assert_consistent(
    database: Path | str, *nodes: str, only: Collection[str] | None = None, was_older: bool = False
) -> None:
    """Hold the log in an SQLite file, or in the database of a URL, against itself and against what these nodes tell.

    Nothing may be writing to it meanwhile. `nodes` are URLs of servers; `only` names the deploys that are looked at,
    where it is not all. `was_older`: callbacks may have been judged along the older graph.
    """
    logs = await stored.read(database)
    if only is not None:
        assert not (missing := set(only) - logs.keys()), f"lost: {missing}"
        logs = {deploy_id: logs[deploy_id] for deploy_id in only}
    problems = contradictions(logs, was_older=was_older)
    if not problems:  # of a log that cannot be, nothing follows
        for node in nodes:
            problems += [f"{node}: {problem}" for problem in await misstatements(node, logs)]
    assert not problems, "\n".join(problems)


def contradictions(logs: dict[str, Log], *, was_older: bool = False) -> list[str]:
    """Everything in which these logs and rows contradict themselves, each other, or the graph."""
    judges: list[Judge] = [model.refusal, model.older_refusal] if was_older else [model.refusal]
    return [problem for log in logs.values() for problem in _contradictions(log, judges)]


async def misstatements(node: str, logs: dict[str, Log]) -> list[str]:
    """Everything that a node tells otherwise than these logs have it: when it is asked, and event by event."""
    async with Caller(node) as caller, viewing(node) as viewer:
        return [problem for log in logs.values() for problem in await _misstatements(caller, viewer, log)]


def folds(log: Log) -> list[Row]:
    """How a deploy stands after each of its entries: the columns that move, and its phases."""
    stands: list[Row] = []
    for count, entry in enumerate(log.entries, start=1):
        before = log.entries[:count]
        moves = [earlier for earlier in before if earlier["kind"] in model.MOVES]
        newest = moves[-1]
        first = next(move["sequence"] for move in moves if move["attempt"] == newest["attempt"])
        pages = [
            earlier["run_url"]
            for earlier in before
            if earlier["attempt"] == newest["attempt"] and earlier["run_url"] and earlier["sequence"] >= first
            if earlier["kind"] in (*model.MOVES, "RUN_REPORTED")
        ]
        stands.append(
            {
                "status": newest["to_status"],
                "attempt": newest["attempt"],
                "sequence": entry["sequence"],
                "updated_at": newest["recorded_at"],
                "finished_at": newest["recorded_at"] if newest["to_status"] in model.ENDS else None,
                "run_url": pages[-1] if pages else None,
                "phases": _phases(moves[1:]),
            }
        )
    return stands


def source_of(entry: Row) -> str:
    """Who says it; of an entry from before sources were kept, its kind tells."""
    return str(entry.get("source") or _SOURCES[entry["kind"]])


def _phases(moves: list[Row]) -> list[Row]:
    reports = [(move["attempt"], move["to_status"]) for move in moves]
    at = [move["recorded_at"] for move in moves]
    silent = {move["attempt"] for move in moves if move["to_status"] in model.ENDS and source_of(move) != "CALLBACK"}
    times = model.times(reports, silent)
    return [
        {
            "key": phase,
            "position": position,
            "state": told.state,
            "attempt": told.attempt,
            **{
                name: None if place is None else at[place]
                for name, place in zip(("started_at", "finished_at"), times[phase], strict=True)
            },
        }
        for position, (phase, told) in enumerate(model.phases(reports, silent).items(), start=1)
    ]


def _contradictions(log: Log, judges: list[Judge]) -> list[str]:
    if log.row is None or not log.entries:
        return [f"{log.id}: it has {'no row' if log.row is None else 'no entries'}"]
    broken = [*_of_the_entries(log, log.row), *_off_the_graph(log, judges)] or list(_of_the_row(log, log.row))
    return broken or list(_of_the_chain(log, log.row))


def _of_the_entries(log: Log, row: Row) -> Problems:
    sequences = [entry["sequence"] for entry in log.entries]
    if sequences != list(range(1, len(sequences) + 1)):
        yield f"{log.id}: its entries are numbered {sequences}"
    for name in ("environment", "pipeline"):
        if strange := {entry[name] for entry in log.entries} - {row[name]}:
            yield f"{log.id}: its {name} is {row[name]}, and that of its entries {strange}"
    ids = [entry["id"] for entry in log.entries]
    if ids != sorted(set(ids)):
        yield f"{log.id}: its entries have the ids {ids}"


def _of_the_chain(log: Log, row: Row) -> Problems:
    previous = None
    for entry in log.entries:
        if entry["digest"] != chain.digest(entry, row["ref"], previous, row.get("commit_sha")):
            yield f"{log.id}: the digest of entry {entry['sequence']} is not that of its content"
        previous = entry["digest"]


def _of_the_row(log: Log, row: Row) -> Problems:
    expected = folds(log)[-1]
    for name in _MOVED:
        if row[name] != expected[name]:
            yield f"{log.id}: its {name} is {row[name]}, and by its entries {expected[name]}"


def _off_the_graph(log: Log, judges: list[Judge]) -> Problems:
    first, *others = log.entries
    start = tuple(first[name] for name in ("kind", "from_status", "to_status", "attempt", "refusal"))
    if start != ("DEPLOY_STARTED", None, model.START, 1, None):
        yield f"{log.id}: it starts as {start}"
    status, attempt = model.START, 1
    reports = set()
    for entry in others:
        report = (entry["attempt"], entry["to_status"])
        here = f"{log.id}: entry {entry['sequence']} ({entry['to_status']}, attempt {entry['attempt']})"
        if entry["from_status"] != status:
            yield f"{here} begins at {entry['from_status']}, where the deploy was {status}"
        if entry["kind"] in model.ASIDES:
            yield from _of_an_aside(entry, here, status, attempt)
            continue
        if report in reports and entry["refusal"] not in model.OF_THE_CALLER:
            yield f"{here} repeats a callback that was accepted"
        if source_of(entry) != "CALLBACK" and entry["kind"] == "TRANSITION":
            if not model.is_legal(status, attempt, entry["to_status"], entry["attempt"], source_of(entry)):
                yield f"{here} is a move that {source_of(entry)} may not make"
            reports.add(report)
            attempt, status = report
            continue
        expected = {judge(status, attempt, entry["to_status"], entry["attempt"]) for judge in judges}
        if entry["refusal"] in model.OF_THE_CALLER:
            expected = {entry["refusal"]}  # whatever was asked for
        if entry["refusal"] not in expected or (entry["kind"] == "TRANSITION") != (entry["refusal"] is None):
            yield f"{here} is a {entry['kind']} with {entry['refusal']}, and should have {expected}"
        if entry["kind"] == "TRANSITION":
            reports.add(report)
            attempt, status = report


def _of_an_aside(entry: Row, here: str, status: str, attempt: int) -> Problems:
    """An entry that moves nothing: GitHub may speak of a later attempt, and nobody of an earlier one."""
    is_later = entry["kind"] == "RUN_REPORTED" and entry["attempt"] > attempt
    if entry["to_status"] != status or entry["refusal"] or (entry["attempt"] != attempt and not is_later):
        yield f"{here} is a {entry['kind']} that moves something"


async def _misstatements(caller: Caller, viewer: Viewer, log: Log) -> list[str]:
    assert log.row is not None
    given = {name: log.row[name] for name in _GIVEN} | {"commit": log.row["commit_sha"]}
    stands = [_as_told({**given, **stand}) for stand in folds(log)]
    entries = [
        _as_told({name: entry[name] for name in _OF_ENTRY} | {"source": source_of(entry)}) for entry in log.entries
    ]
    every = list(zip(entries, stands, strict=True))
    moves = [(entry, stand) for entry, stand in every if entry["kind"] in model.MOVES]
    told = {
        "the deploy": (await caller.deploy(log.id), stands[-1]),
        "its entries": (await caller.entries(log.id), entries),
        "phaseChanged": (
            await _events(viewer, MOVES, log.id, len(moves)),
            [{"entry": entry, "deploy": stand} for entry, stand in moves],
        ),
        "auditEntryAdded": (
            await _events(viewer, _ALL, log.id, len(every)),
            [{**entry, "deploy": stand} for entry, stand in every],
        ),
    }
    return [
        f"{log.id}: {what} is told as\n{said}\nand by the log it is\n{expected}"
        for what, (answer, expected) in told.items()
        if (said := plain(answer)) != expected
    ]


async def _events(viewer: Viewer, query: str, deploy_id: str, count: int) -> list[Any]:
    """The first events of a subscription, so many of them."""
    await viewer.subscribe(query, deploy_id, id=deploy_id)
    events = [await viewer.event(deploy_id) for _ in range(count)]
    await viewer.send(id=deploy_id, type="complete")
    return events


def _as_told(row: Row) -> Row:
    """A row under the names that callers know."""
    told = {_camel(name): value for name, value in row.items()}
    if "phases" in told:
        told["phases"] = [_as_told(phase) for phase in told["phases"]]
        told["status"] = {"key": told["status"], "outcome": model.outcome(told["status"])}
    elif "sequence" in told:
        told["id"] = str(told["id"])
    return told


def plain(answer: Any) -> Any:
    """An answer with its times as times, and without what depends on the graph alone: labels, and what comes next."""
    if isinstance(answer, list):
        return [plain(one) for one in answer]
    if isinstance(answer, dict):
        return {
            name: datetime.fromisoformat(value) if value and name.endswith("At") else plain(value)
            for name, value in answer.items()
            if name not in ("label", "next")
        }
    return answer


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
