"""Reading deploys and audit entries: one, a page by cursor, or what came after a sequence."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Row, Select, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import cursors, graph, selection
from phaseline.identity import Identity
from phaseline_schema import inputs
from phaseline_schema.records import AuditKind, Callback, DeployRecord, EntryRecord
from phaseline_schema.refusals import Forbidden, Refusal, Unauthenticated
from phaseline_schema.tables import audit_entries, deploys
from phaseline_schema.types.inputs import AuditFilter, DeployFilter
from phaseline_schema.types.reader import Page

LONGEST_PAGE = 200

# A deploy's log holds so many callbacks of callers who may not send them before those of callers without a role are
# answered and no longer recorded.
MOST_OF_ANYBODY = 100
_TURNED_AWAY = (Unauthenticated.code, Forbidden.code)

_LAST_SEQUENCE = 2**31 - 1
_BEFORE_ALL = datetime(1, 1, 2, tzinfo=UTC)

deploy_rows = select(*(deploys.c[field.name] for field in fields(DeployRecord)))
entry_rows = select(*(audit_entries.c[field.name] for field in fields(EntryRecord)))

_locked = deploy_rows.with_only_columns(graph.revision, *deploy_rows.selected_columns)
# Rows of others that name the deploy can be written meanwhile: its id does not change (holds.py).
_locked = _locked.where(deploys.c.id == bindparam("the_id")).with_for_update(of=deploys, key_share=True)

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a deploy's log, which has no gaps: `after` < sequence <= `upto`. It could go on to `end`."""

    deploy_id: str
    after: int
    end: int
    upto: int


def entry(row: Row[Any]) -> EntryRecord:
    """The record of a row of `entry_rows`."""
    return EntryRecord(*tuple(row))


async def deploy(connection: AsyncConnection, deploy_id: str) -> DeployRecord | None:
    """One deploy."""
    row = (await connection.execute(deploy_rows.where(deploys.c.id == deploy_id))).first()
    return DeployRecord(*tuple(row)) if row else None


async def locked(connection: AsyncConnection, deploy_id: str) -> tuple[DeployRecord | None, str | None]:
    """One deploy, from which other writers are kept away until the transaction ends; and the database's revision.

    On PostgreSQL whoever waited for the row has it as it was left. Nothing else that changes may be read beside it: it
    would be older. The revision does not change: no migration begins while anybody has read it.
    """
    row = (await connection.execute(_locked, {"the_id": deploy_id})).first()
    return (DeployRecord(*row[1:]), row[0]) if row else (None, None)


async def told(
    connection: AsyncConnection, deploy: DeployRecord, identity: Identity, refused: Callback, why: Refusal
) -> EntryRecord | None:
    """The entry that tells already of a callback which its sender may not send; None where it is to be recorded.

    Who is refused often tries again, and who has no role may be anybody, as often as they like: neither is to bury what
    else is in the log.
    """
    newest = (await entries_between(connection, deploy.id, deploy.sequence - 1, deploy.sequence))[-1]
    if newest.tells_the_same(refused, identity.name, why.code):
        return newest
    if identity.role is not None:
        return None
    columns = audit_entries.c
    turned_away = entry_rows.where(columns.deploy_id == deploy.id, columns.refusal.in_(_TURNED_AWAY))
    row = (
        await connection.execute(turned_away.order_by(columns.sequence).offset(MOST_OF_ANYBODY - 1).limit(1))
    ).first()
    return entry(row) if row else None


async def deploys_by_id(connection: AsyncConnection, ids: Collection[str]) -> dict[str, DeployRecord]:
    """Several deploys, by id."""
    rows = await connection.execute(deploy_rows.where(deploys.c.id.in_(ids)))
    return {row.id: DeployRecord(*tuple(row)) for row in rows}


async def sequences(connection: AsyncConnection, ids: Collection[str]) -> dict[str, int]:
    """How far several deploys have come, by id."""
    rows = await connection.execute(select(deploys.c.id, deploys.c.sequence).where(deploys.c.id.in_(ids)))
    return {row.id: row.sequence for row in rows}


async def folded_of(connection: AsyncConnection, ids: Collection[str]) -> dict[str, list[EntryRecord]]:
    """What is folded of several deploys, oldest first, by the deploy's id: all entries but refusals."""
    columns = audit_entries.c
    rows = await connection.execute(
        entry_rows.where(columns.deploy_id.in_(ids), columns.kind != AuditKind.CALLBACK_REFUSED).order_by(
            columns.deploy_id, columns.sequence
        )
    )
    folded: defaultdict[str, list[EntryRecord]] = defaultdict(list)
    for row in rows:
        folded[row.deploy_id].append(entry(row))
    return folded


