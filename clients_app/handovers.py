"""Caseloads that change hands, file by file, as `care.pass_on` moves each of them.

A counsellor hands over all clients or some of them; for one who cannot, two people decide (see
`succession`). Either way a handover lists its files first and moves them in small transactions, so
that half done is half done and seen, and goes on: the request begins, the worker's sweep of every
minute ends what is left. Each file moves once. What a client gets meanwhile (another confidant, a
discharge, the end of the file) stands; a file that is no longer the old counsellor's is skipped.

What does not move. A locked disclosure stays its author's alone: when the author is gone, nobody
opens it again, and nobody is told that it exists. An unsigned note stays its author's as well.
Both are kept, sealed, in the client's file and end with it; neither keeps a file from its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, care, following, users, wall
from clients_app.errors import Conflict, Invalid
from clients_app.models import Client, Handover, HandoverItem, User
from clients_app.roles import Permission

Ground, Status, Item = Handover.Ground, Handover.Status, HandoverItem.Status
# Files that move in one transaction.
BATCH = 50
# How long the request that begins a handover goes on with it.
SLICE = timedelta(seconds=5)
# What the trail of a client says of a succession. Why there was one, the proposal's line says:
# that a colleague is ill or dead is not for the access log of each client.
SUCCESSION = "succession"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a handover is, in files."""

    total: int
    moved: int
    skipped: int

    @property
    def settled(self) -> int:
        return self.moved + self.skipped


@dataclass(frozen=True, slots=True)
class Caseload:
    """What one would hand over: how many clients, how many unsigned notes would stay behind."""

    clients: int
    unsigned: int


def caseload(*, by: User) -> Caseload:
    """One's own clients, discharged ones too, in numbers."""
    access.require(by, Permission.CARE_HAND_OVER)
    return caseload_of(by)


def hand_over(
    *,
    by: User,
    to: UUID,
    number: int,
    clients: Sequence[UUID] | None = None,
    leave_unsigned: bool = False,
) -> Handover:
    """Give all one's clients, or these, to a colleague. `number` is how many one believes them to
    be.

    Raises Hidden for a client who is not one's own, Conflict where the number is another or notes
    wait for one's signature, unless `leave_unsigned`.
    """
    access.require(by, Permission.CARE_HAND_OVER)
    colleague = care.counsellors(by=by).exclude(pk=by.pk).filter(pk=to).first()
    if colleague is None:
        raise Invalid("to", _("Choose another counsellor of this practice."))
    own = access.open_care().filter(user=by).values_list("client_id", flat=True)
    if clients is not None and (foreign := sorted(set(clients) - set(own))):
        access.hide(by, Permission.CARE_HAND_OVER, client_id=foreign[0], subject_id=foreign[0])
    now = timezone.now()
    with transaction.atomic():
        handover = Handover.objects.create(
            practice=access.practice_of(by),
            counsellor=by,
            to=colleague,
            ground=Ground.OWN,
            status=Status.APPROVED,
            proposed_at=now,
            proposed_by=by,
            effective_at=now,
            decided_at=now,
            decided_by=by,
            begun_at=now,
        )
        listed = _list_files(handover, clients)
        if not listed:
            raise Conflict(_("There is no client to hand over."))
        if len(listed) != number:
            raise Conflict(
                _("These are %(now)d clients now. Look at them again, then confirm.")
                % {"now": len(listed)}
            )
        if not leave_unsigned and (drafts := following.unsigned(by, listed)):
            raise Conflict(
                _(
                    "%(n)d notes wait for your signature, and nobody else can read or sign them. "
                    "Sign them first, or say that they stay unsigned."
                )
                % {"n": drafts},
                code="unsigned",
            )
        audit.record("caseload.handed_over", by=by, subject_id=handover.pk, files=len(listed))
    return carry_out(handover.pk, until=now + SLICE)


def mine(*, by: User) -> QuerySet[Handover]:
    """One's own handovers, newest first."""
    access.require(by, Permission.CARE_HAND_OVER)
    rows = Handover.objects.filter(
        practice=access.practice_of(by), counsellor=by, ground=Ground.OWN
    )
    return rows.select_related("to").order_by("-proposed_at", "pk")


def read(handover_id: UUID, *, by: User) -> tuple[Handover, Progress]:
    """One of one's own handovers, and how far it is."""
    handover = mine(by=by).filter(pk=handover_id).first()
    if handover is None:
        access.hide(by, Permission.CARE_HAND_OVER, client_id=None, subject_id=handover_id)
    return handover, progress(handover)


def go_on(handover_id: UUID, *, by: User) -> Handover:
    """Go on with one's own handover now, without waiting for the worker."""
    handover, _progress = read(handover_id, by=by)
    return carry_out(handover.pk, until=timezone.now() + SLICE)


def received(*, by: User, since: datetime) -> QuerySet[Handover]:
    """The handovers since then that gave one clients."""
    access.require(by, Permission.CARE_HAND_OVER)
    rows = Handover.objects.filter(practice=access.practice_of(by), to=by, begun_at__gte=since)
    rows = rows.filter(Exists(_files(OuterRef("pk"), by)))
    return rows.select_related("counsellor").order_by("-begun_at", "pk")


