"""Notes: list, write, read, revise, sign, add."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from clients_app.api.door import Door, operation
from clients_app.api.fields import AskedFlag, Choice, Id, Text
from clients_app.api.pages import page
from clients_app.api.shapes import (
    AN_ID,
    Answer,
    Body,
    ClientRef,
    PageQuery,
    Person,
    Shape,
    Values,
    client_ref,
    person,
)
from clients_app.models import User
from sessions_app import notes
from sessions_app.models import FORMATS, Format, SessionNote

SECTIONS = sorted({section for sections in FORMATS.values() for section in sections})
SHAPES = "; ".join(f"{name}: {', '.join(sections)}" for name, sections in FORMATS.items())


class NotesQuery(PageQuery):
    """Which notes."""

    client = Id(required=False)
    session = Id(required=False)
    drafts = AskedFlag(default=False, help_text="Only those that wait for one's own signature.")


class NoteLine(Answer):
    """A note in a list: whose and when, not a word of it."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    client = ClientRef()
    session = serializers.UUIDField()
    session_at = serializers.DateTimeField()
    author = Person()
    adds_to = serializers.UUIDField(allow_null=True, help_text="The note to which this one adds.")
    written_at = serializers.DateTimeField()
    revised_at = serializers.DateTimeField()
    signed_at = serializers.DateTimeField(allow_null=True, help_text="null: a draft.")


class Sections(Answer):
    """The text, by section; each format has its own sections."""

    def get_fields(self) -> dict[str, Any]:
        return {name: serializers.CharField(required=False) for name in SECTIONS}


class NewSections(Shape):
    """The text, by section. A section that is not named is empty."""

    def get_fields(self) -> dict[str, Any]:
        return {name: Text(required=False) for name in SECTIONS}


class NoteDetail(NoteLine):
    """A note with its text."""

    format = Choice(Format.values, help_text=SHAPES)
    body = Sections()


class NewNote(Body):
    """A note to begin."""

    session = Id()
    format = Choice(Format.values, required=False, help_text=SHAPES)
    body = NewSections()
    example = {
        "session": AN_ID,
        "format": "soap",
        "body": {"subjective": "…", "objective": "…", "assessment": "…", "plan": "…"},
    }


class Revision(Body):
    """What the draft shall say."""

    format = Choice(Format.values, required=False, help_text="As it is, if not said.")
    body = NewSections()
    example = {"body": {"text": "…"}}


class Addendum(Body):
    """What is added."""

    text = Text()
    example = {"text": "…"}


class Notes(Door):
    """The notes that one may read."""

    @operation("listNotes", asks=NotesQuery, answers=NoteLine, paged=True, refuses=(403, 404))
    def get(self, by: User, query: Values) -> Values:
        """The notes, newest session first, without their text."""
        rows = notes.browse(
            by=by,
            client_id=query.get("client"),
            session_id=query.get("session"),
            drafts=query["drafts"],
        )
        return page(rows, line, query)

    @operation("writeNote", takes=NewNote, answers=NoteLine, status=201, refuses=(403, 404, 409))
    def post(self, by: User, body: Values) -> Values:
        """Begin a note of a session, as a draft that its author alone reads."""
        text = {name: value for name, value in body.items() if name != "session"}
        return line(notes.write(body["session"], by=by, **text))


class OneNote(Door):
    """A note."""

    @operation("readNote", answers=NoteDetail, refuses=(403, 404))
    def get(self, by: User, note_id: UUID) -> Values:
        """Read a note with its text."""
        opened = notes.read(note_id, by=by)
        return {**line(opened.note), "format": opened.format, "body": opened.body}

    @operation(
        "reviseNote", takes=Revision, answers=NoteLine, if_match=True, refuses=(403, 404, 409)
    )
    def patch(self, by: User, note_id: UUID, version: int, body: Values) -> Values:
        """Rewrite one's own draft. What it said before is kept as an earlier version."""
        return line(notes.revise(note_id, by=by, version=version, **body))


class Signing(Door):
    """A signature."""

    @operation("signNote", answers=NoteLine, if_match=True, refuses=(403, 404, 409))
    def post(self, by: User, note_id: UUID, version: int) -> Values:
        """Sign one's own draft as it was read. From now on it never changes."""
        return line(notes.sign(note_id, by=by, version=version))


class Addenda(Door):
    """What comes later."""

    @operation("addToNote", takes=Addendum, answers=NoteLine, status=201, refuses=(403, 404, 409))
    def post(self, by: User, note_id: UUID, body: Values) -> Values:
        """Add to a signed note, signed at once. The note itself stays as it is."""
        return line(notes.add(note_id, by=by, text=body["text"]))


def line(row: SessionNote) -> Values:
    return {
        "id": row.pk,
        "version": row.version,
        "client": client_ref(row.client),
        "session": row.session_id,
        "session_at": row.session_at,
        "author": person(row.author),
        "adds_to": row.adds_to_id,
        "written_at": row.written_at,
        "revised_at": row.revised_at,
        "signed_at": row.signed_at,
    }
