"""What is done without anybody asking, each night and each minute; and whether it is done.

The queue is PostgreSQL: a file waits in a row, a worker holds it by that row's lock and no longer
than its transaction, and whoever comes meanwhile takes the next (SKIP LOCKED). Celery only wakes
these two verbs, and `manage.py purge` calls the same from cron. Each leaves a heartbeat when it
went through.

A worker that runs and does nothing looks alive. So `health` measures the work and not the worker:
how long the oldest file waits that should be gone. An alarm is a label, and one is enough for
monitoring to be told:

* `sweep_silent`, `proposal_silent`: no heartbeat for a quarter of an hour, for 26 hours;
* `clock_jumped`: the clock went another way than the machine counted, and nothing is done until
  somebody says that it is right (`clocks`);
* `files_overdue`: a file that was due to be destroyed is still there a day later;
* `files_failed`: a file was given up after its last attempt, and somebody has to look.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Min, OuterRef, QuerySet

from clients_app import access, clocks, destruction, purges, shortenings, wall
from clients_app.models import Client, Heartbeat, PurgeItem, PurgeRun, User
from clients_app.roles import Permission

logger = logging.getLogger(__name__)
SWEEP, PROPOSAL = "sweep", "proposal"
SILENT = {SWEEP: timedelta(minutes=15), PROPOSAL: timedelta(hours=26)}
OVERDUE = timedelta(hours=24)
Item, Run = PurgeItem.Status, PurgeRun.Status


@dataclass(frozen=True, slots=True)
class Health:
    """When the sweeps went through last (None: never), since when the oldest file waits that should
    be gone, how many were given up, and the labels of what is wrong."""

    swept_at: datetime | None
    proposed_at: datetime | None
    overdue_since: datetime | None
    failed: int
    alarms: tuple[str, ...]


def propose(*, now: datetime) -> list[PurgeRun]:
    """Each night: carry out what shortens dates, then propose what is due, in every practice."""
    if not _on_time(now):
        return []
    shortenings.take_effect(now=now)
    runs = purges.propose_everywhere(now=now)
    _beat(PROPOSAL, now)
    return runs


def sweep(*, until: datetime, now: datetime) -> int:
    """Each minute: destroy what is approved and has cooled off, until that moment at the latest;
    how many files were settled."""
    if not _on_time(now):
        return 0
    settled = destruction.execute(until=until)
    _beat(SWEEP, now)
    return settled


@wall.system("sweeps.health")
def health(*, now: datetime) -> Health:
    """Of the whole server, for whoever runs it: times, numbers, labels."""
    return _health(PurgeItem.objects.all(), now)


def health_of_practice(*, by: User, now: datetime) -> Health:
    """The same of one's own practice; the heartbeats are the server's."""
    access.require(by, Permission.PURGE_READ)
    items = PurgeItem.objects.filter(run__practice=access.practice_of(by))
    with wall.system("sweeps.health"):
        return _health(items, now)


def _health(items: QuerySet[PurgeItem], now: datetime) -> Health:
    beats = dict(Heartbeat.objects.values_list("name", "beat_at"))
    waiting = items.filter(run__status=Run.APPROVED, status=Item.PENDING, run__executes_at__lte=now)
    since = waiting.aggregate(since=Min("run__executes_at"))["since"]
    # A file that failed and was destroyed by a later run is gone; one that is still here is not.
    alive = Exists(Client.objects.filter(pk=OuterRef("client_id")))
    given_up = items.filter(alive, status=Item.FAILED)
    failed = given_up.values("client_id").distinct().count()
    alarms = [
        *(
            f"{name}_silent"
            for name, most in SILENT.items()
            if name not in beats or now - beats[name] > most
        ),
        *(["clock_jumped"] if clocks.jumped() else []),
        *(["files_overdue"] if since and now - since > OVERDUE else []),
        *(["files_failed"] if failed else []),
    ]
    return Health(beats.get(SWEEP), beats.get(PROPOSAL), since, failed, tuple(alarms))


def _on_time(now: datetime) -> bool:
    if clocks.believed(now=now):
        return True
    logger.critical("the clock jumped: nothing is destroyed until `purge --clock-is-right`")
    return False


def _beat(name: str, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": now})
