"""Which promise a client was given, and each time something had to be told after all."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.utils import timezone

from clients_app import (
    agreements,
    approvals,
    care,
    clients,
    destruction,
    exceptions,
    grounds,
    promises,
    purges,
    rules,
    vault,
)
from clients_app.errors import Conflict, Denied, Hidden, Invalid
from clients_app.models import (
    Agreement,
    AuditEvent,
    Client,
    ClientTold,
    ConfidentialityException,
    ConfidentialityStatement,
    DestructionRecord,
)
from sessions_app import disclosures, notes, sessions, supervision
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt, TherapySession
from tests.conftest import Cast, promised, trail, yesterday

START = datetime(2026, 1, 1, tzinfo=UTC)
Refusal = (ProgrammingError, InternalError)


def keep(cast: Cast, client: Client, **changed: Any) -> ConfidentialityException:
    """Liis had to call for help."""
    about = {
        "ground": "danger_to_life",
        "recipient": "Emergency line, Dr Kask",
        "content": "That she has taken pills, and where she is.",
    }
    return exceptions.record(client.pk, by=cast.liis, **(about | changed))


@pytest.mark.parametrize("seed", range(8))
def test_the_last_given_is_in_force_until_it_is_withdrawn(
    cast: Cast, mari: Client, seed: int
) -> None:
    """Against a plain model: given in any order and withdrawn at random, asked at every moment."""
    chance = random.Random(seed)
    versions = [promised(cast, START, language) for language in ("en", "et")]
    given: list[tuple[datetime, UUID, datetime | None, Agreement]] = []
    for _ in range(chance.randint(1, 6)):
        at = START + timedelta(minutes=chance.randint(0, 9))
        made = agreements.record(
            mari.pk, by=cast.liis, statement=chance.choice(versions).pk, how="paper", given_at=at
        )
        ends = at + timedelta(minutes=chance.randint(0, 9)) if chance.random() < 0.4 else None
        if ends:
            Agreement.objects.filter(pk=made.pk).update(withdrawn_at=ends, withdrawn_by=cast.liis)
        given.append((at, made.pk, ends, made))
    for minute in range(-1, 20):
        for around in (-1, 0, 1):
            asked = START + timedelta(minutes=minute, microseconds=around)
            known = [line for line in given if line[0] <= asked]
            last = max(known, key=lambda line: line[:2]) if known else None
            holds = last and (last[2] is None or last[2] > asked)
            found = agreements.in_force(mari.pk, asked)
            assert found == (last[3] if last and holds else None)


def test_a_disclosure_is_pinned_to_the_promise_it_was_said_under(
    cast: Cast, mari: Client, meeting: TherapySession
) -> None:
    """First under none, then under the first version, then the second, then withdrawn. What is
    pinned stays pinned."""

    def say() -> Disclosure:
        return disclosures.write(meeting.pk, by=cast.liis, text="Something.")

    before = say()
    first = promised(cast, timezone.now())
    one = agreements.record(mari.pk, by=cast.liis, statement=first.pk, how="spoken")
    under_one = say()
    second = promised(cast, timezone.now())
    still_one = say()
    two = agreements.record(mari.pk, by=cast.frida, statement=second.pk, how="paper")
    under_two = say()
    amendment = disclosures.amend(under_one.pk, by=cast.liis, text="Better.")
    agreements.withdraw(two.pk, by=cast.liis)
    after = say()
    said = [before, under_one, still_one, under_two, amendment, after]
    assert [d.agreement for d in said] == [None, one, one, two, two, None]
    again = disclosures.read(under_one.pk, by=cast.liis).disclosure
    assert again.agreement is not None
    assert again.agreement.statement == first


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"statement": uuid4()}, "statement"),
        ({"how": "dreamt"}, "how"),
        ({"given_at": timezone.now() + timedelta(days=1)}, "given_at"),
        ({"given_at": START - timedelta(days=900)}, "given_at"),
    ],
)
def test_an_agreement_that_cannot_be(
    cast: Cast, mari: Client, promise: ConfidentialityStatement, changed: Any, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        agreements.record(
            mari.pk, by=cast.liis, **({"statement": promise.pk, "how": "spoken"} | changed)
        )
    assert refused.value.field == field
    assert not Agreement.objects.exists()


def test_a_draft_and_anothers_promise_are_not_given(cast: Cast, mari: Client) -> None:
    theirs = promised(cast, START)
    olgas = clients.register(by=cast.olga)
    with pytest.raises(Invalid):
        agreements.record(olgas.pk, by=cast.olga, statement=theirs.pk, how="spoken")
    draft = promises.draft("en", by=cast.piret)
    with pytest.raises(Invalid):
        agreements.record(mari.pk, by=cast.liis, statement=draft.pk, how="spoken")


def test_who_records_an_agreement_and_who_sees_it(
    cast: Cast, mari: Client, agreed: Agreement
) -> None:
    for user in (cast.liis, cast.frida, cast.piret):
        assert list(agreements.browse(mari.pk, by=user)) == [agreed]
    for user, refusal in ((cast.mark, Hidden), (cast.olga, Hidden), (cast.mattias, Denied)):
        with pytest.raises(refusal):
            agreements.browse(mari.pk, by=user)
        with pytest.raises(refusal):
            agreements.withdraw(agreed.pk, by=user)
    with pytest.raises(Denied):
        agreements.withdraw(agreed.pk, by=cast.piret)
    another = clients.register(by=cast.liis)
    with pytest.raises(Hidden):
        agreements.withdraw(agreed.pk, by=cast.liis, client_id=another.pk)
    agreements.withdraw(agreed.pk, by=cast.frida)
    with pytest.raises(Conflict):
        agreements.withdraw(agreed.pk, by=cast.liis)


def test_nothing_goes_out_without_a_ground(
    cast: Cast, mari: Client, promise: ConfidentialityStatement
) -> None:
    """The gate: no promise and no exception, no release. Either opens it, a withdrawn promise does
    not, and no other client's exception."""
    now = timezone.now()
    with pytest.raises(Conflict) as refused:
        grounds.require(mari.pk, at=now)
    assert refused.value.code == "no_ground"
    assert "Record first" in str(refused.value.message)
    agreement = agreements.record(mari.pk, by=cast.liis, statement=promise.pk, how="paper")
    assert grounds.require(mari.pk, at=timezone.now()).agreement == agreement
    agreements.withdraw(agreement.pk, by=cast.liis)
    with pytest.raises(Conflict):
        grounds.require(mari.pk, at=timezone.now())
    exception = keep(cast, mari)
    found = grounds.require(mari.pk, at=timezone.now(), exception_id=exception.pk)
    assert (found.agreement, found.exception) == (None, exception)
    another = clients.register(by=cast.liis)
    for client_id, exception_id in ((another.pk, exception.pk), (mari.pk, uuid4())):
        with pytest.raises(Invalid) as wrong:
            grounds.require(client_id, at=now, exception_id=exception_id)
        assert wrong.value.field == "exception"


