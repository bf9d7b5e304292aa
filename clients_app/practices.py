"""Practices, opened and described by whoever runs the server. They hold no client of their own
accord: a superuser who opens one still reads nothing in it."""

import zoneinfo
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, facts, texts
from clients_app.errors import Conflict, Invalid
from clients_app.models import Practice, User
from clients_app.roles import Permission

DESCRIBED = ("name", "slug", "time_zone", "jurisdiction")


def browse(*, by: User) -> QuerySet[Practice]:
    """Every practice of this server, by name."""
    access.require_server(by, Permission.PRACTICE_MANAGE)
    return Practice.objects.order_by("name", "pk")


def read(practice_id: UUID, *, by: User) -> Practice:
    """One practice."""
    access.require_server(by, Permission.PRACTICE_MANAGE, subject_id=practice_id)
    practice = Practice.objects.filter(pk=practice_id).first()
    if practice is None:
        access.hide(by, Permission.PRACTICE_MANAGE, client_id=None, subject_id=practice_id)
    return practice


def create(
    *,
    by: User | None,
    name: str,
    slug: str,
    time_zone: str = "Europe/Tallinn",
    jurisdiction: str = "EE",
) -> Practice:
    """A new practice. `by=None` is the operator's command line.

    Raises Invalid, or Conflict for a short name that is taken.
    """
    if by is not None:
        access.require_server(by, Permission.PRACTICE_MANAGE)
    practice = Practice()
    _describe(practice, name, slug, time_zone, jurisdiction)
    return _store(practice, "practice.created", by)


def change(
    practice_id: UUID, *, by: User, name: str, slug: str, time_zone: str, jurisdiction: str
) -> Practice:
    """Describe a practice anew. Codes and dates that clients have already stay."""
    practice = read(practice_id, by=by)
    was = {name: getattr(practice, name) for name in DESCRIBED}
    _describe(practice, name, slug, time_zone, jurisdiction)
    changed = [name for name in DESCRIBED if getattr(practice, name) != was[name]]
    return _store(
        practice, "practice.changed", by, fields=changed, was_jurisdiction=was["jurisdiction"]
    )


def _store(practice: Practice, event: str, by: User | None, **detail: Any) -> Practice:
    described = None if practice._state.adding else DESCRIBED
    try:
        with transaction.atomic():
            practice.save(update_fields=described)
            audit.record(
                event,
                by=by,
                practice_id=practice.pk,
                subject_id=practice.pk,
                jurisdiction=practice.jurisdiction,
                **detail,
            )
    except IntegrityError:
        raise Conflict(_("Another practice has this short name.")) from None
    return practice


def _describe(practice: Practice, name: str, slug: str, time_zone: str, jurisdiction: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError:
        raise Invalid("slug", _("Use letters, digits and hyphens only.")) from None
    if len(slug) > 50:
        raise Invalid("slug", _("This is too long."))
    if time_zone not in zoneinfo.available_timezones():
        raise Invalid("time_zone", _("Give a time zone such as Europe/Tallinn."))
    practice.name = texts.checked("name", name, longest=200)
    practice.slug, practice.time_zone = slug, time_zone
    practice.jurisdiction = facts.checked_jurisdiction(jurisdiction)
