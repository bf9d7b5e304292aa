"""Statements that travel to PostgreSQL together.

The busiest read needs a key, fifty entries and a line on the trail. Sent one by one through the
ORM that is three round trips and three times the planning; here they are prepared once a
connection, sent in one batch (libpq's pipeline mode) and their results come back in binary.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from django.db import connection


class Send(Protocol):
    """Queue a statement; its cursor has the rows once the pipeline is left."""

    def __call__(self, sql: str, params: Any = None) -> psycopg.Cursor[tuple[Any, ...]]: ...


@contextmanager
def pipeline() -> Iterator[Send]:
    """Send statements together inside the current transaction. An error of any raises on exit."""
    if not connection.in_atomic_block:
        raise RuntimeError("a pipeline belongs in a transaction")
    raw: psycopg.Connection[Any] = connection.connection

    def send(sql: str, params: Any = None) -> psycopg.Cursor[tuple[Any, ...]]:
        cursor: psycopg.Cursor[tuple[Any, ...]] = psycopg.Cursor(raw)
        return cursor.execute(sql, params, prepare=True, binary=True)

    with connection.wrap_database_errors, raw.pipeline():
        yield send
