"""The timeline that a counsellor reads every day."""

import pytest
from django.db import DatabaseError, DataError, connection, transaction

from clients_app import audit, care, owner
from clients_app.errors import Denied, Hidden
from clients_app.models import AuditEvent, Client
from clients_app.pipeline import pipeline
from sessions_app import notes, records, sessions
from sessions_app.models import SessionNote, TherapySession
from tests.conftest import Cast, trail, yesterday


def test_newest_first_with_text_and_one_line_on_the_trail(
    cast: Cast, mari: Client, meeting: TherapySession, note: SessionNote
) -> None:
    notes.add(note.pk, by=cast.liis, text="She called later.")
    page = records.read(mari.pk, by=cast.liis)
    assert [entry.body["text"] for entry in page.entries] == [
        "She called later.",
        "Mari came and spoke.",
    ]
    assert page.entries[0].adds_to == note.pk
    assert page.after is None
    assert trail(client_id=mari.pk)[-1] == "record.read"


def test_shows_the_same_notes_as_the_list_of_notes(
    cast: Cast, mari: Client, meeting: TherapySession, note: SessionNote
) -> None:
    """Two queries answer the same question; they must agree, for every reader."""
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    notes.write(meeting.pk, by=cast.liis, body={"text": "Liis's draft"})
    notes.write(meeting.pk, by=cast.mark, body={"text": "Mark's draft"})
    for reader, seen in ((cast.liis, 2), (cast.mark, 2)):
        shown = [entry.id for entry in records.read(mari.pk, by=reader).entries]
        listed = list(notes.browse(by=reader, client_id=mari.pk).values_list("pk", flat=True))
        assert shown == listed
        assert len(shown) == seen


def test_pages_without_losing_or_repeating(cast: Cast, mari: Client) -> None:
    for day in range(7):
        meeting = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday(), status="held")
        for part in range(2):
            notes.write(meeting.pk, by=cast.liis, body={"text": f"day {day} part {part}"})
    seen, after = [], None
    while True:
        page = records.read(mari.pk, by=cast.liis, after=after, limit=4)
        seen += [entry.body["text"] for entry in page.entries]
        if (after := page.after) is None:
            break
    assert len(seen) == len(set(seen)) == 14
    assert seen == [e.body["text"] for e in records.read(mari.pk, by=cast.liis).entries]


def test_nobody_else(cast: Cast, mari: Client, note: SessionNote) -> None:
    for outsider in (cast.mark, cast.olga):
        with pytest.raises(Hidden):
            records.read(mari.pk, by=outsider)
    for outsider in (cast.frida, cast.piret, cast.mattias, cast.sofia, cast.root):
        with pytest.raises(Denied):
            records.read(mari.pk, by=outsider)


@pytest.mark.django_db(transaction=True)
def test_no_line_no_text(cast: Cast, mari: Client, note: SessionNote) -> None:
    """Where the trail cannot be written, the reading fails as a whole."""
    with owner.as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE clients_app_auditevent ADD CHECK (event <> 'record.read')")
    try:
        with pytest.raises(DatabaseError):
            records.read(mari.pk, by=cast.liis)
    finally:
        with owner.as_owner(), connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE clients_app_auditevent"
                " DROP CONSTRAINT clients_app_auditevent_event_check"
            )


@pytest.mark.django_db(transaction=True)
def test_a_pipeline_is_all_or_nothing(cast: Cast) -> None:
    """Without a transaction around it, a statement that fails undoes those before it."""

    def send_all(*statements: str) -> None:
        with pipeline() as send:
            for statement in statements:
                send(statement, line if statement == audit.INSERT else None)

    before = AuditEvent.objects.count()
    line = audit.params("record.read", by=cast.liis)
    with pytest.raises(DataError):
        send_all(audit.INSERT, "SELECT 1 / 0", audit.INSERT)
    assert AuditEvent.objects.count() == before
    send_all(audit.INSERT, "SELECT 1", audit.INSERT)
    assert AuditEvent.objects.count() == before + 2


@pytest.mark.django_db(transaction=True)
def test_a_transaction_around_a_pipeline_takes_it_back(cast: Cast) -> None:
    before = AuditEvent.objects.count()
    with transaction.atomic():
        with pipeline() as send:
            send(audit.INSERT, audit.params("record.read", by=cast.liis))
        transaction.set_rollback(True)
    assert AuditEvent.objects.count() == before
