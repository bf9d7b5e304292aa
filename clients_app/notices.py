"""Telling counsellors that files of their clients are in a purge run, while they can still speak.

The mail says that there are some and that one has to log in to see them: no name, no code, no
number. A row for each run and counsellor is the queue, in the transaction that proposes: neither a
broker nor a mail server that is down keeps anybody untold. Files that come into a run later bring a
mail of their own. When a run is over, its rows go.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from clients_app import access, alerts, care, wall
from clients_app.models import PurgeNotice, PurgeRun

SUBJECT = gettext_noop("Files of your clients are due to be destroyed")
BODY = gettext_noop(
    "Files of clients of yours are past their last day and are proposed for destruction. Log in to "
    "see which. If one of them should stay a while longer, say so there."
)
SOONEST, LATEST = timedelta(minutes=2), timedelta(hours=6)


def announce(run: PurgeRun, client_ids: Sequence[UUID], *, now: datetime) -> None:
    """Have the confidants of these clients told that their files came into this run. In the
    transaction of the proposal."""
    confidants = access.open_care().filter(client_id__in=client_ids).values("user_id")
    rows = [
        PurgeNotice(run=run, user=user, due_at=now)
        for user in care.takers().filter(pk__in=confidants).order_by("pk")
    ]
    PurgeNotice.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["run", "user"],
        update_fields=["due_at", "told_at"],
    )


@wall.system("notices")
def tell_all() -> int:
    """Send what is due, in every practice; how many were told. For the worker alone."""
    PurgeNotice.objects.exclude(run__status__in=PurgeRun.OPEN).delete()
    due = PurgeNotice.objects.filter(told_at=None, due_at__lte=timezone.now())
    return sum(_tell(pk) for pk in list(due.order_by("due_at").values_list("pk", flat=True)))


def _tell(notice_id: UUID) -> bool:
    row = _claim(notice_id)
    if row is None or not alerts.send(row.user, *alerts.words(SUBJECT, BODY)):
        return False
    row.told_at = timezone.now()
    row.save(update_fields=["told_at"])
    return True


def _claim(notice_id: UUID) -> PurgeNotice | None:
    """Take the notice for this try, so that two workers do not send it twice."""
    now = timezone.now()
    with transaction.atomic():
        row = (
            PurgeNotice.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("user")
            .filter(pk=notice_id, told_at=None, due_at__lte=now)
            .first()
        )
        if row is not None:
            row.tries += 1
            row.due_at = now + min(SOONEST * 2 ** min(row.tries, 8), LATEST)
            row.save(update_fields=["due_at", "tries"])
    return row
