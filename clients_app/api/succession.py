"""Who takes over: named successors, one's own caseload, and successions by two people."""

from uuid import UUID

from rest_framework import serializers

from clients_app import handovers, succession
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Flag, Id, Moment, Texts, Whole
from clients_app.api.pages import page
from clients_app.api.shapes import (
    A_MOMENT,
    AN_ID,
    Answer,
    Body,
    PageQuery,
    Person,
    Values,
    person,
    person_or_none,
)
from clients_app.models import Handover, Successor, User


class NamedSuccessor(Answer):
    """A colleague who was named, or who named one."""

    id = serializers.UUIDField()
    colleague = Person()
    rank = serializers.IntegerField(help_text="1: first choice, 2: second choice.")
    status = Choice(Successor.Status.values)
    named_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)


class MySuccessors(Answer):
    """Whom one named, and who named oneself."""

    choices = NamedSuccessor(many=True)
    asked = NamedSuccessor(many=True)


class NewSuccessor(Body):
    """A colleague to name."""

    successor = Id()
    rank = Whole(default=1, min_value=1, max_value=2)
    example = {"successor": AN_ID, "rank": 1}


class Caseload(Answer):
    """How much there is to take over: clients, and notes that only their author can sign."""

    clients = serializers.IntegerField()
    unsigned = serializers.IntegerField()


class CaseloadHandOver(Body):
    """Who takes over, and how many clients these are."""

    to = Id()
    number = Whole(min_value=1, max_value=1_000_000)
    clients = Texts(child=Id(), max_length=1000, required=False, help_text="Only these.")
    leave_unsigned = Flag(default=False, help_text="Notes that are not signed may stay so.")
    example = {"to": AN_ID, "number": 3}


class HandoverProgress(Answer):
    """How far it is, in files."""

    total = serializers.IntegerField()
    moved = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="No longer theirs when their turn came.")


class OwnHandover(Answer):
    """A handover by one's own hand."""

    id = serializers.UUIDField()
    to = Person()
    status = Choice(Handover.Status.values)
    begun_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class OwnHandoverDetail(OwnHandover):
    """The same, and how far it is."""

    progress = HandoverProgress()


