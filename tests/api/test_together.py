"""Writes on SQLite that wait at the same time share a commit: each has its own end, and none is told before it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.store import Store
from tests.support.waiting import until

Write = Callable[[AsyncConnection], Coroutine[Any, Any, int]]


@pytest.fixture
async def store(database: Path) -> AsyncIterator[Store]:
    """One on a file with a table of numbers, and one of numbers that have to be in it when a transaction ends."""
    with closing(sqlite3.connect(database)) as file:
        file.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
        file.execute("CREATE TABLE later (number REFERENCES numbers (number) DEFERRABLE INITIALLY DEFERRED)")
        file.commit()
    ours = Store(f"sqlite:///{database}")
    yield ours
    await ours.close()


def writes(number: int, error: Exception | None = None) -> Write:
    """Writes a number down, and fails then, if there is an error."""

    async def write(connection: AsyncConnection) -> int:
        await connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
        if error is not None:
            raise error
        return number

    return write


async def _at_once(store: Store, *works: Write) -> list[Any]:
    """What comes of these, which wait together: nobody has his turn before all of them are there."""
    async with store.writing():
        waiting = [asyncio.create_task(store.write(work)) for work in works]
        await until(lambda: len(store.database._together._waiting) == len(works))  # type: ignore[attr-defined]
    return await asyncio.gather(*waiting, return_exceptions=True)


def _kept(database: Path) -> list[int]:
    with closing(sqlite3.connect(database)) as file:
        return [number for (number,) in file.execute("SELECT number FROM numbers ORDER BY number")]


async def test_of_writes_that_share_a_commit_those_that_fail_are_undone_and_the_others_are_kept(
    database: Path, store: Store
) -> None:
    fault = ValueError("a fault")
    first, failed, refused, last = await _at_once(store, writes(1), writes(2, fault), writes(1), writes(3))
    assert (first, failed, last) == (1, fault, 3)
    assert isinstance(refused, IntegrityError)
    assert _kept(database) == [1, 3]


async def test_where_the_commit_fails_all_that_share_it_are_told_so_and_nothing_is_kept(
    database: Path, store: Store
) -> None:
    async def owes(connection: AsyncConnection) -> int:
        """No statement of it fails, but the commit."""
        return (await connection.execute(text("INSERT INTO later VALUES (99)"))).rowcount

    outcomes = await _at_once(store, writes(1), owes, writes(2))
    assert all(isinstance(outcome, IntegrityError) for outcome in outcomes)
    assert _kept(database) == []
    assert await store.write(writes(4)) == 4
    assert _kept(database) == [4]


async def test_where_one_ends_the_whole_transaction_all_that_share_it_are_told_so(database: Path, store: Store) -> None:
    """As SQLite does by itself where the disk is full, say."""

    async def ends(connection: AsyncConnection) -> int:
        await connection.exec_driver_sql("ROLLBACK")
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    outcomes = await _at_once(store, writes(1), ends, writes(2))
    assert all(isinstance(outcome, OperationalError) and "disk is full" in str(outcome) for outcome in outcomes)
    assert _kept(database) == []
    assert await store.write(writes(4)) == 4


async def test_nobody_is_told_before_the_commit(database: Path, store: Store) -> None:
    """What any of them is told, another process can read."""

    async def told(number: int) -> bool:
        await store.write(writes(number))
        return number in _kept(database)

    assert all(await asyncio.gather(*(told(number) for number in range(100))))


async def test_whoever_is_cancelled_is_in_nobody_else_s_way(database: Path, store: Store) -> None:
    async with store.writing():
        waiting = [asyncio.create_task(store.write(writes(number))) for number in range(3)]
        await until(lambda: len(store.database._together._waiting) == 3)  # type: ignore[attr-defined]
        waiting[1].cancel()
    await asyncio.wait(waiting)
    assert [task.cancelled() for task in waiting] == [False, True, False]
    await store.write(writes(3))
    assert _kept(database) == [0, 1, 2, 3], "what was begun goes on to its end"


async def test_a_write_that_waits_for_anything_but_its_file_is_a_fault_of_ours(database: Path, store: Store) -> None:
    async def waits(connection: AsyncConnection) -> None:
        await writes(1)(connection)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for something else"):
        await store.write(waits)
    assert _kept(database) == []
