"""The trail: written with the deed or not at all, never rewritten, free of content."""

from contextlib import nullcontext
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from clients_app import audit, clients, owner
from clients_app.models import AuditEvent, Client
from clients_app.roles import Permission
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
    with pytest.raises(RuntimeError):
        audit.record_each("client.read", by=cast.liis, client_ids=[uuid4()])
    assert not trail(event="client.read")


@pytest.mark.parametrize(
    "content",
    ["Mari Maasikas", "two words", "õ", "x" * 65, 3.5, b"bytes", ["ok", "not ok"], {"k": "a b"}],
)
def test_content_is_refused(cast: Cast, content: object) -> None:
    with pytest.raises(audit.ContentRefused):
        audit.params("client.read", by=cast.liis, detail=content)


@pytest.mark.parametrize("event", ["Mari came", "õ"])
def test_content_is_refused_wherever_it_stands(cast: Cast, event: str) -> None:
    """As the event, as the reason, deep inside, as the name of something."""
    with pytest.raises(audit.ContentRefused):
        audit.params(event, by=cast.liis)
    with pytest.raises(audit.ContentRefused):
        audit.params("client.read", by=cast.liis, reason=event)
    for content in ([[event]], {"k": {"k": [event]}}, {event: 1}, (1, event)):
        with pytest.raises(audit.ContentRefused):
            audit.params("client.read", by=cast.liis, detail=content)


def test_ids_labels_and_numbers_are_kept(cast: Cast) -> None:
    """As they were said, to the longest label."""
    row = uuid4()
    said: dict[str, Any] = {
        "id": row,
        "day": date(2026, 1, 1),
        "number": 7,
        "sure": True,
        "nothing": None,
        "label": "Az0_.:+@-" + "x" * 55,
        "empty": "",
        "several": [row, {"fields": ["phone", "email"]}],
    }
    audit.record("client.changed", by=cast.liis, **said)
    assert AuditEvent.objects.get(event="client.changed").detail == {
        **said,
        "id": str(row),
        "day": "2026-01-01",
        "several": [str(row), {"fields": ["phone", "email"]}],
    }


def test_a_line_says_who_did_what_by_which_door(cast: Cast, mari: Client) -> None:
    """For a deed, for one of several, for a denial; by a person, by the superuser, by nobody."""
    start = AuditEvent.objects.latest("id").pk
    asked_by, subject = uuid4(), uuid4()
    here, there = cast.practice.pk, cast.olga.practice_id
    through_a_door = audit.doorway.set(audit.Doorway("api", asked_by))
    try:
        about = {"client_id": mari.pk, "subject_id": subject}
        audit.record("client.read", by=cast.liis, reason="because", **about, number=7)
        audit.deny(Permission.NOTE_READ, by=cast.mark, reason="second_factor", **about)
        audit.record_each(
            "client.named", by=cast.frida, client_ids=[mari.pk], subject_ids=[subject], number=7
        )
    finally:
        audit.doorway.reset(through_a_door)
    audit.record("user.changed", by=cast.root, practice_id=there)
    audit.record("user.changed", by=cast.mattias, practice_id=there)
    audit.record("trail.sealed", by=None)
    audit.record_each("client.named", by=None, client_ids=[mari.pk, subject])
    lines = AuditEvent.objects.filter(pk__gt=start).order_by("id")
    who = ("practice_id", "actor_id", "role", "event", "denied")
    assert list(lines.values_list(*who)) == [
        (here, cast.liis.pk, "counsellor", "client.read", False),
        (here, cast.mark.pk, "counsellor", "note.read", True),
        (here, cast.frida.pk, "front_desk", "client.named", False),
        (there, cast.root.pk, "superuser", "user.changed", False),
        (there, cast.mattias.pk, "practice_manager", "user.changed", False),
        (None, None, "system", "trail.sealed", False),
        (None, None, "system", "client.named", False),
        (None, None, "system", "client.named", False),
    ]
    what = ("client_id", "subject_id", "reason", "door", "request_id", "detail")
    assert list(lines.values_list(*what)) == [
        (mari.pk, subject, "because", "api", asked_by, {"number": 7}),
        (mari.pk, subject, "second_factor", "api", asked_by, {}),
        (mari.pk, subject, "", "api", asked_by, {"number": 7}),
        *[(None, None, "", "shell", None, {})] * 3,
        (mari.pk, None, "", "shell", None, {}),
        (subject, None, "", "shell", None, {}),
    ]


def test_each_of_several_has_a_subject_or_none_has(cast: Cast, mari: Client) -> None:
    with pytest.raises(ValueError, match="shorter"):
        audit.record_each(
            "client.named", by=cast.liis, client_ids=[mari.pk, uuid4()], subject_ids=[uuid4()]
        )


def test_every_reading_is_one_line(cast: Cast, mari: Client, confided: Disclosure) -> None:
    before = AuditEvent.objects.count()
    disclosures.read(confided.pk, by=cast.liis)
    clients.read(mari.pk, by=cast.liis)
    clients.browse(by=cast.liis)
    assert AuditEvent.objects.count() == before + 3
