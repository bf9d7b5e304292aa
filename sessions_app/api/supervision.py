"""Excerpts for supervision: the counsellor releases and takes back, the supervisor reads."""

from datetime import datetime
from uuid import UUID

from rest_framework import serializers

from clients_app.api import pages
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Flag, Id, Moment, Text, Whole
from clients_app.api.pages import page
from clients_app.api.shapes import (
    A_MOMENT,
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
from clients_app.models import How, User
from sessions_app import supervision
from sessions_app.models import SupervisionExcerpt
from sessions_app.supervision import MOST_DAYS

ORDER = "excerpts:-id"


class ExcerptLine(Answer):
    """An excerpt in the supervisor's list. Nothing in it leads to the client."""

    id = serializers.UUIDField()
    pseudonym = serializers.CharField()
    released_by = Person()
    released_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class ExcerptDetail(ExcerptLine):
    """An excerpt as the supervisor reads it."""

    text = serializers.CharField()


class ReleaseLine(Answer):
    """That an excerpt was released: to whom, until when, and whether it was read."""

    id = serializers.UUIDField()
    client = ClientRef()
    note = serializers.UUIDField(allow_null=True)
    disclosure = serializers.UUIDField(allow_null=True)
    released_by = Person()
    supervisor = Person()
    agreement = serializers.UUIDField(allow_null=True)
    exception = serializers.UUIDField(allow_null=True)
    consented_at = serializers.DateTimeField()
    consent_how = Choice(How.values)
    released_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    stands = serializers.BooleanField(
        help_text="Whether the supervisor can read it now: not revoked, not expired, its agreement "
        "not withdrawn, its author in care."
    )
    last_read_at = serializers.DateTimeField(allow_null=True, help_text="By the supervisor.")


class ReleaseDetail(ReleaseLine):
    """An excerpt as the counsellor sees it again."""

    pseudonym = serializers.CharField()
    text = serializers.CharField()


class NewRelease(Body):
    """An excerpt of a note or a disclosure, one of them."""

    note = Id(required=False)
    disclosure = Id(required=False)
    text = Text(help_text="The excerpt as it shall be read.")
    pseudonym = Text(help_text="Nothing of the client's name, code, phone or e-mail.")
    supervisor = Id()
    consent_how = Choice(How.values, help_text="How the client said yes.")
    consented_at = Moment(required=False, help_text="Now, unless another moment is given.")
    days = Whole(min_value=1, max_value=MOST_DAYS, required=False)
    names_confirmed = Flag(
        required=False, help_text="That a name in the text shall stay: after a refusal `names`."
    )
    exception = Id(required=False, help_text="On which exception, if on no agreement.")
    example = {
        "note": AN_ID,
        "text": "…",
        "pseudonym": "K",
        "supervisor": AN_ID,
        "consent_how": "spoken",
        "consented_at": A_MOMENT,
        "days": 14,
    }


class Excerpts(Door):
    """What was released to oneself."""

    @operation("listExcerpts", asks=PageQuery, answers=ExcerptLine, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """What is released to this supervisor and still stands, newest first."""
        after = UUID(pages.opened(query["cursor"], ORDER)[0]) if "cursor" in query else None
        box = supervision.inbox(by=by, after=after, limit=query["limit"])
        return {
            "results": [line(excerpt, pseudonym) for excerpt, pseudonym in box.excerpts],
            "next": pages.closed([str(box.after)], ORDER) if box.after else None,
        }


class OneExcerpt(Door):
    """An excerpt that was released to oneself."""

    @operation("readExcerpt", answers=ExcerptDetail, refuses=(403, 404))
    def get(self, by: User, excerpt_id: UUID) -> Values:
        """Read an excerpt. Each reading is on the trail, and the counsellor sees when it was."""
        opened = supervision.read(excerpt_id, by=by)
        return {**line(opened.excerpt, opened.pseudonym), "text": opened.text}


class Releases(Door):
    """What was released of a client."""

    @operation("listReleases", asks=PageQuery, answers=ReleaseLine, paged=True, refuses=(403, 404))
    def get(self, by: User, client_id: UUID, query: Values) -> Values:
        """What was released of this client, newest first, without its words."""
        rows = supervision.of_client(client_id, by=by)
        read_at = supervision.readings(client_id, by=by)
        return page(rows, lambda row: release(row, read_at.get(row.pk)), query)

    @operation(
        "releaseExcerpt",
        takes=NewRelease,
        answers=ReleaseLine,
        status=201,
        refuses=(403, 404, 409),
    )
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """Release an excerpt to a supervisor, under a pseudonym and with the client's consent."""
        return release(supervision.release(client_id, by=by, **body))


class OneRelease(Door):
    """An excerpt of a client."""

    @operation("inspectRelease", answers=ReleaseDetail, refuses=(403, 404))
    def get(self, by: User, client_id: UUID, excerpt_id: UUID) -> Values:
        """See again what was released."""
        opened = supervision.inspect(excerpt_id, by=by, client_id=client_id)
        read_at = supervision.readings(client_id, by=by)
        return {
            **release(opened.excerpt, read_at.get(excerpt_id)),
            "pseudonym": opened.pseudonym,
            "text": opened.text,
        }


class Revoking(Door):
    """An excerpt taken back."""

    @operation("revokeRelease", answers=ReleaseLine, refuses=(403, 404))
    def post(self, by: User, client_id: UUID, excerpt_id: UUID) -> Values:
        """Take an excerpt back. It holds at the supervisor's next request."""
        excerpt = supervision.revoke(excerpt_id, by=by, client_id=client_id)
        return release(excerpt, supervision.readings(client_id, by=by).get(excerpt.pk))


class Supervisors(Door):
    """Whom one can choose."""

    @operation("listSupervisors", asks=PageQuery, answers=Person, paged=True)
    def get(self, by: User, query: Values) -> Values:
        """The supervisors of one's practice."""
        return page(supervision.supervisors(by=by), person, query)


def line(row: SupervisionExcerpt, pseudonym: str) -> Values:
    return {
        "id": row.pk,
        "pseudonym": pseudonym,
        "released_by": person(row.author),
        "released_at": row.released_at,
        "expires_at": row.expires_at,
    }


def release(row: SupervisionExcerpt, last_read_at: datetime | None = None) -> Values:
    return {
        "id": row.pk,
        "client": client_ref(row.client),
        "note": row.note_id,
        "disclosure": row.disclosure_id,
        "released_by": person(row.author),
        "supervisor": person(row.supervisor),
        "agreement": row.agreement_id,
        "exception": row.exception_id,
        "consented_at": row.consented_at,
        "consent_how": row.consent_how,
        "released_at": row.released_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "stands": row.stands,
        "last_read_at": last_read_at,
    }
