"""What clients ask of the practice: a copy of their file, that it is not used, or a complaint.

Whoever hears it records it; the privacy officer decides. Until then nothing of the client is
destroyed: erasing what somebody has just asked to see would be an answer, too. The law gives the
practice one month for an answer (GDPR Art. 12 (3)), counted as Regulation 1182/71 says, Art. 3:
the same day of the next month, or its last day where that has no such day. A complaint has no
month. A restriction of processing stands until it is lifted, and the client is told before
(Art. 18 (3)).

A request and a purge both lock the client's row first, so one of them always sees the other.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, retention, texts, vault
from clients_app.errors import Conflict, Hidden, Invalid
from clients_app.models import Asked, Client, ClientRequest, Outcome, User
from clients_app.roles import Permission

LONGEST = 10_000
WITHIN_A_MONTH = frozenset({Asked.ACCESS, Asked.RESTRICTION})
OUTCOMES: Mapping[str, frozenset[str]] = {
    Asked.ACCESS: frozenset(
        {Outcome.GRANTED, Outcome.PARTLY_GRANTED, Outcome.REFUSED, Outcome.WITHDRAWN}
    ),
    Asked.RESTRICTION: frozenset({Outcome.LIFTED, Outcome.REFUSED, Outcome.WITHDRAWN}),
    Asked.COMPLAINT: frozenset({Outcome.SETTLED, Outcome.REFUSED, Outcome.WITHDRAWN}),
}


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A request with its words, and those of the answer, if there is one."""

    request: ClientRequest
    details: str
    answer: str | None


def browse(*, by: User, undecided: bool = False) -> QuerySet[ClientRequest]:
    """The practice's requests, newest first, without their words."""
    access.require(by, Permission.REQUEST_READ)
    rows = access.visible_to(by, Permission.REQUEST_READ, ClientRequest.objects.all())
    if undecided:
        rows = rows.filter(decided_at=None)
    return rows.select_related("client", "recorded_by", "decided_by").order_by("-recorded_at", "pk")


@sensitive_variables()
def read(request_id: UUID, *, by: User) -> OpenedRequest:
    """A request with its words."""
    rows = ClientRequest.objects.select_related("client", "recorded_by", "decided_by")
    found = access.find(rows, request_id, by, Permission.REQUEST_READ)
    with transaction.atomic():
        words = vault.unseal_all(found, vault.open_key(found.client_id))
        audit.record("request.read", by=by, client_id=found.client_id, subject_id=found.pk)
    return OpenedRequest(found, **words)


@sensitive_variables()
def record(
    client_id: UUID,
    *,
    by: User,
    kind: str,
    details: str,
    received_on: date | None = None,
    now: datetime | None = None,
) -> ClientRequest:
    """Write down that a client asked. `received_on`: the day it reached the practice, today if not
    said. Raises Invalid for a day to come, Hidden if the file is gone already."""
    access.require(by, Permission.REQUEST_RECORD, client_id, subject_id=client_id)
    if kind not in Asked.values:
        raise Invalid("kind", _("Choose one of the listed values."))
    texts.checked("details", details, longest=LONGEST)
    moment = now or timezone.now()
    today = retention.local_day(access.practice_of(by), moment)
    received = received_on or today
    if not date(2000, 1, 1) <= received <= today:
        raise Invalid("received_on", _("Give a day that is past, or today."))
    with transaction.atomic():
        client = Client.objects.select_for_update().filter(pk=client_id).first()
        if client is None:
            raise Hidden(_("This file is destroyed already."))
        made = ClientRequest(
            practice_id=client.practice_id,
            client=client,
            kind=kind,
            received_on=received,
            due_on=a_month_later(received) if kind in WITHIN_A_MONTH else None,
            recorded_at=moment,
            recorded_by=by,
        )
        vault.seal(made, vault.open_key(client.pk), details=details, answer=None)
        made.save(force_insert=True)
        audit.record(
            "request.recorded",
            by=by,
            client_id=client.pk,
            subject_id=made.pk,
            kind=kind,
            due_on=made.due_on,
        )
    return made


@sensitive_variables()
def decide(request_id: UUID, *, by: User, outcome: str, answer: str) -> ClientRequest:
    """Say what became of it, and what the client was told; the file's own date applies again.

    Raises Invalid for an outcome that such a request cannot have, Conflict if it is decided.
    """
    found = access.find(ClientRequest.objects.all(), request_id, by, Permission.REQUEST_DECIDE)
    if outcome not in OUTCOMES[found.kind]:
        raise Invalid("outcome", _("Choose one of the listed values."))
    texts.checked("answer", answer, longest=LONGEST)
    with transaction.atomic():
        if not Client.objects.select_for_update().filter(pk=found.client_id).exists():
            raise Hidden(_("This file is destroyed already."))
        row = ClientRequest.objects.select_for_update().get(pk=found.pk)
        if row.decided_at is not None:
            raise Conflict(_("This request is decided already."))
        key = vault.open_key(row.client_id)
        details = vault.unseal(row, key, "details")
        row.decided_at, row.decided_by, row.outcome = timezone.now(), by, outcome
        vault.seal(row, key, details=details, answer=answer)
        row.save(update_fields=["decided_at", "decided_by", "outcome", "details", "answer"])
        audit.record(
            "request.decided",
            by=by,
            client_id=row.client_id,
            subject_id=row.pk,
            kind=row.kind,
            outcome=outcome,
        )
    return row


def a_month_later(day: date) -> date:
    """The same day of the next month, or its last one."""
    year, month = day.year + day.month // 12, day.month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
