"""Whether the database's guards, which let nobody change the log, are there as the migrations made them, and work."""

import re
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import revisions
from phaseline_schema.audit.findings import Fault, FaultKind

_NAME = re.compile(r"CREATE (?:CONSTRAINT )?(TRIGGER|FUNCTION) (\w+)")
_CALLED = re.compile(r"EXECUTE FUNCTION (\w+)")

_ON_SQLITE = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")

# Those of the tables that statements without a schema mean; and what each calls, on which path it looks for tables.
_ON_POSTGRESQL = text("""
    SELECT tgname, pg_get_triggerdef(found.oid, true), tgenabled IN ('O', 'A') AS works, prosrc,
        proconfig = ARRAY['search_path=' || quote_ident(nspname) || ', pg_temp'] AS keeps_to_its_path
    FROM pg_trigger AS found JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_class ON pg_class.oid = tgrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE NOT tgisinternal AND pg_table_is_visible(tgrelid)
""")


async def fault(connection: AsyncConnection) -> Fault | None:
    """What is wrong with those of the newest revision, or None. Others, which somebody has added, are no fault."""
    look = _wrong_on_postgresql if connection.dialect.name == "postgresql" else _wrong_on_sqlite
    wrong = await look(connection)
    if not wrong:
        return None
    named = ", ".join(f"{name} {what}" for name, what in sorted(wrong.items()))
    return Fault(FaultKind.GUARD, f"the database does not guard the log as its revision has it: {named}")


async def _wrong_on_sqlite(connection: AsyncConnection) -> dict[str, str]:
    found = {name: _plain(sql) for name, sql in await connection.execute(_ON_SQLITE)}
    return _differences(_expected("sqlite", "TRIGGER"), found)


async def _wrong_on_postgresql(connection: AsyncConnection) -> dict[str, str]:
    triggers, bodies = _expected("postgresql", "TRIGGER"), _expected("postgresql", "FUNCTION")
    rows = (await connection.execute(_ON_POSTGRESQL)).all()
    wrong = _differences(triggers, {row.tgname: _plain(row.pg_get_triggerdef) for row in rows})
    for row in rows:
        if row.tgname not in triggers or row.tgname in wrong:
            continue
        (function,) = _CALLED.findall(row.pg_get_triggerdef)
        if not row.works:
            wrong[row.tgname] = "is switched off"
        elif _plain(row.prosrc) != bodies[function].split("$$")[1].strip() or not row.keeps_to_its_path:
            wrong[row.tgname] = f"calls a {function} that is another"
    return wrong


def _differences(expected: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    return {
        name: "is another" if name in found else "is missing"
        for name, definition in expected.items()
        if found.get(name) != definition
    }


def _expected(dialect: str, kind: str) -> dict[str, str]:
    """What is created, by name. Of two of a name, the later one holds."""
    named = [(_NAME.search(guard), guard) for guard in revisions.guards(dialect)]
    return {name[2]: _plain(guard) for name, guard in named if name is not None and name[1] == kind}


def _plain(definition: object) -> str:
    """Without what means nothing: how it is indented, and in which letters."""
    return " ".join(str(definition).split()).casefold()
