"""Emergency access: what it opens and for how long, what it costs, and who is told."""

import smtplib
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients_app import (
    access,
    alerts,
    audit,
    break_glass,
    care,
    clients,
    pipeline,
    roles,
    tasks,
    users,
    vault,
    wall,
)
from clients_app.errors import Conflict, Denied, Hidden, Invalid
from clients_app.models import AuditEvent, BreakGlass, Client, User
from clients_app.roles import Permission as P
from sessions_app import disclosures, notes, records, sessions
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.clients_app.test_access import PEOPLE, TABLE, YES, answer
from tests.conftest import PASSWORD, Cast, officer_elsewhere, somebody_waits, trail, until

WHY = "She called and said goodbye; Liis is abroad and does not answer."
LENT = {P.CLIENT_READ, P.CARE_READ, P.SESSION_READ, P.NOTE_READ, P.DISCLOSURE_READ}


def broken_by(user: User, client: Client, **more: Any) -> BreakGlass:
    return break_glass.request(client.code, by=user, reason_code="danger_to_life", text=WHY, **more)


def ending_in(row: BreakGlass, span: timedelta) -> None:
    """As if it had been opened so long ago that it ends then, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {BreakGlass._meta.db_table} SET"
            " expires_at = statement_timestamp() + %s * interval '1 second',"
            " opened_at = statement_timestamp() + (%s - 900) * interval '1 second' WHERE id = %s",
            [span.total_seconds(), span.total_seconds(), row.pk],
        )


def past(row: BreakGlass) -> BreakGlass:
    ending_in(row, -timedelta(minutes=5))
    row.refresh_from_db()
    return row


@pytest.fixture
def locked(cast: Cast, meeting: TherapySession) -> Disclosure:
    return disclosures.write(meeting.pk, by=cast.liis, text="For Liis alone.", locked=True)


def test_the_story(cast: Cast, mari: Client, note: SessionNote, confided: Disclosure) -> None:
    """Sofia opens the file, reads, gives it back; Piret sees what was read and judges; Liis sees
    the outcome."""
    opened = broken_by(cast.sofia, mari)
    assert opened.expires_at - opened.opened_at == timedelta(minutes=15)
    assert clients.read(mari.pk, by=cast.sofia).identity["full_name"] == "Mari Maasikas"
    assert records.read(mari.pk, by=cast.sofia).entries[0].body == {"text": "Mari came and spoke."}
    assert disclosures.read(confided.pk, by=cast.sofia).themes == ["lying", "family"]
    break_glass.give_back(opened.pk, by=cast.sofia)
    assert answer(cast.sofia, P.NOTE_READ, mari.pk) == "denied"

    seen = break_glass.waiting(by=cast.piret).get()
    words = break_glass.read(seen.pk, by=cast.piret)
    assert (words.access.user, words.reason, words.review) == (cast.sofia, WHY, None)
    assert list(break_glass.readings(seen.pk, by=cast.piret).values_list("event", "denied")) == [
        ("break_glass.opened", False),
        ("client.read", False),
        ("record.read", False),
        ("disclosure.read", False),
        ("break_glass.ended", False),
        ("note.read", True),
    ]
    break_glass.review(seen.pk, by=cast.piret, finding="justified", text="She found her.")
    assert not break_glass.waiting(by=cast.piret).exists()
    words = break_glass.read(seen.pk, by=cast.piret)
    assert (words.reason, words.review) == (WHY, "She found her.")
    outcome = break_glass.concerning(by=cast.liis).get()
    assert (outcome.finding, outcome.reviewed_by) == ("justified", cast.piret)
    assert not break_glass.concerning(by=cast.mark).exists()
    figures = break_glass.counts(by=cast.piret)
    assert figures.waiting == break_glass.Waiting(0, 0)
    assert list(figures.by_month.values()) == [1]
    assert figures.by_reason == {"danger_to_life": 1}
    assert figures.by_person == {cast.sofia: 1}


@pytest.mark.parametrize("who", ["mark", "sofia"])
@pytest.mark.parametrize("permission", list(P))
def test_it_lends_reading_and_nothing_else(
    cast: Cast, mari: Client, who: str, permission: P
) -> None:
    """Each permission x role: under it, for another client, with it over, in a list of several."""
    user = getattr(cast, who)
    other = clients.register(by=cast.liis)
    before = answer(user, permission, mari.pk)
    opened = broken_by(user, mari)
    under = answer(user, permission, mari.pk)
    assert under == (YES if permission in LENT else before)
    assert access.allows(user, permission, mari.pk) == (under == YES)
    assert answer(user, permission, other.pk) == before
    everybody = Client.objects.all()
    one = access.visible_to(user, permission, everybody, client="pk", of=mari.pk)
    assert (mari in one) == (under == YES)
    assert not access.visible_to(
        user, permission, everybody, client="pk", of=other.pk
    ).exists() or (before == YES)
    if permission in LENT:
        assert not access.visible_to(user, permission, everybody, client="pk").exists()
    past(opened)
    assert answer(user, permission, mari.pk) == before
    ended = access.visible_to(user, permission, everybody, client="pk", of=mari.pk)
    assert (mari in ended) == (before == YES)


def test_what_it_lends_is_written_down_twice() -> None:
    assert LENT == roles.BREAK_GLASS
    assert {role for role in roles.Role if roles.lends(role, P.NOTE_READ)} == {
        "counsellor",
        "supervisor",
    }


@pytest.mark.parametrize("who", [w for w in PEOPLE if w not in ("sofia",)])
def test_others_have_what_they_had(cast: Cast, mari: Client, who: str) -> None:
    """Somebody's emergency access is nobody else's."""
    broken_by(cast.sofia, mari)
    for permission, row in TABLE.items():
        assert answer(getattr(cast, who), permission, mari.pk) == row[PEOPLE.index(who)]


@pytest.mark.parametrize("role", ["counsellor", "supervisor"])
def test_a_colleague_in_the_same_role_has_nothing_of_it(
    cast: Cast, mari: Client, role: str
) -> None:
    colleague = users.create(
        by=None,
        email="nele@kalda.example",
        name="Nele",
        role=role,
        password=PASSWORD,
        practice=cast.practice,
    )
    for user in (cast.mark, cast.sofia):
        broken_by(user, mari)
    for permission in LENT:
        assert answer(colleague, permission, mari.pk) == (
            "hidden" if role == "counsellor" else "denied"
        )
        rows = access.visible_to(
            colleague, permission, Client.objects.all(), client="pk", of=mari.pk
        )
        assert not rows.exists()
    assert break_glass.in_force(by=colleague) == []
    assert not AuditEvent.objects.filter(actor_id=colleague.pk, reason="break_glass").exists()


@pytest.mark.parametrize(
    ("who", "expected"),
    [("frida", Denied), ("mattias", Denied), ("piret", Denied), ("root", Denied)],
)
def test_who_may_not_ask(cast: Cast, mari: Client, who: str, expected: Any) -> None:
    with pytest.raises(expected):
        broken_by(getattr(cast, who), mari)
    assert trail(denied=True) == ["break_glass.request"]


def test_unknown_and_elsewhere_are_one_answer(cast: Cast, mari: Client) -> None:
    """And on the trail as refused; the confidant herself is told that she needs none."""
    said = set()
    for code, by in (("C-1999-0001", cast.mark), (mari.code, cast.olga)):
        with pytest.raises(Invalid) as refused:
            break_glass.request(code, by=by, reason_code="other", text=WHY)
        said.add((refused.value.field, str(refused.value.message)))
    assert len(said) == 1
    assert trail(denied=True) == ["break_glass.request"] * 2
    with pytest.raises(Conflict, match="conflict"):
        broken_by(cast.liis, mari)
    assert not BreakGlass.objects.exists()
    assert (
        break_glass.request(
            f" {mari.code.lower()} ", by=cast.mark, reason_code="other", text=WHY
        ).client
        == mari
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 25,
        " " * 30,
        "urgent urgent urgent",
        "a b c d e f g h i j k",
        "1234 5678 9012 3456 78",
        "word " * 401,
    ],
)
def test_a_reason_says_something(cast: Cast, mari: Client, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        break_glass.request(mari.code, by=cast.mark, reason_code="other", text=text)
    assert refused.value.field == "text"
    with pytest.raises(Invalid) as refused:
        break_glass.request(mari.code, by=cast.mark, reason_code="curiosity", text=WHY)
    assert refused.value.field == "reason_code"


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        ("Sheis gone call now", False),
        ("Sheis gone call now!", True),
        ("  Sheis gone call now   ", False),
        ("Gone without anybodysaying", False),
        ("word " * 399 + "words", True),
        ("word " * 399 + "wordsx", False),
    ],
)
def test_how_much_a_reason_has_to_say(cast: Cast, mari: Client, text: str, enough: bool) -> None:
    """Four words and twenty characters; two thousand at most."""
    refused = nullcontext() if enough else pytest.raises(Invalid)
    with refused:
        break_glass.request(mari.code, by=cast.mark, reason_code="other", text=text)
    assert BreakGlass.objects.exists() == enough


def test_it_ends_by_the_databases_clock(cast: Cast, mari: Client) -> None:
    """Open in its last moment, closed in the first one after; whatever the application's clock."""
    opened = broken_by(cast.mark, mari)
    ending_in(opened, timedelta(milliseconds=700))
    assert answer(cast.mark, P.NOTE_READ, mari.pk) == YES
    time.sleep(0.75)
    assert answer(cast.mark, P.NOTE_READ, mari.pk) == "hidden"
    assert break_glass.in_force(by=cast.mark) == []
    ending_in(opened, timedelta(minutes=14, seconds=59))
    assert answer(cast.mark, P.NOTE_READ, mari.pk) == YES


