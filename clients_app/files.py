"""Files by their code: no identity in it. From a code to a client, from clients to their codes,
and the discharged files that have no date."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, retention
from clients_app.errors import Invalid
from clients_app.models import Client, User
from clients_app.roles import Permission


def of_code(code: str, *, by: User) -> Client:
    """The client with that code. Raises Invalid alike for a code that is not given to anybody
    and for one of a client this user may not read."""
    access.require(by, Permission.CLIENT_READ)
    rows = access.visible_to(by, Permission.CLIENT_READ, Client.objects.all(), client="pk")
    client = rows.filter(code__iexact=code.strip()).first()
    if client is None:
        raise Invalid("code", _("No client here has this code."))
    return client


def codes(clients: Iterable[UUID], *, by: User) -> dict[UUID, str]:
    """The codes of those of these clients that this user may read."""
    rows = access.visible_to(by, Permission.CLIENT_READ, Client.objects.all(), client="pk")
    return dict(rows.filter(pk__in=set(clients)).values_list("pk", "code"))


def code(client_id: UUID, *, by: User) -> str:
    """The code of this client, or nothing where this user may not read who it is."""
    rows = Client.objects.all()
    rows = access.visible_to(by, Permission.CLIENT_READ, rows, client="pk", of=client_id)
    return rows.values_list("code", flat=True).first() or ""


def undated(*, by: User) -> QuerySet[Client]:
    """Discharged files that no rule gives a date, by code: they are never due, so somebody has
    to look why (`clients.explain`)."""
    access.require(by, Permission.RETENTION_READ)
    with transaction.atomic():
        audit.record("retention.undated", by=by)
    practice = by.practice
    if practice is None:
        return Client.objects.none()
    rows = retention.undated(practice)
    return access.visible_to(by, Permission.RETENTION_READ, rows, client="pk").order_by("code")