def test_the_confidant_reads_all_and_the_privacy_officer_that_it_was(
    cast: Cast, mari: Client
) -> None:
    kept = keep(cast, mari, told="no", why_not_told="It would put her in danger.")
    opened = exceptions.read(kept.pk, by=cast.liis)
    assert opened.recipient == "Emergency line, Dr Kask"
    assert opened.content == "That she has taken pills, and where she is."
    assert opened.why_not_told == "It would put her in danger."
    seen = exceptions.read(kept.pk, by=cast.piret)
    assert (seen.recipient, seen.content, seen.why_not_told) == (None, None, None)
    assert not seen.has_words
    assert seen.exception.ground == "danger_to_life"
    assert list(exceptions.browse(by=cast.piret)) == [kept]
    assert list(exceptions.browse(by=cast.liis, client_id=mari.pk)) == [kept]
    assert list(exceptions.browse(by=cast.mark)) == []
    assert trail(subject_id=kept.pk) == ["exception.recorded", "exception.read", "exception.seen"]
    refusals: list[tuple[Any, type[Exception]]] = [
        (cast.mark, Hidden),
        (cast.olga, Hidden),
        (cast.frida, Denied),
        (cast.mattias, Denied),
        (cast.sofia, Denied),
        (cast.root, Denied),
    ]
    for user, refusal in refusals:
        with pytest.raises(refusal):
            exceptions.read(kept.pk, by=user)
        with pytest.raises(refusal):
            exceptions.tell(kept.pk, by=user)
    with pytest.raises(Denied):
        exceptions.tell(kept.pk, by=cast.piret)
    assert "Kask" not in str(list(AuditEvent.objects.values()))


def test_the_client_is_told_later_once(cast: Cast, mari: Client) -> None:
    kept = keep(cast, mari)
    assert exceptions.client_knows(kept) is None
    told = exceptions.tell(kept.pk, by=cast.liis, told_at=timezone.now())
    assert exceptions.client_knows(told) is not None
    assert exceptions.client_knows(exceptions.read(kept.pk, by=cast.liis).exception) is not None
    with pytest.raises(Conflict):
        exceptions.tell(kept.pk, by=cast.liis)
    with pytest.raises(Conflict):
        exceptions.tell(keep(cast, mari, told="yes").pk, by=cast.liis)
    assert ClientTold.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"ground": "curiosity"}, "ground"),
        ({"recipient": " "}, "recipient"),
        ({"recipient": "x" * 301}, "recipient"),
        ({"content": ""}, "content"),
        ({"content": "x" * 10_001}, "content"),
        ({"told": "maybe"}, "told"),
        ({"told": "no"}, "why_not_told"),
        ({"told": "not_yet", "told_at": START}, "told_at"),
        ({"told": "yes", "told_at": timezone.now() + timedelta(days=1)}, "told_at"),
        ({"decided_at": timezone.now() + timedelta(days=1)}, "decided_at"),
        ({"about": uuid4()}, "about"),
    ],
)
def test_an_exception_that_cannot_be(cast: Cast, mari: Client, changed: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        keep(cast, mari, **changed)
    assert refused.value.field == field
    assert not ConfidentialityException.objects.exists()


def test_an_exception_concerns_what_this_client_said_and_one_may_read(
    cast: Cast, mari: Client, note: SessionNote, meeting: TherapySession
) -> None:
    locked = disclosures.write(meeting.pk, by=cast.liis, text="For Liis alone.", locked=True)
    for about in (note.pk, locked.pk):
        assert keep(cast, mari, about=about).about_id == about
    another = clients.register(by=cast.liis)
    with pytest.raises(Invalid):
        keep(cast, another, about=note.pk)
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "A draft."})
    for hidden in (locked.pk, draft.pk):
        with pytest.raises(Invalid):
            exceptions.record(
                mari.pk,
                by=cast.mark,
                ground="court_order",
                recipient="Court",
                content="x",
                about=hidden,
            )


