"""Files that end soon, for the counsellors who know their clients; and the delay they may ask for.

A confidant of the client says for how long and, from a closed list, why: half a year at most, again
if need be. It is a delay and no decision: the privacy officer sees it among what keeps a file
(`blockers`), and it ends by itself. A snooze and a purge both lock the client's row first.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, retention
from clients_app.errors import Conflict, Hidden, Invalid
from clients_app.models import Client, PurgeSnooze, User
from clients_app.roles import Permission

LONGEST = timedelta(days=183)
SOON = timedelta(days=30)


def snooze(
    client_id: UUID, *, by: User, reason: str, until: date, now: datetime | None = None
) -> PurgeSnooze:
    """Keep a file to the end of that day at least. Raises Invalid for a day that is past or too
    far, Conflict for a file that has no last day, Hidden if it is gone already."""
    access.require(by, Permission.PURGE_SNOOZE, client_id, subject_id=client_id)
    if reason not in PurgeSnooze.Reason.values:
        raise Invalid("reason", _("Choose one of the listed values."))
    moment = now or timezone.now()
    today = retention.local_day(access.practice_of(by), moment)
    if not today < until <= today + LONGEST:
        raise Invalid("until", _("Give a day that is to come, half a year ahead at most."))
    with transaction.atomic():
        client = Client.objects.select_for_update().filter(pk=client_id).first()
        if client is None:
            raise Hidden(_("This file is destroyed already."))
        if client.retain_until is None:
            raise Conflict(_("This file has no last day, so there is nothing to put off."))
        client.snoozes.filter(ended_at=None).update(ended_at=moment)
        made = PurgeSnooze.objects.create(
            practice_id=client.practice_id,
            client=client,
            user=by,
            reason=reason,
            until=until,
            made_at=moment,
        )
        audit.record(
            "purge.snoozed",
            by=by,
            client_id=client.pk,
            subject_id=made.pk,
            ground=reason,
            until=until,
        )
    return made


def ending(*, by: User, now: datetime | None = None) -> QuerySet[Client]:
    """The files of this user's clients whose last day is past, or comes within a month; the first
    to end first. Codes and days, no identity."""
    access.require(by, Permission.PURGE_SNOOZE)
    horizon = retention.local_day(access.practice_of(by), now or timezone.now()) + SOON
    rows = Client.objects.filter(retain_until__lte=horizon)
    rows = access.visible_to(by, Permission.PURGE_SNOOZE, rows, client="pk")
    return rows.order_by("retain_until", "pk")