class Succession(Answer):
    """A caseload that goes to a colleague by the decision of two people."""

    id = serializers.UUIDField()
    counsellor = Person()
    to = Person()
    ground = Choice(succession.GROUNDS)
    status = Choice(Handover.Status.values)
    locks_out = serializers.BooleanField()
    proposed_at = serializers.DateTimeField()
    proposed_by = Person()
    effective_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = Person(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class SuccessionDetail(Succession):
    """The same, how far it is and what is still with the counsellor."""

    progress = HandoverProgress()
    caseload = Caseload()


class NewSuccession(Body):
    """A succession to propose."""

    counsellor = Id()
    ground = Choice(succession.GROUNDS)
    to = Id(required=False, help_text="Left out: the successor who accepted.")
    effective_at = Moment(required=False, help_text="Left out: upon approval.")
    locks_out = Flag(default=False, help_text="Disable the counsellor's login.")
    example = {
        "counsellor": AN_ID,
        "ground": "left",
        "to": AN_ID,
        "effective_at": A_MOMENT,
        "locks_out": True,
    }


class Naming(Door):
    """One's own successors."""

    @operation("readMySuccessors", answers=MySuccessors, refuses=(403,))
    def get(self, by: User) -> Values:
        """Whom one named to take over, and by whom one was named."""
        standing = succession.standing(by=by)
        return {
            "choices": [named(row, row.successor) for row in standing.choices],
            "asked": [named(row, row.counsellor) for row in standing.asked],
        }

    @operation("nameSuccessor", takes=NewSuccessor, answers=NamedSuccessor, refuses=(403, 409))
    def post(self, by: User, body: Values) -> Values:
        """Name a colleague, in place of whom one named before at this rank."""
        row = succession.name(body["successor"], by=by, rank=body["rank"])
        return named(row, row.successor)


class OneSuccessor(Door):
    """A choice of one's own."""

    @operation("withdrawSuccessor", refuses=(403, 404))
    def delete(self, by: User, successor_id: UUID) -> None:
        """Take one's choice back."""
        succession.withdraw(successor_id, by=by)


class Accepting(Door):
    """A yes."""

    @operation("acceptSuccession", answers=NamedSuccessor, refuses=(403, 404))
    def post(self, by: User, successor_id: UUID) -> Values:
        """Say that one would take over from a colleague."""
        row = succession.accept(successor_id, by=by)
        return named(row, row.counsellor)


class Declining(Door):
    """A no."""

    @operation("declineSuccession", answers=NamedSuccessor, refuses=(403, 404))
    def post(self, by: User, successor_id: UUID) -> Values:
        """Say that one would not take over, or no longer."""
        row = succession.decline(successor_id, by=by)
        return named(row, row.counsellor)


class OwnCaseload(Door):
    """One's own clients, in numbers."""

    @operation("readMyCaseload", answers=Caseload, refuses=(403,))
    def get(self, by: User) -> Values:
        """How many clients one has, and how many notes wait for one's signature."""
        return numbers(handovers.caseload(by=by))


class HandingOverCaseload(Door):
    """The passing on of all one's clients, or of some."""

    @operation(
        "handOverCaseload", takes=CaseloadHandOver, answers=OwnHandover, refuses=(403, 404, 409)
    )
    def post(self, by: User, body: Values) -> Values:
        """Give all one's clients, or these, to a colleague. Another number is refused."""
        return own(handovers.hand_over(by=by, **body))


class OwnHandovers(Door):
    """One's own handovers."""

    @operation("listMyHandovers", asks=PageQuery, answers=OwnHandover, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """One's own handovers, newest first."""
        return page(handovers.mine(by=by), own, query)


class OneHandover(Door):
    """A handover by one's own hand."""

    @operation("readMyHandover", answers=OwnHandoverDetail, refuses=(403, 404))
    def get(self, by: User, handover_id: UUID) -> Values:
        """How far a handover of one's own is."""
        handover, progress = handovers.read(handover_id, by=by)
        return {**own(handover), "progress": how_far(progress)}


class GoingOn(Door):
    """More of a handover."""

    @operation("continueMyHandover", answers=OwnHandover, refuses=(403, 404))
    def post(self, by: User, handover_id: UUID) -> Values:
        """Go on with a handover now. The worker does it within a minute anyway."""
        return own(handovers.go_on(handover_id, by=by))


class Successions(Door):
    """The practice's successions."""

    @operation("listSuccessions", asks=PageQuery, answers=Succession, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The successions, newest first."""
        return page(succession.browse(by=by), line, query)

    @operation(
        "proposeSuccession", takes=NewSuccession, answers=Succession, status=201, refuses=(403, 409)
    )
    def post(self, by: User, body: Values) -> Values:
        """Propose that a counsellor's whole caseload goes to a colleague."""
        return line(succession.propose(by=by, **body))


class Unprepared(Door):
    """Counsellors without a successor."""

    @operation("listUnprepared", asks=PageQuery, answers=Person, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The counsellors for whom nobody has agreed to take over."""
        return page(succession.unprepared(by=by), person, query)


class OneSuccession(Door):
    """A succession."""

    @operation("readSuccession", answers=SuccessionDetail, refuses=(403, 404))
    def get(self, by: User, succession_id: UUID) -> Values:
        """A succession, how far it is and what is still with the counsellor."""
        report = succession.read(succession_id, by=by)
        return {
            **line(report.handover),
            "progress": how_far(report.progress),
            "caseload": numbers(report.caseload),
        }


class ApprovingSuccession(Door):
    """The second person's yes."""

    @operation("approveSuccession", answers=Succession, refuses=(403, 404, 409))
    def post(self, by: User, succession_id: UUID) -> Values:
        """Let it happen, at once or from the day that was proposed. Never the proposer."""
        return line(succession.approve(succession_id, by=by))


class RefusingSuccession(Door):
    """The second person's no."""

    @operation("refuseSuccession", answers=Succession, refuses=(403, 404, 409))
    def post(self, by: User, succession_id: UUID) -> Values:
        """Turn a proposal down."""
        return line(succession.refuse(succession_id, by=by))


def named(row: Successor, colleague: User) -> Values:
    return {
        "id": row.pk,
        "colleague": person(colleague),
        "rank": row.rank,
        "status": row.status,
        "named_at": row.named_at,
        "answered_at": row.answered_at,
    }


def own(row: Handover) -> Values:
    return {
        "id": row.pk,
        "to": person(row.to),
        "status": row.status,
        "begun_at": row.begun_at,
        "finished_at": row.finished_at,
    }


def line(row: Handover) -> Values:
    return {
        "id": row.pk,
        "counsellor": person(row.counsellor),
        "to": person(row.to),
        "ground": row.ground,
        "status": row.status,
        "locks_out": row.locks_out,
        "proposed_at": row.proposed_at,
        "proposed_by": person(row.proposed_by),
        "effective_at": row.effective_at,
        "decided_at": row.decided_at,
        "decided_by": person_or_none(row.decided_by),
        "finished_at": row.finished_at,
    }


def how_far(progress: handovers.Progress) -> Values:
    return {"total": progress.total, "moved": progress.moved, "skipped": progress.skipped}


def numbers(caseload: handovers.Caseload) -> Values:
    return {"clients": caseload.clients, "unsigned": caseload.unsigned}
