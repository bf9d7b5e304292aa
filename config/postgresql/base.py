"""Django's PostgreSQL backend with three changes.

A kept connection is looked at before the first query of a request: Django asks the server (`SELECT
1`, a round trip of every request); mostly the socket knows. And with every transaction the database
is told who asks (`clients_app.wall`); outside of one, together with the statement. And what was
left with `transaction.on_commit` may have something to do as the very last before the commit
(`before_commit`), which does not come about if that fails.
"""

import select
from collections.abc import Callable
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from clients_app import wall


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for `is_usable` and for what goes before each statement."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wall_asker: wall.Asker | None = wall.NOBODY
        self.execute_wrappers.append(_told)

    def is_usable(self) -> bool:
        """An idle connection on which nothing waits to be read has not been told goodbye. Where
        something waits, it may be the end or only a notice: then the server is asked."""
        if self.connection is None:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        usable: bool = super().is_usable() if poll.poll(0) else True
        return usable

    def _set_autocommit(self, autocommit: bool) -> None:
        self.wall_asker = wall.NOBODY
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # not in the stubs

    def _commit(self) -> None:
        try:
            self.before_commit()
        except BaseException:
            self.rollback()
            raise
        self.wall_asker = wall.NOBODY
        super()._commit()  # type: ignore[misc]  # not in the stubs

    def before_commit(self) -> None:
        """What was left to be done now, by kind and in order. Django has dropped what belongs to a
        savepoint that was rolled back."""
        waiting: dict[Callable[..., None], list[Any]] = {}
        # The stubs know two of the three.
        for _savepoints, left, _robust in self.run_on_commit:  # type: ignore[misc]
            if (last_thing := getattr(left, "before_commit", None)) is not None:
                waiting.setdefault(last_thing, []).append(left)
        for last_thing, together in waiting.items():
            last_thing(together)

    def _rollback(self) -> None:
        self.wall_asker = wall.NOBODY
        super()._rollback()  # type: ignore[misc]  # not in the stubs

    def _savepoint_rollback(self, sid: str) -> None:
        # A transaction that has failed takes no other statement; and what was told since the
        # savepoint is taken back with it.
        self.wall_asker = wall.asker()
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # not in the stubs
        self.wall_asker = None


def _told(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    database = context["connection"]
    if wall.told(database):
        return execute(sql, params, many, context)
    if isinstance(context["cursor"].cursor, psycopg.ServerCursor):
        # Not to be had in a pipeline.
        with database.wrap_database_errors:
            wall.tell(database)
        return execute(sql, params, many, context)
    with database.wrap_database_errors, database.connection.pipeline():
        wall.tell(database)
        return execute(sql, params, many, context)