def test_a_court_may_ask_after_discharge(cast: Cast, mari: Client) -> None:
    clients.discharge(mari.pk, by=cast.liis, on=timezone.localdate())
    assert keep(cast, mari, ground="court_order").pk


LINES: dict[str, Callable[[], Any]] = {
    "agreement": Agreement.objects.all,
    "exception": ConfidentialityException.objects.all,
    "told": ClientTold.objects.all,
}
CHANGES: dict[str, list[dict[str, Any]]] = {
    "agreement": [{"given_at": START}, {"how": "paper"}, {"recorded_at": START}],
    "exception": [{"ground": "court_order"}, {"decided_at": START}, {"recorded_at": START}, {}],
    "told": [{"told_at": START}],
}


@pytest.mark.parametrize("line", LINES)
def test_the_ledger_is_append_only_in_the_database(
    cast: Cast, mari: Client, agreed: Agreement, line: str
) -> None:
    """No UPDATE but a withdrawal, once; no DELETE while the client's key is there."""
    exceptions.tell(keep(cast, mari).pk, by=cast.liis)
    rows = LINES[line]()
    for change in CHANGES[line]:
        with pytest.raises(Refusal, match="append-only"), transaction.atomic():
            rows.update(**change) if change else rows.update(told=rows.get().told)
    with pytest.raises(Refusal, match="append-only"), transaction.atomic():
        rows._raw_delete("default")
    if line == "agreement":
        agreements.withdraw(agreed.pk, by=cast.liis)
        for undone in ({"withdrawn_at": None, "withdrawn_by": None}, {"withdrawn_at": START}):
            with pytest.raises(Refusal, match="append-only"), transaction.atomic():
                rows.update(**undone)


def test_a_table_of_the_same_name_does_not_unlock_the_ledger(
    cast: Cast, mari: Client, agreed: Agreement
) -> None:
    """A session's temporary table comes before ours, unless a function says what it means."""
    keep(cast, mari)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE clients_app_clientkey (client_id uuid) ON COMMIT DROP")
        with pytest.raises(Refusal, match="append-only"), transaction.atomic():
            cursor.execute("DELETE FROM clients_app_confidentialityexception")
        cursor.execute("DROP TABLE pg_temp.clients_app_clientkey")


def test_it_goes_with_the_file(cast: Cast, agreed: Agreement, mari: Client) -> None:
    """The purge destroys the key first, then the lines; the certificate counts them."""
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    at = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday(), status="held")
    pinned = disclosures.write(at.pk, by=cast.liis, text="Pinned.")
    kept = exceptions.tell(keep(cast, mari).pk, by=cast.liis)
    supervision.release(
        mari.pk,
        by=cast.liis,
        disclosure=pinned.pk,
        text="x",
        pseudonym="K",
        supervisor=cast.sofia.pk,
        consent_how="spoken",
        exception=kept.pk,
    )
    clients.discharge(mari.pk, by=cast.liis, on=timezone.localdate())
    Client.objects.filter(pk=mari.pk).update(
        discharged_on=date(2012, 1, 1), retain_until=date(2019, 1, 1)
    )
    run = purges.propose(by=cast.piret)
    assert run is not None
    approvals.approve(run.pk, by=cast.piret, files=1)
    while destruction._settle_next() is not None:
        pass
    certificate = DestructionRecord.objects.get()
    for table in ("Agreement", "ConfidentialityException", "ClientTold"):
        assert certificate.counts[f"clients_app.{table}"] == 1
    assert certificate.counts["sessions_app.SupervisionExcerpt"] == 1
    for gone in (Agreement, ConfidentialityException, ClientTold, Disclosure, SupervisionExcerpt):
        assert not gone._default_manager.exists()
    assert ConfidentialityStatement.objects.count() == 1


def test_the_key_alone_does_not_open_the_way(cast: Cast, mari: Client, agreed: Agreement) -> None:
    """Control of the trigger: once the key is gone the line may go, and not another client's."""
    another = clients.register(by=cast.liis)
    vault.destroy(another.pk)
    with pytest.raises(Refusal), transaction.atomic():
        Agreement.objects.all()._raw_delete("default")
    vault.destroy(mari.pk)
    Agreement.objects.all()._raw_delete("default")
    assert not Agreement.objects.exists()
