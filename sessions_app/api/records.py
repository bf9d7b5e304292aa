"""The client's record: the timeline with text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from rest_framework import serializers

from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice
from clients_app.api.pages import closed, opened
from clients_app.api.shapes import Answer, PageQuery, Person, Values
from clients_app.models import User
from sessions_app import records
from sessions_app.api.notes import SHAPES, Sections
from sessions_app.models import Format, Modality, TherapySession

SALT = "record"


class Met(Answer):
    """The session of an entry."""

    id = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    minutes = serializers.IntegerField()
    modality = Choice(Modality.values)
    status = Choice(TherapySession.Status.values)


class Entry(Answer):
    """A note of the timeline with its text."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    session = Met()
    author = Person()
    adds_to = serializers.UUIDField(allow_null=True, help_text="The note to which this one adds.")
    written_at = serializers.DateTimeField()
    revised_at = serializers.DateTimeField()
    signed_at = serializers.DateTimeField(allow_null=True, help_text="null: a draft.")
    format = Choice(Format.values, help_text=SHAPES)
    body = Sections()


class Record(Door):
    """A client's record."""

    @operation("readRecord", answers=Entry, paged=True, asks=PageQuery, refuses=(403, 404))
    def get(self, user: User, *, client_id: UUID, query: Values) -> Values:
        """The client's record with its text, newest session first."""
        after = _position(opened(query["cursor"], SALT)) if "cursor" in query else None
        page = records.read(client_id, by=user, after=after, limit=query["limit"])
        return {
            "results": [_line(entry) for entry in page.entries],
            "next": closed(_place(page.after), SALT) if page.after else None,
        }


def _line(entry: records.Entry) -> Values:
    return {
        "id": entry.id,
        "version": entry.version,
        "session": {
            "id": entry.session_id,
            "starts_at": entry.session_at,
            "minutes": entry.minutes,
            "modality": entry.modality,
            "status": entry.session_status,
        },
        "author": {"id": entry.author_id, "name": entry.author_name},
        "adds_to": entry.adds_to,
        "written_at": entry.written_at,
        "revised_at": entry.revised_at,
        "signed_at": entry.signed_at,
        "format": entry.format,
        "body": orjson.Fragment(entry.body_json),
    }


def _place(position: records.Position) -> list[str]:
    at, note_id = position
    return [at.isoformat(), str(note_id)]


def _position(place: Sequence[Any]) -> records.Position:
    at, note_id = place
    return datetime.fromisoformat(at), UUID(note_id)