def test_the_database_allows_a_quarter_of_an_hour(cast: Cast, mari: Client) -> None:
    opened = broken_by(cast.mark, mari)
    rows = BreakGlass.objects.filter(pk=opened.pk)
    with transaction.atomic(), pytest.raises(IntegrityError, match="quarter"):
        rows.update(expires_at=opened.expires_at + timedelta(milliseconds=1))
    with transaction.atomic(), pytest.raises(IntegrityError, match="by_another"):
        rows.update(reviewed_by=cast.mark, reviewed_at=timezone.now(), finding="justified")


def test_it_ends_with_the_login_and_with_the_role(cast: Cast, mari: Client) -> None:
    """Also where the login is restored within the quarter of an hour."""
    change: Callable[..., User] = users.change
    for who, role, active in (("mark", "counsellor", False), ("sofia", "counsellor", True)):
        user = getattr(cast, who)
        broken_by(user, mari)
        assert answer(user, P.NOTE_READ, mari.pk) == YES
        was = user.role
        changed = change(user.pk, by=cast.mattias, name=who, role=role, is_active=active)
        assert answer(changed, P.NOTE_READ, mari.pk) in ("denied", "hidden")
        restored = change(user.pk, by=cast.mattias, name=who, role=was, is_active=True)
        assert answer(restored, P.NOTE_READ, mari.pk) in ("denied", "hidden")
    assert trail(event="break_glass.ended") == ["break_glass.ended"] * 2


