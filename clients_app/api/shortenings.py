"""Moving dates that stand back to what the rules ask for: proposed, confirmed, withdrawn."""

from uuid import UUID

from rest_framework import serializers

from clients_app import shortenings
from clients_app.api.door import Door, operation
from clients_app.api.fields import Whole
from clients_app.api.pages import page
from clients_app.api.shapes import Answer, Body, PageQuery, Person, Values, person, person_or_none
from clients_app.models import Shortening, User


class ShorteningLine(Answer):
    """A shortening: how many files it moves, who decided, and from when on."""

    id = serializers.UUIDField()
    files = serializers.IntegerField(help_text="Files that end sooner.")
    due = serializers.IntegerField(help_text="Of these, those that are past their day then.")
    proposed_at = serializers.DateTimeField()
    proposed_by = Person()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    confirmed_by = Person(allow_null=True)
    effective_at = serializers.DateTimeField(help_text="The earliest moment; not unconfirmed.")
    withdrawn_by = Person(allow_null=True)
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="When it took effect, or was withdrawn."
    )


class Confirmation(Body):
    """What the second person saw."""

    files = Whole(min_value=1, max_value=10_000_000)
    example = {"files": 3}


class Shortenings(Door):
    """The practice's shortenings."""

    @operation(
        "listShortenings", asks=PageQuery, answers=ShorteningLine, paged=True, refuses=(403,)
    )
    def get(self, by: User, query: Values) -> Values:
        """The shortenings, newest first."""
        return page(shortenings.browse(by=by), line, query)

    @operation("proposeShortening", answers=ShorteningLine, status=201, refuses=(403, 409))
    def post(self, by: User) -> Values:
        """Ask that dates which stand are moved back to what the rules in force say."""
        return line(shortenings.propose(by=by))


class ConfirmingShortening(Door):
    """The second person's word."""

    @operation(
        "confirmShortening", takes=Confirmation, answers=ShorteningLine, refuses=(403, 404, 409)
    )
    def post(self, by: User, shortening_id: UUID, body: Values) -> Values:
        """Confirm what somebody else proposed. It takes effect a week after it was proposed."""
        return line(shortenings.confirm(shortening_id, by=by, files=body["files"]))


class WithdrawingShortening(Door):
    """Second thoughts."""

    @operation("withdrawShortening", answers=ShorteningLine, refuses=(403, 404, 409))
    def post(self, by: User, shortening_id: UUID) -> Values:
        """Take it back before it takes effect. Every date stays as it stands."""
        return line(shortenings.withdraw(shortening_id, by=by))


def line(row: Shortening) -> Values:
    return {
        "id": row.pk,
        "files": row.files,
        "due": row.due,
        "proposed_at": row.proposed_at,
        "proposed_by": person(row.proposed_by),
        "confirmed_at": row.confirmed_at,
        "confirmed_by": person_or_none(row.confirmed_by),
        "effective_at": row.effective_at,
        "withdrawn_by": person_or_none(row.withdrawn_by),
        "ended_at": row.ended_at,
    }
