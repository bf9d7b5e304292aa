"""Legal holds: until one is lifted, nothing of its client is destroyed.

None ends by itself. The day until which one is expected to last only brings it back to the privacy
officer's page (`overdue`): a hold that is forgotten keeps a file too long, one that lapsed unseen
would lose it.

A hold and a purge both lock the client's row first, so one of them always sees the other.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, erasures, retention, texts, vault
from clients_app.erasures import Deed
from clients_app.errors import Conflict, Hidden, Invalid
from clients_app.models import Client, LegalHold, User
from clients_app.roles import Permission


@dataclass(frozen=True, slots=True)
class OpenedHold:
    """A hold with its matter and reason, and whom to ask before it is lifted, if anybody."""

    hold: LegalHold
    matter: str
    reason: str
    notice_to: str | None


def browse(*, by: User) -> QuerySet[LegalHold]:
    """The practice's holds, newest first, without their matters."""
    access.require(by, Permission.HOLD_READ)
    rows = access.visible_to(by, Permission.HOLD_READ, LegalHold.objects.all())
    return rows.select_related("client", "placed_by", "lifted_by").order_by("-placed_at", "pk")


@sensitive_variables()
def read(hold_id: UUID, *, by: User) -> OpenedHold:
    """A hold with its matter and reason."""
    hold = access.find(
        LegalHold.objects.select_related("client", "placed_by", "lifted_by"),
        hold_id,
        by,
        Permission.HOLD_READ,
    )
    with transaction.atomic():
        opened = vault.unseal_all(hold, vault.open_key(hold.client_id))
        audit.record("hold.read", by=by, client_id=hold.client_id, subject_id=hold.pk)
    return OpenedHold(hold, **opened)


@sensitive_variables()
def place(
    client_id: UUID,
    *,
    by: User,
    matter: str,
    reason: str,
    until: date | None = None,
    notice_to: str | None = None,
) -> LegalHold:
    """Stop the end of this file until somebody lifts the hold. `until`: when it is to be looked at
    again; `notice_to`: whom to ask before. Raises Invalid for a day that is past, Hidden if the
    file is gone already."""
    access.require(by, Permission.HOLD_DECIDE, client_id, subject_id=client_id)
    texts.checked("matter", matter, longest=300)
    texts.checked("reason", reason, longest=10_000)
    if notice_to is not None:
        texts.checked("notice_to", notice_to, longest=300)
    if until is not None and until <= retention.local_day(access.practice_of(by), timezone.now()):
        raise Invalid("until", _("Give a day that is still to come, or none."))
    with transaction.atomic():
        client = Client.objects.select_for_update().filter(pk=client_id).first()
        if client is None:
            raise Hidden(_("This file is destroyed already."))
        hold = LegalHold(
            practice_id=client.practice_id,
            client=client,
            placed_at=timezone.now(),
            placed_by=by,
            until=until,
        )
        vault.seal(
            hold, vault.open_key(client.pk), matter=matter, reason=reason, notice_to=notice_to
        )
        hold.save(force_insert=True)
        audit.record("hold.placed", by=by, client_id=client.pk, subject_id=hold.pk)
        erasures.write(Deed.HELD, **erasures.held(hold))
    return hold


def lift(hold_id: UUID, *, by: User) -> LegalHold:
    """End a hold; the file's own date applies again. Raises Conflict if it is lifted already."""
    found = access.find(LegalHold.objects.all(), hold_id, by, Permission.HOLD_DECIDE)
    with transaction.atomic():
        hold = LegalHold.objects.select_for_update().get(pk=found.pk)
        if hold.lifted_at is not None:
            raise Conflict(_("This hold is lifted already."))
        hold.lifted_at, hold.lifted_by = timezone.now(), by
        hold.save(update_fields=["lifted_at", "lifted_by"])
        audit.record(
            "hold.lifted",
            by=by,
            client_id=hold.client_id,
            subject_id=hold.pk,
            placed_at=hold.placed_at,
            placed_by=hold.placed_by_id,
        )
        erasures.write(Deed.RELEASED, **erasures.released(hold))
    return hold


@sensitive_variables()
def place_again(hold_id: UUID, client: Client, *, placed_by: User, placed_at: datetime) -> None:
    """Put a hold back that a restore has lost, as part of `reconciliation`: its words are lost."""
    hold = LegalHold(
        id=hold_id,
        practice_id=client.practice_id,
        client=client,
        placed_at=placed_at,
        placed_by=placed_by,
    )
    lost = gettext("Lost when a backup was restored. Ask who placed it. Hold %(id)s") % {
        "id": hold_id
    }
    vault.seal(hold, vault.open_key(client.pk), matter=lost, reason=lost)
    hold.save(force_insert=True)
    audit.record(
        "hold.placed_again",
        by=None,
        practice_id=client.practice_id,
        client_id=client.pk,
        subject_id=hold.pk,
        placed_by=placed_by.pk,
    )


def lift_again(hold: LegalHold, *, lifted_by: User, lifted_at: datetime) -> None:
    """Lift a hold that a restore has brought back, as part of `reconciliation`."""
    hold.lifted_at, hold.lifted_by = lifted_at, lifted_by
    hold.save(update_fields=["lifted_at", "lifted_by"])
    audit.record(
        "hold.lifted_again",
        by=None,
        practice_id=hold.practice_id,
        client_id=hold.client_id,
        subject_id=hold.pk,
        lifted_by=lifted_by.pk,
    )


def overdue(*, by: User, now: datetime) -> int:
    """How many holds in force were expected to end before today: to be lifted, or left."""
    today = retention.local_day(access.practice_of(by), now)
    return browse(by=by).filter(lifted_at=None, until__lt=today).count()


def in_force(client_id: UUID) -> bool:
    """Whether any hold stops the end of this file. The caller holds the client's lock."""
    return LegalHold.objects.filter(client_id=client_id, lifted_at=None).exists()
