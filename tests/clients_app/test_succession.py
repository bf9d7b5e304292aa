"""A counsellor leaves, falls ill or dies: who takes over, who decides it, and what nobody gains."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from clients_app import access, care, clients, handovers, succession, tasks, users, wall
from clients_app.errors import Conflict, Denied, Hidden, Invalid, Refused
from clients_app.models import (
    AuditEvent,
    CareAssignment,
    Client,
    Handover,
    HandoverItem,
    Successor,
    User,
)
from sessions_app import disclosures, notes, records, sessions
from sessions_app.models import SessionNote, TherapySession
from tests.conftest import PASSWORD, Cast, trail, yesterday

TOMORROW = timedelta(days=1)


@pytest.fixture
def kai(cast: Cast) -> User:
    """A third counsellor."""
    return users.create(
        by=None,
        email="kai@kalda.example",
        name="Kai",
        role="counsellor",
        password=PASSWORD,
        practice=cast.practice,
    )


@pytest.fixture
def caseload(cast: Cast, mari: Client) -> list[Client]:
    """Mari and four more, one of them discharged: all of Liis's."""
    more = [clients.register(by=cast.liis) for _ in range(4)]
    clients.discharge(more[-1].pk, by=cast.liis, on=timezone.now().date())
    return [mari, *more]


def proposed(cast: Cast, **other: Any) -> Handover:
    values: dict[str, Any] = {
        "counsellor": cast.liis.pk,
        "ground": "died",
        "to": cast.mark.pk,
    } | other
    return succession.propose(by=cast.mattias, **values)


def in_care_of(user: User) -> set[Any]:
    return set(access.open_care().filter(user=user).values_list("client_id", flat=True))


def pks(rows: list[Client]) -> set[Any]:
    return {row.pk for row in rows}


# Whom one names


def test_a_colleague_is_named_and_says_yes_or_no(cast: Cast, kai: User) -> None:
    named = succession.name(cast.mark.pk, by=cast.liis)
    assert succession.name(cast.mark.pk, by=cast.liis) == named, "named already"
    second = succession.name(kai.pk, by=cast.liis, rank=2)
    assert [row.pk for row in succession.standing(by=cast.mark).asked] == [named.pk]
    assert not succession.standing(by=cast.liis).accepted
    succession.accept(named.pk, by=cast.mark)
    assert succession.standing(by=cast.liis).accepted
    succession.decline(named.pk, by=cast.mark)
    assert not succession.standing(by=cast.liis).accepted
    succession.withdraw(second.pk, by=cast.liis)
    replaced = succession.name(kai.pk, by=cast.liis)
    assert [row.successor for row in succession.standing(by=cast.liis).choices] == [kai]
    assert replaced.status == "asked", "whom one names anew is asked anew"
    assert trail(event__startswith="successor.") == [
        "successor.named",
        "successor.named",
        "successor.accepted",
        "successor.declined",
        "successor.withdrawn",
        "successor.named",
    ]


def test_only_counsellors_name_and_only_who_is_named_answers(cast: Cast, kai: User) -> None:
    for nobody in (cast.frida, cast.mattias, cast.piret, cast.sofia, cast.root):
        with pytest.raises(Denied):
            succession.name(cast.mark.pk, by=nobody)
    for wrong in (cast.olga, cast.liis, cast.frida, cast.root):
        with pytest.raises(Invalid):
            succession.name(wrong.pk, by=cast.liis)
    with pytest.raises(Invalid):
        succession.name(cast.mark.pk, by=cast.liis, rank=3)
    named = succession.name(cast.mark.pk, by=cast.liis)
    with pytest.raises(Conflict):
        succession.name(cast.mark.pk, by=cast.liis, rank=2)
    for other in (cast.liis, kai, cast.olga):
        for answer in (succession.accept, succession.decline):
            with pytest.raises(Hidden):
                answer(named.pk, by=other)
    with pytest.raises(Hidden):
        succession.withdraw(named.pk, by=cast.mark)
    assert Successor.objects.get().status == "asked"