def received_files(handover_ids: Sequence[UUID], *, by: User) -> QuerySet[HandoverItem]:
    """The files of such handovers that are in one's care now."""
    access.require(by, Permission.CARE_HAND_OVER)
    rows = HandoverItem.objects.filter(handover__in=handover_ids, handover__to=by)
    rows = rows.filter(status=Item.MOVED)
    return access.visible_to(by, Permission.CARE_HAND_OVER, rows).order_by("client__code", "pk")


def progress(handover: Handover) -> Progress:
    """How far a handover is."""
    counts: dict[str, int] = dict(
        handover.items.values_list("status").annotate(Count("pk")).order_by()
    )
    return Progress(sum(counts.values()), counts.get(Item.MOVED, 0), counts.get(Item.SKIPPED, 0))


def caseload_of(counsellor: User) -> Caseload:
    """The same of anybody, for the verb that has asked who may know."""
    clients = access.open_care().filter(user=counsellor).count()
    return Caseload(clients, following.unsigned(counsellor))


def begin(handover: Handover, *, now: datetime) -> None:
    """An approved succession takes effect: the login ends, and the files are listed. In the
    caller's transaction, which holds the handover's lock."""
    if handover.locks_out:
        users.lock_out(handover.counsellor_id, by=handover.decided_by)
    handover.begun_at = now
    handover.save(update_fields=["begun_at"])
    _list_files(handover)


@wall.system("handover")
def carry_out(handover_id: UUID, *, until: datetime) -> Handover:
    """Move files until all are moved or the time is up; the handover as it is then. The system's,
    by a decision that was taken; whoever calls it again goes on where it stopped."""
    while _step(handover_id) and timezone.now() < until:
        pass
    return Handover.objects.select_related("counsellor", "to", "proposed_by", "decided_by").get(
        pk=handover_id
    )


@wall.system("handover")
def carry_out_due(*, until: datetime) -> int:
    """Every minute: go on with what was approved and is due; how many handovers were touched."""
    due = Handover.objects.filter(status=Status.APPROVED, effective_at__lte=timezone.now())
    touched = 0
    for handover_id in list(due.order_by("effective_at").values_list("pk", flat=True)):
        if timezone.now() >= until:
            break
        carry_out(handover_id, until=until)
        touched += 1
    return touched


def _step(handover_id: UUID) -> bool:
    """Move the next files; whether there may be more."""
    now = timezone.now()
    with transaction.atomic():
        handover = (
            Handover.objects.select_for_update(of=("self",))
            .select_related("counsellor", "decided_by")
            .filter(pk=handover_id, status=Status.APPROVED, effective_at__lte=now)
            .first()
        )
        if handover is None:
            return False
        if handover.begun_at is None:
            begin(handover, now=now)
        # Until this ends nobody disables them or gives them another role.
        to = User.objects.select_for_update(no_key=True).get(pk=handover.to_id)
        if not care.may_take_over(to):
            return _end(handover, Status.STOPPED, now)
        pending = handover.items.filter(status=Item.PENDING).order_by("client_id")
        ids = list(pending.values_list("client_id", flat=True)[:BATCH])
        if not ids:
            whole = handover.ground != Ground.OWN
            return bool(whole and _list_files(handover)) or _end(handover, Status.DONE, now)
        moved = care.pass_on(
            ids,
            old=handover.counsellor,
            new=to,
            by=handover.decided_by,
            reason=Ground.OWN.value if handover.ground == Ground.OWN else SUCCESSION,
        )
        batch = handover.items.filter(client_id__in=ids)
        batch.filter(client_id__in=moved).update(status=Item.MOVED)
        batch.filter(status=Item.PENDING).update(status=Item.SKIPPED)
    return True


def _list_files(handover: Handover, clients: Sequence[UUID] | None = None) -> list[UUID]:
    """List the counsellor's clients, or these of them, as far as the handover does not know them.
    Their rows are locked until the end of the transaction: none ends between here and the list."""
    known = handover.items.values("client_id")
    lines = access.open_care().filter(user=handover.counsellor_id, client=OuterRef("pk"))
    asked = Q() if clients is None else Q(pk__in=clients)
    rows = Client.objects.filter(asked, Exists(lines)).exclude(pk__in=known)
    locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk")
    found = list(locked.values_list("pk", flat=True))
    HandoverItem.objects.bulk_create(
        (
            HandoverItem(practice_id=handover.practice_id, handover=handover, client_id=pk)
            for pk in found
        ),
        batch_size=1000,
    )
    return found


def _end(handover: Handover, status: str, now: datetime) -> bool:
    handover.status, handover.finished_at = status, now
    handover.save(update_fields=["status", "finished_at"])
    done = progress(handover)
    audit.record(
        f"caseload.{status}",
        by=handover.decided_by,
        subject_id=handover.pk,
        moved=done.moved,
        skipped=done.skipped,
        left=done.total - done.settled,
    )
    return False


def _files(handover: OuterRef, user: User) -> QuerySet[HandoverItem]:
    rows = HandoverItem.objects.filter(handover=handover, status=Item.MOVED)
    return access.visible_to(user, Permission.CARE_HAND_OVER, rows)
