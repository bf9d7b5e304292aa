"""The practice's retention rules: decided, retired, never edited."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, facts, keeping, presets, retention, texts
from clients_app.errors import Conflict, Invalid
from clients_app.models import (
    Bound,
    Category,
    Client,
    Practice,
    RecordClass,
    RetentionRule,
    ServiceType,
    Trigger,
    User,
)
from clients_app.roles import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a rule says; the columns of `RetentionRule`, and how `retention` reads them."""

    trigger: str
    source: str
    bound: str = Bound.FLOOR
    record_class: str = RecordClass.FILE
    service_type: str = ""
    jurisdiction: str = ""
    category: str = ""
    years: int = 0
    months: int = 0
    days: int = 0
    until_age: int | None = None
    older_from: int | None = None
    older_until_age: int | None = None
    started_from_age: int | None = None
    started_below_age: int | None = None
    counts_from: date | None = None
    counts_before: date | None = None
    unless_died: bool = False
    batch_month: int | None = None
    batch_day: int | None = None


CHOICES: dict[str, type[TextChoices]] = {
    "trigger": Trigger,
    "bound": Bound,
    "record_class": RecordClass,
    "service_type": ServiceType,
    "category": Category,
}
RANGES = {
    "years": (0, 110, _("Give a number of years from 0 to 110.")),
    "months": (0, 1320, _("Give a number of months from 0 to 1320.")),
    "days": (0, 32000, _("Give a number of days from 0 to 32000.")),
    "until_age": (18, 110, _("Give an age from 18 to 110, or nothing.")),
    "older_from": (1, 17, _("Give an age from 1 to 17, or nothing.")),
    "older_until_age": (18, 110, _("Give an age from 18 to 110, or nothing.")),
    "started_from_age": (0, 110, _("Give an age from 0 to 110, or nothing.")),
    "started_below_age": (1, 110, _("Give an age from 1 to 110, or nothing.")),
    "batch_month": (1, 12, _("Give a month from 1 to 12, or nothing.")),
    "batch_day": (1, 28, _("Give a day from 1 to 28, or nothing.")),
}


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


def decide(*, by: User, **terms: Any) -> tuple[RetentionRule, int]:
    """Put a rule in force: the rule, and how many discharged files it keeps longer.

    `terms` are those of `Terms`. A rule never shortens a date that a file has already. Raises
    Invalid for terms that cannot be.
    """
    access.require(by, Permission.RULE_DECIDE)
    (rule,), longer = _put_in_force([checked(**terms)], by=by)
    return rule, longer


def preview(*, by: User, now: datetime | None = None, **terms: Any) -> keeping.Effect:
    """What a rule would change, were it put in force; nothing is changed. Raises Invalid."""
    access.require(by, Permission.RULE_DECIDE)
    practice = access.practice_of(by)
    added = RetentionRule(practice=practice, **asdict(checked(**terms)))
    with transaction.atomic():
        rules = [*retention.in_force(practice.pk), added]
        effect = keeping.compare(practice, rules, now=now or timezone.now())
        audit.record("rule.previewed", by=by, files=effect.files)
    return effect


def preview_retirement(
    rule_id: UUID, *, by: User, now: datetime | None = None
) -> tuple[RetentionRule, keeping.Effect]:
    """A rule, and what would change without it if a shortening follows (`shortenings`)."""
    rule = access.find(RetentionRule.objects.all(), rule_id, by, Permission.RULE_DECIDE, client="")
    practice = access.practice_of(by)
    with transaction.atomic():
        left = [one for one in retention.in_force(practice.pk) if one.pk != rule.pk]
        effect = keeping.compare(practice, left, now=now or timezone.now())
        audit.record("rule.previewed", by=by, subject_id=rule.pk, files=effect.files)
    return rule, effect


def shipped(*, by: User) -> tuple[presets.Preset, ...]:
    """The sets of rules that come with the product, each with its sources."""
    access.require(by, Permission.RULE_READ)
    return presets.SHIPPED


def adopt(name: str, *, by: User) -> tuple[list[RetentionRule], int]:
    """Put a shipped set in force, whole; its rules, and how many discharged files they keep
    longer. Raises Hidden for a name of none, Conflict where all of it is in force already."""
    access.require(by, Permission.RULE_DECIDE)
    preset = presets.BY_NAME.get(name)
    if preset is None:
        access.hide(by, Permission.RULE_DECIDE, client_id=None)
    in_force = RetentionRule.objects.filter(practice=access.practice_of(by), retired_at=None)
    known = [terms_of(rule) for rule in in_force]
    missing = [t for t in (checked(**terms) for terms in preset.rules) if asdict(t) not in known]
    if not missing:
        raise Conflict(_("These rules are in force already."))
    return _put_in_force(missing, by=by)


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


def checked(**given: Any) -> Terms:
    """Terms that can be. Raises Invalid for the first that cannot."""
    terms = Terms(**given)
    for name, choices in CHOICES.items():
        value = getattr(terms, name)
        optional = name in ("service_type", "category")
        if value not in choices.values and not (optional and value == ""):
            raise Invalid(name, _("Choose one of the listed values."))
    for name, (least, most, words) in RANGES.items():
        value = getattr(terms, name)
        if value is not None and not least <= value <= most:
            raise Invalid(name, words)
    if not (terms.years or terms.months or terms.days or terms.until_age):
        raise Invalid("years", _("Say how long: years, months, days or a birthday."))
    if (terms.older_from is None) != (terms.older_until_age is None):
        raise Invalid("older_until_age", _("Another birthday needs the age from which it counts."))
    if terms.older_from is not None and terms.until_age is None:
        raise Invalid("until_age", _("Give the birthday for those who are younger, too."))
    if terms.batch_month is not None and terms.batch_day is None:
        raise Invalid("batch_day", _("Give the day of the month, too."))
    low, high = terms.started_from_age, terms.started_below_age
    if low is not None and high is not None and low >= high:
        raise Invalid("started_below_age", _("This age must be higher than the other."))
    if terms.counts_from and terms.counts_before and terms.counts_from >= terms.counts_before:
        raise Invalid("counts_before", _("This day must be after the other."))
    if terms.jurisdiction:
        facts.checked_jurisdiction(terms.jurisdiction)
    texts.checked("source", terms.source, longest=300)
    return terms


