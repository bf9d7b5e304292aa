"""The meeting: planned, moved, held or not, and the last contact that follows from it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from clients_app import care, clients, retention
from clients_app.errors import Conflict, Denied, Hidden, Invalid, Stale
from clients_app.models import Client
from sessions_app import notes, sessions
from sessions_app.models import SessionNote, TherapySession
from tests.conftest import Cast, yesterday

TOMORROW = timedelta(days=1)


def test_the_front_desk_plans_for_a_confidant(cast: Cast, mari: Client) -> None:
    """It chooses among those in whose care the client is, and sees time and place, no more."""
    starts = timezone.now() + TOMORROW
    session = sessions.plan(
        mari.pk, by=cast.frida, starts_at=starts, counsellor_id=cast.liis.pk, place="Room 2"
    )
    assert sessions.read(session.pk, by=cast.frida).place == "Room 2"
    assert sessions.read(session.pk, by=cast.liis).place == "Room 2"
    for stranger in (cast.mark.pk, cast.olga.pk, None):
        with pytest.raises(Invalid):
            sessions.plan(mari.pk, by=cast.frida, starts_at=starts, counsellor_id=stranger)
    with pytest.raises(Hidden):
        sessions.read(session.pk, by=cast.mark)
    with pytest.raises(Denied):
        sessions.read(session.pk, by=cast.piret)


def test_moved_keeps_its_place_and_moves_the_notes(cast: Cast, mari: Client) -> None:
    session = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday(), place="Room 2")
    note = notes.write(session.pk, by=cast.liis, body={"text": "x"})
    later = timezone.now() + TOMORROW
    moved = sessions.move(session.pk, by=cast.frida, version=1, starts_at=later, minutes=90)
    assert (moved.starts_at, moved.minutes, moved.version) == (later, 90, 2)
    assert sessions.read(session.pk, by=cast.liis).place == "Room 2"
    assert SessionNote.objects.get(pk=note.pk).session_at == later
    with pytest.raises(Stale):
        sessions.move(session.pk, by=cast.liis, version=1, minutes=30)


def test_held_moves_the_last_contact_and_never_back(cast: Cast, mari: Client) -> None:
    recent, older = yesterday(), yesterday() - timedelta(days=30)
    for starts in (recent, older):
        session = sessions.plan(mari.pk, by=cast.liis, starts_at=starts)
        sessions.hold(session.pk, by=cast.liis, version=1)
    mari.refresh_from_db()
    assert mari.last_contact_on == retention.local_day(cast.practice, recent)


@pytest.mark.parametrize(("no_show", "status"), [(False, "cancelled"), (True, "no_show")])
def test_not_held_is_no_contact(cast: Cast, mari: Client, no_show: bool, status: str) -> None:
    session = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday(), place="Room 2")
    ended = sessions.cancel(session.pk, by=cast.liis, version=1, no_show=no_show)
    assert ended.status == status
    assert sessions.read(session.pk, by=cast.liis).place == "Room 2"
    mari.refresh_from_db()
    assert mari.last_contact_on is None
    deeds: list[Callable[[], object]] = [
        lambda: sessions.hold(session.pk, by=cast.liis, version=2),
        lambda: sessions.move(session.pk, by=cast.liis, version=2, minutes=30),
        lambda: sessions.cancel(session.pk, by=cast.liis, version=2),
    ]
    for deed in deeds:
        with pytest.raises(Conflict):
            deed()


def test_the_future_has_not_been_held(cast: Cast, mari: Client) -> None:
    with pytest.raises(Invalid):
        sessions.plan(mari.pk, by=cast.liis, starts_at=timezone.now() + TOMORROW, status="held")
    session = sessions.plan(mari.pk, by=cast.liis, starts_at=timezone.now() + TOMORROW)
    with pytest.raises(Invalid):
        sessions.hold(session.pk, by=cast.liis, version=1)


def test_the_calendar_shows_what_one_may_see(cast: Cast, mari: Client) -> None:
    session = sessions.plan(mari.pk, by=cast.liis, starts_at=timezone.now() + TOMORROW)
    since, until = timezone.now(), timezone.now() + timedelta(days=7)
    for who, sees in (
        (cast.liis, True),
        (cast.frida, True),
        (cast.mattias, True),
        (cast.mark, False),
        (cast.olga, False),
    ):
        assert (session in sessions.browse(by=who, since=since, until=until)) == sees
    assert session not in sessions.browse(by=cast.liis, until=timezone.now())


def test_nothing_is_planned_for_the_discharged(cast: Cast, mari: Client) -> None:
    clients.discharge(mari.pk, by=cast.liis, on=retention.local_day(cast.practice, timezone.now()))
    with pytest.raises(Conflict) as refused:
        sessions.plan(mari.pk, by=cast.liis, starts_at=timezone.now() + TOMORROW)
    assert refused.value.code == "discharged"


def test_a_colleague_who_takes_over_plans(cast: Cast, mari: Client) -> None:
    care.hand_over(mari.pk, cast.mark.pk, by=cast.liis)
    assert sessions.plan(mari.pk, by=cast.mark, starts_at=timezone.now() + TOMORROW)
    with pytest.raises(Hidden):
        sessions.plan(mari.pk, by=cast.liis, starts_at=timezone.now() + TOMORROW)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"starts_at": datetime(2026, 1, 1)}, "starts_at"),  # noqa: DTZ001 that is the point
        ({"starts_at": datetime(1900, 1, 1, tzinfo=UTC)}, "starts_at"),
        ({"minutes": 4}, "minutes"),
        ({"minutes": 1441}, "minutes"),
        ({"modality": "telepathy"}, "modality"),
        ({"status": "cancelled"}, "status"),
        ({"place": "x" * 1001}, "place"),
    ],
)
def test_what_will_not_do(cast: Cast, mari: Client, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        sessions.plan(mari.pk, by=cast.liis, **({"starts_at": yesterday()} | changed))
    assert refused.value.field == field
    assert not TherapySession.objects.exists()
