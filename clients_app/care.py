"""Who is a confidant of whom. Everything a counsellor may open hangs on these lines."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, following, wall
from clients_app.errors import Hidden, Invalid
from clients_app.models import CareAssignment, Client, User
from clients_app.roles import Permission, Role


def of_client(client_id: UUID, *, by: User) -> QuerySet[CareAssignment]:
    """The client's confidants, now and before, newest first."""
    access.require(by, Permission.CARE_READ, client_id, subject_id=client_id)
    return (
        CareAssignment.objects.filter(client_id=client_id)
        .select_related("user")
        .order_by("-since", "pk")
    )


def assign(
    client_id: UUID, user_id: UUID, *, by: User, now: datetime | None = None
) -> CareAssignment:
    """Make a counsellor of the practice a confidant; one who is it already stays it."""
    access.require(by, Permission.CARE_ASSIGN, client_id, subject_id=client_id)
    counsellor = _counsellor(user_id, by)
    with transaction.atomic():
        return _open(client_id, counsellor, by, now)


def carry_over(client_id: UUID, user_id: UUID, *, now: datetime) -> CareAssignment:
    """A second confidant of a client whom the operator's import has just brought in, as the
    practice's earlier papers say. For that import alone: no door offers it, nobody is its actor,
    and the trail shows the system."""
    with transaction.atomic():
        client = Client.objects.get(pk=client_id)
        counsellor = _active_counsellors(client.practice_id).get(pk=user_id)
        return _open(client.pk, counsellor, None, now)


def end(assignment_id: UUID, *, by: User, client_id: UUID | None = None) -> CareAssignment:
    """End a confidant's access; ended already, it stays as it is. `client_id`: of that client."""
    rows = CareAssignment.objects.all()
    if client_id is not None:
        rows = rows.filter(client_id=client_id)
    found = access.find(rows, assignment_id, by, Permission.CARE_ASSIGN)
    with transaction.atomic():
        assignment = CareAssignment.objects.select_for_update().get(pk=found.pk)
        _close(assignment, by)
    return assignment


def hand_over(client_id: UUID, to: UUID, *, by: User) -> CareAssignment:
    """Give one's own client to a colleague: theirs begins as one's own ends."""
    access.require(by, Permission.CARE_HAND_OVER, client_id, subject_id=client_id)
    counsellor = _counsellor(to, by, field="to")
    if counsellor.pk == by.pk:
        raise Invalid("to", _("You are this client's confidant already."))
    # One gives away what one then no longer sees.
    with wall.system("care.pass_on"), transaction.atomic():
        if not pass_on([client_id], old=by, new=counsellor, by=by):
            raise Hidden(_("There is nothing here that you can open."))
        return access.open_care().get(client_id=client_id, user=counsellor)


def pass_on(
    client_ids: Sequence[UUID], *, old: User, new: User, by: User | None, reason: str = ""
) -> list[UUID]:
    """Those of these clients whose confidant the old one is get the new one, and the old one's
    line ends. Who is their confidant already stays it. Says which clients these were.

    In the caller's transaction, and a constant number of statements however many they are. The
    caller has asked who may; both belong to one practice.
    """
    locked = Client.objects.select_for_update().filter(pk__in=client_ids).order_by("pk")
    clients = {client.pk for client in locked}
    lines = list(
        access.open_care()
        .select_for_update()
        .filter(client_id__in=clients, user=old)
        .order_by("client_id")
    )
    moved = [line.client_id for line in lines]
    known = access.open_care().filter(client_id__in=moved, user=new)
    there = set(known.values_list("client_id", flat=True))
    now = timezone.now()
    begun = CareAssignment.objects.bulk_create(
        CareAssignment(practice_id=line.practice_id, client_id=line.client_id, user=new, since=now)
        for line in lines
        if line.client_id not in there
    )
    following.go_along(moved, old=old, new=new, by=by, reason=reason)
    CareAssignment.objects.filter(pk__in=[line.pk for line in lines]).update(until=now)
    for event, rows, confidant in (("care.assigned", begun, new), ("care.ended", lines, old)):
        audit.record_each(
            event,
            by=by,
            client_ids=[row.client_id for row in rows],
            subject_ids=[row.pk for row in rows],
            practice_id=new.practice_id,
            reason=reason,
            confidant=confidant.pk,
        )
    return moved


def counsellors(*, by: User) -> QuerySet[User]:
    """The counsellors of the practice who may become confidants."""
    return _active_counsellors(by.practice_id).order_by("name", "pk")


def takers() -> QuerySet[User]:
    """Whoever may be a confidant at all: an active counsellor for whom somebody vouched."""
    return User.objects.filter(role=Role.COUNSELLOR, is_active=True, vouched_at__isnull=False)


def may_take_over(user: User) -> bool:
    return access.trusted(user) and user.role == Role.COUNSELLOR


def _active_counsellors(practice_id: UUID | None) -> QuerySet[User]:
    if practice_id is None:
        return User.objects.none()
    return takers().filter(practice_id=practice_id)


def _counsellor(user_id: UUID, by: User, *, field: str = "user") -> User:
    user = counsellors(by=by).filter(pk=user_id).first()
    if user is None:
        raise Invalid(field, _("Choose a counsellor of this practice."))
    return user


def _open(
    client_id: UUID, user: User, by: User | None, now: datetime | None = None
) -> CareAssignment:
    client = Client.objects.select_for_update().get(pk=client_id)
    assignment = access.open_care().filter(client=client, user=user).first()
    if assignment is None:
        assignment = CareAssignment.objects.create(
            practice_id=client.practice_id,
            client=client,
            user=user,
            since=now or timezone.now(),
        )
        wall.caseload_changed()
        audit.record(
            "care.assigned",
            by=by,
            practice_id=client.practice_id,
            client_id=client.pk,
            subject_id=assignment.pk,
            confidant=user.pk,
        )
    return assignment


def _close(assignment: CareAssignment, by: User) -> None:
    if assignment.until is None:
        assignment.until = timezone.now()
        assignment.save(update_fields=["until"])
        wall.caseload_changed()
        audit.record(
            "care.ended",
            by=by,
            client_id=assignment.client_id,
            subject_id=assignment.pk,
            confidant=assignment.user_id,
        )
