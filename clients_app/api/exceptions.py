"""Each time something had to be told after all."""

from uuid import UUID

from rest_framework import serializers

from clients_app import exceptions
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Id, Moment, Text
from clients_app.api.pages import page
from clients_app.api.shapes import (
    A_MOMENT,
    Answer,
    Body,
    ClientRef,
    PageQuery,
    Person,
    Values,
    client_ref,
    person,
)
from clients_app.models import ConfidentialityException, Ground, Told, User


class ExceptionLine(Answer):
    """That something was told: why and when, neither to whom nor what."""

    id = serializers.UUIDField()
    client = ClientRef()
    ground = Choice(Ground.values)
    decided_at = serializers.DateTimeField()
    decided_by = Person()
    recorded_at = serializers.DateTimeField()
    told = Choice(Told.values, help_text="Whether the client knew when it was recorded.")
    client_told_at = serializers.DateTimeField(allow_null=True, help_text="At once or later.")


class ExceptionDetail(ExceptionLine):
    """What was told, to whoever is in care. The privacy officer's answer has none of the rest."""

    recipient = serializers.CharField(required=False)
    content = serializers.CharField(required=False)
    why_not_told = serializers.CharField(required=False)
    about = serializers.UUIDField(
        required=False, allow_null=True, help_text="The note or disclosure that it concerns."
    )


class NewException(Body):
    """What had to be told, by one's own decision."""

    ground = Choice(Ground.values)
    recipient = Text()
    content = Text(help_text="The least that had to be told.")
    told = Choice(Told.values, required=False)
    told_at = Moment(required=False)
    why_not_told = Text(required=False)
    about = Id(required=False)
    decided_at = Moment(required=False, help_text="Now, unless another moment is given.")
    example = {
        "ground": "danger_to_life",
        "recipient": "…",
        "content": "…",
        "told": "not_yet",
        "decided_at": A_MOMENT,
    }


class Telling(Body):
    """When the client was told."""

    told_at = Moment(required=False, help_text="Now, unless another moment is given.")
    example = {"told_at": A_MOMENT}


class Exceptions(Door):
    """The exceptions that one may know of."""

    @operation("listExceptions", asks=PageQuery, answers=ExceptionLine, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """That there were exceptions, newest first: of the practice, or of one's own clients."""
        return page(exceptions.browse(by=by), line, query)


class ClientExceptions(Door):
    """The exceptions of one client."""

    @operation(
        "listClientExceptions",
        asks=PageQuery,
        answers=ExceptionLine,
        paged=True,
        refuses=(403, 404),
    )
    def get(self, by: User, client_id: UUID, query: Values) -> Values:
        """That there were exceptions, newest first."""
        return page(exceptions.browse(by=by, client_id=client_id), line, query)

    @operation(
        "recordException",
        takes=NewException,
        answers=ExceptionLine,
        status=201,
        refuses=(403, 404),
    )
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """Keep that something had to be told. The line never changes."""
        return line(exceptions.record(client_id, by=by, **body))


class OneException(Door):
    """An exception."""

    @operation("readException", answers=ExceptionDetail, refuses=(403, 404))
    def get(self, by: User, exception_id: UUID) -> Values:
        """Read an exception: in care with its words, else without."""
        opened = exceptions.read(exception_id, by=by)
        known = line(opened.exception)
        if not opened.has_words:
            return known
        return {
            **known,
            "recipient": opened.recipient,
            "content": opened.content,
            "why_not_told": opened.why_not_told,
            "about": opened.exception.about_id,
        }


class TellingClient(Door):
    """The client learning of it."""

    @operation("recordClientTold", takes=Telling, answers=ExceptionLine, refuses=(403, 404, 409))
    def post(self, by: User, exception_id: UUID, body: Values) -> Values:
        """Keep that the client was told later on."""
        return line(exceptions.tell(exception_id, by=by, told_at=body.get("told_at")))


def line(row: ConfidentialityException) -> Values:
    return {
        "id": row.pk,
        "client": client_ref(row.client),
        "ground": row.ground,
        "decided_at": row.decided_at,
        "decided_by": person(row.decided_by),
        "recorded_at": row.recorded_at,
        "told": row.told,
        "client_told_at": exceptions.client_knows(row),
    }
