"""What is done by itself, whether it is done, and how anybody is told that it is not."""

from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from clients_app import approvals, clients, purges, rules, sweeps, tasks, vault
from clients_app.models import Client, Heartbeat, PurgeItem, PurgeRun, User
from tests.admin.conftest import page
from tests.conftest import Cast, trail

Desk = Callable[[User], Browser]


@pytest.fixture
def ended(cast: Cast) -> Client:
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    client = clients.register(by=cast.liis)
    return clients.discharge(client.pk, by=cast.liis, on=date(2014, 2, 1))


def health() -> tuple[int, str]:
    """What monitoring sees: the exit code, and the words."""
    out = StringIO()
    try:
        call_command("purge", "--health", stdout=out)
    except CommandError as alarm:
        return alarm.returncode, out.getvalue() + str(alarm)
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_deaf_is_noticed(cast: Cast, ended: Client) -> None:
    Heartbeat.objects.all().delete()
    code, said = health()
    assert code == 1
    assert "ALARM: sweep_silent, proposal_silent" in said
    tasks.propose_purges()
    tasks.execute_purges()
    assert health() == (0, health()[1])
    assert "OK" in health()[1]
    Heartbeat.objects.filter(name="sweep").update(beat_at=timezone.now() - timedelta(minutes=16))
    assert "ALARM: sweep_silent" in health()[1]
    Heartbeat.objects.filter(name="proposal").update(beat_at=timezone.now() - timedelta(hours=27))
    assert "ALARM: sweep_silent, proposal_silent" in health()[1]


def test_a_file_that_should_be_gone_is_an_alarm_whatever_the_worker_says(
    cast: Cast, ended: Client, desk: Desk
) -> None:
    now = timezone.now()
    run = purges.propose(by=cast.piret)
    assert run is not None
    approvals.approve(run.pk, by=cast.piret, files=1)
    Heartbeat.objects.all().delete()
    Heartbeat.objects.bulk_create(Heartbeat(name=n, beat_at=now) for n in ("sweep", "proposal"))
    assert health()[0] == 0, "it has a day"
    PurgeRun.objects.update(executes_at=now - timedelta(hours=23))
    assert sweeps.health(now=now).alarms == ()
    PurgeRun.objects.update(executes_at=now - timedelta(hours=25))
    found = sweeps.health(now=now)
    assert found.alarms == ("files_overdue",)
    assert found.overdue_since == now - timedelta(hours=25)
    assert health()[0] == 1
    today = desk(cast.piret).get(page("index")).text
    assert "Destruction is late" in today
    assert "The oldest file waits for 1\xa0day" in today
    # The cooling-off is no delay.
    PurgeRun.objects.update(executes_at=now + timedelta(days=3))
    assert sweeps.health(now=now).alarms == ()


@pytest.mark.django_db(transaction=True)
def test_what_was_given_up_is_shown_until_it_is_gone(
    cast: Cast, ended: Client, monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    def destroy(_client_id: Any) -> Any:
        raise OSError("disk full")

    run = purges.propose(by=cast.piret)
    assert run is not None
    approvals.approve(run.pk, by=cast.piret, files=1)
    with monkeypatch.context() as broken:
        broken.setattr(vault, "destroy", destroy)
        for _attempt in range(5):
            PurgeItem.objects.update(not_before=None)
            call_command("purge", "--once")
    assert PurgeItem.objects.get(run=run).status == "failed"
    assert sweeps.health(now=timezone.now()).alarms == ("files_failed",)
    assert "were given up" in desk(cast.piret).get(page("index")).text
    assert "OSError" in desk(cast.piret).get(page("clients_app_purgerun_change", run.pk)).text
    again = purges.propose(by=cast.piret)
    assert again is not None
    approvals.approve(again.pk, by=cast.piret, files=1)
    call_command("purge", "--once")
    assert not Client.objects.exists()
    assert sweeps.health(now=timezone.now()).alarms == ()


@pytest.mark.django_db(transaction=True)
def test_two_clocks_that_beat_at_once_propose_once(cast: Cast, ended: Client) -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute(purges.ALONE, [f"purges.propose {cast.practice.pk}"])
        assert purges.propose_everywhere(now=timezone.now()) == []
        assert not PurgeRun.objects.exists()
    assert len(purges.propose_everywhere(now=timezone.now())) == 1
    assert len(purges.propose_everywhere(now=timezone.now())) == 1
    assert PurgeRun.objects.count() == 1
    assert trail(event="purge.proposed") == ["purge.proposed"]
