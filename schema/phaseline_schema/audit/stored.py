"""Rows as they lie in the database, whoever wrote them, made into records: what is not of its column's form is refused.

A time comes as the text that SQLite keeps of it, in UTC and to the microsecond; all else as the database's own type.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Integer, Table

from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord, Source
from phaseline_schema.tables import UtcDateTime, audit_entries, deploys

# What the database itself makes of an entry, for a foreign key of transitions alone.
COMPUTED = {"edge_from": "from_status", "edge_to": "to_status"}

_HIGHEST = 2**63 - 1
_HEXADECIMAL = frozenset("0123456789abcdef")

Row = Mapping[str, Any]


class Malformed(Exception):
    """A value is not of its column's form. The text says which column, and nothing of what it holds."""


def deploy(row: Row) -> DeployRecord:
    """The record of a deploy's row. Raises Malformed."""
    values = _values(deploys, row)
    return DeployRecord(**{field.name: values[field.name] for field in fields(DeployRecord)})


def entry(row: Row) -> EntryRecord:
    """The record of an entry's row. Raises Malformed."""
    values = _values(audit_entries, row)
    if not is_digest(values["digest"]):
        raise Malformed("its digest is not 64 lower-case hexadecimal digits")
    if values["kind"] not in set(AuditKind):
        raise Malformed("its kind is none that there is")
    for name, source in COMPUTED.items():
        if values[name] != (values[source] if values["kind"] == AuditKind.TRANSITION else None):
            raise Malformed(f"its {name} is not what the database makes of it")
    values["kind"] = AuditKind(values["kind"])
    if values["source"] is not None and values["source"] not in set(Source):
        raise Malformed("its source is none that there is")
    values["source"] = Source(values["source"]) if values["source"] is not None else None
    return EntryRecord(**{field.name: values[field.name] for field in fields(EntryRecord)})


def is_digest(value: object) -> bool:
    """Whether it has the form of a digest."""
    return isinstance(value, str) and len(value) == 64 and set(value) <= _HEXADECIMAL


def is_time(column: Column[Any]) -> bool:
    """Whether a column holds a point in time."""
    return isinstance(column.type, UtcDateTime)


def time(value: datetime) -> str:
    """A point in time as a row holds it."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _values(table: Table, row: Row) -> dict[str, Any]:
    return {column.name: _value(column, row[column.name]) for column in table.columns}


def _value(column: Column[Any], value: Any) -> Any:
    if value is None:
        if column.nullable:
            return None
        raise Malformed(f"its {column.name} is missing")
    if is_time(column):
        return _time(column.name, value)
    if isinstance(column.type, Integer):
        if type(value) is int and 1 <= value <= _HIGHEST:
            return value
        raise Malformed(f"its {column.name} is no number from 1 on")
    if isinstance(value, str):
        return value
    raise Malformed(f"its {column.name} is no text")


def _time(name: str, value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    # Nothing but the one way of writing it: another is a change, though it may mean the same.
    if found is None or found.tzinfo is not None or time(found.replace(tzinfo=UTC)) != value:
        raise Malformed(f"its {name} is no time")
    return found.replace(tzinfo=UTC)
