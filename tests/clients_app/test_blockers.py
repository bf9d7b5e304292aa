"""What keeps a file whose day is past: each thing by itself, wherever it is looked for."""

from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from clients_app import (
    approvals,
    blockers,
    client_requests,
    clients,
    destruction,
    holds,
    purges,
    retention,
    rules,
)
from clients_app.errors import Conflict, Denied, Hidden, Invalid
from clients_app.models import AuditEvent, Client, ClientRequest, PurgeItem
from sessions_app import disclosures, notes, sessions
from tests.conftest import Cast, trail, yesterday

ENDED = date(2014, 2, 1)
KEPT_UNTIL = date(2021, 2, 1)


@pytest.fixture
def ended(cast: Cast) -> Client:
    """A file that was due years ago, and nothing keeps it."""
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    return a_file_that_ended(cast)


def a_file_that_ended(cast: Cast) -> Client:
    client = clients.register(by=cast.liis, identity={"full_name": "Somebody"})
    return clients.discharge(client.pk, by=cast.liis, on=ENDED)


def place_hold(cast: Cast, client: Client) -> Callable[[], Any]:
    hold = holds.place(client.pk, by=cast.piret, matter="Case 7", reason="The court asked.")
    return lambda: holds.lift(hold.pk, by=cast.piret)


def ask_for(kind: str, outcome: str) -> Callable[[Cast, Client], Callable[[], Any]]:
    def ask(cast: Cast, client: Client) -> Callable[[], Any]:
        made = client_requests.record(client.pk, by=cast.liis, kind=kind, details="As she said.")
        return lambda: client_requests.decide(
            made.pk, by=cast.piret, outcome=outcome, answer="We wrote to her."
        )

    return ask


def leave_unsigned(cast: Cast, client: Client) -> Callable[[], Any]:
    clients.reopen(client.pk, by=cast.liis, kept_until=KEPT_UNTIL)
    meeting = sessions.plan(client.pk, by=cast.liis, starts_at=yesterday())
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "A last thing."})
    clients.discharge(client.pk, by=cast.liis, on=ENDED)

    def sign() -> None:
        clients.reopen(client.pk, by=cast.liis, kept_until=KEPT_UNTIL)
        notes.sign(draft.pk, by=cast.liis, version=1)
        clients.discharge(client.pk, by=cast.liis, on=ENDED)

    return sign


ALL = {
    "legal_hold": (place_hold, "A legal hold of", "hävitamiskeeld"),
    "restriction": (ask_for("restriction", "lifted"), "kept and not used", "ei kasutata"),
    "access_request": (ask_for("access", "granted"), "to see the file", "tutvuda"),
    "complaint": (ask_for("complaint", "settled"), "A complaint of", "Kaebus"),
    "unsigned_note": (leave_unsigned, "is not signed", "allkirjastamata"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ALL)
def test_each_keeps_the_file_until_it_is_gone(cast: Cast, ended: Client, kind: str) -> None:
    """Not proposed; proposed before it came, the last look under the lock finds it."""
    begin, _english, _estonian = ALL[kind]
    run = purges.propose(by=cast.piret)
    assert run is not None
    approvals.approve(run.pk, by=cast.piret, files=1)
    end = begin(cast, ended)
    assert destruction.execute(until=timezone.now() + timedelta(minutes=1)) == 1
    item = PurgeItem.objects.get()
    assert item.status == ("held" if kind == "legal_hold" else "blocked")
    assert kind in item.blockers
    assert Client.objects.get() == ended

    assert purges.propose(by=cast.piret) is None
    assert [client.pk for client in purges.kept(by=cast.piret)] == [ended.pk]
    (why,) = purges.reasons([ended.pk], by=cast.piret).values()
    assert [one.kind for one in why] == [kind]

    end()
    assert not purges.kept(by=cast.piret).exists()
    again = purges.propose(by=cast.piret)
    assert again is not None
    approvals.approve(again.pk, by=cast.piret, files=1)
    destruction.execute(until=timezone.now() + timedelta(minutes=1))
    assert not Client.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_was_written_since_the_proposal_was_not_considered(cast: Cast, ended: Client) -> None:
    run = purges.propose(by=cast.piret)
    assert run is not None
    approvals.approve(run.pk, by=cast.piret, files=1)
    clients.reopen(ended.pk, by=cast.liis, kept_until=KEPT_UNTIL)
    meeting = sessions.plan(ended.pk, by=cast.liis, starts_at=yesterday())
    disclosures.write(meeting.pk, by=cast.liis, text="One thing more.")
    clients.discharge(ended.pk, by=cast.liis, on=ENDED)
    (why,) = purges.reasons([ended.pk], by=cast.piret, run=run).values()
    assert [one.kind for one in why] == ["new_content"]
    ended.refresh_from_db()
    assert [one.kind for one in blockers.against(ended, now=timezone.now())] == ["new_content"]
    destruction.execute(until=timezone.now() + timedelta(minutes=1))
    assert PurgeItem.objects.get().blockers == ["new_content"]
    again = purges.propose(by=cast.piret)
    assert again is not None, "the next proposal has considered it"
    assert purges.reasons([ended.pk], by=cast.piret, run=again) == {}


@pytest.mark.parametrize("kind", ALL)
def test_it_is_said_in_both_languages_to_everybody_who_asks_why(
    cast: Cast, ended: Client, kind: str
) -> None:
    begin, english, estonian = ALL[kind]
    begin(cast, ended)
    for who in (cast.liis, cast.mattias, cast.piret):
        found = clients.explain(ended.pk, by=who)
        (said,) = blockers.sentences(found.blockers)
        assert english in said
        with translation.override("et"):
            (said,) = blockers.sentences(found.blockers)
            assert estonian in said
    for language, words in (("en", english), ("et", estonian)):
        out = StringIO()
        options = ["--practice", "kalda", "--language", language]
        call_command("retention", "explain", ended.code, *options, stdout=out)
        assert words in out.getvalue()
        assert "court" not in out.getvalue()


def test_a_thousand_files_are_asked_about_in_as_many_queries_as_one(
    cast: Cast, ended: Client
) -> None:
    place_hold(cast, ended)

    def queries(files: list[Client]) -> int:
        now = timezone.now()
        proposed = {client.pk: now for client in files}
        with CaptureQueriesContext(
            connection,
        ) as seen:
            found = blockers.of(proposed, practice=cast.practice, now=now, proposed=proposed)
        assert list(found) == [ended.pk]
        return len(seen)

    one = queries([ended])
    assert queries([ended, *(a_file_that_ended(cast) for _number in range(20))]) == one


def test_a_draft_of_a_client_in_care_is_everyday_work(cast: Cast, mari: Client) -> None:
    meeting = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday())
    notes.write(meeting.pk, by=cast.liis, body={"text": "x"})
    assert clients.explain(mari.pk, by=cast.liis).blockers == []
    client_requests.record(mari.pk, by=cast.liis, kind="access", details="x")
    (only,) = clients.explain(mari.pk, by=cast.liis).blockers
    assert only.kind == "access_request"


