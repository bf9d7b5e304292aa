"""Reading the trail: the privacy officer all of the practice's, a counsellor their clients'."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from clients_app import access, audit
from clients_app.models import AuditEvent, User
from clients_app.roles import Permission, Scope


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
