"""The practice's retention rules: decided, retired, never edited."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, clients, facts, texts
from clients_app.errors import Conflict, Invalid
from clients_app.models import RetentionRule, ServiceType, Trigger, User
from clients_app.roles import Permission


def browse(*, by: User) -> QuerySet[RetentionRule]:
    """The practice's rules, those in force first."""
    access.require(by, Permission.RULE_READ)
    rows = access.visible_to(by, Permission.RULE_READ, RetentionRule.objects.all())
    return rows.select_related("decided_by").order_by("-retired_at", "-decided_at", "pk")


def read(rule_id: UUID, *, by: User) -> RetentionRule:
    """One rule."""
    return access.find(
        RetentionRule.objects.select_related("decided_by"),
        rule_id,
        by,
        Permission.RULE_READ,
        client="",
    )


def decide(
    *,
    by: User,
    trigger: str,
    adult_years: int,
    source: str,
    minor_until_age: int | None = None,
    service_type: str = "",
    jurisdiction: str = "",
) -> tuple[RetentionRule, int]:
    """Put a rule in force: the rule, and how many discharged files it keeps longer.

    A rule never shortens a date that a file has already.
    """
    access.require(by, Permission.RULE_DECIDE)
    if trigger not in Trigger.values:
        raise Invalid("trigger", _("Choose one of the listed values."))
    if service_type and service_type not in ServiceType.values:
        raise Invalid("service_type", _("Choose one of the listed values."))
    if not 1 <= adult_years <= 110:
        raise Invalid("adult_years", _("Give a number of years from 1 to 110."))
    if minor_until_age is not None and not 18 <= minor_until_age <= 110:
        raise Invalid("minor_until_age", _("Give an age from 18 to 110, or nothing."))
    practice = access.practice_of(by)
    with transaction.atomic():
        rule = RetentionRule.objects.create(
            practice=practice,
            service_type=service_type,
            jurisdiction=facts.checked_jurisdiction(jurisdiction) if jurisdiction else "",
            trigger=trigger,
            adult_years=adult_years,
            minor_until_age=minor_until_age,
            source=texts.checked("source", source, longest=300),
            decided_at=timezone.now(),
            decided_by=by,
        )
        audit.record(
            "rule.decided",
            by=by,
            subject_id=rule.pk,
            **_in_labels(rule),
        )
        longer = clients.weigh_again(practice, by=by)
    return rule, longer


def retire(rule_id: UUID, *, by: User) -> RetentionRule:
    """Take a rule out of force for files discharged from now on; dates that stand, stand."""
    found = access.find(RetentionRule.objects.all(), rule_id, by, Permission.RULE_DECIDE, client="")
    with transaction.atomic():
        rule = RetentionRule.objects.select_for_update().get(pk=found.pk)
        if rule.retired_at is not None:
            raise Conflict(_("This rule is retired already."))
        rule.retired_at = timezone.now()
        rule.save(update_fields=["retired_at"])
        audit.record("rule.retired", by=by, subject_id=rule.pk, **_in_labels(rule))
    return rule


def in_words(rule_ids: Collection[UUID]) -> dict[UUID, str]:
    """Rules as sentences, retired ones too: for whoever was told that these rules hold a file."""
    return {rule.pk: sentence(rule) for rule in RetentionRule.objects.filter(pk__in=rule_ids)}


def sentence(rule: RetentionRule) -> str:
    """The rule in words of the language that is active."""
    words = ngettext(
        "%(n)s year after %(trigger)s", "%(n)s years after %(trigger)s", rule.adult_years
    ) % {"n": rule.adult_years, "trigger": rule.get_trigger_display()}
    if rule.minor_until_age is not None:
        minor = gettext("a minor’s until age %(age)s") % {"age": rule.minor_until_age}
        words += f"; {minor}"
    return f"{words} ({rule.source})"[:400]


def _in_labels(rule: RetentionRule) -> dict[str, Any]:
    """What the rule asks for, as the trail keeps it: all but its source, which is text."""
    return {
        "trigger": rule.trigger,
        "adult_years": rule.adult_years,
        "minor_until_age": rule.minor_until_age,
        "service_type": rule.service_type,
        "jurisdiction": rule.jurisdiction,
    }
