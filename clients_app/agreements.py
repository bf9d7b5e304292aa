"""Which promise this client was given, when and how.

The one given last is in force. When it is withdrawn, none is: an earlier one does not come back.
An agreement is never changed; it only gains its withdrawal. What a client confides is pinned to the
agreement in force at that moment, and text is never refused for want of one.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, clients
from clients_app.errors import Conflict, Invalid
from clients_app.models import Agreement, ConfidentialityStatement, How, User
from clients_app.roles import Permission


def browse(client_id: UUID, *, by: User) -> QuerySet[Agreement]:
    """What the client was given, the last one first."""
    access.require(by, Permission.AGREEMENT_READ, client_id, subject_id=client_id)
    return (
        Agreement.objects.filter(client_id=client_id)
        .select_related("statement", "recorded_by", "withdrawn_by")
        .order_by("-given_at", "-id")
    )


def in_force(client_id: UUID, at: datetime) -> Agreement | None:
    """The agreement that holds at that moment. For verbs that have asked `access` already."""
    last = (
        Agreement.objects.filter(client_id=client_id, given_at__lte=at)
        .select_related("statement")
        .order_by("-given_at", "-id")
        .first()
    )
    return last if last is not None and stands(last, at) else None


def stands(last: Agreement, at: datetime) -> bool:
    """Whether the agreement that was given last is not withdrawn by then."""
    return last.withdrawn_at is None or last.withdrawn_at > at


def record(
    client_id: UUID,
    *,
    by: User,
    statement: UUID,
    how: str,
    given_at: datetime | None = None,
    now: datetime | None = None,
) -> Agreement:
    """Keep that the client was given this version. Raises Invalid, or Conflict if discharged."""
    access.require(by, Permission.AGREEMENT_RECORD, client_id, subject_id=client_id)
    moment = now or timezone.now()
    version = _published(statement, by)
    checked_how("how", how)
    given_at = checked_past("given_at", given_at, moment)
    # Forms know minutes only.
    if version.published_at is None or given_at < version.published_at.replace(
        second=0, microsecond=0
    ):
        raise Invalid("given_at", _("This version was published later than that."))
    with transaction.atomic():
        client = clients.lock_in_care(client_id)
        agreement = Agreement.objects.create(
            practice_id=client.practice_id,
            client=client,
            statement=version,
            given_at=given_at,
            how=how,
            recorded_at=moment,
            recorded_by=by,
        )
        audit.record(
            "agreement.recorded",
            by=by,
            client_id=client.pk,
            subject_id=agreement.pk,
            statement=version.pk,
        )
    return agreement


def withdraw(agreement_id: UUID, *, by: User, client_id: UUID | None = None) -> Agreement:
    """The client takes their agreement back, now. Raises Conflict if they did already.

    `client_id`: of that client.
    """
    rows = Agreement.objects.all()
    if client_id is not None:
        rows = rows.filter(client_id=client_id)
    found = access.find(rows, agreement_id, by, Permission.AGREEMENT_RECORD)
    with transaction.atomic():
        agreement = (
            Agreement.objects.select_for_update(of=("self",))
            .select_related("statement", "recorded_by", "withdrawn_by")
            .get(pk=found.pk)
        )
        if agreement.withdrawn_at is not None:
            raise Conflict(_("This agreement is withdrawn already."))
        agreement.withdrawn_at, agreement.withdrawn_by = timezone.now(), by
        agreement.save(update_fields=["withdrawn_at", "withdrawn_by"])
        audit.record(
            "agreement.withdrawn", by=by, client_id=agreement.client_id, subject_id=agreement.pk
        )
    return agreement


def checked_how(field: str, how: str) -> str:
    if how not in How.values:
        raise Invalid(field, _("Choose one of the listed values."))
    return how


def checked_past(field: str, at: datetime | None, now: datetime) -> datetime:
    """The moment at which something happened: `now` unless another is given, never later."""
    if at is not None and at > now:
        raise Invalid(field, _("This moment lies in the future."))
    return at or now


def _published(statement_id: UUID, by: User) -> ConfidentialityStatement:
    rows = ConfidentialityStatement.objects.filter(
        practice=access.practice_of(by), published_at__isnull=False
    )
    statement = rows.filter(pk=statement_id).first()
    if statement is None:
        raise Invalid("statement", _("Choose a published version of this practice."))
    return statement
