"""The destruction of files. What is destroyed here cannot be had back, by anybody.

Every file of an approved run is destroyed in one transaction of its own: lock the client's row,
look once more whether it is due and not held, destroy the data key, delete the rows, look that
nothing is left, write the certificate and the line on the trail, and last, before the commit, the
line in the erasure ledger (`erasures` says why in this order). A worker that dies in between leaves
the file untouched and the item waiting; a second delivery finds it done. PostgreSQL is the queue:
items are taken with SKIP LOCKED, so any number of workers may run, and Celery only wakes them.
Nothing is destroyed while the ledger cannot be written.

After the last file the key table is rewritten, so that destroyed keys are in none of its files.
Copies may remain in write-ahead log and in backups of the database: each certificate names the
days by which those are gone (`WAL_HORIZON_DAYS`, `BACKUP_HORIZON_DAYS`).
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from clients_app import audit, blockers, certificates, erasures, retention, vault, wall
from clients_app.erasures import Deed
from clients_app.models import (
    Client,
    ClientKey,
    DestructionRecord,
    PurgeItem,
    PurgeRun,
    RetentionRule,
)

logger = logging.getLogger(__name__)
ATTEMPTS = 5
SHARED = f"SELECT status FROM {PurgeRun._meta.db_table} WHERE id = %s FOR SHARE"  # noqa: S608
Item, Run = PurgeItem.Status, PurgeRun.Status


class NotGone(Exception):
    """Something of a file is still there after it was destroyed."""


@wall.system("destruction")
def execute(*, until: datetime) -> int:
    """Destroy the files of approved runs, one after the other, and finish runs that have none
    left; how many files were settled. Stops at `until`, for the next call to go on."""
    settled = 0
    try:
        erasures.settle()
        while timezone.now() < until and (item := _settle_next()) is not None:
            settled += item.status != Item.PENDING
    except erasures.OutOfStep as refused:
        logger.critical("nothing is destroyed: %s", refused.why)
        return settled
    for run in PurgeRun.objects.filter(status=Run.APPROVED):
        _finish(run)
    _scrub()
    return settled


@wall.system("destruction")
def unfinished() -> bool:
    """Whether an approved run has a file that could be settled now."""
    return _waiting(timezone.now()).exists()


def _waiting(now: datetime) -> QuerySet[PurgeItem]:
    return PurgeItem.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        run__status=Run.APPROVED,
        run__executes_at__lte=now,
        status=Item.PENDING,
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
                .select_related("run__practice", "run__decided_by", "run__seconded_by")
                .order_by("run", "not_before", "client_code")
                .first()
            )
            if item is None or not _stands(item):
                return None
            item.status, certificate = _settle(item, now)
            item.settled_at = now
            item.save(update_fields=["status", "settled_at", "blockers"])
            if certificate is not None:
                erasures.write(Deed.ERASED, record=certificates.written(certificate))
    except erasures.OutOfStep:
        raise
    except Exception as failure:
        if item is None:
            raise
        _set_aside(item.pk, failure)
        item.status = Item.PENDING
    return item


def _stands(item: PurgeItem) -> bool:
    """Whether the run was not stopped in this moment. Until this file is settled it cannot be:
    whoever stops a run waits for the files that are in hand."""
    with connection.cursor() as cursor:
        cursor.execute(SHARED, [item.run_id])
        return bool(cursor.fetchone() == (Run.APPROVED,))


def _settle(item: PurgeItem, now: datetime) -> tuple[str, DestructionRecord | None]:
    """Destroy the file and certify it, or say why it stays. In the item's transaction."""
    run = item.run
    if run.decided_by is None:
        raise ValueError("an approved run has an approver, as the database insists")
    client = Client.objects.select_for_update().filter(pk=item.client_id).first()
    if client is None:
        destroyed = DestructionRecord.objects.filter(client_id=item.client_id).exists()
        return (Item.PURGED if destroyed else Item.NOT_DUE), None
    today = retention.local_day(run.practice, now)
    if client.retain_until is None or client.retain_until >= today:
        return Item.NOT_DUE, None
    standing = blockers.of(
        [client.pk], practice=run.practice, now=now, proposed={client.pk: item.proposed_at}
    )
    if client.pk in standing:
        item.blockers = [one.kind for one in standing[client.pk]]
        held = blockers.Kind.LEGAL_HOLD in item.blockers
        return (Item.HELD if held else Item.BLOCKED), None
    facts = _facts(client, item)
    key_id, counts = destroy(client)
    day = now.date()
    certificate = certificates.issue(
        **facts,
        key_id=key_id,
        counts=counts,
        approved_by=run.decided_by,
        seconded_by=run.seconded_by,
        method=certificates.METHOD,
        verification=certificates.VERIFICATION,
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
    return Item.PURGED, certificate


def _facts(client: Client, item: PurgeItem) -> dict[str, Any]:
    """What the certificate says of the file, while it is there. Its period goes from the day of
    registration, or of an earlier contact, to the last contact or discharge."""
    practice = item.run.practice
    days = [retention.local_day(practice, client.registered_at)]
    days += [day for day in (client.last_contact_on, client.discharged_on) if day is not None]
    rule = (
        RetentionRule.objects.get(pk=client.governing_rule_id) if client.governing_rule_id else None
    )
    return {
        "practice": practice,
        "run_id": item.run_id,
        "client_id": client.pk,
        "client_code": client.code,
        "rule": item.rule,
        "rule_id": client.governing_rule_id,
        "rule_decided_on": retention.local_day(practice, rule.decided_at) if rule else None,
        "retain_until": client.retain_until,
        "covers_from": min(days),
        "covers_until": max(days),
    }


def destroy(client: Client) -> tuple[UUID | None, dict[str, int]]:
    """Destroy the key and delete the rows of a file, and look that none is left: the id of the key,
    and how many rows of each class. In the caller's transaction. Raises NotGone."""
    client_id = client.pk
    key_id = vault.destroy(client_id)
    _total, counts = client.delete()
    classes: list[tuple[Any, str]] = [(Client, "pk"), (ClientKey, "client")]
    classes += [(one.related_model, one.field.name) for one in Client._meta.related_objects]
    left = [
        model._meta.label
        for model, column in classes
        if model._base_manager.filter(**{column: client_id}).exists()
    ]
    if left:
        raise NotGone(f"rows are left of {', '.join(left)}")
    return key_id, counts


def _set_aside(item_id: UUID, failure: Exception) -> None:
    """Count a failed attempt: later again, each time longer, and after the last one no more."""
    with transaction.atomic():
        rows = PurgeItem.objects.select_for_update(of=("self",)).select_related("run")
        item = rows.get(pk=item_id)
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
