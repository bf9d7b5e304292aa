"""What becomes of a caseload when its counsellor leaves, falls ill or dies.

While they can, counsellors name a colleague who would take over, and a second one; whoever is
named says yes or no. When the day comes and the counsellor cannot hand over, two people do: the
practice manager proposes, the privacy officer approves, and they are never the same person. A
proposal that nobody decides in 14 days is void. Neither of the two sees more of a file than
before: they decide by numbers, of clients and of notes left unsigned.

Upon approval, or on the day that was proposed, every file of the counsellor's goes to the one who
takes over (`handovers`), and their login is disabled where that was proposed. The reason is one of
a closed list, and no words go with it: it may tell of a colleague's health.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, care, handovers
from clients_app.errors import Conflict, Hidden, Invalid
from clients_app.handovers import Caseload, Ground, Progress, Status
from clients_app.models import Handover, Successor, User
from clients_app.roles import Permission

Answer, Rank = Successor.Status, Successor.Rank
GROUNDS = [ground for ground in Ground if ground is not Ground.OWN]
# Undecided for so long, a proposal is void.
VALID = timedelta(days=14)
LATEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whom a counsellor named, and which colleagues named them."""

    choices: list[Successor]
    asked: list[Successor]

    @property
    def accepted(self) -> bool:
        return any(choice.status == Answer.ACCEPTED for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Report:
    """What the two who decide see of a succession: numbers."""

    handover: Handover
    progress: Progress
    caseload: Caseload


def standing(*, by: User) -> Standing:
    """Whom one named, and by whom one is named; those who can still work here."""
    access.require(by, Permission.CARE_HAND_OVER)
    rows = Successor.objects.filter(practice=access.practice_of(by))
    choices = rows.filter(counsellor=by).select_related("successor").order_by("rank")
    asked = rows.filter(successor=by, counsellor__is_active=True).select_related("counsellor")
    return Standing(
        [choice for choice in choices if care.may_take_over(choice.successor)],
        list(asked.order_by("named_at", "pk")),
    )


def name(successor_id: UUID, *, by: User, rank: int = Rank.FIRST) -> Successor:
    """Name a colleague as one's first or second choice, in place of whom one named before. They
    are asked; named already at this rank, nothing changes. Raises Invalid, Conflict."""
    access.require(by, Permission.CARE_HAND_OVER)
    colleague = care.counsellors(by=by).exclude(pk=by.pk).filter(pk=successor_id).first()
    if colleague is None:
        raise Invalid("successor", _("Choose another counsellor of this practice."))
    if rank not in Rank.values:
        raise Invalid("rank", _("Choose one of the listed values."))
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        before = Successor.objects.filter(counsellor=by)
        known = before.filter(successor=colleague).first()
        if known is not None and known.rank == rank:
            return known
        if known is not None:
            raise Conflict(_("You named this colleague already, at the other place."))
        before.filter(rank=rank).delete()
        named = Successor.objects.create(
            practice=access.practice_of(by),
            counsellor=by,
            successor=colleague,
            rank=rank,
            named_at=timezone.now(),
        )
        audit.record(
            "successor.named",
            by=by,
            subject_id=named.pk,
            successor=colleague.pk,
            rank=int(rank),
        )
    return named


def withdraw(named_id: UUID, *, by: User) -> None:
    """Take one's choice back."""
    access.require(by, Permission.CARE_HAND_OVER, subject_id=named_id)
    found = _named(named_id, by, Successor.objects.filter(counsellor=by))
    with transaction.atomic():
        deleted, _rows = Successor.objects.filter(pk=found.pk).delete()
        if deleted:
            audit.record(
                "successor.withdrawn", by=by, subject_id=found.pk, successor=found.successor_id
            )


def accept(named_id: UUID, *, by: User) -> Successor:
    """Say that one would take over."""
    return _answer(named_id, by, Answer.ACCEPTED)


def decline(named_id: UUID, *, by: User) -> Successor:
    """Say that one would not, or no longer."""
    return _answer(named_id, by, Answer.DECLINED)


def unprepared(*, by: User) -> QuerySet[User]:
    """The counsellors for whom nobody is ready to take over, by name."""
    access.require(by, Permission.SUCCESSION_READ)
    return care.counsellors(by=by).filter(~Exists(_ready(OuterRef("pk"))))


def browse(*, by: User) -> QuerySet[Handover]:
    """The practice's successions, newest first."""
    access.require(by, Permission.SUCCESSION_READ)
    rows = access.visible_to(by, Permission.SUCCESSION_READ, _successions())
    people = ("counsellor", "to", "proposed_by", "decided_by")
    return rows.select_related(*people).order_by("-proposed_at", "pk")


def waiting(*, by: User, now: datetime) -> QuerySet[Handover]:
    """Those that wait for a decision and are not void."""
    return browse(by=by).filter(status=Status.PROPOSED, proposed_at__gt=now - VALID)


def read(succession_id: UUID, *, by: User) -> Report:
    """A succession, how far it is, and what is still with the counsellor."""
    handover = access.find(
        _successions().select_related("counsellor", "to", "proposed_by", "decided_by"),
        succession_id,
        by,
        Permission.SUCCESSION_READ,
        client="",
    )
    caseload = handovers.caseload_of(handover.counsellor)
    return Report(handover, handovers.progress(handover), caseload)


def candidates(*, by: User) -> QuerySet[User]:
    """Those whose clients somebody would have to take over: active or not, and of whatever role
    by now, whoever is still somebody's confidant."""
    access.require(by, Permission.SUCCESSION_READ)
    rows = User.objects.filter(practice=access.practice_of(by))
    return rows.filter(Exists(access.open_care().filter(user=OuterRef("pk")))).order_by(
        "name", "pk"
    )


def propose(
    *,
    by: User,
    counsellor: UUID,
    ground: str,
    to: UUID | None = None,
    effective_at: datetime | None = None,
    locks_out: bool = False,
    now: datetime | None = None,
) -> Handover:
    """Propose that somebody's whole caseload goes to a colleague: the one whom they named and who
    accepted, unless another is given.

    Raises Invalid for a value that cannot be, Conflict where a succession of theirs is under way.
    """
    access.require(by, Permission.SUCCESSION_PROPOSE)
    now = now or timezone.now()
    leaver = candidates(by=by).filter(pk=counsellor).first()
    if leaver is None:
        raise Invalid("counsellor", _("Choose somebody of this practice who has clients in care."))
    if ground not in GROUNDS:
        raise Invalid("ground", _("Choose one of the listed values."))
    heir = _heir(leaver, to, by)
    start = max(effective_at or now, now)
    if timezone.is_naive(start) or start > now + LATEST:
        raise Invalid("effective_at", _("Choose a day within a year."))
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=leaver.pk)
        _expire(Handover.objects.filter(counsellor=leaver), now)
        if _successions().filter(counsellor=leaver, status__in=OPEN).exists():
            raise Conflict(_("A succession of this counsellor is proposed or under way already."))
        handover = Handover.objects.create(
            practice=access.practice_of(by),
            counsellor=leaver,
            to=heir,
            ground=ground,
            locks_out=locks_out,
            proposed_at=now,
            proposed_by=by,
            effective_at=start,
        )
        audit.record(
            "succession.proposed",
            by=by,
            subject_id=handover.pk,
            reason=ground,
            counsellor=leaver.pk,
            to=heir.pk,
            locks_out=locks_out,
        )
    return handover


