"""What is known of the runs that dispatches have become: as GitHub has answered, or as a run's own name says.

A name counts for little: whoever may begin a run may give it any. So it counts only for a run of the file, and of the
repository, that was dispatched, which was begun as a dispatch is, and while nothing else says which run it is.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.databases import clock
from phaseline_schema.dispatches import DispatchState
from phaseline_schema.tables import deploys, dispatches

# States of a dispatch in which GitHub may have begun a run, and its answer does not say which, nor is about to.
_MAY_BE_BEGUN = (DispatchState.UNCLEAR, DispatchState.SENT)

# GitHub's word for what a dispatch begins a run by.
_BY_DISPATCH = "workflow_dispatch"

_DEPLOY_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# A name has room for no more that matter.
_MOST_IDS = 8


@dataclass(frozen=True, slots=True)
class Named:
    """What a run says of itself: its name, the workflow's file, what has begun it, and the repository that it is of."""

    name: str | None
    path: str | None
    trigger: str | None
    repository: str


def carries(run: Named, deploy_id: str) -> bool:
    """Whether it was begun for this deploy and no other, as its name says."""
    return run.trigger == _BY_DISPATCH and set(_DEPLOY_ID.findall(run.name or "")) == {deploy_id}


def of_run(run_id: str) -> Select[Any]:
    """The deploys in progress that this run was dispatched for. Those that have ended have it in their log."""
    columns = dispatches.c
    unfinished = select(deploys.c.id).where(deploys.c.finished_at.is_(None))
    return select(columns.deploy_id).where(columns.run_id == run_id, columns.deploy_id.in_(unfinished))


async def runs(connection: AsyncConnection, ids: Collection[str]) -> list[tuple[str, str, str, str]]:
    """Of these deploys, those whose dispatch has become a known run: deploy, environment, run and repository."""
    columns = dispatches.c
    known = select(columns.deploy_id, deploys.c.environment, columns.run_id, columns.repository)
    joined = known.select_from(dispatches.join(deploys, deploys.c.id == columns.deploy_id))
    found = await connection.execute(joined.where(columns.deploy_id.in_(ids), columns.run_id.is_not(None)))
    return [(row[0], row[1], row[2], row[3]) for row in found]


async def by_name(connection: AsyncConnection, run: Named) -> tuple[str, str, str] | None:
    """The dispatch that has become this run, as the run's name says: deploy, environment and repository.

    None where it says that of none, or of several.
    """
    ids = sorted(set(_DEPLOY_ID.findall(run.name or "")))
    if run.trigger != _BY_DISPATCH or not ids or len(ids) > _MOST_IDS:
        return None
    columns = dispatches.c
    said = (columns.deploy_id, deploys.c.environment, columns.repository, columns.workflow)
    joined = select(*said).select_from(dispatches.join(deploys, deploys.c.id == columns.deploy_id))
    may_be = (columns.run_id.is_(None), columns.state.in_(_MAY_BE_BEGUN))
    found = [
        (row.deploy_id, row.environment, row.repository)
        for row in await connection.execute(joined.where(columns.deploy_id.in_(ids), *may_be))
        if row.repository.casefold() == run.repository.casefold() and row.workflow == run.path
    ]
    return found[0] if len(found) == 1 else None


async def take(connection: AsyncConnection, deploy_id: str, run_id: str) -> bool:
    """Write down that the dispatch has become this run. Whether it is written: not where somebody else is just writing.

    Whoever calls has locked the deploy. Who has locked the dispatch alone is not waited for.
    """
    columns = dispatches.c
    may_be = (columns.deploy_id == deploy_id, columns.run_id.is_(None), columns.state.in_(_MAY_BE_BEGUN))
    free = select(columns.deploy_id).where(*may_be).with_for_update(skip_locked=True)
    if (await connection.execute(free)).first() is None:
        return False
    begun = {"run_id": run_id, "state": DispatchState.SENT, "reason": None, "updated_at": await clock.now(connection)}
    await connection.execute(update(dispatches).where(columns.deploy_id == deploy_id).values(**begun))
    return True
