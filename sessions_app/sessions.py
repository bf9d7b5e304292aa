"""The meeting: plan, move, hold, cancel. Times are for the calendar, the place is sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from uuid_utils.compat import uuid7

from clients_app import access, audit, clients, retention, texts, vault, wall
from clients_app.errors import Conflict, Invalid, Stale
from clients_app.models import User
from clients_app.roles import Permission, Role
from sessions_app.models import Modality, SessionNote, TherapySession

Status = TherapySession.Status
SOON = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session with its place."""

    session: TherapySession
    place: str


def browse(
    *,
    by: User,
    since: datetime | None = None,
    until: datetime | None = None,
    client_id: UUID | None = None,
) -> QuerySet[TherapySession]:
    """The sessions this user may see, in the order of time; times and codes, no place."""
    access.require(by, Permission.SESSION_READ, client_id, subject_id=client_id)
    rows = access.visible_to(
        by, Permission.SESSION_READ, TherapySession.objects.all(), of=client_id
    )
    if since is not None:
        rows = rows.filter(starts_at__gte=since)
    if until is not None:
        rows = rows.filter(starts_at__lt=until)
    return rows.select_related("client", "counsellor").order_by("starts_at", "id")


@sensitive_variables()
def read(session_id: UUID, *, by: User) -> OpenedSession:
    """A session with its place."""
    session = access.find(
        TherapySession.objects.select_related("client", "counsellor"),
        session_id,
        by,
        Permission.SESSION_READ,
    )
    with transaction.atomic():
        place = vault.unseal(session, vault.open_key(session.client_id), "place")
        audit.record("session.read", by=by, client_id=session.client_id, subject_id=session.pk)
    return OpenedSession(session, place)


@sensitive_variables()
def plan(
    client_id: UUID,
    *,
    by: User,
    starts_at: datetime,
    minutes: int = 50,
    modality: str = Modality.IN_PERSON,
    place: str = "",
    counsellor_id: UUID | None = None,
    status: str = Status.PLANNED,
    id: UUID | None = None,
) -> TherapySession:
    """Put a meeting into the calendar, or on record with status "held" if it has been.

    The counsellor is the planner, or a confidant of the client whom the planner names. Raises
    Invalid for a value that cannot be, Conflict if the client is discharged or the id is taken.
    """
    access.require(by, Permission.SESSION_PLAN, client_id, subject_id=client_id)
    counsellor_id = _confidant(client_id, counsellor_id, by)
    _check_times(starts_at, minutes)
    _check_choice("modality", modality, Modality.values)
    _check_choice("status", status, [Status.PLANNED, Status.HELD])
    texts.checked("place", place, longest=1000, empty=True)
    if status == Status.HELD:
        _check_past(starts_at)
    with access.deed(by, Permission.SESSION_PLAN, client_id, subject_id=client_id):
        client = clients.lock_in_care(client_id)
        session = TherapySession(
            id=id or uuid7(),
            practice_id=client.practice_id,
            client=client,
            counsellor_id=counsellor_id,
            starts_at=starts_at,
            minutes=minutes,
            modality=modality,
            status=status,
        )
        vault.seal(session, vault.open_key(client.pk), place=place)
        session.save(force_insert=True)
        if status == Status.HELD:
            clients.touch(client, met_on=retention.local_day(client.practice, starts_at))
        audit.record(f"session.{status}", by=by, client_id=client.pk, subject_id=session.pk)
    return session


@sensitive_variables()
def move(
    session_id: UUID,
    *,
    by: User,
    version: int,
    starts_at: datetime | None = None,
    minutes: int | None = None,
    modality: str | None = None,
    place: str | None = None,
) -> TherapySession:
    """Change when, how long, by what means or where. Only a planned session moves.

    Raises Stale if it was changed since it was read, Conflict if it is no longer planned.
    """
    found = access.find(TherapySession.objects.all(), session_id, by, Permission.SESSION_PLAN)
    with access.deed(by, Permission.SESSION_PLAN, found.client_id, subject_id=found.pk):
        client = clients.lock_in_care(found.client_id)
        session = _locked(found.pk, version)
        if session.status != Status.PLANNED:
            raise Conflict(_("Only a planned session can be moved."))
        if place is not None:
            texts.checked("place", place, longest=1000, empty=True)
        session.starts_at = starts_at or session.starts_at
        session.minutes = minutes if minutes is not None else session.minutes
        session.modality = modality or session.modality
        _check_times(session.starts_at, session.minutes)
        _check_choice("modality", session.modality, Modality.values)
        _reseal(session, vault.open_key(client.pk), place)
        # The front desk moves a session whose notes it cannot see.
        with wall.system("session.moved"):
            SessionNote.objects.filter(session=session).update(session_at=session.starts_at)
        audit.record("session.moved", by=by, client_id=client.pk, subject_id=session.pk)
    return session


