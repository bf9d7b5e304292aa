"""The progress note: a draft is its author's, signed it never changes."""

from collections.abc import Callable
from typing import Any

import pytest

from clients_app import care, clients, vault
from clients_app.errors import Conflict, Hidden, Invalid, Stale
from clients_app.models import Client
from sessions_app import notes
from sessions_app.models import FORMATS, NoteVersion, SessionNote, TherapySession
from tests.conftest import Cast, trail


def test_written_revised_signed_added_to(cast: Cast, meeting: TherapySession) -> None:
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "First thoughts."})
    revised = notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "Second thoughts."})
    assert revised.version == 2
    signed = notes.sign(draft.pk, by=cast.liis, version=2)
    assert signed.signed_at is not None
    addendum = notes.add(draft.pk, by=cast.liis, text="Later she called.")
    assert addendum.adds_to_id == draft.pk
    assert notes.read(draft.pk, by=cast.liis).body == {"text": "Second thoughts."}
    assert notes.read(addendum.pk, by=cast.liis).body == {"text": "Later she called."}
    assert trail(event__startswith="note.") == [
        "note.written",
        "note.revised",
        "note.signed",
        "note.added_to",
        "note.read",
        "note.read",
    ]


def test_what_a_draft_said_before_is_kept(cast: Cast, meeting: TherapySession) -> None:
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "one"})
    for version, text in ((1, "two"), (2, "three")):
        notes.revise(draft.pk, by=cast.liis, version=version, body={"text": text})
    key = vault.open_key(meeting.client_id)
    kept = [vault.unseal(v, key, "body") for v in NoteVersion.objects.order_by("number")]
    assert kept == [{"text": "one"}, {"text": "two"}]


def test_saving_the_same_again_changes_nothing(cast: Cast, meeting: TherapySession) -> None:
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "one"})
    assert notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "one"}).version == 1
    assert not NoteVersion.objects.exists()


def test_signed_is_final(cast: Cast, note: SessionNote) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: notes.revise(note.pk, by=cast.liis, version=1, body={"text": "other"}),
        lambda: notes.sign(note.pk, by=cast.liis, version=1),
    ]
    for deed in deeds:
        with pytest.raises(Conflict):
            deed()
    assert notes.read(note.pk, by=cast.liis).body == {"text": "Mari came and spoke."}


def test_two_windows_do_not_overwrite_each_other(cast: Cast, meeting: TherapySession) -> None:
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "one"})
    notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "two"})
    with pytest.raises(Stale) as stale:
        notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "the other window"})
    assert stale.value.current == 2
    with pytest.raises(Stale):
        notes.sign(draft.pk, by=cast.liis, version=1)


def test_a_draft_is_its_authors_alone(cast: Cast, mari: Client, meeting: TherapySession) -> None:
    """Mark is a confidant too, and still does not see what Liis has not signed."""
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "not yet"})
    for deed in (
        lambda: notes.read(draft.pk, by=cast.mark),
        lambda: notes.revise(draft.pk, by=cast.mark, version=1, body={"text": "x"}),
        lambda: notes.sign(draft.pk, by=cast.mark, version=1),
        lambda: notes.add(draft.pk, by=cast.mark, text="x"),
    ):
        with pytest.raises(Hidden):
            deed()
    notes.sign(draft.pk, by=cast.liis, version=1)
    assert notes.read(draft.pk, by=cast.mark).body == {"text": "not yet"}
    with pytest.raises(Hidden):
        notes.sign(draft.pk, by=cast.mark, version=1)


@pytest.mark.parametrize("format", list(FORMATS))
def test_every_format_keeps_its_sections(cast: Cast, meeting: TherapySession, format: str) -> None:
    body = {name: f"{name} õ\r\n 💬 " for name in FORMATS[format]}  # type: ignore[index]
    note = notes.write(meeting.pk, by=cast.liis, body=body, format=format)
    opened = notes.read(note.pk, by=cast.liis)
    assert (opened.format, opened.body) == (format, body)


@pytest.mark.parametrize(
    ("body", "format", "field"),
    [
        ({"text": ""}, "narrative", "body"),
        ({"text": "  \n"}, "narrative", "body"),
        ({}, "soap", "body"),
        ({"text": "x"}, "soap", "body"),
        ({"text": "x", "plan": "y"}, "narrative", "body"),
        ({"text": "x"}, "poem", "format"),
        ({"text": "x" * (1024 * 1024 + 1)}, "narrative", "body"),
        ({"text": "\ud800"}, "narrative", "body"),
        ({"text": 7}, "narrative", "body"),
    ],
)
def test_what_will_not_do(
    cast: Cast, meeting: TherapySession, body: Any, format: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        notes.write(meeting.pk, by=cast.liis, body=body, format=format)
    assert refused.value.field == field
    assert not SessionNote.objects.exists()


def test_a_mebibyte_fits(cast: Cast, meeting: TherapySession) -> None:
    text = "õ" * (512 * 1024)
    note = notes.write(meeting.pk, by=cast.liis, body={"text": text})
    assert notes.read(note.pk, by=cast.liis).body["text"] == text


def test_nothing_is_added_to_a_discharged_file(
    cast: Cast, mari: Client, note: SessionNote, meeting: TherapySession
) -> None:
    from django.utils import timezone

    from clients_app import retention

    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "x"})
    clients.discharge(mari.pk, by=cast.liis, on=retention.local_day(cast.practice, timezone.now()))
    deeds: list[Callable[[], object]] = [
        lambda: notes.write(meeting.pk, by=cast.liis, body={"text": "x"}),
        lambda: notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "y"}),
        lambda: notes.sign(draft.pk, by=cast.liis, version=1),
        lambda: notes.add(note.pk, by=cast.liis, text="x"),
    ]
    for deed in deeds:
        with pytest.raises(Conflict):
            deed()
    assert notes.read(note.pk, by=cast.liis).body