def test_who_has_nobody_is_known_to_the_two_who_would_decide(cast: Cast, kai: User) -> None:
    named = succession.name(cast.mark.pk, by=cast.liis)
    assert {cast.liis, cast.mark, kai} == set(succession.unprepared(by=cast.mattias))
    succession.accept(named.pk, by=cast.mark)
    assert {cast.mark, kai} == set(succession.unprepared(by=cast.piret))
    users.change(cast.mark.pk, by=cast.mattias, name="Mark", role="counsellor", is_active=False)
    assert {cast.liis, kai} == set(succession.unprepared(by=cast.mattias)), "Mark has left"
    assert succession.standing(by=cast.liis).choices == []
    with pytest.raises(Denied):
        succession.unprepared(by=cast.liis)


# By the counsellor


def test_a_whole_caseload_goes_to_a_colleague(
    cast: Cast, caseload: list[Client], note: SessionNote
) -> None:
    with pytest.raises(Conflict):
        handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=4)
    assert not Handover.objects.exists()
    handover = handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=5)
    assert (handover.status, handovers.progress(handover).moved) == ("done", 5)
    assert in_care_of(cast.mark) == pks(caseload)
    assert in_care_of(cast.liis) == set()
    assert notes.read(note.pk, by=cast.mark).body["text"] == "Mari came and spoke."
    with pytest.raises(Hidden):
        notes.read(note.pk, by=cast.liis)
    for event in ("care.assigned", "care.ended"):
        lines = AuditEvent.objects.filter(event=event, reason="own", actor_id=cast.liis.pk)
        assert {line.client_id for line in lines} == pks(caseload)
        assert len(lines) == 5


def test_some_clients_go_and_the_others_stay(cast: Cast, caseload: list[Client]) -> None:
    some, others = caseload[:2], caseload[2:]
    handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=2, clients=[c.pk for c in some])
    assert in_care_of(cast.mark) == pks(some)
    assert in_care_of(cast.liis) == pks(others)
    foreign = clients.register(by=cast.olga)
    for not_hers in (some[0], foreign):
        with pytest.raises(Hidden):
            handovers.hand_over(
                by=cast.liis, to=cast.mark.pk, number=2, clients=[others[0].pk, not_hers.pk]
            )
        assert AuditEvent.objects.filter(denied=True).latest("id").client_id == not_hers.pk
    assert in_care_of(cast.liis) == pks(others)


def test_nobody_hands_over_to_strangers_or_what_is_not_theirs(
    cast: Cast, caseload: list[Client]
) -> None:
    for wrong in (cast.liis, cast.olga, cast.frida, cast.root):
        with pytest.raises(Invalid):
            handovers.hand_over(by=cast.liis, to=wrong.pk, number=5)
    for nobody in (cast.frida, cast.mattias, cast.piret, cast.sofia, cast.root):
        with pytest.raises(Denied):
            handovers.hand_over(by=nobody, to=cast.mark.pk, number=5)
    with pytest.raises(Conflict):
        handovers.hand_over(by=cast.mark, to=cast.liis.pk, number=0)
    handover = handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=5)
    for other in (cast.mark, cast.olga):
        with pytest.raises(Hidden):
            handovers.read(handover.pk, by=other)


def test_what_is_not_signed_is_signed_first_or_stays(
    cast: Cast, mari: Client, meeting: TherapySession
) -> None:
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "Not finished."})
    assert handovers.caseload(by=cast.liis) == handovers.Caseload(clients=1, unsigned=1)
    with pytest.raises(Conflict) as refused:
        handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=1)
    assert refused.value.code == "unsigned"
    handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=1, leave_unsigned=True)
    for who in (cast.mark, cast.liis):
        with pytest.raises(Hidden):
            notes.read(draft.pk, by=who)
    mari.delete()
    assert not SessionNote.objects.exists(), "it keeps no file from its end"


