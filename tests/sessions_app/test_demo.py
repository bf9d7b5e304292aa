"""The demonstration practice: made once, as the right people, and only where it may be."""

import io
import json
import stat
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from clients_app import clients, exceptions, logins, promises, purges, retention
from clients_app.models import AuditEvent, Client, LegalHold, Practice, PurgeItem, User
from sessions_app import demo, disclosures, notes, sessions, supervision
from sessions_app.models import Disclosure, SessionNote, TherapySession

Demo = Callable[[], list[str]]


@pytest.fixture
def demonstrate(db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """Run the command where it may run; what it printed."""
    settings.DEMONSTRATION = True
    monkeypatch.setenv("DEMO_LOGINS_FILE", str(tmp_path / "new" / "logins.txt"))

    def run() -> list[str]:
        out = io.StringIO()
        call_command("demo", stdout=out)
        return out.getvalue().splitlines()

    return run


def totals() -> dict[str, int]:
    return {
        model._meta.label: model._default_manager.count()
        for app in ("clients_app", "sessions_app")
        for model in apps.get_app_config(app).get_models()
    }


def person(key: str) -> User:
    return User.objects.get(email=f"{key}@demo.example")


def test_it_is_refused_beside_real_files(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="DEMONSTRATION"):
        call_command("demo")
    assert not Practice.objects.exists()


def test_the_story_is_told_once(demonstrate: Demo) -> None:
    printed = demonstrate()
    before = totals()
    assert before["clients_app.Client"] == 12
    assert before["sessions_app.TherapySession"] == 80
    assert before["sessions_app.SessionNote"] == 65
    assert before["sessions_app.Disclosure"] == 72
    assert Counter(TherapySession.objects.values_list("status", flat=True)) == {
        "held": 66,
        "planned": 8,
        "cancelled": 4,
        "no_show": 2,
    }
    assert demonstrate() == printed
    assert totals() == before


def test_every_login_works_and_is_shown_with_its_role(demonstrate: Demo) -> None:
    printed = demonstrate()
    shown = [line for line in printed if "@demo.example" in line]
    assert len(shown) == User.objects.count() == 7
    passwords = set()
    for line in shown:
        email, password = next(
            (cell, after)
            for cell, after in zip(line.split(), line.split()[1:], strict=False)
            if "@" in cell
        )
        user = logins.identify(email, password)
        assert str(user.get_role_display() or "superuser") in line
        passwords.add(password)
    assert len(passwords) == 7
    path = demo.logins_file()
    assert str(path) in printed[-1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_passwords_that_were_lost_are_renewed(demonstrate: Demo) -> None:
    before = demonstrate()
    demo.logins_file().unlink()
    after = demonstrate()
    assert after != before
    line = next(line for line in after if "liis@" in line)
    assert logins.identify("liis@demo.example", line.split()[2]) == person("liis")
    assert "changepassword" in next(line for line in after if "root@" in line)
    assert demonstrate() == after


def test_exactly_one_file_is_due_and_one_is_held(demonstrate: Demo) -> None:
    demonstrate()
    anneli = person("anneli")
    practice = Practice.objects.get()
    due = set(retention.due(practice, on=retention.local_day(practice, timezone.now())))
    held = {hold.client for hold in LegalHold.objects.filter(lifted_at=None)}
    assert len(held) == 1
    assert held < due
    run = purges.browse(by=anneli).get()
    assert run.status == "proposed"
    (item,) = PurgeItem.objects.filter(run=run)
    assert {item.client_id} == {client.pk for client in due - held}
    assert not retention.undated(practice).exists()


def test_every_word_is_read_back_by_its_confidant(demonstrate: Demo) -> None:
    demonstrate()
    story = json.loads(demo.STORY.read_bytes())
    told = Counter(
        confided["text"]
        for client in story["clients"]
        for meeting in client["sessions"]
        for confided in meeting["disclosures"]
    )
    read = Counter(disclosures.read(row.pk, by=row.author).text for row in Disclosure.objects.all())
    assert read == told
    sections = Counter(
        json.dumps(meeting["note"]["sections"], sort_keys=True)
        for client in story["clients"]
        for meeting in client["sessions"]
        if meeting["note"]
    )
    assert sections == Counter(
        json.dumps(dict(notes.read(row.pk, by=row.author).body), sort_keys=True)
        for row in SessionNote.objects.all()
    )
    names = {client["identity"]["full_name"] for client in story["clients"]}
    kadri = person("kadri")
    page = clients.browse(by=kadri, status="all")
    assert {profile.identity["full_name"] for profile in page.profiles} == names
    # Two lead the group together.
    group = Client.objects.get(kind="group")
    assert [care.user for care in group.care.order_by("user__name")] == [
        person("liis"),
        person("mark"),
    ]


def test_what_lies_in_the_past_was_written_in_the_past(demonstrate: Demo) -> None:
    demonstrate()
    now = timezone.now()
    entries: list[SessionNote | Disclosure] = [
        *SessionNote.objects.select_related("session"),
        *Disclosure.objects.select_related("session"),
    ]
    for entry in entries:
        minutes = timedelta(minutes=entry.session.minutes)
        assert entry.written_at == entry.session.starts_at + minutes
    assert {client.registered_at < now for client in Client.objects.all()} == {True}
    for client in Client.objects.prefetch_related("sessions", "care"):
        assert {care.since for care in client.care.all()} == {client.registered_at}
        assert all(client.registered_at < s.starts_at for s in client.sessions.all())
    planned = sessions.browse(by=person("kadri"), since=now)
    assert {session.status for session in planned} == {"planned"}
    assert planned.count() == 8


def test_the_trail_names_who_would_do_it(demonstrate: Demo) -> None:
    demonstrate()
    who = Counter(AuditEvent.objects.values_list("event", "role"))
    assert who["practice.created", "superuser"] == 1
    assert who["user.created", "superuser"] == 1
    assert who["user.created", "practice_manager"] == 5
    assert who["user.vouched", "privacy_officer"] == 4
    assert who["rule.decided", "privacy_officer"] == 3
    assert who["client.registered", "counsellor"] == 12
    assert who["care.assigned", "practice_manager"] == 1
    assert who["session.planned", "front_desk"] == 14
    assert who["session.held", "counsellor"] == 66
    assert who["note.signed", "counsellor"] == 59
    assert who["client.discharged", "counsellor"] == 3
    assert who["hold.placed", "privacy_officer"] == 1
    assert who["request.recorded", "counsellor"] == 1
    assert who["purge.proposed", "privacy_officer"] == 1
    assert who["successor.accepted", "counsellor"] == 1
    assert who["succession.proposed", "practice_manager"] == 1
    assert who["break_glass.opened", "counsellor"] == 1
    assert who["break_glass.opened", "supervisor"] == 1
    assert who["break_glass.reviewed", "privacy_officer"] == 1
    read = AuditEvent.objects.get(event="record.read")
    assert (read.role, read.reason) == ("supervisor", "break_glass")
    assert who["promise.published", "privacy_officer"] == 2
    assert who["agreement.recorded", "counsellor"] == 9
    assert who["exception.recorded", "counsellor"] == 1
    assert who["excerpt.released", "counsellor"] == 1
    assert not AuditEvent.objects.filter(denied=True).exists()


def test_the_promise_stands_in_both_languages_and_most_words_under_it(demonstrate: Demo) -> None:
    demonstrate()
    liis, helve = person("liis"), person("helve")
    for language in ("en", "et"):
        statement = promises.current(language, by=liis)
        assert statement is not None
        assert "[" not in statement.text
    under = Counter(
        disclosure.agreement is not None and disclosure.agreement.statement.language
        for disclosure in Disclosure.objects.select_related("agreement__statement")
    )
    assert under.keys() == {"en", "et", False}
    assert under[False] < 15
    ((excerpt, pseudonym),) = supervision.inbox(by=helve).excerpts
    assert pseudonym == "Tom"
    assert "five weeks" in supervision.read(excerpt.pk, by=helve).text
    (exception,) = exceptions.browse(by=person("anneli"))
    assert exception.ground == "clients_consent"


@pytest.mark.parametrize("day", ["2028-02-29 23:30", "2027-01-01 00:10", "2027-03-28 01:30"])
def test_it_can_be_told_on_any_day(demonstrate: Demo, day: str) -> None:
    """A leap day, the first minutes of a year (codes are numbered by the year), a lost hour."""
    with time_machine.travel(f"{day} +0000", tick=True):
        demonstrate()
        assert PurgeItem.objects.count() == 1
    codes = list(Client.objects.order_by("registered_at", "pk").values_list("code", flat=True))
    assert codes == sorted(codes)


def test_a_telling_that_is_cut_short_leaves_nothing(
    demonstrate: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = totals()

    def cut(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(purges, "propose", cut)
        with pytest.raises(KeyboardInterrupt):
            demonstrate()
    assert totals() == before
    demonstrate()
    assert Client.objects.count() == 12
