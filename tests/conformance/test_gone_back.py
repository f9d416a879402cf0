"""The log under a follower is put back to what it was, or becomes another one, as when a backup is restored."""

from pathlib import Path

import pytest

from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import SQLITE, Store
from tests.support.caller import Caller
from tests.support.raw import Raw, append, connected
from tests.support.server import serving
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, codes, viewing


async def _unguard(raw: Raw, store: Store) -> None:
    if store.kind == SQLITE:
        for (name,) in await raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            await raw.execute(f"DROP TRIGGER {name}")
    else:
        for table in ("deploys", "audit_entries"):
            await raw.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


async def _go_back(raw: Raw, store: Store) -> None:
    """To the second entry of the only deploy."""
    await _unguard(raw, store)
    await raw.begin()
    await raw.execute("DELETE FROM audit_entries WHERE sequence = 3")
    await raw.execute("UPDATE deploys SET sequence = 2, status = 'smoke_running'")
    await raw.commit()


@on_one_of_each
@pytest.mark.parametrize("query", [PHASE_CHANGED, AUDIT_ENTRY_ADDED], ids=["phaseChanged", "auditEntryAdded"])
@pytest.mark.parametrize("regrown", [False, True], ids=["shorter", "of the same length"])
async def test_a_follower_is_told_that_what_it_has_seen_is_not_there(
    store: Store, database: Path | str, query: str, regrown: bool
) -> None:
    """It would fold the next entry onto one that never was."""
    async with serving(database, poll_seconds="0.1") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], "smoke_running", "building")
        async with viewing(server.url) as viewer, connected(database) as raw:
            await viewer.subscribe(query, id=deploy["id"])
            await viewer.event()
            await _go_back(raw, store)
            if regrown:
                await append(raw, deploy["id"], "smoke_passed")
                await caller.walk(deploy["id"], "freeze_checking")
            assert codes(await viewer.receive()) == ["AFTER_AHEAD"]


@on_one_of_each
@pytest.mark.parametrize("regrown", [False, True], ids=["shorter", "of the same length"])
async def test_who_comes_after_a_backup_was_restored_is_shown_what_is_there(
    store: Store, database: Path | str, regrown: bool
) -> None:
    """Whoever followed the deploy before ends; that he was shown something else is nothing to who comes now."""
    async with serving(database, poll_seconds="3600") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], "smoke_running", "building")
        async with viewing(server.url) as early, viewing(server.url) as late, connected(database) as raw:
            await early.subscribe(PHASE_CHANGED, id=deploy["id"])
            assert (await early.event())["entry"]["toStatus"] == "building"
            await _go_back(raw, store)
            if regrown:
                await append(raw, deploy["id"], "smoke_passed")
            there = (3, "smoke_passed") if regrown else (2, "smoke_running")
            await late.subscribe(PHASE_CHANGED, id=deploy["id"])
            first = await late.event()
            assert (first["entry"]["sequence"], first["entry"]["toStatus"]) == there
            assert codes(await early.receive()) == ["AFTER_AHEAD"]
            await caller.walk(deploy["id"], "freeze_checking")
            assert (await late.event())["entry"]["sequence"] == there[0] + 1
