"""Files that end soon, for the counsellors of their clients, and the delay they may ask for."""

from uuid import UUID

from rest_framework import serializers

from clients_app import snoozes
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Day
from clients_app.api.pages import page
from clients_app.api.shapes import (
    A_DAY,
    Answer,
    Body,
    ClientRef,
    PageQuery,
    Person,
    Values,
    client_ref,
    person,
)
from clients_app.models import Client, PurgeSnooze, User


class EndingFile(Answer):
    """A file that ends soon, or is past its last day."""

    id = serializers.UUIDField(help_text="The client's.")
    code = serializers.CharField()
    retain_until = serializers.DateField()


class Snooze(Answer):
    """A delay: until when the file is not destroyed."""

    id = serializers.UUIDField()
    client = ClientRef()
    user = Person()
    reason = Choice(PurgeSnooze.Reason.values)
    until = serializers.DateField()
    made_at = serializers.DateTimeField()


class NewSnooze(Body):
    """Why, and until when."""

    reason = Choice(PurgeSnooze.Reason.values)
    until = Day(help_text="The last day of the delay; half a year ahead at most.")
    example = {"reason": "may_return", "until": A_DAY}


class EndingFiles(Door):
    """One's own clients' files."""

    @operation("listMyEndingFiles", asks=PageQuery, answers=EndingFile, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The files of one's own clients that end within a month or should have, in order."""
        return page(snoozes.ending(by=by), line, query)


class Snoozing(Door):
    """A delay."""

    @operation("snoozeFile", takes=NewSnooze, answers=Snooze, status=201, refuses=(403, 404, 409))
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """Keep a file a while longer. A newer delay takes the place of the one before."""
        return snooze(snoozes.snooze(client_id, by=by, **body))


def line(client: Client) -> Values:
    return {"id": client.pk, "code": client.code, "retain_until": client.retain_until}


def snooze(row: PurgeSnooze) -> Values:
    return {
        "id": row.pk,
        "client": client_ref(row.client),
        "user": person(row.user),
        "reason": row.reason,
        "until": row.until,
        "made_at": row.made_at,
    }