def test_planned_meetings_go_along_and_past_ones_stay(
    cast: Cast, mari: Client, meeting: TherapySession
) -> None:
    soon = timezone.now() + TOMORROW
    planned = sessions.plan(mari.pk, by=cast.liis, starts_at=soon, place="Room 2")
    forgotten = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday())
    called_off = sessions.plan(mari.pk, by=cast.liis, starts_at=soon)
    sessions.cancel(called_off.pk, by=cast.liis, version=1)
    care.hand_over(mari.pk, cast.mark.pk, by=cast.liis)
    with_whom = dict(TherapySession.objects.values_list("pk", "counsellor__name"))
    assert with_whom == {
        planned.pk: "Mark",
        meeting.pk: "Liis",
        forgotten.pk: "Liis",
        called_off.pk: "Liis",
    }
    moved = sessions.move(planned.pk, by=cast.mark, version=1, minutes=60)
    assert moved.counsellor_id == cast.mark.pk
    assert sessions.read(planned.pk, by=cast.mark).place == "Room 2"
    line = AuditEvent.objects.get(event="session.passed_on")
    assert (line.client_id, line.subject_id) == (mari.pk, planned.pk)


def test_who_is_a_confidant_already_stays_it(cast: Cast, mari: Client) -> None:
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    before = CareAssignment.objects.get(user=cast.mark)
    handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=1)
    assert CareAssignment.objects.get(user=cast.mark) == before
    assert AuditEvent.objects.filter(event="care.assigned").count() == 1
    assert AuditEvent.objects.get(event="care.ended").detail == {"confidant": str(cast.liis.pk)}


def test_half_done_is_seen_and_goes_on(
    cast: Cast, caseload: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request's time is up after two files; the worker ends the rest, once."""
    monkeypatch.setattr(handovers, "BATCH", 2)
    monkeypatch.setattr(handovers, "SLICE", timedelta(0))
    handover = handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=5)
    assert handovers.read(handover.pk, by=cast.liis)[1].moved == 2
    assert len(in_care_of(cast.mark)) == 2
    assert len(in_care_of(cast.liis)) == 3
    handovers.go_on(handover.pk, by=cast.liis)
    assert handovers.progress(handover).settled == 4
    tasks.move_caseloads()
    handover.refresh_from_db()
    assert (handover.status, handovers.progress(handover).moved) == ("done", 5)
    assert in_care_of(cast.mark) == pks(caseload)
    lines = AuditEvent.objects.count()
    tasks.move_caseloads()
    assert AuditEvent.objects.count() == lines


def test_it_stops_where_who_takes_over_is_gone(
    cast: Cast, caseload: list[Client], monkeypatch: pytest.MonkeyPatch, kai: User
) -> None:
    monkeypatch.setattr(handovers, "BATCH", 2)
    monkeypatch.setattr(handovers, "SLICE", timedelta(0))
    run = proposed(cast)
    succession.approve(run.pk, by=cast.piret)
    users.change(cast.mark.pk, by=cast.mattias, name="Mark", role="front_desk", is_active=True)
    tasks.move_caseloads()
    run.refresh_from_db()
    assert (run.status, len(in_care_of(cast.liis))) == ("stopped", 3)
    monkeypatch.undo()
    again = proposed(cast, to=kai.pk)
    succession.approve(again.pk, by=cast.piret)
    assert (len(in_care_of(kai)), len(in_care_of(cast.liis))) == (3, 0)


# Without the counsellor


def test_two_people_decide_and_the_caseload_moves(cast: Cast, caseload: list[Client]) -> None:
    named = succession.name(cast.mark.pk, by=cast.liis)
    succession.accept(named.pk, by=cast.mark)
    run = proposed(cast, to=None)
    assert run.to == cast.mark
    assert in_care_of(cast.liis) == pks(caseload), "nothing happens before the second person"
    done = succession.approve(run.pk, by=cast.piret)
    assert done.status == "done"
    assert in_care_of(cast.mark) == pks(caseload)
    assert in_care_of(cast.liis) == set()
    for event in ("care.assigned", "care.ended"):
        lines = AuditEvent.objects.filter(event=event, reason="succession")
        assert len(lines) == 5
        assert {line.client_id for line in lines} == pks(caseload)
        assert {line.actor_id for line in lines} == {cast.piret.pk}
    for event in ("succession.proposed", "succession.approved"):
        assert AuditEvent.objects.get(event=event).reason == "died"
    assert not AuditEvent.objects.filter(client_id__isnull=False, reason="died").exists(), (
        "what ails a colleague is on no client's access log"
    )


