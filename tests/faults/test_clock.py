"""A clock that jumps destroys nothing (F16): ahead, back, into another century, at night or not."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from clients_app import approvals, clients, clocks, purges, rules, sweeps
from clients_app.models import Client, ClockReading, PurgeRun
from tests.conftest import Cast, trail

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(tz=timezone.get_default_timezone())
JUMPS = {
    "a day ahead": timedelta(days=1),
    "the cooling-off ahead": timedelta(days=8),
    "a day back": -timedelta(days=1),
    "into 2099": datetime(2099, 1, 1, tzinfo=NOW.tzinfo) - NOW,
    "two hours": timedelta(hours=2),
}


@pytest.fixture
def approved(cast: Cast, settings: Any) -> PurgeRun:
    """A file that is due, in a run that cools off for a week; and the sweep has been there."""
    settings.PURGE_COOLING_OFF_DAYS = 7
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    client = clients.register(by=cast.liis)
    clients.discharge(client.pk, by=cast.liis, on=date(2014, 2, 1))
    run = purges.propose(by=cast.piret)
    assert run is not None
    assert sweep() == 0
    return approvals.approve(run.pk, by=cast.piret, files=1)


def sweep() -> int:
    now = timezone.now()
    return sweeps.sweep(until=now + timedelta(seconds=10), now=now)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_nothing_is_destroyed_until_somebody_has_looked(
    approved: PurgeRun, jump: timedelta
) -> None:
    with time_machine.travel(timezone.now() + jump, tick=True):
        assert sweep() == 0
        assert sweeps.propose(now=timezone.now()) == []
        assert "clock_jumped" in sweeps.health(now=timezone.now()).alarms
        with pytest.raises(CommandError, match="clock"):
            call_command("purge", "--once")
    # It is set right: still nobody has looked at what it did meanwhile.
    assert sweep() == 0
    assert "clock_jumped" in sweeps.health(now=timezone.now()).alarms
    assert Client.objects.exists()
    assert trail(event="clock.jumped") == ["clock.jumped"]

    call_command("purge", "--clock-is-right")
    assert "clock_jumped" not in sweeps.health(now=timezone.now()).alarms
    assert sweep() == 0, "it still cools off"
    PurgeRun.objects.update(executes_at=timezone.now())
    assert sweep() == 1
    assert not Client.objects.exists()


def test_an_outage_is_no_jump(approved: PurgeRun) -> None:
    """The worker was stopped for three days; the machine counted them."""
    away = timedelta(days=3)
    ClockReading.objects.update(at=F("at") - away, counted=F("counted") - away.total_seconds())
    PurgeRun.objects.update(executes_at=timezone.now())
    assert sweep() == 1


def test_what_drifts_is_no_jump(approved: PurgeRun) -> None:
    ClockReading.objects.update(at=F("at") - timedelta(minutes=50))
    assert sweep() == 0
    assert not clocks.jumped()
    ClockReading.objects.update(at=F("at") - timedelta(minutes=70))
    assert sweep() == 0
    assert clocks.jumped()


def test_a_reboot_leaves_the_database_to_tell(
    approved: PurgeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was counted over it: a machine that woke up in another year is told so by its
    database, and one that woke up in time goes on."""
    monkeypatch.setattr(clocks, "counted", lambda: clocks.Count("another start", 7.0))
    assert sweep() == 0
    assert not clocks.jumped()
    monkeypatch.setattr(clocks, "counted", lambda: clocks.Count("a third one", 7.0))
    with time_machine.travel(timezone.now() + timedelta(days=400), tick=True):
        assert sweep() == 0
        assert clocks.jumped()
