"""The trail: written with the deed or not at all, never rewritten, free of content."""

from contextlib import nullcontext

import pytest
from django.db import DatabaseError, connection, transaction

from clients_app import audit, clients, owner
from clients_app.models import AuditEvent, Client
from sessions_app import disclosures
from sessions_app.models import Disclosure, TherapySession
from tests.conftest import Cast, trail


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE clients_app_auditevent SET event = 'nothing'",
        "DELETE FROM clients_app_auditevent",
        "TRUNCATE clients_app_auditevent",
        "TRUNCATE clients_app_auditevent CASCADE",
    ],
)
@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_change_it(mari: Client, attack: str) -> None:
    """The application's role may not, and a trigger stops even the owner of the table."""
    before = trail()
    for role, refusal in (
        (nullcontext, "permission denied|append-only"),
        (owner.as_owner, "append-only"),
    ):
        with (
            role(),
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attack)
    assert trail() == before
    assert before


@pytest.mark.django_db(transaction=True)
def test_where_the_line_cannot_be_written_nothing_happens(
    cast: Cast, mari: Client, meeting: TherapySession, confided: Disclosure
) -> None:
    """A full disk under the trail: no reading shows a word, no writing stays."""
    with owner.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE clients_app_auditevent ADD CONSTRAINT full_disk CHECK (false) NOT VALID"
        )
    try:
        for deed in (
            lambda: disclosures.read(confided.pk, by=cast.liis),
            lambda: disclosures.write(meeting.pk, by=cast.liis, text="lost?"),
            lambda: clients.read(mari.pk, by=cast.liis),
            lambda: clients.change(mari.pk, by=cast.liis, version=1, phone="+372 5550 0000"),
            lambda: clients.browse(by=cast.liis),
            lambda: clients.register(by=cast.liis),
        ):
            with pytest.raises(DatabaseError):
                deed()
    finally:
        with owner.as_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE clients_app_auditevent DROP CONSTRAINT full_disk")
    assert Disclosure.objects.count() == 1
    assert Client.objects.get().version == 1


@pytest.mark.django_db(transaction=True)
def test_a_line_outside_a_transaction_is_refused(cast: Cast) -> None:
    with pytest.raises(RuntimeError):
        audit.record("client.read", by=cast.liis)


@pytest.mark.parametrize(
    "content",
    ["Mari Maasikas", "two words", "õ", "x" * 65, 3.5, b"bytes", ["ok", "not ok"], {"k": "a b"}],
)
def test_content_is_refused(cast: Cast, content: object) -> None:
    with pytest.raises(audit.ContentRefused):
        audit.params("client.read", by=cast.liis, detail=content)


def test_every_reading_is_one_line(cast: Cast, mari: Client, confided: Disclosure) -> None:
    before = AuditEvent.objects.count()
    disclosures.read(confided.pk, by=cast.liis)
    clients.read(mari.pk, by=cast.liis)
    clients.browse(by=cast.liis)
    assert AuditEvent.objects.count() == before + 3
