"""Which of several conditions leads to the rows, where a database cannot tell by itself."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class picking(GenericFunction[Any]):  # noqa: N801 - it is written as a function
    """A column by which rows are picked that another condition has led to.

    PostgreSQL keeps statistics of its tables, and chooses itself. SQLite has none, and would take whichever of two
    indexes it comes upon: a sign before the column, which changes nothing of its value, keeps it from this one.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column, type_=column.type)


@compiles(picking)
def _as_it_is(element: picking, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(picking, "sqlite")
def _aside(element: picking, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"
