"""Who is a confidant of whom, and who could be."""

from uuid import UUID

from rest_framework import serializers

from clients_app import care
from clients_app.api.door import Door, operation
from clients_app.api.fields import Id
from clients_app.api.pages import page
from clients_app.api.shapes import AN_ID, Answer, Body, PageQuery, Person, Values, person
from clients_app.models import CareAssignment, User


class Assignment(Answer):
    """A confidant of a client, from when until when."""

    id = serializers.UUIDField()
    user = Person()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)


class NewAssignment(Body):
    """Who becomes a confidant."""

    user = Id()
    example = {"user": AN_ID}


class HandOver(Body):
    """Who takes over."""

    to = Id()
    example = {"to": AN_ID}


class Care(Door):
    """A client's confidants."""

    @operation("listCare", asks=PageQuery, answers=Assignment, paged=True, refuses=(403, 404))
    def get(self, by: User, client_id: UUID, query: Values) -> Values:
        """The client's confidants, now and before, newest first."""
        return page(care.of_client(client_id, by=by), assignment, query)

    @operation("assignCare", takes=NewAssignment, answers=Assignment, refuses=(403, 404))
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """Make a counsellor a confidant. One who is it already stays it."""
        return assignment(care.assign(client_id, body["user"], by=by))


class HandingOver(Door):
    """The passing on of one's own client."""

    @operation("handOverCare", takes=HandOver, answers=Assignment, refuses=(403, 404))
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """Give one's own client to a colleague, whose care begins as one's own ends."""
        return assignment(care.hand_over(client_id, body["to"], by=by))


class OneAssignment(Door):
    """One confidant of a client."""

    @operation("endCare", refuses=(403, 404))
    def delete(self, by: User, client_id: UUID, assignment_id: UUID) -> None:
        """End a confidant's access. Ended already, it stays as it is."""
        care.end(assignment_id, by=by, client_id=client_id)


class Counsellors(Door):
    """Whom one can choose."""

    @operation("listCounsellors", asks=PageQuery, answers=Person, paged=True)
    def get(self, by: User, query: Values) -> Values:
        """The counsellors of one's practice."""
        return page(care.counsellors(by=by), person, query)


def assignment(row: CareAssignment) -> Values:
    return {"id": row.pk, "user": person(row.user), "since": row.since, "until": row.until}