def test_anothers_does_not_end_with_it(cast: Cast, mari: Client) -> None:
    for user in (cast.mark, cast.sofia):
        broken_by(user, mari)
    users.change(cast.mark.pk, by=cast.mattias, name="Mark", role="counsellor", is_active=False)
    assert [row.user for row in BreakGlass.objects.filter(ended_at=None)] == [cast.sofia]
    assert answer(cast.sofia, P.NOTE_READ, mari.pk) == YES


def test_what_one_has_open(cast: Cast, mari: Client) -> None:
    """The last one first; nothing of others', of what is over, of who is in care by now."""
    juhan = clients.register(by=cast.liis)
    for client in (mari, juhan):
        broken_by(cast.mark, client, now=timezone.now() - timedelta(minutes=juhan != client))
    broken_by(cast.sofia, mari)
    assert [row.client for row in break_glass.in_force(by=cast.mark)] == [juhan, mari]
    care.assign(juhan.pk, cast.mark.pk, by=cast.mattias)
    assert [row.client for row in break_glass.in_force(by=cast.mark)] == [mari]
    past(BreakGlass.objects.get(user=cast.mark, client=mari))
    assert break_glass.in_force(by=cast.mark) == []
    assert [row.user for row in break_glass.in_force(by=cast.sofia)] == [cast.sofia]


def test_another_role_opens_nothing_even_if_nobody_ended_it(cast: Cast, mari: Client) -> None:
    broken_by(cast.sofia, mari)
    cast.sofia.role = "counsellor"
    cast.sofia.save()
    assert answer(cast.sofia, P.NOTE_READ, mari.pk) == "hidden"
    assert AuditEvent.objects.latest("id").reason == ""  # nor is it marked as done under it
    assert not access.glass_broken(cast.sofia).exists()
    cast.sofia.role = "supervisor"
    cast.sofia.is_active = False
    assert answer(cast.sofia, P.NOTE_READ, mari.pk) == "denied"
    assert not access.glass_broken(cast.sofia).exists()


def test_a_locked_disclosure_is_not_even_there(
    cast: Cast, mari: Client, meeting: TherapySession, confided: Disclosure, locked: Disclosure
) -> None:
    broken_by(cast.mark, mari)
    for wanted in ({"client_id": mari.pk}, {"client_id": mari.pk, "session_id": meeting.pk}):
        assert list(disclosures.browse(by=cast.mark, **wanted)) == [confided]
    for pk in (locked.pk, uuid4()):
        with pytest.raises(Hidden):
            disclosures.read(pk, by=cast.mark)
        with pytest.raises(Hidden):
            disclosures.amendments(pk, by=cast.mark)