def test_a_hold_says_whom_to_ask_and_never_ends_by_itself(cast: Cast, ended: Client) -> None:
    today = retention.local_day(cast.practice, timezone.now())
    with pytest.raises(Invalid):
        holds.place(ended.pk, by=cast.piret, matter="m", reason="r", until=today)
    soon = today + timedelta(days=30)
    hold = holds.place(
        ended.pk, by=cast.piret, matter="m", reason="r", until=soon, notice_to="The registry."
    )
    assert holds.read(hold.pk, by=cast.piret).notice_to == "The registry."
    assert holds.overdue(by=cast.piret, now=timezone.now()) == 0
    later = timezone.now() + timedelta(days=31)
    assert holds.overdue(by=cast.piret, now=later) == 1
    (standing,) = blockers.against(ended, now=later)
    assert (standing.kind, standing.until) == ("legal_hold", soon)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 1, 15), date(2026, 2, 15)),
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2024, 1, 30), date(2024, 2, 29)),
        (date(2025, 12, 31), date(2026, 1, 31)),
    ],
)
def test_a_month_is_a_month(received: date, due: date) -> None:
    """Regulation (EEC, Euratom) 1182/71, Art. 3 (2) (c)."""
    assert client_requests.a_month_later(received) == due


def test_whoever_hears_it_records_it_and_the_privacy_officer_decides(
    cast: Cast, mari: Client
) -> None:
    made = client_requests.record(mari.pk, by=cast.liis, kind="access", details="All of it.")
    assert made.due_on == client_requests.a_month_later(made.received_on)
    client_requests.record(mari.pk, by=cast.frida, kind="complaint", details="Nobody called.")
    for who in (cast.liis, cast.frida, cast.mattias, cast.sofia, cast.root):
        with pytest.raises(Denied):
            client_requests.read(made.pk, by=who)
        with pytest.raises(Denied):
            client_requests.decide(made.pk, by=who, outcome="granted", answer="x")
    with pytest.raises(Hidden):
        client_requests.record(mari.pk, by=cast.mark, kind="access", details="x")
    with pytest.raises(Invalid):
        client_requests.decide(made.pk, by=cast.piret, outcome="settled", answer="x")
    client_requests.decide(made.pk, by=cast.piret, outcome="granted", answer="Sent by post.")
    with pytest.raises(Conflict):
        client_requests.decide(made.pk, by=cast.piret, outcome="refused", answer="x")
    opened = client_requests.read(made.pk, by=cast.piret)
    assert (opened.details, opened.answer) == ("All of it.", "Sent by post.")
    assert client_requests.browse(by=cast.piret, undecided=True).get().kind == "complaint"
    assert trail(subject_id=made.pk, denied=False) == [
        "request.recorded",
        "request.decided",
        "request.read",
    ]
    line = AuditEvent.objects.get(event="request.decided")
    assert line.detail == {"kind": "access", "outcome": "granted"}


@pytest.mark.parametrize("day", [date(1999, 12, 31), timezone.now().date() + timedelta(days=2)])
def test_a_request_is_received_on_a_day_that_was(cast: Cast, mari: Client, day: date) -> None:
    with pytest.raises(Invalid):
        client_requests.record(mari.pk, by=cast.liis, kind="access", details="x", received_on=day)
    assert not ClientRequest.objects.exists()
