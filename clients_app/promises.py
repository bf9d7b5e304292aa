"""The promise itself: the practice's wording of confidentiality, version after version.

A practice has one line of versions in each language. A version is drafted, revised while it is a
draft, and published; from then on it never changes, not by a verb and not in the database. The
next published version takes its place. Which one a client was given stays known (`agreements`), and
so does each time it could not be kept whole (`exceptions`): nothing is handed outward without the
one or the other (`grounds`).

No wording is published that promises a silence without limits, or that does not say what the
limits are (`wording`). The manager and the privacy officer write; whoever meets clients reads what
is published.
"""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, wording
from clients_app.errors import Conflict, Stale
from clients_app.models import ConfidentialityStatement, User
from clients_app.roles import Permission


def browse(*, by: User, language: str | None = None) -> QuerySet[ConfidentialityStatement]:
    """The versions, newest first; drafts only for those who write them."""
    access.require(by, Permission.PROMISE_READ)
    rows = access.visible_to(by, Permission.PROMISE_READ, _readable(by))
    if language is not None:
        rows = rows.filter(language=language)
    return rows.select_related("drafted_by", "published_by").order_by("language", "-number", "pk")


def read(statement_id: UUID, *, by: User) -> ConfidentialityStatement:
    """One version with its wording."""
    return access.find(
        _readable(by).select_related("drafted_by", "published_by"),
        statement_id,
        by,
        Permission.PROMISE_READ,
        client="",
    )


def current(
    language: str, *, by: User, now: datetime | None = None
) -> ConfidentialityStatement | None:
    """What the practice promises in that language now, if anything."""
    access.require(by, Permission.PROMISE_READ)
    wording.checked_language(language)
    return in_force(access.practice_of(by).pk, language, now or timezone.now())


def in_force(practice_id: UUID, language: str, at: datetime) -> ConfidentialityStatement | None:
    """The version that stood at that moment. For verbs that have asked `access` already."""
    return (
        ConfidentialityStatement.objects.filter(
            Q(retired_at=None) | Q(retired_at__gt=at),
            practice_id=practice_id,
            language=language,
            published_at__lte=at,
        )
        .order_by("-number")
        .first()
    )


def draft(
    language: str, *, by: User, text: str | None = None, now: datetime | None = None
) -> ConfidentialityStatement:
    """Begin the next version, from the shipped wording unless another is given.

    Raises Conflict where there is a draft in that language already.
    """
    access.require(by, Permission.PROMISE_WRITE)
    wording.checked_language(language)
    practice = access.practice_of(by)
    text = wording.checked(wording.shipped(language) if text is None else text)
    versions = ConfidentialityStatement.objects.filter(practice=practice, language=language)
    try:
        with transaction.atomic():
            last = versions.aggregate(last=Max("number"))["last"] or 0
            statement = ConfidentialityStatement.objects.create(
                practice=practice,
                language=language,
                number=last + 1,
                text=text,
                drafted_at=now or timezone.now(),
                drafted_by=by,
            )
            audit.record("promise.drafted", by=by, subject_id=statement.pk, language=language)
    except IntegrityError as refused:
        if "statement_one_draft" not in str(refused) and "statement_number" not in str(refused):
            raise
        raise Conflict(_("There is a draft in this language already. Revise it.")) from None
    return statement


def revise(statement_id: UUID, *, by: User, version: int, text: str) -> ConfidentialityStatement:
    """Rewrite a draft. Raises Stale if somebody did since it was read, Conflict if published."""
    found = _find(statement_id, by)
    wording.checked(text)
    with transaction.atomic():
        statement = _locked_draft(found, version)
        if text == statement.text:
            return statement
        statement.text = text
        statement.version += 1
        statement.save(update_fields=["text", "version"])
        audit.record("promise.revised", by=by, subject_id=statement.pk, version=statement.version)
    return statement


def publish(
    statement_id: UUID, *, by: User, version: int, now: datetime | None = None
) -> ConfidentialityStatement:
    """Put a draft in force as it was read; the version before it is retired at the same moment.

    Raises Invalid for a wording that promises too much or names no exceptions.
    """
    found = _find(statement_id, by)
    moment = now or timezone.now()
    with transaction.atomic():
        statement = _locked_draft(found, version)
        wording.check(statement.language, statement.text)
        ConfidentialityStatement.objects.filter(
            practice_id=statement.practice_id,
            language=statement.language,
            published_at__isnull=False,
            retired_at=None,
        ).update(retired_at=moment)
        statement.published_at, statement.published_by = moment, by
        statement.save(update_fields=["published_at", "published_by"])
        audit.record(
            "promise.published",
            by=by,
            subject_id=statement.pk,
            language=statement.language,
            number=statement.number,
        )
    return statement


def _readable(by: User) -> QuerySet[ConfidentialityStatement]:
    rows = ConfidentialityStatement.objects.all()
    writes = access.scope(by, Permission.PROMISE_WRITE) is not None
    return rows if writes else rows.filter(published_at__isnull=False)


def _find(statement_id: UUID, by: User) -> ConfidentialityStatement:
    rows = ConfidentialityStatement.objects.all()
    return access.find(rows, statement_id, by, Permission.PROMISE_WRITE, client="")


def _locked_draft(found: ConfidentialityStatement, version: int) -> ConfidentialityStatement:
    statement = ConfidentialityStatement.objects.select_for_update().get(pk=found.pk)
    if statement.published_at is not None:
        raise Conflict(
            _("This version is published and never changes. Draft the next one."), code="published"
        )
    if statement.version != version:
        raise Stale(
            _("Somebody revised this draft meanwhile. Read it again, then repeat."),
            current=statement.version,
        )
    return statement
