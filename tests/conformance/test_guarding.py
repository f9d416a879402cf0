"""Whether the database guards its log is looked at too, by `phaseline audit verify` and for who asks of one deploy."""

from pathlib import Path

import pytest

from phaseline.inspection import inspect
from phaseline.store import Store
from phaseline_schema.audit.findings import Fault, FaultKind
from tests.conformance.conftest import Nodes, on_one_of_each
from tests.conformance.stores import Store as Kind
from tests.conformance.stores import on_newest_postgresql, on_sqlite
from tests.support.database import address, migrate
from tests.support.raw import connected

VERIFICATION = "query ($id: ID!) { auditVerification(deployId: $id) { valid fault { sequence kind message } } }"

GUARDS = {
    "sqlite": {
        *("audit_entries_append", "audit_entries_digest", "audit_entries_keep_delete", "audit_entries_keep_update"),
        *("deploys_follow_log", "deploys_keep_delete", "deploys_start"),
    },
}
GUARDS["postgresql"] = GUARDS["sqlite"] | {
    *("audit_entries_keep_truncate", "audit_entries_moved", "deploys_began", "deploys_keep_truncate"),
}

_KEEP = "CREATE TRIGGER deploys_keep_delete BEFORE DELETE ON deploys"

WEAKENED_ON_SQLITE = {
    "another one": (
        "deploys_keep_delete is another",
        ("DROP TRIGGER deploys_keep_delete", f"{_KEEP} BEGIN SELECT 1; END"),
    ),
    "never": (
        "deploys_keep_delete is another",
        (
            "DROP TRIGGER deploys_keep_delete",
            f"{_KEEP} WHEN 0 BEGIN SELECT RAISE(ABORT, 'a deploy is never deleted'); END",
        ),
    ),
}
WEAKENED_ON_POSTGRESQL = {
    "off": ("deploys_start is switched off", ("ALTER TABLE deploys DISABLE TRIGGER deploys_start",)),
    "for replicas alone": (
        "deploys_start is switched off",
        ("ALTER TABLE deploys ENABLE REPLICA TRIGGER deploys_start",),
    ),
    "never": (
        "deploys_keep_delete is another",
        (
            "DROP TRIGGER deploys_keep_delete ON deploys",
            f"{_KEEP} FOR EACH ROW WHEN (false) EXECUTE FUNCTION phaseline_keep('a deploy is never deleted')",
        ),
    ),
    "another function's body": (
        "deploys_start calls a phaseline_start that is another",
        (
            "CREATE OR REPLACE FUNCTION phaseline_start() RETURNS trigger LANGUAGE plpgsql "
            "SET search_path = public, pg_temp AS $$ BEGIN RETURN NEW; END $$",
        ),
    ),
    "another path": (
        "deploys_start calls a phaseline_start that is another",
        ("ALTER FUNCTION phaseline_start() SET search_path = pg_temp, public",),
    ),
    "another function of the name": (
        "deploys_start is another",
        (
            "CREATE SCHEMA evil",
            "CREATE FUNCTION evil.phaseline_start() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            "DROP TRIGGER deploys_start ON deploys",
            "CREATE TRIGGER deploys_start BEFORE INSERT ON deploys FOR EACH ROW "
            "EXECUTE FUNCTION evil.phaseline_start()",
        ),
    ),
}


async def _faults(database: Path | str) -> list[Fault]:
    found: list[Fault] = []
    store = Store(address(database))
    try:
        await inspect(store, lambda _, fault: found.append(fault))
    finally:
        await store.close()
    return found


async def _found_after(database: Path | str, *statements: str) -> str:
    """What is said of the guards after these statements."""
    await migrate(database)
    assert await _faults(database) == []
    async with connected(database) as raw:
        for statement in statements:
            await raw.execute(statement)
    (fault,) = await _faults(database)
    assert fault.kind is FaultKind.GUARD
    return fault.message.split(": ", 1)[1]


@on_one_of_each
async def test_guards_that_are_gone_are_named(store: Kind, database: Path | str) -> None:
    expected = GUARDS["sqlite" if isinstance(database, Path) else "postgresql"]
    tables = {name: name.split("_")[0].replace("audit", "audit_entries") for name in expected}
    gone = [f"DROP TRIGGER {name}" + ("" if isinstance(database, Path) else f" ON {tables[name]}") for name in expected]
    named = await _found_after(database, *gone)
    assert named == ", ".join(f"{name} is missing" for name in sorted(expected))


@on_sqlite
@pytest.mark.parametrize(("said", "statements"), WEAKENED_ON_SQLITE.values(), ids=WEAKENED_ON_SQLITE.keys())
async def test_guards_that_let_more_through_on_sqlite_are_named(
    database: Path, said: str, statements: tuple[str, ...]
) -> None:
    assert await _found_after(database, *statements) == said


@on_newest_postgresql
@pytest.mark.parametrize(("said", "statements"), WEAKENED_ON_POSTGRESQL.values(), ids=WEAKENED_ON_POSTGRESQL.keys())
async def test_guards_that_let_more_through_on_postgresql_are_named(
    database: str, said: str, statements: tuple[str, ...]
) -> None:
    assert await _found_after(database, *statements) == said


@on_one_of_each
async def test_who_asks_of_one_deploy_is_told_of_another_graph_and_of_guards_that_are_gone(nodes: Nodes) -> None:
    caller = nodes.callers[0]
    deploy = (await caller.start())["id"]
    edge = "SET why = {} WHERE pipeline = 'console' AND from_status = 'queued' AND to_status = 'building'"
    found = []
    async with connected(nodes.database) as raw:
        found.append((await caller.send(VERIFICATION, id=deploy)).data["auditVerification"])
        ((why,),) = await raw.execute(
            "SELECT why FROM pipeline_transitions "
            "WHERE pipeline = 'console' AND from_status = 'queued' AND to_status = 'building'"
        )
        await raw.execute(f"UPDATE pipeline_transitions {edge.format(':why')}", why="another")
        try:
            found.append((await caller.send(VERIFICATION, id=deploy)).data["auditVerification"])
        finally:
            await raw.execute(f"UPDATE pipeline_transitions {edge.format(':why')}", why=why)
        name = "deploys_keep_delete"
        if raw.is_sqlite:
            ((definition,),) = await raw.execute("SELECT sql FROM sqlite_master WHERE name = :name", name=name)
        off, on = (
            (f"DROP TRIGGER {name}", definition)
            if raw.is_sqlite
            else (f"ALTER TABLE deploys DISABLE TRIGGER {name}", f"ALTER TABLE deploys ENABLE TRIGGER {name}")
        )
        await raw.execute(off)
        try:
            found.append((await caller.send(VERIFICATION, id=deploy)).data["auditVerification"])
        finally:
            await raw.execute(on)
    told = [(each["valid"], each["fault"] and (each["fault"]["kind"], each["fault"]["sequence"])) for each in found]
    assert told == [(True, None), (False, ("GRAPH", None)), (False, ("GUARD", None))]
