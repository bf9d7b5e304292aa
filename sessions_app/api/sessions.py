"""Sessions: the calendar, plan, read, move, hold, cancel."""

from uuid import UUID

from rest_framework import serializers

from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Flag, Id, Moment, Text, Whole
from clients_app.api.pages import page
from clients_app.api.shapes import (
    A_MOMENT,
    AN_ID,
    Answer,
    Body,
    Change,
    ClientRef,
    PageQuery,
    Person,
    Values,
    client_ref,
    person,
)
from clients_app.models import User
from sessions_app import sessions
from sessions_app.models import Modality, TherapySession

Status = TherapySession.Status


class SessionsQuery(PageQuery):
    """Which sessions."""

    client = Id(required=False)
    since = Moment(required=False, help_text="Beginning then or later.")
    until = Moment(required=False, help_text="Beginning before.")


class SessionLine(Answer):
    """A session in the calendar."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    client = ClientRef()
    counsellor = Person()
    starts_at = serializers.DateTimeField()
    minutes = serializers.IntegerField()
    modality = Choice(Modality.values)
    status = Choice(Status.values)


class SessionDetail(SessionLine):
    """A session and where it takes place."""

    place = serializers.CharField()


class NewSession(Body):
    """A session to come, or with status "held" one that has been."""

    client = Id()
    starts_at = Moment()
    minutes = Whole(min_value=5, max_value=24 * 60, required=False)
    modality = Choice(Modality.values, required=False)
    place = Text(required=False)
    counsellor = Id(required=False, help_text="A confidant of the client; oneself if not said.")
    status = Choice([Status.PLANNED, Status.HELD], required=False)
    example = {"client": AN_ID, "starts_at": A_MOMENT, "minutes": 50, "place": "…"}


class SessionChange(Change):
    """What is to be changed."""

    starts_at = Moment(required=False)
    minutes = Whole(min_value=5, max_value=24 * 60, required=False)
    modality = Choice(Modality.values, required=False)
    place = Text(required=False)
    example = {"starts_at": A_MOMENT, "modality": "video"}


class Cancellation(Body):
    """Why the session did not take place."""

    no_show = Flag(default=False, help_text="The client did not come.")
    example = {"no_show": True}


class Sessions(Door):
    """The calendar."""

    @operation(
        "listSessions", asks=SessionsQuery, answers=SessionLine, paged=True, refuses=(403, 404)
    )
    def get(self, by: User, query: Values) -> Values:
        """The sessions that one may see, in the order of time, without their places."""
        rows = sessions.browse(
            by=by,
            since=query.get("since"),
            until=query.get("until"),
            client_id=query.get("client"),
        )
        return page(rows, line, query)

    @operation(
        "planSession", takes=NewSession, answers=SessionLine, status=201, refuses=(403, 404, 409)
    )
    def post(self, by: User, body: Values) -> Values:
        """Plan a session, or put one on record that has been held."""
        facts = {
            name: value for name, value in body.items() if name not in ("client", "counsellor")
        }
        counsellor = body.get("counsellor")
        return line(sessions.plan(body["client"], by=by, counsellor_id=counsellor, **facts))


class OneSession(Door):
    """A session."""

    @operation("readSession", answers=SessionDetail, refuses=(403, 404))
    def get(self, by: User, session_id: UUID) -> Values:
        """Read a session with its place."""
        opened = sessions.read(session_id, by=by)
        return {**line(opened.session), "place": opened.place}

    @operation(
        "moveSession",
        takes=SessionChange,
        answers=SessionLine,
        if_match=True,
        refuses=(403, 404, 409),
    )
    def patch(self, by: User, session_id: UUID, version: int, body: Values) -> Values:
        """Move a planned session: when, how long, by what means, where."""
        return line(sessions.move(session_id, by=by, version=version, **body))


class Holding(Door):
    """A session that took place."""

    @operation("holdSession", answers=SessionLine, if_match=True, refuses=(403, 404, 409))
    def post(self, by: User, session_id: UUID, version: int) -> Values:
        """Say that it took place."""
        return line(sessions.hold(session_id, by=by, version=version))


class Cancelling(Door):
    """A session that did not."""

    @operation(
        "cancelSession",
        takes=Cancellation,
        answers=SessionLine,
        if_match=True,
        refuses=(403, 404, 409),
    )
    def post(self, by: User, session_id: UUID, version: int, body: Values) -> Values:
        """Say that it did not take place: called off, or the client did not come."""
        return line(sessions.cancel(session_id, by=by, version=version, no_show=body["no_show"]))


def line(row: TherapySession) -> Values:
    return {
        "id": row.pk,
        "version": row.version,
        "client": client_ref(row.client),
        "counsellor": person(row.counsellor),
        "starts_at": row.starts_at,
        "minutes": row.minutes,
        "modality": row.modality,
        "status": row.status,
    }
