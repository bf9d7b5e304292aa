"""Between the proposal and the end of a file: who is told, who has a say, and how long it waits."""

from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clients_app import (
    approvals,
    blockers,
    care,
    clients,
    destruction,
    notices,
    purges,
    retention,
    rules,
    snoozes,
    users,
    vouching,
)
from clients_app.errors import Conflict, Denied, Hidden, Invalid
from clients_app.models import Client, PurgeItem, PurgeNotice, PurgeRun
from tests.conftest import Cast, trail

ENDED = date(2014, 2, 1)


@pytest.fixture(autouse=True)
def _a_week(settings: Any) -> None:
    """As in a practice: seven days, and a second person above two files."""
    settings.PURGE_COOLING_OFF_DAYS = 7
    settings.PURGE_SECOND_PERSON_ABOVE = 2


@pytest.fixture
def rule(cast: Cast) -> None:
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")


def ended(cast: Cast) -> Client:
    client = clients.register(by=cast.liis)
    return clients.discharge(client.pk, by=cast.liis, on=ENDED)


def proposed(cast: Cast) -> PurgeRun:
    run = purges.propose(by=cast.piret)
    assert run is not None
    return run


def execute() -> int:
    return destruction.execute(until=timezone.now() + timedelta(minutes=1))


def cooling(run: PurgeRun) -> bool:
    return run.cooling


def at(moment: datetime) -> Any:
    return time_machine.travel(moment, tick=False)


@pytest.mark.django_db(transaction=True)
def test_a_run_cools_off_for_seven_days_and_not_a_second_less(cast: Cast, rule: None) -> None:
    ended(cast)
    now = timezone.now()
    run = approvals.approve(proposed(cast).pk, by=cast.piret, files=1, now=now)
    week = now + timedelta(days=7)
    assert run.executes_at == week
    assert not run.needs_second
    with at(week - timedelta(seconds=1)):
        assert cooling(run)
        assert execute() == 0
        assert not destruction.unfinished()
    with at(week):
        assert not cooling(run)
        assert execute() == 1
    assert not Client.objects.exists()
    _run, progress = purges.read(run.pk, by=cast.piret)
    assert progress.rate is not None
    assert progress.rate > 30, "the week in which it waited is not the time it took"


@pytest.mark.django_db(transaction=True)
def test_in_the_cooling_off_a_file_is_taken_out_and_the_run_is_stopped(
    cast: Cast, rule: None
) -> None:
    files = [ended(cast) for _number in range(2)]
    run = approvals.approve(proposed(cast).pk, by=cast.piret, files=2)
    item = PurgeItem.objects.get(run=run, client_id=files[0].pk)
    approvals.take_out(run.pk, item.pk, by=cast.piret)
    with pytest.raises(Conflict):
        approvals.take_out(run.pk, item.pk, by=cast.piret)
    for who in (cast.liis, cast.frida, cast.sofia, cast.root):
        with pytest.raises(Denied):
            approvals.stop(run.pk, by=who)
    stopped = approvals.stop(run.pk, by=cast.mattias)
    assert (stopped.status, stopped.stopped_by) == ("stopped", cast.mattias)
    with pytest.raises(Conflict):
        approvals.stop(run.pk, by=cast.piret)
    with at(timezone.now() + timedelta(days=8)):
        assert execute() == 0
    assert Client.objects.count() == 2
    assert proposed(cast).items.count() == 2, "the next night proposes what is left"


@pytest.mark.django_db(transaction=True)
def test_many_files_need_a_second_person_who_is_not_the_first(
    cast: Cast, rule: None, settings: Any
) -> None:
    for _number in range(3):
        ended(cast)
    run = approvals.approve(proposed(cast).pk, by=cast.piret, files=3)
    assert (run.status, run.needs_second, run.executes_at) == ("awaiting", True, None)
    with at(timezone.now() + timedelta(days=30)):
        assert execute() == 0
    assert purges.propose(by=cast.piret) is None, "it is decided on: nobody is asked twice"
    for who in (cast.liis, cast.frida, cast.sofia, cast.piret, cast.root):
        with pytest.raises(Denied):
            approvals.second(run.pk, by=who, files=3)
    with pytest.raises(Conflict):
        approvals.second(run.pk, by=cast.mattias, files=4)
    now = timezone.now()
    run = approvals.second(run.pk, by=cast.mattias, files=3, now=now)
    assert (run.status, run.executes_at) == ("approved", now + timedelta(days=7))
    with at(now + timedelta(days=7)):
        assert execute() == 3
    assert trail(subject_id=run.pk, denied=False)[:3] == [
        "purge.proposed",
        "purge.approved",
        "purge.seconded",
    ]