def test_not_even_the_one_that_one_locked_oneself(
    cast: Cast, mari: Client, meeting: TherapySession, locked: Disclosure
) -> None:
    """Liis handed Mari over. In an emergency she reads what everybody would, and her own locked
    one opens to her again when she is in care again."""
    care.hand_over(mari.pk, cast.mark.pk, by=cast.liis)
    broken_by(cast.liis, mari)
    assert not disclosures.browse(by=cast.liis, client_id=mari.pk).exists()
    with pytest.raises(Hidden):
        disclosures.read(locked.pk, by=cast.liis)
    care.assign(mari.pk, cast.liis.pk, by=cast.mattias)
    assert disclosures.read(locked.pk, by=cast.liis).text == "For Liis alone."


def test_nothing_is_written_under_it(
    cast: Cast, mari: Client, meeting: TherapySession, note: SessionNote, confided: Disclosure
) -> None:
    broken_by(cast.mark, mari)
    deeds: list[Callable[[], object]] = [
        lambda: clients.change(mari.pk, by=cast.mark, version=1, phone="1"),
        lambda: clients.discharge(mari.pk, by=cast.mark, on=timezone.now().date()),
        lambda: sessions.plan(mari.pk, by=cast.mark, starts_at=timezone.now()),
        lambda: sessions.move(meeting.pk, by=cast.mark, version=1, minutes=10),
        lambda: notes.write(meeting.pk, by=cast.mark, body={"text": "x"}),
        lambda: notes.add(note.pk, by=cast.mark, text="x"),
        lambda: disclosures.write(meeting.pk, by=cast.mark, text="x"),
        lambda: disclosures.amend(confided.pk, by=cast.mark, text="x"),
        lambda: care.hand_over(mari.pk, cast.olga.pk, by=cast.mark),
    ]
    for deed in deeds:
        with pytest.raises(Hidden):
            deed()
    marked = AuditEvent.objects.filter(actor_id=cast.mark.pk, denied=True, reason="break_glass")
    assert marked.count() == len(deeds)


def test_it_puts_the_client_into_no_list(
    cast: Cast, mari: Client, meeting: TherapySession, note: SessionNote, confided: Disclosure
) -> None:
    broken_by(cast.mark, mari)
    assert clients.browse(by=cast.mark).profiles == []
    assert clients.search("Mari", by=cast.mark) == []
    for browse in (sessions.browse, notes.browse, disclosures.browse):
        assert list(browse(by=cast.mark)) == []
        assert list(browse(by=cast.mark, client_id=mari.pk))


def test_every_line_is_marked_until_it_is_over(
    cast: Cast, mari: Client, note: SessionNote, confided: Disclosure
) -> None:
    """Whatever verb wrote it, the record's short way too; a minute longer than it lasts; none of
    others', of other clients or of a confidant."""
    records.read(mari.pk, by=cast.liis)
    opened = broken_by(cast.mark, mari)
    start = AuditEvent.objects.latest("id").pk
    clients.read(mari.pk, by=cast.mark)
    records.read(mari.pk, by=cast.mark)
    notes.read(note.pk, by=cast.mark)
    disclosures.read(confided.pk, by=cast.mark)
    sessions.read(note.session_id, by=cast.mark)
    answer(cast.mark, P.NOTE_WRITE, mari.pk)
    with pytest.raises(Hidden):  # what is hidden names no client
        disclosures.read(uuid4(), by=cast.mark)
    lines = AuditEvent.objects.filter(pk__gt=start)
    assert lines.count() == 7
    for line in lines:
        assert (line.reason, line.detail["break_glass"]) == ("break_glass", str(opened.pk))
    records.read(mari.pk, by=cast.liis)
    audit.record("login.renamed", by=cast.mark)  # a deed that concerns no client
    clients.register(by=cast.mark)
    answer(cast.mark, P.NOTE_READ, clients.register(by=cast.liis).pk)
    ending_in(opened, -timedelta(seconds=50))
    answer(cast.mark, P.NOTE_READ, mari.pk)
    ending_in(opened, -timedelta(seconds=70))
    answer(cast.mark, P.NOTE_READ, mari.pk)
    after = AuditEvent.objects.filter(pk__gt=start).order_by("id")[7:]
    assert [line.reason for line in after] == ["", "", "", "", "", "break_glass", ""]
    assert {str(line.detail.get("break_glass")) for line in after} == {"None", str(opened.pk)}


def test_what_was_given_back_marks_for_a_minute_too(cast: Cast, mari: Client) -> None:
    """And not until it would have ended; of two that were open one after the other, the last."""
    first = broken_by(cast.mark, mari, now=timezone.now() - timedelta(minutes=3))
    break_glass.give_back(first.pk, by=cast.mark)
    for seconds, reason in ((50, "break_glass"), (70, "")):
        ended_at = timezone.now() - timedelta(seconds=seconds)
        BreakGlass.objects.filter(pk=first.pk).update(ended_at=ended_at)
        answer(cast.mark, P.NOTE_READ, mari.pk)
        assert AuditEvent.objects.latest("id").reason == reason
    BreakGlass.objects.filter(pk=first.pk).update(ended_at=timezone.now())
    second = broken_by(cast.mark, mari)
    answer(cast.mark, P.NOTE_WRITE, mari.pk)
    assert AuditEvent.objects.latest("id").detail == {"break_glass": str(second.pk)}