def approve(succession_id: UUID, *, by: User, now: datetime | None = None) -> Handover:
    """Let it happen: at once, or from the day that was proposed. Raises Conflict for a proposal
    that is one's own, decided or void, or whose successor works here no more."""
    found = _decidable(succession_id, by)
    if by.pk == found.proposed_by_id:
        audit.deny(Permission.SUCCESSION_APPROVE, by=by, subject_id=found.pk)
        raise Conflict(_("Two people decide this: you proposed it, somebody else approves it."))
    now = now or timezone.now()
    with transaction.atomic():
        handover = _undecided(found.pk, now)
        if not care.may_take_over(handover.to):
            raise Conflict(
                _("Who shall take over is not an active counsellor any more. Propose another."),
                code="no_successor",
            )
        _decide(handover, Status.APPROVED, by, now)
        if handover.effective_at <= now:
            handovers.begin(handover, now=now)
    return handovers.carry_out(handover.pk, until=timezone.now() + handovers.SLICE)


def refuse(succession_id: UUID, *, by: User, now: datetime | None = None) -> Handover:
    """Turn a proposal down: everything stays as it is."""
    found = _decidable(succession_id, by)
    if by.pk == found.proposed_by_id:
        audit.deny(Permission.SUCCESSION_APPROVE, by=by, subject_id=found.pk)
        raise Conflict(_("Two people decide this: you proposed it, somebody else decides."))
    now = now or timezone.now()
    with transaction.atomic():
        handover = _undecided(found.pk, now)
        _decide(handover, Status.REFUSED, by, now)
    return handover