def test_one_person_is_not_two(cast: Cast, caseload: list[Client]) -> None:
    """The manager becomes privacy officer after proposing: still the same person."""
    run = proposed(cast)
    cast.mattias.role = "privacy_officer"
    cast.mattias.save(update_fields=["role"])
    for deed in (succession.approve, succession.refuse):
        with pytest.raises(Conflict):
            deed(run.pk, by=cast.mattias)
    assert trail(denied=True, actor_id=cast.mattias.pk) == ["succession.approve"] * 2
    assert in_care_of(cast.liis) == pks(caseload)
    with pytest.raises(IntegrityError), transaction.atomic():
        Handover.objects.filter(pk=run.pk).update(
            status="approved", decided_by=cast.mattias, decided_at=timezone.now()
        )


def test_who_may_propose_and_who_may_approve(cast: Cast, caseload: list[Client]) -> None:
    for who in (cast.liis, cast.mark, cast.frida, cast.sofia, cast.piret, cast.root):
        with pytest.raises(Denied):
            succession.propose(by=who, counsellor=cast.liis.pk, ground="ill", to=cast.mark.pk)
    run = proposed(cast)
    for deed in (succession.approve, succession.refuse):
        for who in (cast.liis, cast.mark, cast.frida, cast.sofia, cast.mattias, cast.root):
            with pytest.raises(Denied):
                deed(run.pk, by=who)
    there = users.create(
        by=None,
        email="p@elsewhere.example",
        name="P",
        role="privacy_officer",
        password=PASSWORD,
        practice=cast.olga.practice,
    )
    for verb in (succession.approve, succession.refuse, succession.read):
        with pytest.raises(Hidden):
            verb(run.pk, by=there)
    for who in (cast.liis, cast.mark, cast.frida, cast.sofia, cast.root):
        with pytest.raises(Denied):
            succession.read(run.pk, by=who)
    assert in_care_of(cast.liis) == pks(caseload)


def test_what_cannot_be_proposed(cast: Cast, caseload: list[Client]) -> None:
    for wrong, field in (
        ({"counsellor": cast.olga.pk}, "counsellor"),
        ({"counsellor": cast.frida.pk}, "counsellor"),
        ({"counsellor": cast.mark.pk, "to": cast.liis.pk}, "counsellor"),
        ({"ground": "own"}, "ground"),
        ({"ground": "Liis is ill"}, "ground"),
        ({"to": cast.olga.pk}, "to"),
        ({"to": cast.liis.pk}, "to"),
        ({"to": cast.frida.pk}, "to"),
        ({"to": None}, "to"),
        ({"effective_at": timezone.now() + timedelta(days=400)}, "effective_at"),
    ):
        with pytest.raises(Invalid) as refused:
            proposed(cast, **wrong)
        assert refused.value.field == field
    assert not Handover.objects.exists()
    proposed(cast)
    with pytest.raises(Conflict):
        proposed(cast)


def test_a_proposal_is_void_after_14_days(cast: Cast, caseload: list[Client]) -> None:
    now = timezone.now()
    run = proposed(cast, now=now - timedelta(days=14))
    with pytest.raises(Conflict) as refused:
        succession.approve(run.pk, by=cast.piret)
    assert refused.value.code == "expired"
    assert not succession.waiting(by=cast.piret, now=now).exists()
    tasks.move_caseloads()
    run.refresh_from_db()
    assert run.status == "expired"
    again = proposed(cast, now=now - timedelta(days=14) + timedelta(minutes=1))
    assert succession.waiting(by=cast.piret, now=now).get() == again
    succession.approve(again.pk, by=cast.piret)
    assert in_care_of(cast.liis) == set()


