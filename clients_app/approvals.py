"""Who decides on a purge run, and when its files may be destroyed.

The privacy officer approves, typing how many files they saw. Where these are more than
`PURGE_SECOND_PERSON_ABOVE`, or where one of them ends sooner than it was once said, somebody else
has to say so too: the practice manager, never the one who approved. Then the run cools off for
`PURGE_COOLING_OFF_DAYS`. All that time, and until the last of its files is gone, any file can be
taken out and the whole run can be stopped; what is destroyed by then stays destroyed.

`destruction` takes a share of the run's lock for each file, so that after `stop` has answered no
file of the run is destroyed any more.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, purges
from clients_app.errors import Conflict
from clients_app.models import Client, PurgeItem, PurgeRun, User
from clients_app.roles import Permission

Item, Run = PurgeItem.Status, PurgeRun.Status


def approve(run_id: UUID, *, by: User, files: int, now: datetime | None = None) -> PurgeRun:
    """Let the files of a proposal be destroyed, after a second person's word where one is needed
    and the cooling-off.

    `files` is the number that the approver saw: if the proposal has changed since, it is refused
    (Conflict), so nobody approves what they did not see.
    """
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_APPROVE, client="")
    moment = now or timezone.now()
    with transaction.atomic():
        run = _locked(run_id, Run.PROPOSED)
        _check_seen(run, files)
        run.decided_at, run.decided_by = moment, by
        run.needs_second = files > settings.PURGE_SECOND_PERSON_ABOVE or _shortened(run)
        run.status = Run.AWAITING if run.needs_second else Run.APPROVED
        if not run.needs_second:
            run.executes_at = moment + cooling_off()
        run.save(
            update_fields=["status", "decided_at", "decided_by", "needs_second", "executes_at"]
        )
        audit.record(
            "purge.approved",
            by=by,
            subject_id=run.pk,
            files=files,
            needs_second=run.needs_second,
        )
        transaction.on_commit(purges.wake)
    return run


def second(run_id: UUID, *, by: User, files: int, now: datetime | None = None) -> PurgeRun:
    """The second person's word; from now on the run cools off. Raises Conflict for whoever
    approved it themselves, and as `approve` does."""
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_SECOND, client="")
    moment = now or timezone.now()
    with transaction.atomic():
        run = _locked(run_id, Run.AWAITING)
        if run.decided_by_id == by.pk:
            raise Conflict(_("You approved this run yourself. Somebody else has to look at it."))
        _check_seen(run, files)
        run.seconded_at, run.seconded_by = moment, by
        run.status, run.executes_at = Run.APPROVED, moment + cooling_off()
        run.save(update_fields=["status", "seconded_at", "seconded_by", "executes_at"])
        audit.record("purge.seconded", by=by, subject_id=run.pk, files=files)
        transaction.on_commit(purges.wake)
    return run


def refuse(run_id: UUID, *, by: User) -> PurgeRun:
    """Turn a proposal down. Its files stay, and the next night proposes them again."""
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_APPROVE, client="")
    with transaction.atomic():
        run = _locked(run_id, Run.PROPOSED)
        run.status, run.decided_at, run.decided_by = Run.REFUSED, timezone.now(), by
        run.save(update_fields=["status", "decided_at", "decided_by"])
        audit.record("purge.refused", by=by, subject_id=run.pk)
    return run


def stop(run_id: UUID, *, by: User) -> PurgeRun:
    """End a run that is approved: none of its files that is left is destroyed, and the next night
    proposes those again. Raises Conflict where there is nothing to stop."""
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_STOP, client="")
    with transaction.atomic():
        run = PurgeRun.objects.select_for_update().get(pk=run_id)
        if run.status not in (Run.AWAITING, Run.APPROVED):
            raise Conflict(_("Only a run that is approved and not done can be stopped."))
        run.status, run.stopped_at, run.stopped_by = Run.STOPPED, timezone.now(), by
        run.finished_at = run.stopped_at
        run.save(update_fields=["status", "stopped_at", "stopped_by", "finished_at"])
        left = run.items.filter(status=Item.PENDING).count()
        audit.record("purge.stopped", by=by, subject_id=run.pk, files=left)
    return run


def take_out(run_id: UUID, item_id: UUID, *, by: User) -> PurgeItem:
    """Leave one file out of a run, as long as it is there; the next proposal asks again."""
    access.find(PurgeRun.objects.all(), run_id, by, Permission.PURGE_APPROVE, client="")
    if not PurgeItem.objects.filter(pk=item_id, run_id=run_id).exists():
        access.hide(by, Permission.PURGE_APPROVE, client_id=None, subject_id=item_id)
    with transaction.atomic():
        # First the file, then its run, as `destruction` takes them.
        item = PurgeItem.objects.select_for_update().filter(pk=item_id, run_id=run_id).first()
        run = PurgeRun.objects.select_for_update().get(pk=run_id)
        if item is None or run.status not in PurgeRun.OPEN or item.status != Item.PENDING:
            raise Conflict(_("This file is in the run no more."))
        item.status, item.settled_at = Item.EXCLUDED, timezone.now()
        item.save(update_fields=["status", "settled_at"])
        audit.record("purge.taken_out", by=by, client_id=item.client_id, subject_id=run.pk)
    return item


def cooling_off() -> timedelta:
    """How long an approved run waits before its first file is destroyed."""
    return timedelta(days=settings.PURGE_COOLING_OFF_DAYS)


def _locked(run_id: UUID, status: str) -> PurgeRun:
    run = PurgeRun.objects.select_for_update().get(pk=run_id)
    if run.status != status:
        raise Conflict(_("This run is decided already."))
    return run


def _check_seen(run: PurgeRun, files: int) -> None:
    waiting = run.items.filter(status=Item.PENDING).count()
    if waiting != files or not waiting:
        raise Conflict(
            _("The proposal has %(now)d files now. Look at it again, then approve.")
            % {"now": waiting}
        )


def _shortened(run: PurgeRun) -> bool:
    """Whether a file of this run ends sooner than it was once said."""
    waiting = run.items.filter(status=Item.PENDING).values("client_id")
    return Client.objects.filter(pk__in=waiting, shortened_at__isnull=False).exists()
