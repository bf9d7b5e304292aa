"""Reading the trail: the privacy officer all of the practice's, a counsellor their clients'."""

import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.db.models.functions import TruncDate

from clients_app import access, audit, seals
from clients_app.models import AuditEvent, User
from clients_app.roles import Permission, Scope

# How far an account for the client looks back, and how long it may get.
ACCOUNT_DAYS = 366
ACCOUNT_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Account:
    """Who did what with a file, by day. `rows`: day, actor_id, role, event, reason and how many
    times. `older`: whether there was more than fits. What was refused is only counted."""

    since: date
    rows: list[dict[str, Any]]
    older: bool
    refused: int
    last_refused: datetime | None


def of_practice(
    *,
    by: User,
    event: str | None = None,
    actor_id: UUID | None = None,
    client_id: UUID | None = None,
    denied: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEvent]:
    """Everything that happened in the practice, or what of it is asked for, newest first."""
    access.require(by, Permission.TRAIL_READ)
    wanted = {
        "event": event,
        "actor_id": actor_id,
        "client_id": client_id,
        "denied": denied,
        "at__gte": since,
        "at__lt": until,
    }
    rows = AuditEvent.objects.filter(
        practice_id=by.practice_id, **{name: v for name, v in wanted.items() if v is not None}
    ).order_by("-id")
    if access.scope(by, Permission.TRAIL_READ) is Scope.CARE:
        rows = rows.filter(client_id__in=access.open_care().filter(user=by).values("client_id"))
    with transaction.atomic():
        audit.record("trail.read", by=by)
    return rows


def of_client(client_id: UUID, *, by: User) -> QuerySet[AuditEvent]:
    """Who opened this client's file, when and why, newest first."""
    access.require(by, Permission.TRAIL_READ, client_id, subject_id=client_id)
    with transaction.atomic():
        audit.record("trail.read", by=by, client_id=client_id)
    return AuditEvent.objects.filter(practice_id=by.practice_id, client_id=client_id).order_by(
        "-id"
    )


def account(client_id: UUID, *, by: User, now: datetime) -> Account:
    """The last year of a client's file, to be given to the client. No id is in what it says."""
    access.require(by, Permission.TRAIL_READ, client_id, subject_id=client_id)
    zone = zoneinfo.ZoneInfo(access.practice_of(by).time_zone)
    since = (now - timedelta(days=ACCOUNT_DAYS)).astimezone(zone).date()
    of_file = AuditEvent.objects.filter(
        practice_id=by.practice_id,
        client_id=client_id,
        at__gte=datetime(since.year, since.month, since.day, tzinfo=zone),
    )
    done = (
        of_file.filter(denied=False)
        .values("actor_id", "role", "event", "reason", day=TruncDate("at", tzinfo=zone))
        .annotate(times=Count("pk"), last=Max("at"))
        .order_by("-day", "-last")
    )
    with transaction.atomic():
        rows = list(done[: ACCOUNT_ROWS + 1])
        refused = of_file.filter(denied=True).aggregate(times=Count("pk"), last=Max("at"))
        audit.record("trail.printed", by=by, client_id=client_id)
    return Account(
        since=since,
        rows=rows[:ACCOUNT_ROWS],
        older=len(rows) > ACCOUNT_ROWS,
        refused=refused["times"],
        last_refused=refused["last"],
    )


def sealed(*, by: User) -> seals.State:
    """How far the trail is sealed, anchored and verified: nothing of any client."""
    access.require(by, Permission.TRAIL_READ)
    return seals.state()