def test_a_refused_proposal_changes_nothing(cast: Cast, caseload: list[Client]) -> None:
    run = proposed(cast)
    succession.refuse(run.pk, by=cast.piret)
    with pytest.raises(Conflict):
        succession.approve(run.pk, by=cast.piret)
    assert in_care_of(cast.liis) == pks(caseload)


def test_it_waits_for_its_day(cast: Cast, caseload: list[Client]) -> None:
    day = timezone.now() + TOMORROW
    run = proposed(cast, effective_at=day, locks_out=True)
    succession.approve(run.pk, by=cast.piret)
    tasks.move_caseloads()
    assert in_care_of(cast.liis) == pks(caseload)
    Handover.objects.update(effective_at=timezone.now())
    tasks.move_caseloads()
    assert in_care_of(cast.mark) == pks(caseload)
    cast.liis.refresh_from_db()
    assert not cast.liis.is_active


def test_whom_an_approval_finds_gone_takes_nothing(cast: Cast, caseload: list[Client]) -> None:
    run = proposed(cast)
    users.change(cast.mark.pk, by=cast.mattias, name="Mark", role="counsellor", is_active=False)
    with pytest.raises(Conflict) as refused:
        succession.approve(run.pk, by=cast.piret)
    assert refused.value.code == "no_successor"
    assert Handover.objects.get().status == "proposed"


@pytest.mark.parametrize("locks_out", [True, False])
def test_the_old_ones_access_ends_at_the_next_request_by_every_door(
    cast: Cast,
    mari: Client,
    note: SessionNote,
    phone: Callable[[User], APIClient],
    desk: Callable[[User], Browser],
    locks_out: bool,
) -> None:
    """C5: a phone with a living token and an open browser."""
    hers, browser = phone(cast.liis), desk(cast.liis)
    doors: list[Callable[[], int]] = [
        lambda: hers.get(f"/api/v1/notes/{note.pk}").status_code,
        lambda: hers.get(f"/api/v1/clients/{mari.pk}").status_code,
        lambda: browser.get(f"/admin/sessions_app/sessionnote/{note.pk}/change/").status_code,
        lambda: browser.get(f"/admin/clients_app/client/{mari.pk}/change/").status_code,
    ]
    run = proposed(cast, locks_out=locks_out)
    assert [door() for door in doors] == [200] * 4
    succession.approve(run.pk, by=cast.piret)
    assert [door() for door in doors] == ([401, 401, 302, 302] if locks_out else [404] * 4)
    assert phone(cast.mark).get(f"/api/v1/notes/{note.pk}").status_code == 200
    if locks_out:
        assert browser.get("/admin/").status_code == 302
        assert not cast.liis.logins.exists()


def test_neither_of_the_two_gains_a_word(
    cast: Cast, mari: Client, note: SessionNote, meeting: TherapySession
) -> None:
    """Numbers are all they see, before and after; a locked disclosure is in none of them."""
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "Unfinished."})
    told = disclosures.write(meeting.pk, by=cast.liis, text="For Liis.", locked=True)
    run = proposed(cast)
    for moment in ("before", "after"):
        for who in (cast.mattias, cast.piret):
            report = succession.read(run.pk, by=who)
            if moment == "before":
                assert report.caseload == handovers.Caseload(clients=1, unsigned=1)
            for read in (
                lambda by: notes.read(note.pk, by=by),
                lambda by: notes.read(draft.pk, by=by),
                lambda by: disclosures.read(told.pk, by=by),
                lambda by: records.read(mari.pk, by=by),
            ):
                with pytest.raises(Refused):
                    read(who)
        if moment == "before":
            succession.approve(run.pk, by=cast.piret)
    assert notes.read(note.pk, by=cast.mark)
    for hidden in (
        lambda: notes.read(draft.pk, by=cast.mark),
        lambda: disclosures.read(told.pk, by=cast.mark),
    ):
        with pytest.raises(Hidden):
            hidden()