def test_care_that_was_or_is_of_others_marks_all_the_same(cast: Cast, mari: Client) -> None:
    """Liis is in care of Mari, Mark of Juhan; Mark once was in Mari's."""
    clients.register(by=cast.mark)
    was = care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    care.end(was.pk, by=cast.mattias)
    broken_by(cast.mark, mari)
    answer(cast.mark, P.NOTE_READ, mari.pk)
    assert AuditEvent.objects.latest("id").reason == "break_glass"


def test_who_comes_into_care_meanwhile_is_marked_no_longer(cast: Cast, mari: Client) -> None:
    broken_by(cast.mark, mari)
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    records.read(mari.pk, by=cast.mark)
    assert AuditEvent.objects.get(event="record.read").reason == ""
    assert break_glass.in_force(by=cast.mark) == []


def test_giving_back(cast: Cast, mari: Client) -> None:
    """By who opened it, or by the privacy officer; for others it is not there or not theirs."""
    opened = broken_by(cast.mark, mari)
    for who, refusal in (("sofia", Hidden), ("olga", Hidden), ("liis", Denied), ("frida", Denied)):
        with pytest.raises(refusal):
            break_glass.give_back(opened.pk, by=getattr(cast, who))
    assert answer(cast.mark, P.NOTE_READ, mari.pk) == YES
    ended = break_glass.give_back(opened.pk, by=cast.piret)
    assert answer(cast.mark, P.NOTE_READ, mari.pk) == "hidden"
    assert not access.glass_broken(cast.mark).exists()
    assert break_glass.give_back(opened.pk, by=cast.mark).ended_at == ended.ended_at
    assert trail(event="break_glass.ended") == ["break_glass.ended"]


def test_what_is_over_is_not_given_back_again(cast: Cast, mari: Client) -> None:
    opened = past(broken_by(cast.mark, mari))
    assert break_glass.give_back(opened.pk, by=cast.mark).ended_at is None


def test_the_review(cast: Cast, mari: Client) -> None:
    opened = broken_by(cast.mark, mari)
    judged: dict[str, Any] = {"finding": "unclear", "text": "Nobody knows."}
    with pytest.raises(Conflict):
        break_glass.review(opened.pk, by=cast.piret, **judged)
    past(opened)
    for who, refusal in (("mark", Denied), ("liis", Denied), ("mattias", Denied), ("root", Denied)):
        for verb in (break_glass.read, break_glass.readings):
            with pytest.raises(refusal):
                verb(opened.pk, by=getattr(cast, who))
        with pytest.raises(refusal):
            break_glass.review(opened.pk, by=getattr(cast, who), **judged)
    for field, bad in (("finding", "fine"), ("text", " "), ("text", "x" * 10_001)):
        with pytest.raises(Invalid) as refused:
            break_glass.review(opened.pk, by=cast.piret, **(judged | {field: bad}))
        assert refused.value.field == field
    break_glass.review(opened.pk, by=cast.piret, **(judged | {"text": "x" * 10_000}))
    with pytest.raises(Conflict):
        break_glass.review(opened.pk, by=cast.piret, **judged)


def test_nobody_reviews_their_own(cast: Cast, mari: Client) -> None:
    opened = past(broken_by(cast.mark, mari))
    cast.mark.role = "privacy_officer"
    cast.mark.save()
    with pytest.raises(Conflict):
        break_glass.review(opened.pk, by=cast.mark, finding="justified", text="Fine.")
    elsewhere = officer_elsewhere(cast)
    with pytest.raises(Hidden):
        break_glass.read(opened.pk, by=elsewhere)
    assert not break_glass.browse(by=elsewhere).exists()


def test_an_old_seal_does_not_come_back(cast: Cast, mari: Client) -> None:
    """Replaying the words from before the review is refused by the seal."""
    opened = past(broken_by(cast.mark, mari))
    before = BreakGlass.objects.get(pk=opened.pk)
    break_glass.review(opened.pk, by=cast.piret, finding="justified", text="Fine.")
    BreakGlass.objects.filter(pk=opened.pk).update(review=before.review)
    with pytest.raises(vault.SealBroken):
        break_glass.read(opened.pk, by=cast.piret)