def hold(session_id: UUID, *, by: User, version: int) -> TherapySession:
    """The meeting took place. The client's last contact moves on with it."""
    return _conclude(session_id, Status.HELD, by, version)


def cancel(session_id: UUID, *, by: User, version: int, no_show: bool = False) -> TherapySession:
    """The meeting did not take place: called off, or the client did not come."""
    return _conclude(session_id, Status.NO_SHOW if no_show else Status.CANCELLED, by, version)


def pass_on(
    client_ids: Sequence[UUID], *, old: User, new: User, by: User | None, reason: str
) -> None:
    """The meetings that are planned go along with a client who gets another confidant (see
    `following`); those that were held stay with whom they were held.

    No version counts up: nobody who moves or cancels such a meeting meanwhile takes this back.
    """
    rows = TherapySession.objects.filter(
        client_id__in=client_ids,
        counsellor=old,
        status=Status.PLANNED,
        starts_at__gt=timezone.now(),
    )
    coming = list(rows.select_for_update().order_by("pk").values_list("pk", "client_id"))
    if not coming:
        return
    TherapySession.objects.filter(pk__in=[pk for pk, _client in coming]).update(counsellor=new)
    audit.record_each(
        "session.passed_on",
        by=by,
        client_ids=[client for _pk, client in coming],
        subject_ids=[pk for pk, _client in coming],
        practice_id=new.practice_id,
        reason=reason,
        confidant=new.pk,
    )


def _conclude(session_id: UUID, status: str, by: User, version: int) -> TherapySession:
    found = access.find(TherapySession.objects.all(), session_id, by, Permission.SESSION_PLAN)
    with access.deed(by, Permission.SESSION_PLAN, found.client_id, subject_id=found.pk):
        client = clients.lock_in_care(found.client_id)
        session = _locked(found.pk, version)
        if session.status != Status.PLANNED:
            raise Conflict(_("This session is not planned any more."))
        if status in (Status.HELD, Status.NO_SHOW):
            _check_past(session.starts_at)
        session.status = status
        _reseal(session, vault.open_key(client.pk), None)
        if status == Status.HELD:
            clients.touch(client, met_on=retention.local_day(client.practice, session.starts_at))
        audit.record(f"session.{status}", by=by, client_id=client.pk, subject_id=session.pk)
    return session


def _locked(session_id: UUID, version: int) -> TherapySession:
    session = TherapySession.objects.select_for_update().get(pk=session_id)
    if session.version != version:
        raise Stale(
            _("Somebody changed this session meanwhile. Read it again, then repeat."),
            current=session.version,
        )
    return session


def _reseal(session: TherapySession, key: vault.DataKey, place: str | None) -> None:
    if place is None:
        place = vault.unseal(session, key, "place")
    session.version += 1
    vault.seal(session, key, place=place)
    session.save(force_update=True)


def _confidant(client_id: UUID, counsellor_id: UUID | None, by: User) -> UUID:
    if counsellor_id is None or counsellor_id == by.pk:
        if by.role != Role.COUNSELLOR:
            raise Invalid("counsellor", _("Choose the counsellor."))
        return by.pk
    confidants = access.open_care().filter(client_id=client_id)
    if not confidants.filter(user_id=counsellor_id).exists():
        raise Invalid("counsellor", _("Choose a counsellor in whose care the client is."))
    return counsellor_id


def _check_times(starts_at: datetime, minutes: int) -> None:
    if timezone.is_naive(starts_at):
        raise Invalid("starts_at", _("Give the time with its zone, as in 2026-03-01T14:00+02:00."))
    if not 1950 <= starts_at.year <= 2200:
        raise Invalid("starts_at", _("Check the year."))
    if not 5 <= minutes <= 24 * 60:
        raise Invalid("minutes", _("Give the length in minutes, from 5 to 1440."))


def _check_past(starts_at: datetime) -> None:
    if starts_at > timezone.now() + SOON:
        raise Invalid("starts_at", _("This session lies in the future."))


def _check_choice(field: str, value: str, choices: list[str]) -> None:
    if value not in choices:
        raise Invalid(field, _("Choose one of the listed values."))
