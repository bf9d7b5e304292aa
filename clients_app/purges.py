"""The end of a file. What is destroyed here cannot be had back, by anybody.

A run is proposed at night from the files whose last day of keeping is past, and waits until the
privacy officer approves it. Then every file is destroyed in one transaction of its own: lock the
client's row, look once more whether it is due and not held, destroy the data key, delete the
rows, write the certificate and the line on the trail. A worker that dies in between leaves the
file untouched and the item waiting; a second delivery finds it done. PostgreSQL is the queue:
items are taken with SKIP LOCKED, so any number of workers may run, and Celery only wakes them.

After the last file the key table is rewritten, so that destroyed keys are in none of its files.
Copies may remain in write-ahead log and in backups of the database: each certificate names the
days by which those are gone (`WAL_HORIZON_DAYS`, `BACKUP_HORIZON_DAYS`).
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from clients_app import access, audit, holds, retention, rules, vault
from clients_app.errors import Conflict, Hidden
from clients_app.models import (
    Client,
    DestructionRecord,
    LegalHold,
    Practice,
    PurgeItem,
    PurgeRun,
    RetentionRule,
    User,
)
from clients_app.roles import Permission

logger = logging.getLogger(__name__)
ATTEMPTS = 5
METHOD = "cryptographic-erase+deletion"
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


def propose_everywhere(*, now: datetime) -> list[PurgeRun]:
    """Nightly: bring every practice's proposal up to date. Says what is due, not what became due,
    so a missed night loses nothing."""
    runs = (
        _propose(practice, on=retention.local_day(practice, now), by=None)
        for practice in Practice.objects.order_by("pk")
    )
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


def certificates(*, by: User) -> QuerySet[DestructionRecord]:
    """The practice's register of destroyed files, newest first."""
    access.require(by, Permission.PURGE_READ)
    rows = access.visible_to(by, Permission.PURGE_READ, DestructionRecord.objects.all())
    return rows.select_related("approved_by").order_by("-destroyed_at", "pk")


def certificate(record_id: UUID, *, by: User) -> DestructionRecord:
    """One certificate of the register."""
    return access.find(
        DestructionRecord.objects.select_related("approved_by", "practice"),
        record_id,
        by,
        Permission.PURGE_READ,
        client="",
    )


def take_out(run_id: UUID, item_id: UUID, *, by: User) -> PurgeItem:
    """Leave one file out of a proposal; the next proposal asks again."""
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_APPROVE, client="")
    with transaction.atomic():
        run = PurgeRun.objects.select_for_update().get(pk=run_id)
        item = PurgeItem.objects.filter(pk=item_id, run=run).first()
        if item is None:
            raise Hidden(_("There is nothing here that you can open."))
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


def execute(*, until: datetime) -> int:
    """Destroy the files of approved runs, one after the other, and finish runs that have none
    left; how many files were settled. Stops at `until`, for the next call to go on."""
    settled = 0
    while timezone.now() < until and (item := _settle_next()) is not None:
        settled += item.status != Item.PENDING
    for run in PurgeRun.objects.filter(status=Run.APPROVED):
        _finish(run)
    _scrub()
    return settled


def unfinished() -> bool:
    """Whether an approved run has a file that could be settled now."""
    return _waiting(timezone.now()).exists()


def outlook(*, now: datetime) -> Iterator[Outlook]:
    """Where every practice stands, for the operator: counts, nothing changed."""
    for practice in Practice.objects.order_by("slug"):
        due = retention.due(practice, on=retention.local_day(practice, now))
        held = due.filter(Exists(LegalHold.objects.filter(client=OuterRef("pk"), lifted_at=None)))
        approved = PurgeItem.objects.filter(
            run__practice=practice, run__status=Run.APPROVED, status=Item.PENDING
        )
        yield Outlook(
            practice=practice.slug,
            due=due.count(),
            held=held.count(),
            undated=retention.undated(practice).count(),
            approved=approved.count(),
        )


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
        if added or withdrawn:
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


def _waiting(now: datetime) -> QuerySet[PurgeItem]:
    return PurgeItem.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now), run__status=Run.APPROVED, status=Item.PENDING
    )