def test_reviews_age_visibly(cast: Cast, mari: Client) -> None:
    for hours, overdue in ((71, 0), (73, 1)):
        row = broken_by(cast.mark, mari, now=timezone.now() - timedelta(hours=hours))
        assert break_glass.headline(by=cast.piret).overdue == overdue
        assert break_glass.is_overdue(row) == bool(overdue)
    assert break_glass.headline(by=cast.piret) == break_glass.Waiting(2, 1)
    assert break_glass.headline(by=cast.mark) == break_glass.Waiting(0, 0)
    assert [
        r.opened_at < timezone.now() - timedelta(hours=72)
        for r in break_glass.waiting(by=cast.piret)
    ] == [True, False]


def test_what_stands_on_the_page_of_emergencies(cast: Cast, mari: Client) -> None:
    """The newest first, reviewed or not; until when each is open and since when it is overdue."""
    first = broken_by(cast.mark, mari, now=timezone.now() - timedelta(hours=80))
    second = broken_by(cast.mark, mari)
    assert [break_glass.is_open(row) for row in (first, second)] == [False, True]
    assert [break_glass.is_overdue(row) for row in (first, second)] == [True, False]
    assert [r.pk for r in break_glass.browse(by=cast.piret)] == [second.pk, first.pk]
    assert not break_glass.is_open(break_glass.give_back(second.pk, by=cast.mark))
    reviewed = break_glass.review(first.pk, by=cast.piret, finding="justified", text="Fine.")
    assert not break_glass.is_overdue(reviewed)
    assert [r.pk for r in break_glass.browse(by=cast.piret)] == [second.pk, first.pk]
    assert [r.pk for r in break_glass.browse(by=cast.piret, unreviewed=True)] == [second.pk]


def test_who_sees_which(cast: Cast, mari: Client) -> None:
    """One's own, those of one's clients, for the privacy officer all; and the outcome for two
    weeks on the page of the client's confidants."""
    juhan = clients.register(by=cast.mark)
    hers = broken_by(cast.sofia, mari, now=timezone.now() - timedelta(days=20))
    his = broken_by(cast.mark, mari)
    liis = broken_by(cast.liis, juhan)
    for user, shown, concerned in (
        (cast.sofia, [hers], []),
        (cast.mark, [liis, his], [liis]),
        (cast.liis, [liis, his, hers], [his, hers]),
        (cast.piret, [liis, his, hers], [liis, his, hers]),
    ):
        assert list(break_glass.browse(by=user)) == shown
        assert list(break_glass.concerning(by=user)) == concerned
    for user in (cast.frida, cast.mattias, cast.root):
        with pytest.raises(Denied):
            break_glass.browse(by=user)
    break_glass.review(hers.pk, by=cast.piret, finding="justified", text="Fine.")
    for days, shown in ((13, [his, hers]), (15, [his])):
        reviewed_at = timezone.now() - timedelta(days=days)
        BreakGlass.objects.filter(pk=hers.pk).update(reviewed_at=reviewed_at)
        assert list(break_glass.concerning(by=cast.liis)) == shown


def test_the_figures_are_the_practices_own_and_of_a_year(cast: Cast, mari: Client) -> None:
    """What Olga does elsewhere and what Mark did two years ago is in nobody's figures here."""
    theirs = clients.register(
        by=users.create(
            by=None,
            email="ove@elsewhere.example",
            name="Ove",
            role="counsellor",
            password=PASSWORD,
            practice=cast.olga.practice,
        )
    )
    broken_by(cast.olga, theirs)
    broken_by(cast.mark, mari, now=timezone.now() - timedelta(days=700))
    for days in (330, 2):
        broken_by(cast.sofia, mari, now=timezone.now() - timedelta(days=days))
    broken_by(cast.mark, mari)
    figures = break_glass.counts(by=cast.piret)
    assert list(figures.by_person.items()) == [(cast.sofia, 2), (cast.mark, 1)]
    assert figures.by_reason == {"danger_to_life": 3}
    assert sum(figures.by_month.values()) == 3
    assert list(figures.by_month) == sorted(figures.by_month, reverse=True)
    assert figures.waiting == break_glass.headline(by=cast.piret) == break_glass.Waiting(4, 2)


def test_the_readings_under_one_are_not_those_under_another(cast: Cast, mari: Client) -> None:
    mine, hers = broken_by(cast.mark, mari), broken_by(cast.sofia, mari)
    clients.read(mari.pk, by=cast.mark)
    records.read(mari.pk, by=cast.sofia)
    clients.read(mari.pk, by=cast.liis)
    for row, user, event in (
        (mine, cast.mark, "client.read"),
        (hers, cast.sofia, "record.read"),
    ):
        lines = list(break_glass.readings(row.pk, by=cast.piret))
        assert [line.event for line in lines] == ["break_glass.opened", event]
        assert {line.actor_id for line in lines} == {user.pk}