def test_files_that_end_or_change_hands_meanwhile_are_skipped(
    cast: Cast, caseload: list[Client], monkeypatch: pytest.MonkeyPatch, kai: User
) -> None:
    monkeypatch.setattr(handovers, "BATCH", 1)
    monkeypatch.setattr(handovers, "SLICE", timedelta(0))
    run = proposed(cast)
    succession.approve(run.pk, by=cast.piret)
    ended, elsewhere, *_rest = in_care_of(cast.liis)
    Client.objects.get(pk=ended).delete()
    care.hand_over(elsewhere, kai.pk, by=cast.liis)
    late = clients.register(by=cast.liis)
    handovers.carry_out(run.pk, until=timezone.now() + TOMORROW)
    done = handovers.progress(run)
    assert (done.total, done.moved, done.skipped) == (5, 4, 1)
    assert in_care_of(kai) == {elsewhere}
    assert in_care_of(cast.liis) == set()
    assert late.pk in in_care_of(cast.mark), "the whole caseload is what there is at the end"


def test_a_caseload_of_200_takes_a_statement_or_two_a_file(cast: Cast) -> None:
    def statements(files: int) -> int:
        for _ in range(files):
            clients.register(by=cast.liis)
        with CaptureQueriesContext(connection) as queries:
            handovers.hand_over(by=cast.liis, to=cast.mark.pk, number=files)
        assert HandoverItem.objects.filter(status="moved").count() >= files
        return len(queries)

    few, many = statements(50), statements(200)
    assert many < 200
    # Three batches more, each as many statements as the first.
    assert (many - few) % 3 == 0
    assert (many - few) / 3 < 30


# At once


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Each deed in a thread with a connection of its own; what it gave or how it was refused."""

    def run(deed: Callable[[], object]) -> object:
        try:
            with wall.system("tests"):
                return deed()
        except Refused as refused:
            return type(refused)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_once_are_one(cast: Cast, caseload: list[Client]) -> None:
    run = proposed(cast)
    answers = at_once(*[lambda: succession.approve(run.pk, by=cast.piret)] * 4)
    assert answers.count(Conflict) == 3
    assert in_care_of(cast.mark) == pks(caseload)
    assert trail(event="succession.approved") == ["succession.approved"]
    assert CareAssignment.objects.filter(user=cast.mark).count() == 5
    assert AuditEvent.objects.filter(event="care.ended").count() == 5


@pytest.mark.django_db(transaction=True)
def test_an_approval_while_the_counsellor_hands_over(
    cast: Cast, kai: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File by file either comes first; each file has exactly one new confidant."""
    monkeypatch.setattr(handovers, "BATCH", 3)
    rows = [clients.register(by=cast.liis) for _ in range(20)]
    run = proposed(cast)
    gone = rows[-1]

    def end_one() -> None:
        with transaction.atomic():
            Client.objects.select_for_update().get(pk=gone.pk).delete()

    at_once(
        lambda: succession.approve(run.pk, by=cast.piret),
        lambda: handovers.hand_over(by=cast.liis, to=kai.pk, number=20),
        lambda: [care.hand_over(row.pk, kai.pk, by=cast.liis) for row in rows[:5]],
        end_one,
    )
    tasks.move_caseloads()
    left = pks(rows[:-1])
    lines = list(access.open_care().values_list("client_id", "user_id"))
    assert {client for client, _user in lines} == left
    assert len(lines) == len(left), "one confidant each"
    assert {user for _client, user in lines} <= {cast.mark.pk, kai.pk}
    assert CareAssignment.objects.filter(user=cast.liis, until=None).count() == 0
    ended = AuditEvent.objects.filter(event="care.ended").exclude(client_id=gone.pk)
    assert ended.count() == len(left)
    assert not HandoverItem.objects.filter(status="pending").exists()


@pytest.mark.django_db(transaction=True)
def test_two_proposals_at_once_are_one(cast: Cast, mari: Client) -> None:
    answers = at_once(*[lambda: proposed(cast)] * 4)
    assert answers.count(Conflict) == 3
    assert Handover.objects.count() == 1
