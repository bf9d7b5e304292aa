"""Disclosures: list, write, read, amend. What they hold is in one answer only."""

from uuid import UUID

from rest_framework import serializers

from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Flag, Id, Text, Texts, Whole
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
)
from clients_app.models import User
from sessions_app import disclosures
from sessions_app.disclosures import MOST_THEMES, WORST_DISTRESS
from sessions_app.models import Disclosure, ListeningIntent


class DisclosuresQuery(PageQuery):
    """Which disclosures."""

    client = Id(required=False)
    session = Id(required=False)


class DisclosureLine(Answer):
    """That there is a disclosure, whose and when; nothing of what it says."""

    id = serializers.UUIDField()
    client = ClientRef()
    session = serializers.UUIDField()
    author = Person()
    amends = serializers.UUIDField(allow_null=True, help_text="The disclosure it corrects.")
    written_at = serializers.DateTimeField()
    locked = serializers.BooleanField(help_text="Only its author reads it.")
    agreement = serializers.UUIDField(
        allow_null=True, help_text="Under which promise it was said; null: none was on record."
    )


class DisclosureDetail(DisclosureLine):
    """What the client confided."""

    text = serializers.CharField()
    themes = serializers.ListField(child=serializers.CharField())
    listening_intent = Choice(ListeningIntent.values)
    first_told = serializers.BooleanField()
    distress_before = serializers.IntegerField(allow_null=True)
    distress_after = serializers.IntegerField(allow_null=True)


class NewDisclosure(Body):
    """What the client confided in a session."""

    session = Id()
    text = Text()
    themes = Texts(child=Text(), max_length=MOST_THEMES, required=False)
    listening_intent = Choice(
        ListeningIntent.values, required=False, help_text="What the client asks for."
    )
    first_told = Flag(required=False, help_text="Never told to anybody before.")
    distress_before = Whole(min_value=0, max_value=WORST_DISTRESS, required=False, allow_null=True)
    distress_after = Whole(min_value=0, max_value=WORST_DISTRESS, required=False, allow_null=True)
    locked = Flag(required=False, help_text="Only its author shall read it.")
    example = {
        "session": AN_ID,
        "text": "…",
        "themes": ["…"],
        "listening_intent": "be_heard",
        "first_told": True,
        "distress_before": 8,
        "distress_after": 5,
    }


class Amendment(Body):
    """A correction."""

    text = Text()
    example = {"text": "…"}


class Disclosures(Door):
    """The disclosures that one may read."""

    @operation(
        "listDisclosures",
        asks=DisclosuresQuery,
        answers=DisclosureLine,
        paged=True,
        refuses=(403, 404),
    )
    def get(self, by: User, query: Values) -> Values:
        """That there are disclosures and when, newest first; never what."""
        rows = disclosures.browse(
            by=by, client_id=query.get("client"), session_id=query.get("session")
        )
        return page(rows, line, query)

    @operation(
        "writeDisclosure",
        takes=NewDisclosure,
        answers=DisclosureLine,
        status=201,
        refuses=(403, 404, 409),
    )
    def post(self, by: User, body: Values) -> Values:
        """Keep what the client confided in a session."""
        content = {name: value for name, value in body.items() if name != "session"}
        return line(disclosures.write(body["session"], by=by, **content))


class OneDisclosure(Door):
    """A disclosure."""

    @operation("readDisclosure", answers=DisclosureDetail, refuses=(403, 404))
    def get(self, by: User, disclosure_id: UUID) -> Values:
        """Read a disclosure with its words."""
        opened = disclosures.read(disclosure_id, by=by)
        return {
            **line(opened.disclosure),
            "text": opened.text,
            "themes": opened.themes,
            "listening_intent": opened.listening_intent,
            "first_told": opened.first_told,
            "distress_before": opened.distress_before,
            "distress_after": opened.distress_after,
        }


class Amendments(Door):
    """The corrections of a disclosure."""

    @operation(
        "listAmendments", asks=PageQuery, answers=DisclosureLine, paged=True, refuses=(403, 404)
    )
    def get(self, by: User, disclosure_id: UUID, query: Values) -> Values:
        """That a disclosure was corrected and when, the first correction first."""
        return page(disclosures.amendments(disclosure_id, by=by), line, query)

    @operation(
        "amendDisclosure",
        takes=Amendment,
        answers=DisclosureLine,
        status=201,
        refuses=(403, 404, 409),
    )
    def post(self, by: User, disclosure_id: UUID, body: Values) -> Values:
        """Correct a disclosure by one that refers to it. The original stays, word for word."""
        return line(disclosures.amend(disclosure_id, by=by, text=body["text"]))


def line(row: Disclosure) -> Values:
    return {
        "id": row.pk,
        "client": client_ref(row.client),
        "session": row.session_id,
        "author": person(row.author),
        "amends": row.amends_id,
        "written_at": row.written_at,
        "locked": row.locked,
        "agreement": row.agreement_id,
    }
