"""The progress note: written as a draft, revised, signed; then it never changes.

A draft is its author's alone. A signed note is read by every confidant of the client, and what
comes later is added as a note of its own that refers to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from uuid_utils.compat import uuid7

from clients_app import access, audit, blockers, clients, exceptions, texts, vault
from clients_app.errors import Conflict, Invalid, Stale
from clients_app.models import User
from clients_app.roles import Permission
from sessions_app.models import FORMATS, Format, NoteVersion, SessionNote, TherapySession

# What of the notes keeps a file that its rules would let go.
UNSIGNED = blockers.Source(
    blockers.Kind.UNSIGNED_NOTE,
    lambda _on: SessionNote.objects.filter(signed_at=None),
    since="written_at",
)
WRITTEN = blockers.Source(
    blockers.Kind.NEW_CONTENT,
    lambda _on: SessionNote.objects.all(),
    since="revised_at",
    newer=True,
)


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note with its format and its sections, by name."""

    note: SessionNote
    format: str
    body: Mapping[str, str]


def readable(by: User) -> Q:
    """Which notes of a client that is open to this user: the signed ones and their own."""
    return Q(signed_at__isnull=False) | Q(author=by)


def browse(
    *, by: User, client_id: UUID | None = None, session_id: UUID | None = None, drafts: bool = False
) -> QuerySet[SessionNote]:
    """Metadata of the notes this user may read, newest session first. `drafts`: only those
    that wait for this user's signature."""
    access.require(by, Permission.NOTE_READ, client_id, subject_id=client_id)
    rows = access.visible_to(
        by, Permission.NOTE_READ, SessionNote.objects.filter(readable(by)), of=client_id
    )
    if session_id is not None:
        rows = rows.filter(session_id=session_id)
    if drafts:
        rows = rows.filter(author=by, signed_at=None)
    return rows.select_related("client", "author").order_by("-session_at", "-id")


@sensitive_variables()
def read(note_id: UUID, *, by: User) -> OpenedNote:
    """A note with its text."""
    note = access.find(
        SessionNote.objects.filter(readable(by)).select_related("client", "author", "session"),
        note_id,
        by,
        Permission.NOTE_READ,
    )
    with transaction.atomic():
        opened = vault.unseal_all(note, vault.open_key(note.client_id))
        audit.record("note.read", by=by, client_id=note.client_id, subject_id=note.pk)
    return OpenedNote(note, opened["format"], opened["body"])


@sensitive_variables()
def write(
    session_id: UUID,
    *,
    by: User,
    body: Mapping[str, str],
    format: str = Format.NARRATIVE,
    id: UUID | None = None,
    now: datetime | None = None,
) -> SessionNote:
    """Begin a note of a session, as a draft. Raises Invalid, or Conflict if discharged."""
    session = access.find(TherapySession.objects.all(), session_id, by, Permission.NOTE_WRITE)
    body = _checked_body(format, body)
    return _insert(session, body, format, by, "note.written", id=id, now=now)


@sensitive_variables()
def revise(
    note_id: UUID, *, by: User, version: int, body: Mapping[str, str], format: str | None = None
) -> SessionNote:
    """Rewrite one's own draft. What it said before is kept as an earlier version.

    Raises Stale if it was revised since it was read, Conflict if it is signed.
    """
    found = access.find(SessionNote.objects.filter(author=by), note_id, by, Permission.NOTE_WRITE)
    with access.deed(by, Permission.NOTE_WRITE, found.client_id, subject_id=found.pk):
        note = _locked_draft(found, version)
        key = vault.open_key(note.client_id)
        before = vault.unseal_all(note, key)
        shape = format or before["format"]
        body = _checked_body(shape, body)
        if shape == before["format"] and body == before["body"]:
            return note
        _keep_version(note, key, before)
        note.version += 1
        note.revised_at = timezone.now()
        vault.seal(note, key, format=shape, body=body)
        note.save(force_update=True)
        audit.record(
            "note.revised",
            by=by,
            client_id=note.client_id,
            subject_id=note.pk,
            version=note.version,
        )
    return note


