"""What clients asked for: list, read, record, decide."""

from uuid import UUID

from rest_framework import serializers

from clients_app import client_requests
from clients_app.api.door import Door, operation
from clients_app.api.fields import AskedFlag, Choice, Day, Id, Text
from clients_app.api.pages import page
from clients_app.api.shapes import (
    AN_ID,
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
from clients_app.models import Asked, ClientRequest, Outcome, User


class RequestsQuery(PageQuery):
    """Which requests."""

    undecided = AskedFlag(required=False, default=False, help_text="Only those without an answer.")


class RequestLine(Answer):
    """A request in a list: whose, of what kind and until when, without its words."""

    id = serializers.UUIDField()
    client = ClientRef()
    kind = Choice(Asked.values)
    received_on = serializers.DateField()
    due_on = serializers.DateField(
        allow_null=True, help_text="The day by which the client must have an answer."
    )
    recorded_at = serializers.DateTimeField()
    recorded_by = Person()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = Person(allow_null=True)
    outcome = Choice(["", *Outcome.values])


class RequestDetail(RequestLine):
    """A request with its words."""

    details = serializers.CharField()
    answer = serializers.CharField(allow_null=True)


class NewRequest(Body):
    """What a client asked for."""

    client = Id()
    kind = Choice(Asked.values)
    details = Text()
    received_on = Day(required=False, help_text="The day it reached the practice; today if absent.")
    example = {"client": AN_ID, "kind": "access", "details": "…"}


class Decision(Body):
    """What became of it, and what the client was told."""

    outcome = Choice(Outcome.values)
    answer = Text()
    example = {"outcome": "granted", "answer": "…"}


class ClientRequests(Door):
    """The practice's requests."""

    @operation(
        "listClientRequests", asks=RequestsQuery, answers=RequestLine, paged=True, refuses=(403,)
    )
    def get(self, by: User, query: Values) -> Values:
        """The requests, newest first, without their words."""
        return page(client_requests.browse(by=by, undecided=query["undecided"]), line, query)

    @operation(
        "recordClientRequest",
        takes=NewRequest,
        answers=RequestLine,
        status=201,
        refuses=(403, 404),
    )
    def post(self, by: User, body: Values) -> Values:
        """Write down what a client asked for. Until it is decided the file is not destroyed."""
        asked = {name: value for name, value in body.items() if name != "client"}
        return line(client_requests.record(body["client"], by=by, **asked))


class OneClientRequest(Door):
    """A request."""

    @operation("readClientRequest", answers=RequestDetail, refuses=(403, 404))
    def get(self, by: User, request_id: UUID) -> Values:
        """Read a request with its words."""
        opened = client_requests.read(request_id, by=by)
        return {**line(opened.request), "details": opened.details, "answer": opened.answer}


class DecidingClientRequest(Door):
    """The answer to a request."""

    @operation("decideClientRequest", takes=Decision, answers=RequestLine, refuses=(403, 404, 409))
    def post(self, by: User, request_id: UUID, body: Values) -> Values:
        """Say what became of it. The file's own date applies again."""
        return line(client_requests.decide(request_id, by=by, **body))


def line(row: ClientRequest) -> Values:
    return {
        "id": row.pk,
        "client": client_ref(row.client),
        "kind": row.kind,
        "received_on": row.received_on,
        "due_on": row.due_on,
        "recorded_at": row.recorded_at,
        "recorded_by": person(row.recorded_by),
        "decided_at": row.decided_at,
        "decided_by": person_or_none(row.decided_by),
        "outcome": row.outcome,
    }
