"""Which files shall end: proposed at night, decided by the privacy officer.

A run is proposed from the files whose last day of keeping is past, and waits. Nothing is destroyed
before the privacy officer approves it; until then files can be taken out, and a proposal says what
is due now, so a file that is reopened or held meanwhile leaves it. What happens to an approved
run is told in `destruction`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from clients_app import access, audit, retention, rules, wall
from clients_app.errors import Conflict
from clients_app.models import (
    Client,
    LegalHold,
    Practice,
    PurgeItem,
    PurgeRun,
    RetentionRule,
    User,
)
from clients_app.roles import Permission

logger = logging.getLogger(__name__)
WAKE = "clients_app.tasks.execute_purges"
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
    """Where a practice stands: files due, held among them, without a date, approved."""

    practice: str
    due: int
    held: int
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
    return rows.select_related("decided_by").order_by("-proposed_at", "pk")


def read(run_id: UUID, *, by: User) -> tuple[PurgeRun, Progress]:
    """A run and how far it is."""
    run = access.find(
        PurgeRun.objects.select_related("decided_by", "practice"),
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


def take_out(run_id: UUID, item_id: UUID, *, by: User) -> PurgeItem:
    """Leave one file out of a proposal; the next proposal asks again."""
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_APPROVE, client="")
    if not PurgeItem.objects.filter(pk=item_id, run_id=run_id).exists():
        access.hide(by, Permission.PURGE_APPROVE, client_id=None, subject_id=item_id)
    with transaction.atomic():
        run = PurgeRun.objects.select_for_update().get(pk=run_id)
        item = PurgeItem.objects.get(pk=item_id, run=run)
        if run.status != Run.PROPOSED or item.status != Item.PENDING:
            raise Conflict(_("Files can be taken out until the run is approved."))
        item.status, item.settled_at = Item.EXCLUDED, timezone.now()
        item.save(update_fields=["status", "settled_at"])
        audit.record("purge.taken_out", by=by, client_id=item.client_id, subject_id=run.pk)
    return item


def approve(run_id: UUID, *, by: User, files: int) -> PurgeRun:
    """Let the worker destroy the files of a proposal.

    `files` is the number that the approver saw: if the proposal has changed since, it is refused
    (Conflict), so nobody approves what they did not see.
    """
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_APPROVE, client="")
    with transaction.atomic():
        run = PurgeRun.objects.select_for_update().get(pk=run_id)
        if run.status != Run.PROPOSED:
            raise Conflict(_("This run is decided already."))
        waiting = run.items.filter(status=Item.PENDING).count()
        if waiting != files:
            raise Conflict(
                _("The proposal has %(now)d files now. Look at it again, then approve.")
                % {"now": waiting}
            )
        run.status, run.decided_at, run.decided_by = Run.APPROVED, timezone.now(), by
        run.save(update_fields=["status", "decided_at", "decided_by"])
        audit.record("purge.approved", by=by, subject_id=run.pk, files=waiting)
        transaction.on_commit(wake)
    return run


def refuse(run_id: UUID, *, by: User) -> PurgeRun:
    """Turn a proposal down. Its files stay, and the next night proposes them again."""
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_APPROVE, client="")
    with transaction.atomic():
        run = PurgeRun.objects.select_for_update().get(pk=run_id)
        if run.status != Run.PROPOSED:
            raise Conflict(_("This run is decided already."))
        run.status, run.decided_at, run.decided_by = Run.REFUSED, timezone.now(), by
        run.save(update_fields=["status", "decided_at", "decided_by"])
        audit.record("purge.refused", by=by, subject_id=run.pk)
    return run


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
    if run.decided_at is not None and run.status in (Run.APPROVED, Run.DONE):
        done = settled - counts.get(Item.EXCLUDED, 0)
        minutes = max(((run.finished_at or now) - run.decided_at).total_seconds() / 60, 1 / 60)
        rate = done / minutes
        if rate and run.status == Run.APPROVED:
            remaining = timedelta(minutes=(total - settled) / rate)
    return Progress(counts, total, settled, rate, remaining)


@wall.system("purges.outlook")
def outlook(*, now: datetime) -> list[Outlook]:
    """Where every practice stands, for the operator: counts, nothing changed."""
    found = []
    for practice in Practice.objects.order_by("slug"):
        due = retention.due(practice, on=retention.local_day(practice, now))
        held = due.filter(Exists(LegalHold.objects.filter(client=OuterRef("pk"), lifted_at=None)))
        approved = PurgeItem.objects.filter(
            run__practice=practice, run__status=Run.APPROVED, status=Item.PENDING
        )
        found.append(
            Outlook(
                practice=practice.slug,
                due=due.count(),
                held=held.count(),
                undated=retention.undated(practice).count(),
                approved=approved.count(),
            )
        )
    return found


def _propose(practice: Practice, *, on: date, by: User | None) -> PurgeRun | None:
    with transaction.atomic():
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


def _item(run: PurgeRun, client: Client, sentences: Mapping[UUID, str]) -> PurgeItem:
    if client.retain_until is None or client.governing_rule_id is None:
        raise ValueError("a due file has a last day and a rule, as the database insists")
    return PurgeItem(
        run=run,
        client_id=client.pk,
        client_code=client.code,
        retain_until=client.retain_until,
        rule=sentences[client.governing_rule_id],
    )


def _proposable(practice: Practice, on: date) -> QuerySet[Client]:
    """Due, not held, and not in the hands of a run that is approved already."""
    in_hand = PurgeItem.objects.filter(
        run__practice=practice,
        run__status=Run.APPROVED,
        status=Item.PENDING,
        client_id=OuterRef("pk"),
    )
    held = LegalHold.objects.filter(client=OuterRef("pk"), lifted_at=None)
    return retention.due(practice, on=on).filter(~Exists(in_hand), ~Exists(held))
