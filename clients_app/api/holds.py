"""Legal holds: list, read, place, lift."""

from uuid import UUID

from rest_framework import serializers

from clients_app import holds
from clients_app.api.door import Door, operation
from clients_app.api.fields import Day, Id, Text
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
from clients_app.models import LegalHold, User


class HoldLine(Answer):
    """A hold in a list: whose and when, not why."""

    id = serializers.UUIDField()
    client = ClientRef()
    placed_at = serializers.DateTimeField()
    placed_by = Person()
    until = serializers.DateField(
        allow_null=True, help_text="When it is to be looked at again. It never ends by itself."
    )
    lifted_at = serializers.DateTimeField(allow_null=True)
    lifted_by = Person(allow_null=True)


class HoldDetail(HoldLine):
    """A hold with its matter and reason."""

    matter = serializers.CharField()
    reason = serializers.CharField()
    notice_to = serializers.CharField(allow_null=True, help_text="Whom to ask before it is lifted.")


class NewHold(Body):
    """A hold to place."""

    client = Id()
    matter = Text()
    reason = Text()
    until = Day(required=False, allow_null=True, help_text="When it is to be looked at again.")
    notice_to = Text(required=False, allow_null=True, help_text="Whom to ask before lifting it.")
    example = {"client": AN_ID, "matter": "…", "reason": "…"}


class Holds(Door):
    """The practice's holds."""

    @operation("listHolds", asks=PageQuery, answers=HoldLine, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The holds, newest first, without their matters."""
        return page(holds.browse(by=by), line, query)

    @operation("placeHold", takes=NewHold, answers=HoldLine, status=201, refuses=(403, 404))
    def post(self, by: User, body: Values) -> Values:
        """Stop the end of a file until the hold is lifted."""
        said = {name: value for name, value in body.items() if name != "client"}
        return line(holds.place(body["client"], by=by, **said))


class OneHold(Door):
    """A hold."""

    @operation("readHold", answers=HoldDetail, refuses=(403, 404))
    def get(self, by: User, hold_id: UUID) -> Values:
        """Read a hold with its matter and reason."""
        opened = holds.read(hold_id, by=by)
        words = {name: getattr(opened, name) for name in ("matter", "reason", "notice_to")}
        return {**line(opened.hold), **words}


class LiftingHold(Door):
    """The end of a hold."""

    @operation("liftHold", answers=HoldLine, refuses=(403, 404, 409))
    def post(self, by: User, hold_id: UUID) -> Values:
        """End a hold. The file's own date applies again."""
        return line(holds.lift(hold_id, by=by))


def line(hold: LegalHold) -> Values:
    return {
        "id": hold.pk,
        "client": client_ref(hold.client),
        "placed_at": hold.placed_at,
        "placed_by": person(hold.placed_by),
        "until": hold.until,
        "lifted_at": hold.lifted_at,
        "lifted_by": person_or_none(hold.lifted_by),
    }
