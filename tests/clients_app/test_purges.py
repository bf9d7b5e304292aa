"""From due to destroyed: who decides, what stays, what is written down."""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from celery import Celery
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from clients_app import approvals, clients, destruction, holds, purges, retention, rules, vault
from clients_app.errors import Conflict, Denied, Hidden
from clients_app.models import (
    AuditEvent,
    Client,
    DestructionRecord,
    PurgeItem,
    PurgeRun,
)
from sessions_app import disclosures, notes, sessions
from tests.conftest import Cast, scrubbed, trail, until, yesterday

SOON = timedelta(minutes=1)


@pytest.fixture
def due(cast: Cast) -> list[Client]:
    """Three clients whose files were due years ago, each with a note and a disclosure."""
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    return [a_file_that_ended(cast, on=date(2014, 2, day)) for day in (1, 2, 3)]


def a_file_that_ended(cast: Cast, on: date) -> Client:
    client = clients.register(by=cast.liis, identity={"full_name": "Somebody"})
    meeting = sessions.plan(client.pk, by=cast.liis, starts_at=yesterday(), status="held")
    note = notes.write(meeting.pk, by=cast.liis, body={"text": "a note"})
    notes.sign(note.pk, by=cast.liis, version=1)
    disclosures.write(meeting.pk, by=cast.liis, text="words")
    Client.objects.filter(pk=client.pk).update(last_contact_on=on)
    return clients.discharge(client.pk, by=cast.liis, on=on)


def proposed(cast: Cast) -> PurgeRun:
    run = purges.propose(by=cast.piret)
    assert run is not None
    return run


def execute() -> int:
    return destruction.execute(until=timezone.now() + SOON)


def test_nothing_due_nothing_proposed(cast: Cast, mari: Client) -> None:
    assert purges.propose(by=cast.piret) is None
    assert purges.propose_everywhere(now=timezone.now()) == []


def test_nothing_is_destroyed_without_approval(cast: Cast, due: list[Client]) -> None:
    proposed(cast)
    assert execute() == 0
    assert Client.objects.count() == 3


def test_only_the_privacy_officer_decides(cast: Cast, due: list[Client]) -> None:
    run = proposed(cast)
    for who in (cast.liis, cast.frida, cast.mattias, cast.sofia, cast.root):
        for deed in (
            lambda by: purges.propose(by=by),
            lambda by: approvals.approve(run.pk, by=by, files=3),
            lambda by: approvals.refuse(run.pk, by=by),
            lambda by: approvals.take_out(run.pk, run.items.all()[0].pk, by=by),
        ):
            with pytest.raises(Denied):
                deed(who)


def test_another_practices_run_is_hidden(cast: Cast, due: list[Client]) -> None:
    run = proposed(cast)
    cast.piret.practice = cast.olga.practice
    for deed in (
        lambda: purges.read(run.pk, by=cast.piret),
        lambda: approvals.approve(run.pk, by=cast.piret, files=3),
    ):
        with pytest.raises(Hidden):
            deed()


def test_approved_means_what_was_seen(cast: Cast, due: list[Client]) -> None:
    """The proposal grew between the reading and the approval: it has to be read again."""
    run = proposed(cast)
    a_file_that_ended(cast, on=date(2013, 1, 1))
    proposed(cast)
    with pytest.raises(Conflict):
        approvals.approve(run.pk, by=cast.piret, files=3)
    approvals.approve(run.pk, by=cast.piret, files=4)
    with pytest.raises(Conflict):
        approvals.approve(run.pk, by=cast.piret, files=4)


@pytest.mark.django_db(transaction=True)
def test_due_is_purged_and_held_and_failed(cast: Cast, due: list[Client]) -> None:
    """P3: the sum is right, the certificate is true, a second run changes nothing."""
    run = proposed(cast)
    approvals.approve(run.pk, by=cast.piret, files=3)
    held, reopened, destroyed = due
    holds.place(held.pk, by=cast.piret, matter="m", reason="r")
    clients.reopen(reopened.pk, by=cast.liis, kept_until=date(2021, 2, 2))
    key_id = destroyed.key.pk
    assert execute() == 3
    run, progress = purges.read(run.pk, by=cast.piret)
    assert progress.counts == {"held": 1, "not_due": 1, "purged": 1}
    assert run.status == PurgeRun.Status.DONE
    assert set(Client.objects.values_list("pk", flat=True)) == {held.pk, reopened.pk}
    certificate = DestructionRecord.objects.get()
    assert certificate.client_id == destroyed.pk
    assert certificate.key_id == key_id
    assert certificate.counts == {
        "clients_app.CareAssignment": 1,
        "clients_app.Client": 1,
        "sessions_app.Disclosure": 1,
        "sessions_app.SessionNote": 1,
        "sessions_app.TherapySession": 1,
    }
    assert certificate.backup_horizon == certificate.destroyed_at.date() + timedelta(days=35)
    before = AuditEvent.objects.count()
    assert execute() == 0
    assert AuditEvent.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_the_last_day_is_looked_at_once_more(cast: Cast, due: list[Client]) -> None:
    """Kept longer after the approval, until today: today is still a day of keeping."""
    run = proposed(cast)
    approvals.approve(run.pk, by=cast.piret, files=3)
    today = retention.local_day(cast.practice, timezone.now())
    Client.objects.filter(pk=due[0].pk).update(retain_until=today)
    assert execute() == 3
    _run, progress = purges.read(run.pk, by=cast.piret)
    assert progress.counts == {"not_due": 1, "purged": 2}
    assert Client.objects.get() == due[0]


