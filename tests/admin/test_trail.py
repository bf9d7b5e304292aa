"""The trail's pages: how far it is sealed, and the account that is printed for the client."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from clients_app import audit, clients, seals, trail
from clients_app.models import AuditEvent, Client
from sessions_app import disclosures
from sessions_app.models import Disclosure, SessionNote
from tests.admin.conftest import INLINE, Desk, page
from tests.conftest import Cast, until

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def printed(text: str) -> str:
    """What is on the paper: the page without what only the screen shows."""
    return text.partition('<p class="lead">')[2].partition("</main>")[0]


def test_an_account_for_the_client(
    cast: Cast, desk: Desk, mari: Client, note: SessionNote, confided: Disclosure
) -> None:
    """Who, when, what and why, in the client's words and language; refusals counted; no id."""
    for _ in range(3):
        disclosures.read(confided.pk, by=cast.liis)
    with transaction.atomic():
        audit.record("note.read", by=cast.mark, client_id=mari.pk, reason="break_glass")
    mark = desk(cast.mark)
    for _ in range(2):
        assert mark.get(page("clients_app_client_change", mari.pk)).status_code == 404
    liis = desk(cast.liis)
    liis.get(page("clients_app_client_trail_print", mari.pk))
    where = page("clients_app_client_trail_print", mari.pk)
    answer = liis.get(where, {"language": "en"})
    paper = printed(answer.text)
    for words in (
        "Kalda nõustamine",
        "Liis, counsellor",
        "read something you confided, 3 times",
        "opened a file for you",
        "emergency access",
        "made this list for you",
        "2 attempts to open something of your file were refused",
    ):
        assert words in paper, words
    # Whose refused attempts they were is for the privacy officer, not for the paper.
    assert paper.count("Mark") == 1
    assert not UUID.search(paper)
    assert not INLINE.search(answer.content)
    assert "Maasikas" not in answer.text
    estonian = liis.get(where, {"language": "et"}).text
    assert "luges midagi, mida te usaldasite, 3 korda" in estonian
    assert '<html lang="et"' in estonian
    assert '<html lang="en' in liis.get(page("index")).text
    assert AuditEvent.objects.filter(event="trail.printed", client_id=mari.pk).count() == 3


def test_nobody_elses_file_is_printed(cast: Cast, desk: Desk, mari: Client) -> None:
    for who, status in ((cast.mark, 404), (cast.olga, 404), (cast.frida, 403), (cast.root, 403)):
        answer = desk(who).get(page("clients_app_client_trail_print", mari.pk))
        assert answer.status_code == status
    assert not AuditEvent.objects.filter(event="trail.printed").exists()


def test_an_account_is_of_one_year_and_bounded(
    cast: Cast, mari: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        clients.read(mari.pk, by=cast.liis)
    later = timezone.now() + timedelta(days=trail.ACCOUNT_DAYS + 2)
    assert trail.account(mari.pk, by=cast.liis, now=later).rows == []
    now = timezone.now() + timedelta(minutes=1)
    whole = trail.account(mari.pk, by=cast.liis, now=now)
    assert {row["event"]: row["times"] for row in whole.rows} == {
        "client.registered": 1,
        "client.read": 3,
        "trail.printed": 1,
    }
    assert not whole.older
    monkeypatch.setattr(trail, "ACCOUNT_ROWS", 2)
    cut = trail.account(mari.pk, by=cast.liis, now=now)
    assert (len(cut.rows), cut.older) == (2, True)


@pytest.mark.django_db(transaction=True)
def test_the_trail_says_how_far_it_is_sealed(cast: Cast, desk: Desk, mari: Client) -> None:
    piret = desk(cast.piret)
    before = piret.get(page("clients_app_auditevent_changelist")).text
    assert "Not sealed yet" in before
    until(lambda: any(list(seals.seal_all())), seconds=120)
    after = piret.get(page("clients_app_auditevent_changelist")).text
    assert "Sealed until" in after
    assert "needs attention" not in after
    with transaction.atomic():
        audit.record("trail.verified", by=None, number=1, events=9, findings=2, unchecked=0)
    found = piret.get(page("clients_app_auditevent_changelist")).text
    assert "The trail needs attention" in found
    assert "2 places are not as they were sealed" in found


def test_a_line_that_waits_for_long_is_told_about(cast: Cast, desk: Desk) -> None:
    piret = desk(cast.piret)
    assert "still waits" not in piret.get(page("clients_app_auditevent_changelist")).text
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO clients_app_auditevent (at, role, event, denied, reason, door, detail, tx)"
            " VALUES (now() - interval '1 hour', 'system', 'x', false, '', 'shell', '{}', 0)"
        )
    assert "still waits" in piret.get(page("clients_app_auditevent_changelist")).text
