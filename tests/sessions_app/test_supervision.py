"""An excerpt for the supervisor: what it needs, what it shows, and when it ends."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clients_app import agreements, care, clients, exceptions, facts, users, vault
from clients_app.errors import Conflict, Denied, Hidden, Invalid
from clients_app.models import (
    Agreement,
    AuditEvent,
    CareAssignment,
    Client,
    ConfidentialityException,
)
from sessions_app import disclosures, notes, supervision
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt, TherapySession
from tests.conftest import PASSWORD, Cast, trail


def give(cast: Cast, source: SessionNote | Disclosure, **changed: Any) -> SupervisionExcerpt:
    """Liis gives Sofia an excerpt."""
    name = "note" if isinstance(source, SessionNote) else "disclosure"
    about: dict[str, Any] = {
        name: source.pk,
        "text": "She spoke of a lie within the family.",
        "pseudonym": "Kadri",
        "supervisor": cast.sofia.pk,
        "consent_how": "spoken",
    }
    return supervision.release(source.client_id, by=changed.pop("by", cast.liis), **about | changed)


def test_the_supervisor_reads_the_excerpt_and_the_counsellor_sees_when(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    excerpt = give(cast, confided)
    assert (excerpt.agreement, excerpt.exception) == (agreed, None)
    assert excerpt.expires_at - excerpt.released_at == timedelta(days=14)
    ((listed, pseudonym),) = supervision.inbox(by=cast.sofia).excerpts
    assert (listed, pseudonym) == (excerpt, "Kadri")
    assert supervision.readings(excerpt.client_id, by=cast.liis) == {}
    opened = supervision.read(excerpt.pk, by=cast.sofia)
    assert (opened.pseudonym, opened.text) == ("Kadri", "She spoke of a lie within the family.")
    read_at = supervision.readings(excerpt.client_id, by=cast.liis)
    assert read_at.keys() == {excerpt.pk}
    again = supervision.inspect(excerpt.pk, by=cast.liis)
    assert again.text == opened.text
    assert list(supervision.of_client(excerpt.client_id, by=cast.liis)) == [excerpt]
    assert trail(subject_id=excerpt.pk) == [
        "excerpt.released",
        "excerpt.read",
        "excerpt.inspected",
    ]
    line = AuditEvent.objects.get(event="excerpt.read")
    assert (line.actor_id, line.client_id) == (cast.sofia.pk, excerpt.client_id)
    assert trail(event="excerpt.listed", client_id=excerpt.client_id) == ["excerpt.listed"]


def test_both_are_sealed_under_the_clients_key(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    excerpt = give(cast, confided)
    vault.destroy(excerpt.client_id)
    assert supervision.inbox(by=cast.sofia).excerpts == []
    with pytest.raises(Hidden):
        supervision.read(excerpt.pk, by=cast.sofia)


def test_it_ends_to_the_second(cast: Cast, agreed: Agreement, confided: Disclosure) -> None:
    excerpt = give(cast, confided, days=1)
    with time_machine.travel(excerpt.expires_at - timedelta(microseconds=1), tick=False):
        assert supervision.read(excerpt.pk, by=cast.sofia).text
        assert len(supervision.inbox(by=cast.sofia).excerpts) == 1
    for later in (timedelta(0), timedelta(seconds=1), timedelta(days=400)):
        with time_machine.travel(excerpt.expires_at + later, tick=False):
            gone(cast, excerpt)


def gone(cast: Cast, excerpt: SupervisionExcerpt) -> None:
    """To its supervisor it is as if it had never been."""
    assert supervision.inbox(by=cast.sofia).excerpts == []
    with pytest.raises(Hidden) as one:
        supervision.read(excerpt.pk, by=cast.sofia)
    with pytest.raises(Hidden) as other:
        supervision.read(uuid4(), by=cast.sofia)
    assert str(one.value.message) == str(other.value.message)
    assert one.value.code == other.value.code


def test_it_can_be_taken_back_at_any_time(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    excerpt = give(cast, confided)
    care.assign(excerpt.client_id, cast.mark.pk, by=cast.mattias)
    revoked = supervision.revoke(excerpt.pk, by=cast.mark)
    assert revoked.revoked_by == cast.mark
    gone(cast, excerpt)
    assert supervision.revoke(excerpt.pk, by=cast.liis).revoked_at == revoked.revoked_at
    assert trail(event="excerpt.revoked") == ["excerpt.revoked"]
    assert supervision.inspect(excerpt.pk, by=cast.liis).text


def test_it_ends_with_the_authors_care(cast: Cast, agreed: Agreement, confided: Disclosure) -> None:
    """Whoever shared it must be able to answer for it; a colleague in care is not enough."""
    excerpt = give(cast, confided)
    care.assign(excerpt.client_id, cast.mark.pk, by=cast.mattias)
    assert supervision.read(excerpt.pk, by=cast.sofia)
    assert supervision.inspect(excerpt.pk, by=cast.mark).excerpt.stands
    assignment = CareAssignment.objects.get(user=cast.liis)
    care.end(assignment.pk, by=cast.mattias)
    gone(cast, excerpt)
    assert not supervision.inspect(excerpt.pk, by=cast.mark).excerpt.stands
    with pytest.raises(Hidden):
        supervision.inspect(excerpt.pk, by=cast.liis)
    care.assign(excerpt.client_id, cast.liis.pk, by=cast.mattias)
    assert supervision.read(excerpt.pk, by=cast.sofia)


def test_it_is_for_that_supervisor_alone(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    excerpt = give(cast, confided)

    def hire(name: str, **kwargs: Any) -> Any:
        about: Any = {"email": f"{name}@x.example", "name": name, "password": PASSWORD}
        return users.create(by=None, role="supervisor", **about, **kwargs)

    another = hire("salme", practice=cast.practice)
    elsewhere = hire("selma", practice=cast.olga.practice)
    for user in (another, elsewhere):
        assert supervision.inbox(by=user).excerpts == []
        with pytest.raises(Hidden):
            supervision.read(excerpt.pk, by=user)
    for user in (cast.liis, cast.mark, cast.olga, cast.frida, cast.mattias, cast.piret, cast.root):
        with pytest.raises(Denied):
            supervision.read(excerpt.pk, by=user)
        with pytest.raises(Denied):
            supervision.inbox(by=user)
    refusals: list[tuple[Any, type[Exception]]] = [
        (cast.mark, Hidden),
        (cast.olga, Hidden),
        (cast.sofia, Denied),
        (cast.frida, Denied),
        (cast.mattias, Denied),
        (cast.piret, Denied),
        (cast.root, Denied),
    ]
    for user, refusal in refusals:
        for verb in (supervision.inspect, supervision.revoke):
            with pytest.raises(refusal):
                verb(excerpt.pk, by=user)
        for listing in (supervision.of_client, supervision.readings):
            with pytest.raises(refusal):
                listing(excerpt.client_id, by=user)
        with pytest.raises(refusal):
            give(cast, confided, by=user)
    assert SupervisionExcerpt.objects.count() == 1


def test_what_is_locked_is_its_authors_to_give(
    cast: Cast, agreed: Agreement, meeting: TherapySession
) -> None:
    """And what was given of it, nobody else in care sees."""
    locked = disclosures.write(meeting.pk, by=cast.liis, text="For Liis alone.", locked=True)
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "A draft."})
    care.assign(meeting.client_id, cast.mark.pk, by=cast.mattias)
    for source in (locked, draft):
        with pytest.raises(Invalid):
            give(cast, source, by=cast.mark)
    excerpt = give(cast, locked)
    assert list(supervision.of_client(meeting.client_id, by=cast.mark)) == []
    for verb in (supervision.inspect, supervision.revoke):
        with pytest.raises(Hidden):
            verb(excerpt.pk, by=cast.mark)
    assert supervision.read(excerpt.pk, by=cast.sofia)


def test_what_was_given_of_a_draft_only_its_author_sees_until_it_is_signed(
    cast: Cast, agreed: Agreement, meeting: TherapySession
) -> None:
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "A draft."})
    care.assign(meeting.client_id, cast.mark.pk, by=cast.mattias)
    excerpt = give(cast, draft)
    assert list(supervision.of_client(meeting.client_id, by=cast.mark)) == []
    for verb in (supervision.inspect, supervision.revoke):
        with pytest.raises(Hidden):
            verb(excerpt.pk, by=cast.mark)
    assert supervision.inspect(excerpt.pk, by=cast.liis).text
    notes.sign(draft.pk, by=cast.liis, version=1)
    assert supervision.inspect(excerpt.pk, by=cast.mark).text


def test_nothing_goes_to_supervision_without_a_ground(
    cast: Cast, mari: Client, confided: Disclosure, told: ConfidentialityException
) -> None:
    """The promise, or an exception of this client; the refusal says what to record first."""
    with pytest.raises(Conflict) as refused:
        give(cast, confided)
    assert refused.value.code == "no_ground"
    assert "Record first" in str(refused.value.message)
    assert not SupervisionExcerpt.objects.exists()
    marks = clients.register(by=cast.mark)
    theirs = exceptions.record(
        marks.pk, by=cast.mark, ground="court_order", recipient="x", content="y"
    )
    with pytest.raises(Invalid) as wrong:
        give(cast, confided, exception=theirs.pk)
    assert wrong.value.field == "exception"
    assert give(cast, confided, exception=told.pk).exception == told


def test_a_promise_taken_back_carries_nothing_more(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    agreements.withdraw(agreed.pk, by=cast.liis)
    with pytest.raises(Conflict):
        give(cast, confided)


def test_a_promise_taken_back_ends_what_went_out_on_it(
    cast: Cast, agreed: Agreement, confided: Disclosure, told: ConfidentialityException
) -> None:
    """Not what an exception carries too; and a promise given anew does not bring it back."""
    excerpt, carried = give(cast, confided), give(cast, confided, exception=told.pk)
    agreements.withdraw(agreed.pk, by=cast.frida)
    agreements.record(excerpt.client_id, by=cast.liis, statement=agreed.statement_id, how="spoken")
    with pytest.raises(Hidden):
        supervision.read(excerpt.pk, by=cast.sofia)
    ((listed, _pseudonym),) = supervision.inbox(by=cast.sofia).excerpts
    assert listed == carried
    assert supervision.read(carried.pk, by=cast.sofia)
    assert supervision.inspect(excerpt.pk, by=cast.liis).text
    stands = {row.pk: row.stands for row in supervision.of_client(excerpt.client_id, by=cast.liis)}
    assert stands == {excerpt.pk: False, carried.pk: True}


def test_the_database_insists_on_a_ground_and_on_one_source(
    cast: Cast, agreed: Agreement, confided: Disclosure, note: SessionNote
) -> None:
    excerpt = give(cast, confided)
    rows = SupervisionExcerpt.objects.filter(pk=excerpt.pk)
    changes: list[dict[str, Any]] = [{"agreement": None}, {"note": note}, {"disclosure": None}]
    for change in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"text": " "}, "text"),
        ({"pseudonym": ""}, "pseudonym"),
        ({"pseudonym": "x" * 101}, "pseudonym"),
        ({"pseudonym": "Mari M."}, "pseudonym"),
        ({"pseudonym": "marile"}, "pseudonym"),
        ({"pseudonym": "MAASIKAS"}, "pseudonym"),
        ({"pseudonym": "mari@mail.example"}, "pseudonym"),
        ({"pseudonym": "5550-1234"}, "pseudonym"),
        ({"supervisor": uuid4()}, "supervisor"),
        ({"consent_how": "guessed"}, "consent_how"),
        ({"consented_at": datetime(2200, 1, 1, tzinfo=UTC)}, "consented_at"),
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
        ({"disclosure": uuid4()}, "disclosure"),
        ({"disclosure": None}, "note"),
        ({"note": uuid4()}, "note"),
    ],
)
def test_an_excerpt_that_cannot_be(
    cast: Cast, agreed: Agreement, confided: Disclosure, changed: Any, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        give(cast, confided, **changed)
    assert refused.value.field == field
    assert not SupervisionExcerpt.objects.exists()


def test_no_code_for_a_pseudonym_and_no_counsellor_for_a_supervisor(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    code = confided.client.code
    with pytest.raises(Invalid):
        give(cast, confided, pseudonym=f"client {code.lower()}")
    for user in (cast.mark, cast.piret, cast.root):
        with pytest.raises(Invalid):
            give(cast, confided, supervisor=user.pk)


def test_a_name_in_the_text_is_asked_about(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    """Refused once, without repeating it; released if the counsellor says that it shall stay, and
    the trail shows that they did."""
    for shown in ("Mari lied.", "Ma ütlesin Marile.", "Call +372 5550 1234.", confided.client.code):
        with pytest.raises(Conflict) as refused:
            give(cast, confided, text=f"So: {shown}")
        assert refused.value.code == "names"
        assert "Mari" not in str(refused.value.message)
    give(cast, confided, text="So: Mari lied.", names_confirmed=True)
    give(cast, confided, text="So: summary of a Friday.")
    details = AuditEvent.objects.filter(event="excerpt.released").order_by("id")
    assert [event.detail["names_confirmed"] for event in details] == [True, False]


def test_no_excerpt_of_a_discharged_client(
    cast: Cast, agreed: Agreement, confided: Disclosure
) -> None:
    excerpt = give(cast, confided)
    clients.discharge(excerpt.client_id, by=cast.liis, on=timezone.localdate())
    with pytest.raises(Conflict):
        give(cast, confided)
    assert supervision.revoke(excerpt.pk, by=cast.liis).revoked_at


LETTERS = st.text("abcdefghijklmnopqrstuvwxyzõäöüšž", min_size=3, max_size=12)


@given(name=LETTERS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_name_is_found_wherever_it_stands(name: str, before: str, after: str) -> None:
    """In any case, with any ending, with or without its accents."""
    identity: dict[str, str | None] = {"full_name": f"X {name.title()}"}
    plain = name.translate(str.maketrans("õäöüšž", "oaousz"))
    for said in (name, name.upper(), name.title(), plain, f"{name}le"):
        text = f"{before} {said} {after}"
        assert facts.give_away(text, code="C-1", identity=identity)


@given(st.lists(st.sampled_from(["sun", "rain", "12", "550", "river,", "and", "K."])))
def test_what_has_nothing_of_the_client_passes(words: list[str]) -> None:
    identity: dict[str, str | None] = {
        "full_name": "Mari Õ Maasikas",
        "preferred_name": None,
        "phone": "+372 5550 1234",
        "email": "mari@mail.example",
    }
    assert not facts.give_away(" ".join(words), code="C-2026-0042", identity=identity)
    for shown in ("37255501234", "5550 1234", "55.50.12.34", "c-2026-0042", "õ", "Oh, Õ!"):
        assert facts.give_away(f"So {shown}.", code="C-2026-0042", identity=identity)


def test_pages_of_the_inbox(cast: Cast, agreed: Agreement, confided: Disclosure) -> None:
    made = [give(cast, confided) for _ in range(5)]
    seen: list[SupervisionExcerpt] = []
    after = None
    while True:
        box = supervision.inbox(by=cast.sofia, after=after, limit=2)
        seen += [excerpt for excerpt, _name in box.excerpts]
        after = box.after
        if after is None:
            break
    assert seen == made[::-1]
