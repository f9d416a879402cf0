"""Every change of one field of a row, made from the tables' columns, so that those of a new column are there too."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Integer, String, Table, Text

from phaseline_schema.records import AuditKind, Source
from phaseline_schema.tables import UtcDateTime


@dataclass(frozen=True)
class Change:
    """A row's column and the SQL expression that takes its place, with the value that this speaks of, if any."""

    table: str
    id: Any
    column: str
    expression: str
    value: dict[str, Any] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        """What makes it."""
        return f"UPDATE {self.table} SET {self.column} = {self.expression} WHERE id = :the_id"


def of_row(table: Table, row: dict[str, Any], others: list[dict[str, Any]], is_sqlite: bool) -> Iterator[Change]:
    """Every change of one field of this row: to nothing, to something else, and to what stands there in other rows."""
    for column in table.columns:
        was = row[column.name]
        elsewhere = {other[column.name]: None for other in others if other[column.name] not in (was, None)}
        for other in list(elsewhere)[:_ENOUGH]:
            yield Change(table.name, row["id"], column.name, ":value", {"value": other})
        if was is not None:
            yield Change(table.name, row["id"], column.name, "NULL")
        for expression, value in [*_other_values(column, was, is_sqlite), *(_GARBAGE if is_sqlite else ())]:
            given = {} if value is None else {"value": value}
            yield Change(table.name, row["id"], column.name, expression, given)


# Of what stands in other rows.
_ENOUGH = 2

# SQLite keeps in any column whatever it is given.
_GARBAGE: tuple[tuple[str, Any], ...] = (
    ("CAST(x'ff41' AS TEXT)", None),
    ("x'616263'", None),
    ("1e300", None),
    ("'garbage'", None),
    ("char(0)", None),
)


def _other_values(column: Column[Any], was: Any, is_sqlite: bool) -> list[tuple[str, Any]]:
    if isinstance(column.type, UtcDateTime):
        return _other_times(column.name, was, is_sqlite)
    if isinstance(column.type, Integer):
        return [(":value", was + by) for by in (1, -1, 100, -was)]
    if column.name == "kind":
        return [(":value", kind.value) for kind in AuditKind if kind.value != was] + [(":value", "NONSENSE")]
    if column.name == "source":
        return [(":value", source.value) for source in Source if source.value != was] + [(":value", "NONSENSE")]
    if isinstance(column.type, String | Text):
        if was is None:
            return [(":value", ""), (":value", "x")]
        swapped = was.swapcase()
        values = [f"{was[:-1]}\u200b", was[:-1], ""] + [swapped] * (swapped != was)
        return [(":value", value) for value in values] + ([(f"CAST({column.name} AS BLOB)", None)] if is_sqlite else [])
    raise AssertionError(f"what else may {column} hold?")


def _other_times(name: str, was: Any, is_sqlite: bool) -> list[tuple[str, Any]]:
    if was is None:
        return [("started_at", None)]
    time = datetime.fromisoformat(was) if is_sqlite else was
    moved = [time + timedelta(microseconds=1), time - timedelta(hours=1)]
    if is_sqlite:  # the same time, written otherwise, is a change as well
        texts = [*(each.strftime("%Y-%m-%d %H:%M:%S.%f") for each in moved), was.replace(" ", "T"), f"{was}+00:00"]
        return [(":value", text) for text in texts]
    return [
        *((":value", each) for each in moved),
        ("'infinity'", None),
        ("'-infinity'", None),
        ("'0044-03-15 BC'", None),
    ]
