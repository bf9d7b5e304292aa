"""The second wall: the database itself shows only what somebody may see, whatever it is asked.

The first wall is `access`. Should a query ever forget it, row-level security stands behind: every
table that holds a client's data shows its rows to

* a counsellor or supervisor: those of the clients in their care;
* front desk, manager, privacy officer: those of their practice, and of the tables that hold what
  was said (notes, disclosures) none;
* a purpose of the system that says its name (`system`): all. So purges, imports and keys work;
* nobody: none. A connection that has not been told for whom it asks sees no row.

Who asks is told with each transaction and holds for that transaction only (`SET LOCAL`), so
nothing is left behind on a connection that a pooler hands to the next. The caseload is looked up
by the database (`usaldus_enter`, migration `second_wall`), not told by the application. It is a
second wall and no more: whoever can send SQL of their own can also say who they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

ENTER = "SELECT usaldus_enter(%s, %s)"


@dataclass(frozen=True, slots=True, eq=False)
class Asker:
    """A user, or a purpose of the system. Each request is an asker of its own."""

    user_id: UUID | None = None
    purpose: str = ""


NOBODY = Asker()
_asker: ContextVar[Asker] = ContextVar("asker", default=NOBODY)


def asker() -> Asker:
    return _asker.get()


def enter(user_id: UUID) -> None:
    """From now on this user asks, until the surrounding `nobody` ends."""
    _asker.set(Asker(user_id))


@contextmanager
def nobody() -> Iterator[None]:
    """A request comes in: until it is known who asks, nothing is shown."""
    token = _asker.set(NOBODY)
    try:
        yield
    finally:
        _asker.reset(token)


@contextmanager
def system(purpose: str) -> Iterator[None]:
    """The system itself asks, in every practice. Also a decorator."""
    token = _asker.set(Asker(purpose=purpose))
    try:
        yield
    finally:
        _asker.reset(token)


def caseload_changed() -> None:
    """In the middle of a transaction somebody came into care or left it: look it up anew."""
    connection.wall_asker = None  # type: ignore[attr-defined]  # of config.postgresql


def told(database: Any) -> bool:
    """Whether the open transaction knows who asks. Without a transaction nothing does, and
    nobody need not be told of."""
    if database.get_autocommit():
        return asker() is NOBODY
    return getattr(database, "wall_asker", NOBODY) is asker()


def tell(database: Any) -> None:
    """Tell the database who asks, in the current transaction or the pipeline that makes one."""
    who, raw = asker(), database.connection
    threshold, raw.prepare_threshold = raw.prepare_threshold, 0
    try:
        psycopg.Cursor(raw).execute(
            ENTER, (who.user_id, who.purpose), prepare=settings.DATABASE_PREPARES
        )
    finally:
        raw.prepare_threshold = threshold
    if not database.get_autocommit():
        database.wall_asker = who