async def newest_of(connection: AsyncConnection, ids: Collection[str]) -> dict[str, EntryRecord]:
    """The newest entry of several deploys, by the deploy's id."""
    newest = and_(deploys.c.id == audit_entries.c.deploy_id, deploys.c.sequence == audit_entries.c.sequence)
    rows = await connection.execute(entry_rows.join(deploys, newest).where(deploys.c.id.in_(ids)))
    return {row.deploy_id: entry(row) for row in rows}


async def entries_between(connection: AsyncConnection, deploy_id: str, after: int, upto: int) -> list[EntryRecord]:
    """A deploy's entries with `after` < sequence <= `upto`, oldest first."""
    columns = audit_entries.c
    rows = await connection.execute(
        entry_rows.where(columns.deploy_id == deploy_id, columns.sequence > after, columns.sequence <= upto).order_by(
            columns.sequence
        )
    )
    return [entry(row) for row in rows]


async def deploys_page(
    connection: AsyncConnection, wanted: DeployFilter | None, first: int | None, after: str | None
) -> Page[DeployRecord]:
    """Deploys, newest first. Raises BadUserInput."""
    given = wanted or DeployFilter()
    size = inputs.number("first", first, 20, least=1, most=LONGEST_PAGE)
    place = None if after is None else cursors.decode_time_and_id(after)
    stands: list[selection.Stand] = []
    if given.outcome is not None:
        stands = [(pipeline, end) for pipeline, end in await connection.execute(selection.stands_of(given.outcome))]
    return await _page(
        connection,
        selection.deploys_newest_first(deploy_rows, given, stands, place, size + 1),
        size,
        after,
        lambda row: DeployRecord(*tuple(row)),
        lambda row: cursors.encode(row.started_at.isoformat(), row.id),
    )


async def entries_page(
    connection: AsyncConnection, wanted: AuditFilter | None, first: int | None, after: str | None
) -> Page[EntryRecord]:
    """Audit entries of all deploys, newest first. Raises BadUserInput."""
    size = inputs.number("first", first, 50, least=1, most=LONGEST_PAGE)
    newest = None if after is None else cursors.decode_number(after, 2**63 - 1)
    given = wanted or AuditFilter()
    if given.deploy_id is not None:
        query = selection.entries_latest_first(entry_rows, given, newest, size + 1)
    else:
        place = None if newest is None else await _place_of(connection, newest)
        query = selection.entries_newest_first(entry_rows, given, place, size + 1)
    return await _page(
        connection,
        query,
        size,
        after,
        entry,
        lambda row: cursors.encode(row.id),
    )


async def _place_of(connection: AsyncConnection, entry_id: int) -> selection.EntryPlace:
    """Where the list goes on after this entry; at its end where there is none so old."""
    at = (await connection.execute(selection.time_of(entry_id))).scalar_one_or_none()
    return (_BEFORE_ALL, 0) if at is None else (at, entry_id)


async def entries_in(connection: AsyncConnection, parts: Sequence[Part]) -> list[list[EntryRecord]]:
    """What several parts of logs hold, oldest first: one statement, however many they are."""
    columns = audit_entries.c
    alike: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for part in parts:
        alike[part.after, part.end].add(part.deploy_id)
    wanted = (
        and_(columns.deploy_id.in_(ids), columns.sequence > after, columns.sequence <= end)
        for (after, end), ids in alike.items()
    )
    found: defaultdict[str, list[EntryRecord]] = defaultdict(list)
    for row in await connection.execute(entry_rows.where(or_(*wanted)).order_by(columns.sequence)):
        found[row.deploy_id].append(entry(row))
    return [[one for one in found[part.deploy_id] if part.after < one.sequence <= part.upto] for part in parts]


def part_of(deploy: DeployRecord, first: int | None, after: str | None) -> Part:
    """The part of a deploy's log that a page of it holds. Raises BadUserInput."""
    size = inputs.number("first", first, 50, least=1, most=LONGEST_PAGE)
    known = 0 if after is None else cursors.decode_number(after, _LAST_SEQUENCE)
    end = min(known + size, _LAST_SEQUENCE)
    return Part(deploy.id, known, end, min(end, deploy.sequence))


def page_of(deploy: DeployRecord, after: str | None, entries: Sequence[EntryRecord]) -> Page[EntryRecord]:
    """The page of a deploy's log that holds these, up to the entry that `deploy` has come to."""
    return Page(
        rows=[(cursors.encode(one.sequence), one) for one in entries],
        has_next=bool(entries) and entries[-1].sequence < deploy.sequence,
        has_previous=after is not None,
    )


async def _page(
    connection: AsyncConnection,
    query: Select[Any],
    size: int,
    after: str | None,
    record: Callable[[Row[Any]], Record],
    cursor: Callable[[Row[Any]], str],
) -> Page[Record]:
    """The query finds one row more than the page holds, which tells whether there is a next one."""
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return Page(
        rows=[(cursor(row), record(row)) for row in rows[:size]],
        has_next=len(rows) > size,
        # The row of the cursor itself comes before this page.
        has_previous=after is not None,
    )
