"""The practice's promise: its versions, and which of them each client was given."""

from uuid import UUID

from rest_framework import serializers

from clients_app import agreements, promises, wording
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Id, Moment, Text
from clients_app.api.pages import page
from clients_app.api.shapes import (
    A_MOMENT,
    AN_ID,
    Answer,
    Body,
    PageQuery,
    Person,
    Query,
    Values,
    person,
    person_or_none,
)
from clients_app.models import Agreement, ConfidentialityStatement, How, Language, User


class PromisesQuery(PageQuery):
    """Which versions."""

    language = Choice(Language.values, required=False)


class LanguageQuery(Query):
    """In which language."""

    language = Choice(Language.values, required=False, default=Language.ENGLISH.value)


class PromiseLine(Answer):
    """A version of the promise."""

    id = serializers.UUIDField()
    version = serializers.IntegerField(help_text="Of the draft, for `If-Match`.")
    language = Choice(Language.values)
    number = serializers.IntegerField(help_text="Which version of the promise in its language.")
    drafted_at = serializers.DateTimeField()
    drafted_by = Person()
    published_at = serializers.DateTimeField(allow_null=True, help_text="null: a draft.")
    published_by = Person(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)


class PromiseDetail(PromiseLine):
    """A version of the promise with its wording."""

    text = serializers.CharField()


class ShippedWording(Answer):
    """A wording to begin with."""

    language = Choice(Language.values)
    text = serializers.CharField()


class NewPromise(Body):
    """The next version, as a draft."""

    language = Choice(Language.values)
    text = Text(required=False, help_text="Without it the draft begins with the shipped wording.")
    example = {"language": "en", "text": "…"}


class PromiseText(Body):
    """The draft's wording."""

    text = Text()
    example = {"text": "…"}


class AgreementLine(Answer):
    """That the client was given this version."""

    id = serializers.UUIDField()
    statement = serializers.UUIDField()
    language = Choice(Language.values)
    number = serializers.IntegerField()
    given_at = serializers.DateTimeField()
    how = Choice(How.values)
    recorded_at = serializers.DateTimeField()
    recorded_by = Person()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdrawn_by = Person(allow_null=True)


class NewAgreement(Body):
    """Which version the client was given, when and how."""

    statement = Id()
    how = Choice(How.values)
    given_at = Moment(required=False, help_text="Now, unless another moment is given.")
    example = {"statement": AN_ID, "how": "spoken", "given_at": A_MOMENT}


class Promises(Door):
    """The versions of the practice's promise."""

    @operation("listPromises", asks=PromisesQuery, answers=PromiseLine, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The versions in each language, the newest first. Drafts only for who writes them."""
        return page(promises.browse(by=by, language=query.get("language")), line, query)

    @operation(
        "draftPromise", takes=NewPromise, answers=PromiseDetail, status=201, refuses=(403, 409)
    )
    def post(self, by: User, body: Values) -> Values:
        """Begin the next version in a language."""
        return detail(promises.draft(body["language"], by=by, text=body.get("text")))


class CurrentPromise(Door):
    """What the practice promises now."""

    @operation(
        "readCurrentPromise",
        asks=LanguageQuery,
        answers=PromiseDetail,
        refuses=(403,),
        or_nothing=True,
    )
    def get(self, by: User, query: Values) -> Values | None:
        """The version in force in that language, if any was published."""
        statement = promises.current(query["language"], by=by)
        return detail(statement) if statement else None


class Wording(Door):
    """The wording that comes with the software."""

    @operation("readShippedWording", asks=LanguageQuery, answers=ShippedWording)
    def get(self, by: User, query: Values) -> Values:
        """The shipped wording in that language, with what is to be filled in in brackets."""
        return {"language": query["language"], "text": wording.shipped(query["language"])}


class OnePromise(Door):
    """A version of the promise."""

    @operation("readPromise", answers=PromiseDetail, refuses=(403, 404))
    def get(self, by: User, promise_id: UUID) -> Values:
        """Read a version with its wording."""
        return detail(promises.read(promise_id, by=by))

    @operation(
        "revisePromise",
        takes=PromiseText,
        answers=PromiseDetail,
        if_match=True,
        refuses=(403, 404, 409),
    )
    def patch(self, by: User, promise_id: UUID, version: int, body: Values) -> Values:
        """Rewrite a draft, of the version that was read."""
        return detail(promises.revise(promise_id, by=by, version=version, text=body["text"]))


class PublishingPromise(Door):
    """A draft becoming the practice's promise."""

    @operation("publishPromise", answers=PromiseDetail, if_match=True, refuses=(403, 404, 409))
    def post(self, by: User, promise_id: UUID, version: int) -> Values:
        """Put a draft in force as it was read. It never changes again."""
        return detail(promises.publish(promise_id, by=by, version=version))


class Agreements(Door):
    """Which promise a client was given."""

    @operation(
        "listAgreements", asks=PageQuery, answers=AgreementLine, paged=True, refuses=(403, 404)
    )
    def get(self, by: User, client_id: UUID, query: Values) -> Values:
        """What the client was given, the last one first: it is in force unless withdrawn."""
        return page(agreements.browse(client_id, by=by), agreement_line, query)

    @operation(
        "recordAgreement",
        takes=NewAgreement,
        answers=AgreementLine,
        status=201,
        refuses=(403, 404, 409),
    )
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """Keep that the client was given this version."""
        return agreement_line(agreements.record(client_id, by=by, **body))


class WithdrawingAgreement(Door):
    """A client taking their agreement back."""

    @operation("withdrawAgreement", answers=AgreementLine, refuses=(403, 404, 409))
    def post(self, by: User, client_id: UUID, agreement_id: UUID) -> Values:
        """Keep that the client withdrew it, now. No earlier one comes back."""
        return agreement_line(agreements.withdraw(agreement_id, by=by, client_id=client_id))


def line(row: ConfidentialityStatement) -> Values:
    return {
        "id": row.pk,
        "version": row.version,
        "language": row.language,
        "number": row.number,
        "drafted_at": row.drafted_at,
        "drafted_by": person(row.drafted_by),
        "published_at": row.published_at,
        "published_by": person_or_none(row.published_by),
        "retired_at": row.retired_at,
    }


def detail(row: ConfidentialityStatement) -> Values:
    return {**line(row), "text": row.text}


def agreement_line(row: Agreement) -> Values:
    return {
        "id": row.pk,
        "statement": row.statement_id,
        "language": row.statement.language,
        "number": row.statement.number,
        "given_at": row.given_at,
        "how": row.how,
        "recorded_at": row.recorded_at,
        "recorded_by": person(row.recorded_by),
        "withdrawn_at": row.withdrawn_at,
        "withdrawn_by": person_or_none(row.withdrawn_by),
    }
