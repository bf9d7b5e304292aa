"""Which files shall end: proposed at night, decided by the privacy officer.

A run is proposed from the files whose last day of keeping is past and which nothing keeps
(`blockers`), and waits; the confidants of their clients are told (`notices`). A proposal says what
is due now, so a file that is reopened or held meanwhile leaves it. Who decides on it is told in
`approvals`, what happens to an approved run in `destruction`.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from celery import current_app
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone, translation
from kombu.exceptions import OperationalError

from clients_app import access, audit, blockers, notices, retention, rules, wall
from clients_app.models import (
    Client,
    Practice,
    PurgeItem,
    PurgeRun,
    RetentionRule,
    User,
)
from clients_app.roles import Permission

logger = logging.getLogger(__name__)
WAKE = "clients_app.tasks.execute_purges"
ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
PEOPLE = ("decided_by", "seconded_by", "stopped_by")
Item, Run = PurgeItem.Status, PurgeRun.Status


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `rate` is files a minute, `remaining` the time left; None if unknown."""

    counts: Mapping[str, int]
    total: int
    settled: int
    rate: float | None
    remaining: timedelta | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a practice stands: files due, those among them that something keeps, those without a
    date, those that are approved."""

    practice: str
    due: int
    kept: int
    undated: int
    approved: int


@wall.system("purges.propose")
def propose_everywhere(*, now: datetime) -> list[PurgeRun]:
    """Nightly: bring every practice's proposal up to date. Says what is due, not what became due,
    so a missed night loses nothing."""
    runs = [
        _propose(practice, on=retention.local_day(practice, now), by=None)
        for practice in Practice.objects.order_by("pk")
    ]
    return [run for run in runs if run is not None]


def propose(*, by: User) -> PurgeRun | None:
    """The practice's proposal, brought up to date now; None if nothing is due."""
    access.require(by, Permission.PURGE_PROPOSE)
    practice = access.practice_of(by)
    return _propose(practice, on=retention.local_day(practice, timezone.now()), by=by)


def browse(*, by: User) -> QuerySet[PurgeRun]:
    """The practice's runs, newest first."""
    access.require(by, Permission.PURGE_READ)
    rows = access.visible_to(by, Permission.PURGE_READ, PurgeRun.objects.all())
    return rows.select_related(*PEOPLE).order_by("-proposed_at", "pk")


def read(run_id: UUID, *, by: User) -> tuple[PurgeRun, Progress]:
    """A run and how far it is."""
    run = access.find(
        PurgeRun.objects.select_related(*PEOPLE, "practice"),
        run_id,
        by,
        Permission.PURGE_READ,
        client="",
    )
    return run, progress(run, now=timezone.now())


def items(run_id: UUID, *, by: User) -> QuerySet[PurgeItem]:
    """The files of a run, by code."""
    run = access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_READ, client="")
    return PurgeItem.objects.filter(run=run).order_by("client_code", "pk")


def kept(*, by: User) -> QuerySet[Client]:
    """The practice's files whose day is past and which something keeps, by code: in no run, so
    that somebody has to see them elsewhere (`reasons`)."""
    access.require(by, Permission.PURGE_READ)
    practice = access.practice_of(by)
    today = retention.local_day(practice, timezone.now())
    with wall.system("purges.kept"):
        found = blockers.kept(retention.due(practice, on=today), on=today)
        ids = list(found.values_list("pk", flat=True))
    rows = access.visible_to(by, Permission.PURGE_READ, Client.objects.all(), client="pk")
    return rows.filter(pk__in=ids).order_by("code")


def reasons(
    client_ids: Collection[UUID], *, by: User, run: PurgeRun | None = None
) -> dict[UUID, list[blockers.Blocker]]:
    """What stands against the end of these files of the practice; of those of a run also what was
    written since they came into it."""
    access.require(by, Permission.PURGE_READ)
    practice = access.practice_of(by)
    rows = Client.objects.filter(practice=practice, pk__in=client_ids)
    moments = {}
    if run is not None:
        items = run.items.filter(client_id__in=client_ids, status=Item.PENDING)
        moments = dict(items.values_list("client_id", "proposed_at"))
    ids = list(rows.values_list("pk", flat=True))
    return blockers.of(ids, practice=practice, now=timezone.now(), proposed=moments)