def test_each_line_names_who_did_it_to_whose_file_under_which_one(cast: Cast, mari: Client) -> None:
    """Also where the superuser, who belongs to no practice, ends it with the login."""
    opened = broken_by(cast.mark, mari)
    for who, refusal in (("sofia", Hidden), ("liis", Denied)):
        with pytest.raises(refusal):
            break_glass.give_back(opened.pk, by=getattr(cast, who))
    users.change(cast.mark.pk, by=cast.root, name="Mark", role="counsellor", is_active=False)
    break_glass.read(opened.pk, by=cast.piret)
    break_glass.readings(opened.pk, by=cast.piret)
    break_glass.review(opened.pk, by=cast.piret, finding="unclear", text="Nobody knows.")
    lines = AuditEvent.objects.filter(subject_id=opened.pk).order_by("id")
    assert [(line.event, line.actor_id, line.denied) for line in lines] == [
        ("break_glass.opened", cast.mark.pk, False),
        ("break_glass.review", cast.sofia.pk, True),
        ("break_glass.review", cast.liis.pk, True),
        ("break_glass.ended", cast.root.pk, False),
        ("break_glass.read", cast.piret.pk, False),
        ("trail.read", cast.piret.pk, False),
        ("break_glass.reviewed", cast.piret.pk, False),
    ]
    assert {line.practice_id for line in lines} == {cast.practice.pk}
    # Sofia has nothing to do with the file, so that hers does not even say whose it is.
    assert [line.client_id for line in lines] == [mari.pk, None, *[mari.pk] * 5]
    assert lines[0].detail == {"ground": "danger_to_life", "break_glass": str(opened.pk)}
    assert lines[6].detail == {"finding": "unclear"}


def test_nobody_goes_on_without_a_review(cast: Cast, mari: Client) -> None:
    """Three that wait, or five in a day, and the next is refused; others are not held up."""
    for _ in range(3):
        past(broken_by(cast.mark, mari))
    with pytest.raises(Conflict) as refused:
        broken_by(cast.mark, mari)
    assert refused.value.code == "too_many_unreviewed"
    assert "privacy officer" in str(refused.value.message)
    broken_by(cast.sofia, mari)
    for _ in range(2):
        for row in BreakGlass.objects.filter(user=cast.mark, reviewed_at=None):
            break_glass.review(row.pk, by=cast.piret, finding="justified", text="Fine.")
        past(broken_by(cast.mark, mari))
    with pytest.raises(Conflict) as refused:
        broken_by(cast.mark, mari)
    assert refused.value.code == "too_many_today"
    BreakGlass.objects.filter(user=cast.mark).update(
        opened_at=timezone.now() - timedelta(hours=25),
        expires_at=timezone.now() - timedelta(hours=24, minutes=50),
    )
    broken_by(cast.mark, mari)
    with pytest.raises(Conflict, match="conflict"):  # open already
        broken_by(cast.mark, mari)


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_open_one(cast: Cast, mari: Client) -> None:
    """Sent at the same moment, ten times: the limits and "open already" hold."""
    start = threading.Barrier(4)
    results: list[Any] = []

    def ask() -> None:
        try:
            start.wait()
            results.append(broken_by(cast.mark, mari).pk)
        except Conflict as refused:
            results.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, UUID) for result in results) == 1
    assert BreakGlass.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_goes_with_the_file(cast: Cast, mari: Client) -> None:
    broken_by(cast.mark, mari)
    mari.delete()
    assert not BreakGlass.objects.exists()
    assert "break_glass.opened" in trail()


def test_a_mail_to_each_who_must_know(cast: Cast, mari: Client, settings: Any) -> None:
    """Confidants and privacy officers, each alone, in both languages; no name, code or word."""
    settings.PUBLIC_URL = "https://notes.kalda.example"
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    gone = users.create(
        by=None,
        email="gone@kalda.example",
        name="Gone",
        role="privacy_officer",
        password=PASSWORD,
        practice=cast.practice,
    )
    users.change(gone.pk, by=cast.mattias, name="Gone", role="privacy_officer", is_active=False)
    opened = broken_by(cast.sofia, mari)
    tasks.tell_of_emergency(str(opened.pk))
    tasks.tell_of_emergency(str(opened.pk))
    tasks.tell_of_emergencies()
    assert sorted(message.to[0] for message in mail.outbox) == sorted(
        [cast.liis.email, cast.mark.email, cast.piret.email]
    )
    for message in mail.outbox:
        assert (len(message.to), message.cc, message.bcc, message.attachments) == (1, [], [], [])
        whole = message.message().as_string()
        assert "Log in to see it" in message.body
        assert "Logige sisse" in message.body
        assert "https://notes.kalda.example/" in message.body
        for secret in ("Mari", "Maasikas", mari.code, "Sofia", "danger", "goodbye", str(mari.pk)):
            assert secret not in f"{message.subject} {message.body}", secret
        assert str(opened.pk) not in whole
    opened.refresh_from_db()
    assert opened.alerted_at is not None
    assert set(opened.alerted_ids) == {str(u.pk) for u in (cast.liis, cast.mark, cast.piret)}