def expire_everywhere(*, now: datetime) -> int:
    """Every minute: mark the proposals that are void; how many. The system's own deed."""
    with transaction.atomic():
        return _expire(Handover.objects.all(), now)


OPEN = (Status.PROPOSED, Status.APPROVED)


def _successions() -> QuerySet[Handover]:
    return Handover.objects.exclude(ground=Ground.OWN)


def _ready(counsellor: Any) -> QuerySet[Successor]:
    """Whom a counsellor named and who accepted, as far as they can still take over."""
    able = care.takers().values("pk")
    return Successor.objects.filter(
        counsellor=counsellor, status=Answer.ACCEPTED, successor__in=able
    ).order_by("rank")


def _heir(leaver: User, to: UUID | None, by: User) -> User:
    if to is None:
        ready = _ready(leaver.pk).select_related("successor").first()
        if ready is None:
            raise Invalid("to", _("Nobody has agreed to take over. Choose a counsellor."))
        return ready.successor
    chosen = care.counsellors(by=by).exclude(pk=leaver.pk).filter(pk=to).first()
    if chosen is None:
        raise Invalid("to", _("Choose another counsellor of this practice."))
    return chosen


def _named(named_id: UUID, by: User, rows: QuerySet[Successor]) -> Successor:
    found = rows.filter(pk=named_id, practice=access.practice_of(by)).first()
    if found is None:
        access.hide(by, Permission.CARE_HAND_OVER, client_id=None, subject_id=named_id)
    return found


def _answer(named_id: UUID, by: User, answer: Successor.Status) -> Successor:
    access.require(by, Permission.CARE_HAND_OVER, subject_id=named_id)
    asked = Successor.objects.filter(successor=by).select_related("counsellor", "successor")
    found = _named(named_id, by, asked)
    with transaction.atomic():
        named = asked.select_for_update(of=("self",)).filter(pk=found.pk).first()
        if named is None:
            raise Hidden(_("There is nothing here that you can open."))
        if named.status != answer:
            named.status, named.answered_at = answer, timezone.now()
            named.save(update_fields=["status", "answered_at"])
            audit.record(
                f"successor.{answer}", by=by, subject_id=named.pk, counsellor=named.counsellor_id
            )
    return named


def _decidable(succession_id: UUID, by: User) -> Handover:
    return access.find(_successions(), succession_id, by, Permission.SUCCESSION_APPROVE, client="")


def _undecided(succession_id: UUID, now: datetime) -> Handover:
    handover = (
        Handover.objects.select_for_update(of=("self",))
        .select_related("counsellor", "to", "proposed_by", "decided_by")
        .get(pk=succession_id)
    )
    if handover.status == Status.EXPIRED or (
        handover.status == Status.PROPOSED and handover.proposed_at <= now - VALID
    ):
        raise Conflict(
            _("Nobody decided this proposal in time. It has to be proposed anew."), code="expired"
        )
    if handover.status != Status.PROPOSED:
        raise Conflict(_("This succession is decided already."))
    return handover


def _decide(handover: Handover, status: Handover.Status, by: User, now: datetime) -> None:
    handover.status, handover.decided_at, handover.decided_by = status, now, by
    handover.save(update_fields=["status", "decided_at", "decided_by"])
    audit.record(
        f"succession.{status}",
        by=by,
        subject_id=handover.pk,
        reason=handover.ground,
        counsellor=handover.counsellor_id,
        to=handover.to_id,
    )


def _expire(rows: QuerySet[Handover], now: datetime) -> int:
    old = rows.filter(status=Status.PROPOSED, proposed_at__lte=now - VALID)
    expired = list(old.select_for_update(skip_locked=True).order_by("pk"))
    for handover in expired:
        handover.status = Status.EXPIRED
        handover.save(update_fields=["status"])
        audit.record(
            "succession.expired",
            by=None,
            practice_id=handover.practice_id,
            subject_id=handover.pk,
            reason=handover.ground,
        )
    return len(expired)