def in_words(rule_ids: Collection[UUID]) -> dict[UUID, str]:
    """Rules as sentences, retired ones too: for whoever was told that these rules hold a file."""
    return {rule.pk: sentence(rule) for rule in RetentionRule.objects.filter(pk__in=rule_ids)}


def sentence(rule: RetentionRule) -> str:
    """The rule in words of the language that is active, its source last; 400 letters at most, as
    a certificate takes them."""
    return f"{said(rule)} ({rule.source})"[:400]


def explained(
    client: Client, decision: retention.Decision | None, words: Mapping[UUID, str]
) -> str:
    """Why a file is kept until when, as a client would understand it. `words` are the sentences of
    the rules (`in_words`)."""
    if decision is None:
        return gettext("In care: the file is kept, and discharge gives it an end.")
    rule = words.get(client.governing_rule_id, "") if client.governing_rule_id else ""
    if client.retain_until is not None:
        text = gettext("Kept until %(day)s, that day included: %(rule)s.") % {
            "day": date_format(client.retain_until),
            "rule": rule,
        }
    elif decision.missing == "birth_date":
        text = gettext("Kept without end: a rule depends on the birth date, which is not known.")
    else:
        text = gettext("Kept without end: no rule of the practice fits this file.")
    ceiling = decision.passed(client.retain_until)
    if ceiling is not None:
        text += " " + gettext(
            "After %(day)s keeping it needs a reason, and no rule gives one: %(rule)s."
        ) % {"day": date_format(ceiling.until), "rule": words.get(ceiling.rule_id, "")}
    return text


def said(rule: RetentionRule) -> str:
    """The rule in words, without its source."""
    parts = [*_periods(rule), *_conditions(rule)]
    if rule.bound == Bound.CEILING:
        parts.insert(0, gettext("not without a reason longer than"))
        return " ".join(parts[:2]) + "".join(f"; {part}" for part in parts[2:])
    return "; ".join(parts)


def _periods(rule: RetentionRule) -> Iterable[str]:
    lengths = [
        ngettext("%(n)s year", "%(n)s years", rule.years) % {"n": rule.years} if rule.years else "",
        ngettext("%(n)s month", "%(n)s months", rule.months) % {"n": rule.months}
        if rule.months
        else "",
        ngettext("%(n)s day", "%(n)s days", rule.days) % {"n": rule.days} if rule.days else "",
    ]
    if length := ", ".join(filter(None, lengths)):
        yield gettext("%(length)s after %(trigger)s") % {
            "length": length,
            "trigger": rule.get_trigger_display(),
        }
    if rule.until_age is not None:
        yield gettext("a minor’s until age %(age)s") % {"age": rule.until_age}
    if rule.older_from is not None:
        yield gettext("%(older)s for whoever was %(age)s or older") % {
            "older": rule.older_until_age,
            "age": rule.older_from,
        }


def _conditions(rule: RetentionRule) -> Iterable[str]:
    if rule.record_class != RecordClass.FILE:
        yield rule.get_record_class_display()
    if rule.category:
        yield rule.get_category_display()
    if rule.started_from_age is not None:
        yield gettext("registered at %(age)s or older") % {"age": rule.started_from_age}
    if rule.started_below_age is not None:
        yield gettext("registered below %(age)s") % {"age": rule.started_below_age}
    if rule.counts_from is not None:
        yield gettext("counted from %(day)s on") % {"day": date_format(rule.counts_from)}
    if rule.counts_before is not None:
        yield gettext("counted before %(day)s") % {"day": date_format(rule.counts_before)}
    if rule.unless_died:
        yield gettext("not where the client has died")
    if rule.batch_day is not None and rule.batch_month is not None:
        day = date(2001, rule.batch_month, rule.batch_day)
        yield gettext("destroyed together on %(day)s") % {
            "day": date_format(day, "MONTH_DAY_FORMAT")
        }
    elif rule.batch_day is not None:
        yield gettext("destroyed together on day %(day)s of the month") % {"day": rule.batch_day}


def _put_in_force(decided: list[Terms], *, by: User) -> tuple[list[RetentionRule], int]:
    practice = access.practice_of(by)
    with transaction.atomic():
        # Whoever dates a file meanwhile waits, or is waited for (`retention.wait_for_rules`).
        Practice.objects.select_for_update().get(pk=practice.pk)
        made = []
        for terms in decided:
            rule = RetentionRule.objects.create(
                practice=practice, decided_at=timezone.now(), decided_by=by, **asdict(terms)
            )
            audit.record("rule.decided", by=by, subject_id=rule.pk, **_in_labels(rule))
            made.append(rule)
        longer = keeping.weigh_again(practice, by=by)
    return made, longer


def terms_of(rule: RetentionRule) -> dict[str, Any]:
    """What a rule says, by the names of `Terms`."""
    return {name: getattr(rule, name) for name in Terms.__dataclass_fields__}


def _in_labels(rule: RetentionRule) -> dict[str, Any]:
    """What the rule asks for, as the trail keeps it: all but its source, which is text, and what
    it does not ask."""
    terms = terms_of(rule)
    del terms["source"]
    return {name: value for name, value in terms.items() if value not in ("", None, False, 0)}