def wake() -> None:
    """Ask the worker to look at once. It looks every minute anyway, so a broker that is down
    costs that minute and nothing else."""
    try:
        current_app.send_task(WAKE, retry=False)
    except OperationalError:
        logger.warning("broker unreachable: approved purges wait for the next sweep")


def progress(run: PurgeRun, *, now: datetime) -> Progress:
    """Counts by status, rate and remaining time of a run."""
    counts = dict(run.items.values_list("status").annotate(Count("pk")).order_by())
    total = sum(counts.values())
    settled = total - counts.get(Item.PENDING, 0)
    rate = remaining = None
    if run.executes_at is not None and run.status in (Run.APPROVED, Run.DONE):
        done = settled - counts.get(Item.EXCLUDED, 0)
        minutes = max(((run.finished_at or now) - run.executes_at).total_seconds() / 60, 1 / 60)
        rate = done / minutes
        if rate and run.status == Run.APPROVED:
            remaining = timedelta(minutes=(total - settled) / rate)
    return Progress(counts, total, settled, rate, remaining)


@wall.system("purges.outlook")
def outlook(*, now: datetime) -> list[Outlook]:
    """Where every practice stands, for the operator: counts, nothing changed."""
    found = []
    for practice in Practice.objects.order_by("slug"):
        today = retention.local_day(practice, now)
        due = retention.due(practice, on=today)
        approved = PurgeItem.objects.filter(
            run__practice=practice, run__status=Run.APPROVED, status=Item.PENDING
        )
        found.append(
            Outlook(
                practice=practice.slug,
                due=due.count(),
                kept=blockers.kept(due, on=today).count(),
                undated=retention.undated(practice).count(),
                approved=approved.count(),
            )
        )
    return found


@wall.system("purges.propose")
def _propose(practice: Practice, *, on: date, by: User | None) -> PurgeRun | None:
    with transaction.atomic():
        # Two clocks that beat at once do it once; a person waits for their turn.
        if by is None and not _alone(practice):
            return None
        Practice.objects.select_for_update().get(pk=practice.pk)
        run = PurgeRun.objects.filter(practice=practice, status=Run.PROPOSED).first()
        due = _proposable(practice, on)
        if run is None and not due.exists():
            return None
        if run is None:
            run = PurgeRun(practice=practice)
        run.due_on, run.proposed_at = on, timezone.now()
        run.save()
        gone = run.items.filter(status=Item.PENDING).exclude(client_id__in=due.values("pk"))
        withdrawn, _rows = gone.delete()
        known = run.items.values("client_id")
        # On certificates in one language for good, whoever looks for what is due.
        with translation.override("en"):
            sentences = {
                rule.pk: rules.sentence(rule)
                for rule in RetentionRule.objects.filter(practice=practice)
            }
        files = due.exclude(pk__in=known).order_by("code")
        added = PurgeItem.objects.bulk_create(
            (_item(run, client, sentences) for client in files), batch_size=1000
        )
        notices.announce(run, [item.client_id for item in added], now=run.proposed_at)
        # A night that finds nothing new leaves no line; a person who asks does.
        if added or withdrawn or by is not None:
            audit.record(
                "purge.proposed",
                by=by,
                practice_id=practice.pk,
                subject_id=run.pk,
                added=len(added),
                withdrawn=withdrawn,
            )
    return run


def _alone(practice: Practice) -> bool:
    """Whether nobody else proposes for this practice now. In a transaction, until its end."""
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [f"purges.propose {practice.pk}"])
        row = cursor.fetchone()
    return bool(row and row[0])


def _item(run: PurgeRun, client: Client, sentences: Mapping[UUID, str]) -> PurgeItem:
    if client.retain_until is None or client.governing_rule_id is None:
        raise ValueError("a due file has a last day and a rule, as the database insists")
    return PurgeItem(
        run=run,
        client_id=client.pk,
        client_code=client.code,
        retain_until=client.retain_until,
        proposed_at=run.proposed_at,
        rule=sentences[client.governing_rule_id],
    )


def _proposable(practice: Practice, on: date) -> QuerySet[Client]:
    """Due, kept by nothing, and not in the hands of a run that is decided on already."""
    in_hand = PurgeItem.objects.filter(
        run__practice=practice,
        run__status__in=(Run.AWAITING, Run.APPROVED),
        status=Item.PENDING,
        client_id=OuterRef("pk"),
    )
    return blockers.free(retention.due(practice, on=on), on=on).filter(~Exists(in_hand))
