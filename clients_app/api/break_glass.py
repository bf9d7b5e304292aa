"""Emergency access: open, see, give back, review, count."""

from uuid import UUID

from rest_framework import serializers

from clients_app import break_glass
from clients_app.api.door import Door, operation
from clients_app.api.fields import AskedFlag, Choice, Text
from clients_app.api.pages import page
from clients_app.api.shapes import (
    Answer,
    Body,
    ClientRef,
    PageQuery,
    Person,
    Values,
    client_ref,
    person,
    person_or_none,
)
from clients_app.api.trail import Event, event
from clients_app.models import BreakGlass, Finding, Reason, User

ITS_REASON = "For the review. It must not contain the client's words."


class EmergencyQuery(PageQuery):
    """Which of them."""

    unreviewed = AskedFlag(required=False, help_text="Only those that wait for a review.")


class EmergencyLine(Answer):
    """An emergency access: who, whose file, when and why; no words."""

    id = serializers.UUIDField()
    client = ClientRef()
    user = Person()
    reason_code = Choice(Reason.values)
    opened_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Given back before its time.")
    reviewed_at = serializers.DateTimeField(allow_null=True)
    reviewed_by = Person(allow_null=True)
    finding = Choice(Finding.values, allow_null=True)


class EmergencyDetail(EmergencyLine):
    """An emergency access with the words of who opened it and of who reviewed it."""

    reason = serializers.CharField()
    review = serializers.CharField(allow_null=True)


class NewEmergency(Body):
    """A file to open in an emergency."""

    code = Text(help_text="The client's code.")
    reason_code = Choice(Reason.values)
    text = Text(help_text=f"Why it cannot wait. {ITS_REASON}")
    example = {
        "code": "C-2026-0042",
        "reason_code": "danger_to_life",
        "text": "Called and said goodbye, the confidant does not answer.",
    }


class Review(Body):
    """What the review came to."""

    finding = Choice(Finding.values)
    text = Text()
    example = {"finding": "justified", "text": "…"}


class MonthCount(Answer):
    """How many in a month."""

    month = serializers.DateField(help_text="Its first day.")
    number = serializers.IntegerField()


class ReasonCount(Answer):
    """How many for a reason."""

    reason_code = Choice(Reason.values)
    number = serializers.IntegerField()


class PersonCount(Answer):
    """How many by a person."""

    user = Person()
    number = serializers.IntegerField()


class EmergencyCounts(Answer):
    """The figures of the last twelve months, and what waits."""

    unreviewed = serializers.IntegerField()
    overdue = serializers.IntegerField(help_text="Unreviewed for 72 hours.")
    by_month = MonthCount(many=True)
    by_reason = ReasonCount(many=True)
    by_person = PersonCount(many=True)


class Emergencies(Door):
    """Emergency accesses."""

    @operation(
        "listEmergencies", asks=EmergencyQuery, answers=EmergencyLine, paged=True, refuses=(403,)
    )
    def get(self, by: User, query: Values) -> Values:
        """One's own and those of one's clients, newest first; for the privacy officer all."""
        rows = break_glass.browse(by=by, unreviewed=query.get("unreviewed", False))
        return page(rows, line, query)

    @operation(
        "openEmergency",
        takes=NewEmergency,
        answers=EmergencyLine,
        status=201,
        refuses=(403, 409),
    )
    def post(self, by: User, body: Values) -> Values:
        """Open a file for fifteen minutes, to read. Its confidants are told at once."""
        opened = break_glass.request(
            body["code"], by=by, reason_code=body["reason_code"], text=body["text"]
        )
        return line(opened)


class OneEmergency(Door):
    """An emergency access."""

    @operation("readEmergency", answers=EmergencyDetail, refuses=(403, 404))
    def get(self, by: User, access_id: UUID) -> Values:
        """Read why it was opened, to review it."""
        opened = break_glass.read(access_id, by=by)
        return {**line(opened.access), "reason": opened.reason, "review": opened.review}


class GivingBack(Door):
    """Its end before its time."""

    @operation("giveEmergencyBack", answers=EmergencyLine, refuses=(403, 404))
    def post(self, by: User, access_id: UUID) -> Values:
        """End one's own, or anybody's as the privacy officer."""
        return line(break_glass.give_back(access_id, by=by))


class Reviewing(Door):
    """Its review."""

    @operation("reviewEmergency", takes=Review, answers=EmergencyLine, refuses=(403, 404, 409))
    def post(self, by: User, access_id: UUID, body: Values) -> Values:
        """Say what it was."""
        return line(
            break_glass.review(access_id, by=by, finding=body["finding"], text=body["text"])
        )


class Readings(Door):
    """What was done under it."""

    @operation(
        "listEmergencyReadings", asks=PageQuery, answers=Event, paged=True, refuses=(403, 404)
    )
    def get(self, by: User, access_id: UUID, query: Values) -> Values:
        """What was read under it and what was refused, in the order of time."""
        return page(break_glass.readings(access_id, by=by), event, query)


class EmergencyFigures(Door):
    """How often the glass is broken."""

    @operation("countEmergencies", answers=EmergencyCounts, refuses=(403,))
    def get(self, by: User) -> Values:
        """By month, by reason and by person, and how many wait for a review."""
        found = break_glass.counts(by=by)
        return {
            "unreviewed": found.waiting.unreviewed,
            "overdue": found.waiting.overdue,
            "by_month": [{"month": month, "number": n} for month, n in found.by_month.items()],
            "by_reason": [{"reason_code": c, "number": n} for c, n in found.by_reason.items()],
            "by_person": [{"user": person(u), "number": n} for u, n in found.by_person.items()],
        }


def line(row: BreakGlass) -> Values:
    return {
        "id": row.pk,
        "client": client_ref(row.client),
        "user": person(row.user),
        "reason_code": row.reason_code,
        "opened_at": row.opened_at,
        "expires_at": row.expires_at,
        "ended_at": row.ended_at,
        "reviewed_at": row.reviewed_at,
        "reviewed_by": person_or_none(row.reviewed_by),
        "finding": row.finding or None,
    }