def test_a_file_taken_out_stays(cast: Cast, due: list[Client]) -> None:
    run = proposed(cast)
    item = PurgeItem.objects.get(run=run, client_id=due[0].pk)
    approvals.take_out(run.pk, item.pk, by=cast.piret)
    approvals.approve(run.pk, by=cast.piret, files=2)
    with pytest.raises(Conflict):
        approvals.take_out(run.pk, item.pk, by=cast.piret)


def test_refused_and_proposed_again(cast: Cast, due: list[Client]) -> None:
    run = approvals.refuse(proposed(cast).pk, by=cast.piret)
    again = proposed(cast)
    assert again.pk != run.pk
    assert again.items.count() == 3


def test_a_held_file_is_not_proposed(cast: Cast, due: list[Client]) -> None:
    hold = holds.place(due[0].pk, by=cast.piret, matter="m", reason="r")
    run = proposed(cast)
    assert run.items.count() == 2
    holds.lift(hold.pk, by=cast.piret)
    assert proposed(cast).items.count() == 3
    clients.reopen(due[1].pk, by=cast.liis, kept_until=date(2021, 2, 2))
    assert proposed(cast).items.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_file_that_fails_does_not_stop_the_others(
    cast: Cast, due: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is set aside, tried again later, and after five attempts shown as failed; nothing of it
    is half gone meanwhile."""
    run = proposed(cast)
    approvals.approve(run.pk, by=cast.piret, files=3)
    real = vault.destroy

    def destroy(client_id: Any) -> Any:
        if client_id == due[1].pk:
            raise OSError("disk full")
        return real(client_id)

    monkeypatch.setattr(vault, "destroy", destroy)
    assert execute() == 2
    item = PurgeItem.objects.get(client_id=due[1].pk)
    assert (item.status, item.attempts, item.failure) == ("pending", 1, "OSError")
    assert notes.browse(by=cast.liis, client_id=due[1].pk).count() == 1
    for _attempt in range(4):
        PurgeItem.objects.update(not_before=None)
        execute()
    item.refresh_from_db()
    assert item.status == PurgeItem.Status.FAILED
    run.refresh_from_db()
    assert run.status == PurgeRun.Status.DONE
    monkeypatch.undo()
    again = proposed(cast)
    approvals.approve(again.pk, by=cast.piret, files=1)
    assert execute() == 1
    assert not Client.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_certified_before_it_is_gone(
    cast: Cast, due: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the deleting says of itself, it is looked: where a row is left there is no
    certificate, and the file is whole again."""
    monkeypatch.setattr(Client, "delete", lambda _self: (5, {"clients_app.Client": 1}))
    approvals.approve(proposed(cast).pk, by=cast.piret, files=3)
    assert execute() == 0
    assert set(PurgeItem.objects.values_list("status", "failure")) == {("pending", "NotGone")}
    assert not DestructionRecord.objects.exists()
    assert notes.browse(by=cast.liis, client_id=due[0].pk).count() == 1
    assert vault.open_key(due[0].pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["clients_app_clientkey", "clients_app_practice"])
def test_the_key_table_is_rewritten_until_nobody_can_see_destroyed_keys(
    cast: Cast, due: list[Client], table: str
) -> None:
    """Somebody's open transaction, a backup perhaps, holds the key table, or only an older view
    of the world so that the dead rows are carried into the rewritten file: either way the run is
    not called scrubbed before they are gone, and nobody waits long."""
    run = proposed(cast)
    approvals.approve(run.pk, by=cast.piret, files=3)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as backup:
        backup.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        backup.execute(f"SELECT count(*) FROM {table}")
        assert execute() == 3
        run.refresh_from_db()
        assert run.status == PurgeRun.Status.DONE
        assert run.scrubbed_at is None
    until(lambda: scrubbed(run))


def test_the_command_shows_and_executes(
    cast: Cast, due: list[Client], capsys: pytest.CaptureFixture[str], db: None
) -> None:
    call_command("purge")
    assert "kalda: 3 due, 0 of them kept" in capsys.readouterr().out
    assert not PurgeRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_command_without_celery(
    cast: Cast, due: list[Client], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("purge", "--execute")
    assert Client.objects.count() == 3
    approvals.approve(PurgeRun.objects.get().pk, by=cast.piret, files=3)
    call_command("purge", "--execute")
    assert "3 files settled" in capsys.readouterr().out
    assert not Client.objects.exists()
    assert trail(event="client.purged") == ["client.purged"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_costs_nothing(
    cast: Cast,
    due: list[Client],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Approval succeeds; the sweep of the next minute finds the run."""
    unreachable = Celery("unreachable", broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr(purges, "current_app", unreachable)
    run = proposed(cast)
    approvals.approve(run.pk, by=cast.piret, files=3)
    assert "wait for the next sweep" in caplog.text
    assert execute() == 3
