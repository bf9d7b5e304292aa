"""Each time something had to be told after all: why, to whom, how little, and whether the client
knows.

Whoever decides to tell records it; the line never changes, in the database neither, and goes only
with the client's whole file. That the client was told later is a line of its own. Counsellors in
care read all of it. The privacy officer learns that it happened, on which ground, when, by whose
decision and whether the client knows: never to whom or with which words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, texts, vault
from clients_app.agreements import checked_past
from clients_app.errors import Conflict, Hidden, Invalid
from clients_app.models import Client, ClientTold, ConfidentialityException, Ground, Told, User
from clients_app.roles import Permission, Scope

LONGEST_RECIPIENT = 300
LONGEST_CONTENT = 10_000
# What to look up before one tells. Estonian law unless it says otherwise.
SOURCES: Mapping[Ground, Promise] = {
    Ground.DANGER_TO_LIFE: _("Penal Code § 29 (necessity); Law of Obligations Act § 768 (2)"),
    Ground.CHILD_PROTECTION: _("Child Protection Act § 27"),
    Ground.DEPENDENT_PERSON: _("Penal Code § 29 (necessity)"),
    Ground.MEDICAL_EMERGENCY: _("GDPR Art. 9 (2) (c), vital interests"),
    Ground.SERIOUS_CRIME: _("Penal Code § 307, crimes of the first degree"),
    Ground.COURT_ORDER: _("the order itself: keep its number and date"),
    Ground.LEGAL_DUTY: _("name the act and section in what was told"),
    Ground.CLIENTS_CONSENT: _("GDPR Art. 9 (2) (a); the client may take it back"),
}
# Whether an id is of something that this client said and this user may read.
Said = Callable[[UUID, UUID, User], bool]
_said: list[Said] = []


@dataclass(frozen=True, slots=True)
class OpenedException:
    """An exception; with its words for whoever is in care, else without (None)."""

    exception: ConfidentialityException
    recipient: str | None
    content: str | None
    why_not_told: str | None
    has_words: bool


def know(said: Said) -> None:
    """Whoever keeps what was said tells here how to recognise it."""
    _said.append(said)


def browse(*, by: User, client_id: UUID | None = None) -> QuerySet[ConfidentialityException]:
    """That there were exceptions, newest first, without their words."""
    access.require(by, Permission.EXCEPTION_READ, client_id, subject_id=client_id)
    rows = access.visible_to(by, Permission.EXCEPTION_READ, _rows())
    if client_id is not None:
        rows = rows.filter(client_id=client_id)
    return rows.order_by("-id")


@sensitive_variables()
def read(exception_id: UUID, *, by: User) -> OpenedException:
    """An exception, with its words if the reader is in care."""
    exception = access.find(_rows(), exception_id, by, Permission.EXCEPTION_READ)
    has_words = access.scope(by, Permission.EXCEPTION_READ) is Scope.CARE
    opened: dict[str, str | None] = dict.fromkeys(("recipient", "content", "why_not_told"))
    with transaction.atomic():
        if has_words:
            opened = vault.unseal_all(exception, vault.open_key(exception.client_id))
        audit.record(
            "exception.read" if has_words else "exception.seen",
            by=by,
            client_id=exception.client_id,
            subject_id=exception.pk,
        )
    return OpenedException(exception, has_words=has_words, **opened)


@sensitive_variables()
def record(
    client_id: UUID,
    *,
    by: User,
    ground: str,
    recipient: str,
    content: str,
    told: str = Told.NOT_YET,
    told_at: datetime | None = None,
    why_not_told: str = "",
    about: UUID | None = None,
    decided_at: datetime | None = None,
    now: datetime | None = None,
) -> ConfidentialityException:
    """Keep that something had to be told, as the one who decided it. A discharged client's, too.

    `about`: the note or disclosure it concerns. Raises Invalid, Hidden if the file is gone.
    """
    access.require(by, Permission.EXCEPTION_RECORD, client_id, subject_id=client_id)
    moment = now or timezone.now()
    for name, value, choices in (("ground", ground, Ground), ("told", told, Told)):
        if value not in choices.values:
            raise Invalid(name, _("Choose one of the listed values."))
    texts.checked("recipient", recipient, longest=LONGEST_RECIPIENT)
    texts.checked("content", content, longest=LONGEST_CONTENT)
    texts.checked("why_not_told", why_not_told, longest=LONGEST_CONTENT, empty=told != Told.NO)
    if told_at is not None and told != Told.YES:
        raise Invalid("told_at", _("Leave this empty: the client was not told."))
    if about is not None and not any(said(client_id, about, by) for said in _said):
        raise Invalid("about", _("Choose a note or disclosure of this client."))
    exception = ConfidentialityException(
        client_id=client_id,
        ground=ground,
        about_id=about,
        decided_at=checked_past("decided_at", decided_at, moment),
        decided_by=by,
        recorded_at=moment,
        told=told,
        told_at=checked_past("told_at", told_at, moment) if told == Told.YES else None,
    )
    with transaction.atomic():
        client = Client.objects.select_for_update().filter(pk=client_id).first()
        if client is None:
            raise Hidden(_("This file is destroyed already."))
        exception.practice_id = client.practice_id
        vault.seal(
            exception,
            vault.open_key(client.pk),
            recipient=recipient,
            content=content,
            why_not_told=why_not_told,
        )
        exception.save(force_insert=True)
        audit.record(
            "exception.recorded",
            by=by,
            client_id=client.pk,
            subject_id=exception.pk,
            ground=str(ground),
        )
    return exception


def tell(
    exception_id: UUID, *, by: User, told_at: datetime | None = None, now: datetime | None = None
) -> ConfidentialityException:
    """Keep that the client was told later on. Raises Conflict if they know already."""
    found = access.find(_rows(), exception_id, by, Permission.EXCEPTION_RECORD)
    moment = now or timezone.now()
    told_at = checked_past("told_at", told_at, moment)
    known = Conflict(_("It is on record already that the client was told."))
    if found.told == Told.YES:
        raise known
    try:
        with transaction.atomic():
            telling = ClientTold.objects.create(
                practice_id=found.practice_id,
                client_id=found.client_id,
                exception=found,
                told_at=told_at,
                recorded_at=moment,
                recorded_by=by,
            )
            audit.record(
                "exception.client_told", by=by, client_id=found.client_id, subject_id=found.pk
            )
    except IntegrityError as refused:
        if "exception_id" not in str(refused):
            raise
        raise known from None
    found.telling = telling
    return found


def client_knows(exception: ConfidentialityException) -> datetime | None:
    """When the client was told, at once or later; None if not yet."""
    telling: ClientTold | None = getattr(exception, "telling", None)
    return exception.told_at or (telling.told_at if telling else None)


def _rows() -> QuerySet[ConfidentialityException]:
    return ConfidentialityException.objects.select_related("client", "decided_by", "telling")
