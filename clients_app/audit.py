"""The trail: every deed leaves one line, in the transaction of the deed.

A line holds ids, labels and numbers, never a name or a word, so it can outlive the file it speaks
of. `record` refuses to run outside a transaction: where the line cannot be written, the deed does
not happen and nothing is shown. Denials are the exception: they are written at once, by
themselves, so that the refusal that follows cannot take them back.
"""

import re
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from clients_app.models import AuditEvent, BreakGlass, CareAssignment, User
from clients_app.roles import Permission

SYSTEM_ROLE = "system"
COLUMNS = (
    "practice_id, actor_id, role, event, denied, client_id, subject_id, reason, door,"
    " request_id, detail"
)
# What happens to a client while the actor has an emergency access to them, and is not in care, is
# marked here, where every line passes, so that no verb can forget it: a minute longer than it
# lasts, for what was being read as it ended, and each refusal that knows no client too.
BREAK_GLASS = "break_glass"
INSERT = f"""
    INSERT INTO {AuditEvent._meta.db_table} ({COLUMNS})
    SELECT l.practice_id, l.actor_id, l.role, l.event, l.denied, l.client_id, l.subject_id,
           CASE WHEN g.id IS NULL THEN l.reason ELSE '{BREAK_GLASS}' END, l.door, l.request_id,
           CASE WHEN g.id IS NULL THEN l.detail
                ELSE l.detail || jsonb_build_object('{BREAK_GLASS}', g.id) END
    FROM (VALUES (%s::uuid, %s::uuid, %s, %s, %s::bool, %s::uuid, %s::uuid, %s, %s, %s::uuid,
                  %s::jsonb)) AS l ({COLUMNS})
    LEFT JOIN LATERAL (
        SELECT b.id FROM {BreakGlass._meta.db_table} b
        WHERE b.user_id = l.actor_id AND b.role = l.role
          AND (b.client_id = l.client_id OR (l.client_id IS NULL AND l.denied))
          AND COALESCE(b.ended_at, b.expires_at) > statement_timestamp() - interval '1 minute'
          AND NOT EXISTS (
              SELECT FROM {CareAssignment._meta.db_table} c
              WHERE c.user_id = b.user_id AND c.client_id = b.client_id AND c.until IS NULL)
        ORDER BY b.opened_at DESC LIMIT 1
    ) g ON true
"""  # noqa: S608 names, not values
LABEL = re.compile(r"[A-Za-z0-9_.:+@-]{0,64}")


@dataclass(frozen=True, slots=True)
class Doorway:
    """By which door the deed came in, and the request that asked for it."""

    door: str
    request_id: UUID | None = None


SHELL = Doorway("shell")
doorway: ContextVar[Doorway] = ContextVar("doorway", default=SHELL)


class ContentRefused(ValueError):
    """The detail of a line held more than ids, labels and numbers."""


def record(
    event: str,
    *,
    by: User | None,
    practice_id: UUID | None = None,
    client_id: UUID | None = None,
    subject_id: UUID | None = None,
    reason: str = "",
    **detail: Any,
) -> None:
    """Write one line in the current transaction. `by=None` is the system itself."""
    if not connection.in_atomic_block:
        raise RuntimeError("a deed and its line on the trail share one transaction")
    line = params(
        event,
        by=by,
        practice_id=practice_id,
        client_id=client_id,
        subject_id=subject_id,
        reason=reason,
        **detail,
    )
    with connection.cursor() as cursor:
        cursor.execute(INSERT, line)


def record_each(
    event: str,
    *,
    by: User | None,
    client_ids: list[UUID],
    subject_ids: list[UUID] | None = None,
    **detail: Any,
) -> None:
    """One line for each client, in one statement of the current transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("a deed and its line on the trail share one transaction")
    subjects: Sequence[UUID | None] = subject_ids or [None] * len(client_ids)
    with connection.cursor() as cursor:
        cursor.executemany(
            INSERT,
            [
                params(event, by=by, client_id=client, subject_id=subject, **detail)
                for client, subject in zip(client_ids, subjects, strict=True)
            ],
        )


def deny(
    permission: Permission,
    *,
    by: User,
    client_id: UUID | None = None,
    subject_id: UUID | None = None,
    reason: str = "",
) -> None:
    """Write a denial at once, outside any deed."""
    line = params(
        permission.value,
        by=by,
        denied=True,
        client_id=client_id,
        subject_id=subject_id,
        reason=reason,
    )
    with connection.cursor() as cursor:
        cursor.execute(INSERT, line)


def params(
    event: str,
    *,
    by: User | None,
    denied: bool = False,
    practice_id: UUID | None = None,
    client_id: UUID | None = None,
    subject_id: UUID | None = None,
    reason: str = "",
    **detail: Any,
) -> tuple[Any, ...]:
    """The parameters of `INSERT`. Raises ContentRefused."""
    for value in (event, reason, *detail.values()):
        _check(value)
    here = doorway.get()
    return (
        practice_id or (by.practice_id if by else None),
        by.pk if by else None,
        ("superuser" if by.is_superuser else by.role) if by else SYSTEM_ROLE,
        event,
        denied,
        client_id,
        subject_id,
        reason,
        here.door,
        here.request_id,
        orjson.dumps(detail).decode(),
    )


def _check(value: object) -> None:
    if value is None or isinstance(value, bool | int | UUID | date):
        return
    if isinstance(value, str) and LABEL.fullmatch(value):
        return
    if isinstance(value, dict | list | tuple):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(item)
        return
    raise ContentRefused("the trail takes ids, labels and numbers")
