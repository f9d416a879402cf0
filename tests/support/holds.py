"""Environments that are one deploy's at a time: a file that names some, and what a database holds of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import model
from tests.support.raw import connected

_ENVIRONMENT = """
[environments.{name}]
repository = "octo-org/console"
workflow = ".github/workflows/deploy-console.yml"
refs = ["refs/heads/*"]
when_busy = "{when_busy}"
"""

_HOLDS = "SELECT environment, deploy_id FROM environment_holds"
_QUEUES = "SELECT environment, deploy_id FROM environment_queue ORDER BY environment, place"
_PLACES = "SELECT environment, place, count(*) FROM environment_queue GROUP BY environment, place HAVING count(*) > 1"
_DISPATCHES = "SELECT deploy_id, state FROM dispatches"
_DEPLOYS = "SELECT id, environment, status FROM deploys"
_TOLD = """
    SELECT deploy_id, kind, attempt, run_status FROM audit_entries
    WHERE deploy_id IN (SELECT deploy_id FROM audit_entries WHERE kind = 'RUN_REPORTED' AND attempt > 1)
    ORDER BY deploy_id, sequence
"""


def environments(when_busy: str, *names: str) -> str:
    """A part of an environments file."""
    return "".join(_ENVIRONMENT.format(name=name, when_busy=when_busy) for name in names)


@dataclass
class Kept:
    """Which deploy has each environment, which wait for it in order, and which are in progress beside that."""

    holds: dict[str, str] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=dict)
    beside: dict[str, set[str]] = field(default_factory=dict)
    dispatches: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


async def kept(database: Path | str) -> Kept:
    """What the database holds, with all in which it contradicts what one at a time means."""
    async with connected(database) as raw:
        await raw.begin()
        rows = [await raw.execute(query) for query in (_HOLDS, _QUEUES, _DISPATCHES, _DEPLOYS, _PLACES, _TOLD)]
        await raw.roll_back()
    holds, queued, dispatches, deploys, doubled, told = rows
    again = _run_again(told)
    deploys = [(*row, row[2] not in model.ENDS or row[0] in again) for row in deploys]
    found = Kept(holds=dict(holds), dispatches=dict(dispatches))
    for environment, deploy_id in queued:
        found.queues.setdefault(environment, []).append(deploy_id)
    waiting = {deploy_id for _, deploy_id in queued}
    for deploy_id, environment, _, is_in_progress in deploys:
        if is_in_progress and deploy_id not in waiting and found.holds.get(environment) != deploy_id:
            found.beside.setdefault(environment, set()).add(deploy_id)
    found.problems = [*_problems(found, {row[0]: row[1:] for row in deploys})]
    found.problems += [f"{environment}: place {place} is given {count} times" for environment, place, count in doubled]
    return found


def _run_again(told: list[Any]) -> set[str]:
    """The deploys of which GitHub has said last that a later attempt goes on than any that has moved them."""
    stand, again = dict[str, int](), dict[str, int]()
    for deploy_id, kind, attempt, run_status in told:
        if kind in model.MOVES:
            stand[deploy_id] = attempt
            again.pop(deploy_id, None)
        elif run_status in ("completed", "not_found") and attempt >= again.get(deploy_id, 0):
            again.pop(deploy_id, None)
        elif kind == "RUN_REPORTED" and attempt > stand[deploy_id] and run_status != "completed":
            again[deploy_id] = attempt
    return set(again)


def _problems(found: Kept, deploys: dict[str, tuple[Any, ...]]) -> list[str]:
    problems = []
    for environment, deploy_id in found.holds.items():
        of, status, is_in_progress = deploys[deploy_id]
        if of != environment or not is_in_progress:
            problems.append(f"{environment} is held by {deploy_id}, which is {status} and of {of}")
    for environment, queue in found.queues.items():
        if environment not in found.holds:
            problems.append(f"{environment} is free, and {queue} wait for it")
        for deploy_id in queue:
            of, status, _ = deploys[deploy_id]
            if of != environment or status != model.START or deploy_id in found.holds.values():
                problems.append(f"{deploy_id} waits for {environment}, and is {status} and of {of}")
            if found.dispatches.get(deploy_id, "waiting") != "waiting":
                problems.append(f"{deploy_id} waits, and its dispatch is {found.dispatches[deploy_id]}")
    waiting = {deploy_id for queue in found.queues.values() for deploy_id in queue}
    for deploy_id, state in found.dispatches.items():
        if state == "waiting" and deploy_id not in waiting:
            problems.append(f"{deploy_id} does not wait, and its dispatch does")
    return problems


async def assert_one_at_a_time(database: Path | str, *of: str) -> Kept:
    """Hold what is kept to that: each environment is one deploy's that is in progress, and nobody waits for a free one.
    In these environments none is free beside a deploy in progress. It is returned."""
    found = await kept(database)
    assert not found.problems, found.problems
    for environment in of:
        assert environment in found.holds or environment not in found.beside, (environment, found)
    return found