def test_whoever_approved_and_is_manager_now_is_no_second_person(cast: Cast, rule: None) -> None:
    """The database says the same."""
    for _number in range(3):
        ended(cast)
    run = approvals.approve(proposed(cast).pk, by=cast.piret, files=3)
    users.change(cast.piret.pk, by=cast.root, name="Piret", role="practice_manager", is_active=True)
    vouching.vouch_as_operator(cast.piret.email)
    cast.piret.refresh_from_db()
    with pytest.raises(Conflict):
        approvals.second(run.pk, by=cast.piret, files=3)
    for forged in (
        {"seconded_by": cast.piret, "seconded_at": timezone.now()},
        {"status": "approved", "executes_at": timezone.now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PurgeRun.objects.filter(pk=run.pk).update(**forged)


def test_a_run_without_a_file_is_not_approved(cast: Cast, rule: None) -> None:
    ended(cast)
    run = proposed(cast)
    approvals.take_out(run.pk, run.items.get().pk, by=cast.piret)
    with pytest.raises(Conflict):
        approvals.approve(run.pk, by=cast.piret, files=0)


@pytest.mark.django_db(transaction=True)
def test_stop_waits_for_the_file_in_hand_and_after_it_none_is_destroyed(
    cast: Cast, rule: None, settings: Any
) -> None:
    """Somebody else has just begun to stop the run: the worker waits for them, then finds it
    stopped. Without the share of the lock it would have destroyed the file."""
    settings.PURGE_COOLING_OFF_DAYS = 0
    ended(cast)
    run = approvals.approve(proposed(cast).pk, by=cast.piret, files=1)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("UPDATE clients_app_purgerun SET status = 'stopped' WHERE id = %s", [run.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        assert destruction._settle_next() is not None
        item = PurgeItem.objects.get()
        assert (item.status, item.failure) == ("pending", "OperationalError"), "it waited"
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
    PurgeItem.objects.update(not_before=None)
    assert execute() == 0
    assert Client.objects.exists()


# Telling the counsellors.


def test_the_confidants_are_told_once_without_a_name(cast: Cast, rule: None) -> None:
    client = ended(cast)
    care.assign(client.pk, cast.mark.pk, by=cast.mattias)
    run = proposed(cast)
    assert notices.tell_all() == 2
    assert {to for sent in mail.outbox for to in sent.to} == {cast.liis.email, cast.mark.email}
    for sent in mail.outbox:
        words = f"{sent.subject}\n{sent.body}"
        assert "Log in to see which" in words
        assert client.code not in words
        assert str(client.pk) not in words
    proposed(cast)
    assert notices.tell_all() == 0, "nothing new came into the run"
    ended(cast)
    proposed(cast)
    assert notices.tell_all() == 1
    assert mail.outbox[-1].to == [cast.liis.email]
    approvals.refuse(run.pk, by=cast.piret)
    notices.tell_all()
    assert not PurgeNotice.objects.exists(), "a run that is over tells nobody"


def test_a_mail_server_that_is_down_keeps_nobody_untold(
    cast: Cast, rule: None, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    ended(cast)
    proposed(cast)
    assert notices.tell_all() == 0
    assert PurgeNotice.objects.get().due_at > timezone.now()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert notices.tell_all() == 0, "not before its time"
    PurgeNotice.objects.update(due_at=timezone.now())
    assert notices.tell_all() == 1


# Putting off.


def in_days(cast: Cast, days: int) -> date:
    return retention.local_day(cast.practice, timezone.now()) + timedelta(days=days)


def test_a_counsellor_sees_what_ends_and_puts_it_off(cast: Cast, rule: None) -> None:
    client = ended(cast)
    assert list(snoozes.ending(by=cast.liis)) == [client]
    assert not snoozes.ending(by=cast.mark).exists()
    with pytest.raises(Denied):
        snoozes.ending(by=cast.piret)
    until = in_days(cast, 10)
    with pytest.raises(Hidden):
        snoozes.snooze(client.pk, by=cast.mark, reason="may_return", until=until)
    with pytest.raises(Denied):
        snoozes.snooze(client.pk, by=cast.piret, reason="may_return", until=until)
    snoozes.snooze(client.pk, by=cast.liis, reason="may_return", until=until)
    assert purges.propose(by=cast.piret) is None
    (standing,) = blockers.against(client, now=timezone.now())
    assert (standing.kind, standing.until) == ("snoozed", until)
    assert purges.propose_everywhere(now=timezone.now() + timedelta(days=12))
    assert trail(client_id=client.pk)[-1] == "purge.snoozed"


def test_a_newer_delay_takes_the_place_of_the_one_before(cast: Cast, rule: None) -> None:
    client = ended(cast)
    for days in (100, 1):
        snoozes.snooze(client.pk, by=cast.liis, reason="to_be_checked", until=in_days(cast, days))
    assert purges.propose_everywhere(now=timezone.now() + timedelta(days=3))


@pytest.mark.parametrize(
    ("reason", "days"), [("whim", 10), ("may_return", 0), ("may_return", -3), ("may_return", 200)]
)
def test_a_delay_has_a_reason_and_an_end(cast: Cast, rule: None, reason: str, days: int) -> None:
    client = ended(cast)
    with pytest.raises(Invalid):
        snoozes.snooze(client.pk, by=cast.liis, reason=reason, until=in_days(cast, days))


def test_a_file_without_a_last_day_has_nothing_to_put_off(cast: Cast, mari: Client) -> None:
    with pytest.raises(Conflict):
        snoozes.snooze(mari.pk, by=cast.liis, reason="may_return", until=in_days(cast, 5))
