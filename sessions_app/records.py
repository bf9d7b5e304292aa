"""The client's record as a timeline: the notes with their text, newest session first.

The most frequent reading of all, so it goes the short way: after the access check one batch
fetches the key and a page of notes and writes the line on the trail, in one transaction. Where
the line cannot be written nothing is shown.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, vault
from clients_app.models import User
from clients_app.pipeline import pipeline
from clients_app.roles import Permission
from sessions_app.models import SessionNote, TherapySession

PAGE = 50
NOTE = SessionNote._meta.label
# The same notes as notes.readable: signed, or one's own. A test compares the two.
ENTRIES = f"""
    SELECT n.id, n.version, n.session_at, n.written_at, n.revised_at, n.signed_at, n.adds_to_id,
           n.author_id, u.name, n.session_id, s.minutes, s.modality, s.status, n.format, n.body
    FROM {SessionNote._meta.db_table} n
    JOIN {TherapySession._meta.db_table} s ON s.id = n.session_id
    JOIN {User._meta.db_table} u ON u.id = n.author_id
    WHERE n.client_id = %(client)s AND (n.signed_at IS NOT NULL OR n.author_id = %(reader)s)
      {{older}}
    ORDER BY n.session_at DESC, n.id DESC LIMIT %(limit)s
"""  # noqa: S608 names, not values
NEWEST = ENTRIES.format(older="")
OLDER = ENTRIES.format(older="AND (n.session_at, n.id) < (%(at)s, %(id)s)")

Position = tuple[datetime, UUID]


class Entry(NamedTuple):
    """A note of the timeline. `body_json` is the object of its sections as it was sealed: UTF-8
    JSON, ready to be put into an answer."""

    id: UUID
    version: int
    session_at: datetime
    written_at: datetime
    revised_at: datetime
    signed_at: datetime | None
    adds_to: UUID | None
    author_id: UUID
    author_name: str
    session_id: UUID
    minutes: int
    modality: str
    session_status: str
    format: str
    body_json: bytes

    @property
    def body(self) -> dict[str, str]:
        """The sections by name."""
        sections: dict[str, str] = orjson.loads(self.body_json)
        return sections


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and the position after which the next page begins, if there is one."""

    entries: list[Entry]
    after: Position | None


@sensitive_variables()
def read(client_id: UUID, *, by: User, after: Position | None = None, limit: int = PAGE) -> Page:
    """A page of the client's record with all its text; `after` is the position of the page before.

    Raises Denied, Hidden; SealBroken if any entry has been tampered with, and then shows none.
    """
    access.require(by, Permission.NOTE_READ, client_id, subject_id=client_id)
    wanted = {"client": client_id, "reader": by.pk, "limit": limit + 1}
    if after is not None:
        wanted |= {"at": after[0], "id": after[1]}
    line = audit.params("record.read", by=by, client_id=client_id, subject_id=client_id)
    with pipeline() as send:
        keys = send(vault.KEY, (client_id,))
        notes = send(NEWEST if after is None else OLDER, wanted)
        send(audit.INSERT, line)
    key = vault.opened(client_id, keys.fetchone())
    file = str(client_id)
    entries = [_open(row, file, key) for row in notes.fetchmany(limit)]
    more = notes.fetchone() is not None
    return Page(entries, (entries[-1].session_at, entries[-1].id) if more else None)


def _open(row: tuple[Any, ...], client_id: str, key: vault.DataKey) -> Entry:
    note_id, version, *_facts, sealed_format, sealed_body = row
    place = str(note_id), client_id, version
    shape = key.unseal(sealed_format, bound_to=vault.binding(NOTE, "format", *place))
    body = key.unseal(sealed_body, bound_to=vault.binding(NOTE, "body", *place))
    return Entry(*(*row[:-2], orjson.loads(shape), body))