def test_a_mail_server_that_is_away_is_asked_again(
    cast: Cast, mari: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At growing distances; who was reached gets no second mail."""
    opened = broken_by(cast.mark, mari)
    sent: list[str] = []

    def send(_subject: str, _body: str, _sender: None, to: list[str]) -> None:
        if to == [cast.piret.email] and not repaired:
            raise smtplib.SMTPServerDisconnected
        sent.extend(to)

    monkeypatch.setattr(alerts, "send_mail", send)
    repaired: list[bool] = []
    assert alerts.tell_all() == 0
    assert sent == [cast.liis.email]
    opened.refresh_from_db()
    assert opened.alerted_at is None
    soon = opened.alert_due_at - timezone.now()
    assert timedelta(minutes=1) < soon <= timedelta(minutes=2)
    assert alerts.tell_all() == 0
    assert sent == [cast.liis.email]
    for age, distance in ((timedelta(minutes=30), 30), (timedelta(hours=9), 60)):
        moment = timezone.now() - age
        BreakGlass.objects.update(opened_at=moment, expires_at=moment, alert_due_at=timezone.now())
        alerts.tell_all()
        opened.refresh_from_db()
        assert round((opened.alert_due_at - timezone.now()).total_seconds() / 60) == distance
    BreakGlass.objects.update(alert_due_at=timezone.now())
    repaired.append(True)
    assert alerts.tell_all() == 1
    assert sent == [cast.liis.email, cast.piret.email]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_keeps_nobody_untold(
    cast: Cast,
    mari: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The file opens, and the sweep of the next minute tells."""
    unreachable = Celery("unreachable", broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr(alerts, "current_app", unreachable)
    broken_by(cast.mark, mari)
    assert "waits for the next sweep" in caplog.text
    assert mari.code not in caplog.text
    assert answer(cast.mark, P.NOTE_READ, mari.pk) == YES
    assert not mail.outbox
    tasks.tell_of_emergencies()
    assert {message.to[0] for message in mail.outbox} == {cast.liis.email, cast.piret.email}


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_woken_with_an_id_alone_and_only_if_it_is_opened(
    cast: Cast, mari: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[UUID] = []
    monkeypatch.setattr(alerts, "wake", woken.append)
    with transaction.atomic():
        broken_by(cast.mark, mari)
        transaction.set_rollback(True)
    assert woken == []
    opened = broken_by(cast.mark, mari)
    assert woken == [opened.pk]


def test_reading_costs_as_much_as_ever(
    cast: Cast, mari: Client, note: SessionNote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement for the gate and three in one batch for the record, whether anybody has an
    emergency access or not; the same for who reads by one."""
    short_way: list[str] = []
    execute = pipeline._execute

    def counted(raw: Any, sql: str, params: Any) -> Any:
        short_way.append(sql)
        return execute(raw, sql, params)

    monkeypatch.setattr(pipeline, "_execute", counted)

    def cost(user: User) -> tuple[int, list[str]]:
        short_way.clear()
        with CaptureQueriesContext(connection) as queries:
            records.read(mari.pk, by=user)
            clients.read(mari.pk, by=user)
        return len(queries), list(short_way)

    as_ever = cost(cast.liis)
    assert as_ever[1].count(access.RELATION) == 2
    assert len(as_ever[1]) == 5
    broken_by(cast.mark, mari)
    assert cost(cast.liis) == as_ever
    assert cost(cast.mark) == as_ever


@pytest.mark.django_db(transaction=True)
def test_who_loses_the_role_while_they_wait_opens_nothing(cast: Cast, mari: Client) -> None:
    """Mattias takes Mark's role away in the moment in which Mark asks."""
    changed = threading.Event()

    def change() -> None:
        try:
            with wall.system("tests"), transaction.atomic():
                users.change(
                    cast.mark.pk, by=cast.mattias, name="Mark", role="front_desk", is_active=True
                )
                changed.set()
                until(somebody_waits)
        finally:
            changed.set()
            connection.close()

    other = threading.Thread(target=change)
    other.start()
    assert changed.wait(20)
    with pytest.raises(Denied):
        break_glass.request(mari.code, by=cast.mark, reason_code="other", text=WHY)
    other.join()
    assert not BreakGlass.objects.exists()
    line = AuditEvent.objects.get(actor_id=cast.mark.pk, denied=True)
    assert (line.event, line.client_id, line.subject_id) == ("break_glass.request", *[mari.pk] * 2)