def sign(note_id: UUID, *, by: User, version: int, now: datetime | None = None) -> SessionNote:
    """Sign one's own draft as it was read: from now on it never changes."""
    found = access.find(SessionNote.objects.filter(author=by), note_id, by, Permission.NOTE_WRITE)
    with access.deed(by, Permission.NOTE_WRITE, found.client_id, subject_id=found.pk):
        note = _locked_draft(found, version)
        note.signed_at = now or timezone.now()
        note.save(update_fields=["signed_at"])
        audit.record(
            "note.signed",
            by=by,
            client_id=note.client_id,
            subject_id=note.pk,
            version=note.version,
        )
    return note


@sensitive_variables()
def add(note_id: UUID, *, by: User, text: str) -> SessionNote:
    """Add to a signed note, signed at once. The note itself stays as it is."""
    found = access.find(
        SessionNote.objects.filter(readable(by)).select_related("session"),
        note_id,
        by,
        Permission.NOTE_WRITE,
    )
    if found.signed_at is None:
        raise Conflict(_("A draft is revised, not added to."), code="not_signed")
    body = _checked_body(Format.NARRATIVE, {"text": text})
    origin = found.adds_to_id or found.pk
    return _insert(
        found.session, body, Format.NARRATIVE, by, "note.added_to", adds_to=origin, signed=True
    )


def unsigned(counsellor: User, client_ids: Sequence[UUID] | None) -> int:
    """How many drafts a counsellor has of these clients, or of all whose confidant they are: the
    number alone, for whoever decides on their caseload (see `following`)."""
    if client_ids is None:
        client_ids = list(
            access.open_care().filter(user=counsellor).values_list("client_id", flat=True)
        )
    drafts = SessionNote.objects.filter(author=counsellor, signed_at=None)
    return drafts.filter(client_id__in=client_ids).count()


def _insert(
    session: TherapySession,
    body: Mapping[str, str],
    format: str,
    by: User,
    event: str,
    *,
    id: UUID | None = None,
    adds_to: UUID | None = None,
    signed: bool = False,
    now: datetime | None = None,
) -> SessionNote:
    moment = now or timezone.now()
    about = adds_to or session.pk
    with access.deed(by, Permission.NOTE_WRITE, session.client_id, subject_id=about):
        client = clients.lock_in_care(session.client_id)
        note = SessionNote(
            id=id or uuid7(),
            practice_id=client.practice_id,
            client=client,
            session=session,
            session_at=session.starts_at,
            author=by,
            adds_to_id=adds_to,
            written_at=moment,
            revised_at=moment,
            signed_at=moment if signed else None,
        )
        vault.seal(note, vault.open_key(client.pk), format=format, body=body)
        note.save(force_insert=True)
        audit.record(event, by=by, client_id=client.pk, subject_id=note.pk)
    return note


def _locked_draft(found: SessionNote, version: int) -> SessionNote:
    clients.lock_in_care(found.client_id)
    note = SessionNote.objects.select_for_update().get(pk=found.pk)
    if note.signed_at is not None:
        raise Conflict(_("This note is signed. Add to it instead."), code="signed")
    if note.version != version:
        raise Stale(
            _("This note was revised elsewhere meanwhile. Read it again, then repeat."),
            current=note.version,
        )
    return note


def _keep_version(note: SessionNote, key: vault.DataKey, opened: Mapping[str, object]) -> None:
    earlier = NoteVersion(
        practice_id=note.practice_id,
        client_id=note.client_id,
        note=note,
        number=note.version,
        written_at=note.revised_at,
    )
    vault.seal(earlier, key, format=opened["format"], body=opened["body"])
    earlier.save(force_insert=True)


def _said(client_id: UUID, note_id: UUID, by: User) -> bool:
    rows = SessionNote.objects.filter(readable(by), client_id=client_id)
    return rows.filter(pk=note_id).exists()


@sensitive_variables()
def _checked_body(format: str, body: Mapping[str, str]) -> dict[str, str]:
    if format not in FORMATS:
        raise Invalid("format", _("Choose one of the listed values."))
    names = FORMATS[Format(format)]
    if set(body) - set(names):
        raise Invalid(
            "body",
            _("This format has the sections %(names)s.") % {"names": ", ".join(names)},
        )
    checked = {name: texts.checked("body", body.get(name, ""), empty=True) for name in names}
    if not any(text.strip() for text in checked.values()):
        raise Invalid("body", _("Write something here first."))
    return checked


exceptions.know(_said)