def _settle_next() -> PurgeItem | None:
    """Take the next file that no other worker holds and settle it, in one transaction."""
    now = timezone.now()
    item = None
    try:
        with transaction.atomic():
            item = (
                _waiting(now)
                .select_for_update(of=("self",), skip_locked=True)
                .select_related("run__practice", "run__decided_by")
                .order_by("run", "not_before", "client_code")
                .first()
            )
            if item is None:
                return None
            item.status = _settle(item, now)
            item.settled_at = now
            item.save(update_fields=["status", "settled_at"])
    except Exception as failure:
        if item is None:
            raise
        _set_aside(item.pk, failure)
        item.status = Item.PENDING
    return item


def _settle(item: PurgeItem, now: datetime) -> str:
    """Destroy the file, or say why it stays. In the item's transaction."""
    run = item.run
    if run.decided_by is None:
        raise ValueError("an approved run has an approver, as the database insists")
    client = Client.objects.select_for_update().filter(pk=item.client_id).first()
    if client is None:
        destroyed = DestructionRecord.objects.filter(client_id=item.client_id).exists()
        return Item.PURGED if destroyed else Item.NOT_DUE
    today = retention.local_day(run.practice, now)
    if client.retain_until is None or client.retain_until >= today:
        return Item.NOT_DUE
    if holds.in_force(client.pk):
        return Item.HELD
    retain_until = client.retain_until
    key_id = vault.destroy(client.pk)
    _total, counts = client.delete()
    day = now.date()
    certificate = DestructionRecord.objects.create(
        practice=run.practice,
        run_id=run.pk,
        client_id=item.client_id,
        client_code=item.client_code,
        key_id=key_id,
        counts=counts,
        rule=item.rule,
        retain_until=retain_until,
        approved_by=run.decided_by,
        method=METHOD,
        destroyed_at=now,
        wal_horizon=day + timedelta(days=settings.WAL_HORIZON_DAYS),
        backup_horizon=day + timedelta(days=settings.BACKUP_HORIZON_DAYS),
    )
    audit.record(
        "client.purged",
        by=None,
        practice_id=run.practice_id,
        client_id=item.client_id,
        subject_id=certificate.pk,
        run=run.pk,
        key=key_id,
    )
    return Item.PURGED


def _set_aside(item_id: UUID, failure: Exception) -> None:
    """Count a failed attempt: later again, each time longer, and after the last one no more."""
    with transaction.atomic():
        item = PurgeItem.objects.select_for_update().select_related("run").get(pk=item_id)
        item.attempts += 1
        item.failure = type(failure).__name__
        item.not_before = timezone.now() + timedelta(minutes=4**item.attempts)
        if item.attempts >= ATTEMPTS:
            item.status, item.settled_at = Item.FAILED, timezone.now()
        item.save()
        audit.record(
            "purge.failed",
            by=None,
            practice_id=item.run.practice_id,
            client_id=item.client_id,
            subject_id=item.run_id,
            attempts=item.attempts,
            failure=item.failure,
        )
    logger.error("purge of one file failed: %s, attempt %d", item.failure, item.attempts)


def _finish(run: PurgeRun) -> None:
    """Close a run that has no file left, once."""
    with transaction.atomic():
        locked = PurgeRun.objects.select_for_update().get(pk=run.pk)
        if locked.status != Run.APPROVED or locked.items.filter(status=Item.PENDING).exists():
            return
        locked.status, locked.finished_at = Run.DONE, timezone.now()
        locked.save(update_fields=["status", "finished_at"])
        audit.record(
            "purge.finished",
            by=None,
            practice_id=locked.practice_id,
            subject_id=locked.pk,
            **dict(locked.items.values_list("status").annotate(Count("pk")).order_by()),
        )


def _scrub() -> None:
    """Rewrite the key table after finished runs; if that fails, the next sweep tries again."""
    runs = list(PurgeRun.objects.filter(status=Run.DONE, scrubbed_at=None))
    if not runs:
        return
    try:
        clean = vault.scrub()
    except DatabaseError as failure:
        logger.error("the key table could not be rewritten: %s", type(failure).__name__)
        return
    if not clean:
        logger.warning("an open transaction still sees destroyed keys: rewriting again later")
        return
    PurgeRun.objects.filter(pk__in=[run.pk for run in runs]).update(scrubbed_at=timezone.now())
