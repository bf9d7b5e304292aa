"""The short way to PostgreSQL, for what every request does.

Through the ORM the busiest read – who is it, may they, fifty notes and a line on the trail – is
mostly compiling queries and waiting for round trips. Here statements are prepared once a
connection, results come back in binary, and several of them travel together (libpq's pipeline
mode).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

from clients_app import wall

Row = tuple[Any, ...]
M = TypeVar("M", bound=Model)


class Send(Protocol):
    """Queue a statement; its cursor has the rows once the pipeline is left."""

    def __call__(self, sql: str, params: Any = None) -> psycopg.Cursor[Row]: ...


@contextmanager
def pipeline() -> Iterator[Send]:
    """Send statements together, all or nothing: in the current transaction, or where there is
    none in one of their own, since PostgreSQL runs what a pipeline holds as one and commits it
    with the answer (libpq, 32.5.1.3). An error of any raises on leaving, and undoes all."""

    def send(sql: str, params: Any = None) -> psycopg.Cursor[Row]:
        return _execute(raw, sql, params)

    with connection.wrap_database_errors, _preparing() as raw, raw.pipeline():
        if not wall.told(connection):
            wall.tell(connection)
        yield send


def ask(sql: str, params: Any = None) -> Row | None:
    """The first row of one prepared statement."""
    with connection.wrap_database_errors, _preparing() as raw:
        if wall.told(connection):
            return _execute(raw, sql, params).fetchone()
        with raw.pipeline():
            wall.tell(connection)
            cursor = _execute(raw, sql, params)
        return cursor.fetchone()


def columns(model: type[Model], alias: str) -> str:
    """All columns of a model under an alias, in the order that `built` takes them."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def built(model: type[M], values: Row) -> M:
    """A row of `columns` as the ORM would have made it."""
    return model.from_db(DEFAULT_DB_ALIAS, [f.attname for f in model._meta.concrete_fields], values)


@contextmanager
def _preparing() -> Iterator["psycopg.Connection[Any]"]:
    """The connection, for these statements with preparing switched on. Not for the ORM's: the
    driver would keep the last hundred of them as keys, values and all."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    raw.prepare_threshold = 0
    try:
        yield raw
    finally:
        raw.prepare_threshold = None


def _execute(raw: "psycopg.Connection[Any]", sql: str, params: Any) -> psycopg.Cursor[Row]:
    cursor: psycopg.Cursor[Row] = psycopg.Cursor(raw)
    return cursor.execute(sql, params, prepare=settings.DATABASE_PREPARES, binary=True)
