"""Small helpers of the catalog's queries.

Belongs here: what several topics need to turn rows into SQL and back.
Does not belong here: anything that knows a topic.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Select, select

from resources.catalog.database import table_of
from resources.catalog.models.base import Base

CHUNK = 1000
"""Values in one IN list: both databases limit the parameters of a statement."""

T = TypeVar("T")
R = TypeVar("R")


def chunks(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """The distinct values, sorted so that two transactions lock in the same order, `CHUNK` at a time."""
    distinct: list[T] = sorted(set(values))  # type: ignore[type-var]
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def columns_of(model: type[Base], row_type: type[Any]) -> list[Column[Any]]:
    """The columns of a model that a row type has, in its order."""
    table = table_of(model)
    return [table.c[field.name] for field in fields(row_type)]


def selecting(model: type[Base], row_type: type[Any]) -> Select[Any]:
    """A SELECT of what a row type holds."""
    return select(*columns_of(model, row_type))


def fetch(connection: Connection, statement: Any, row_type: type[R]) -> list[R]:
    """The result of a statement as rows of a type."""
    return [row_type(**row) for row in connection.execute(statement).mappings()]


def fetch_among(
    connection: Connection, statement: Select[Any], column: Any, values: Iterable[Any], row_type: type[R]
) -> list[R]:
    """The rows of a statement in which a column is one of any number of values."""
    return [row for some in chunks(values) for row in fetch(connection, statement.where(column.in_(some)), row_type)]


def values_of(row: Any) -> dict[str, Any]:
    """The fields of a dataclass, not copied deeply."""
    return dict(vars(row))
