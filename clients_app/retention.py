"""How long a file is kept: from rules to a date, and why.

A file is kept while the client is in care. At discharge every rule of the practice that fits the
file's service and jurisdiction names a last day of keeping, and the latest of them governs
(Delaware 24 Del. Admin. Code 3500-11: the longest applicable period):

* an adult's file: N years after the last contact or after discharge, as the rule says;
* of somebody under 18 on that day also: until their Mth birthday.

Nothing is ever due a day early. The last day is kept whole, in the practice's time zone; a period
that would end on a 29 February which does not exist ends on 1 March. Where a rule needs a birth
date that is not known, or no rule fits, there is no date: such a file is never due, it is
reported instead.

Everything here is a function of its arguments; the day is always one of them.
"""

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from clients_app.models import Client, Practice, RetentionRule, Trigger

MAJORITY = 18


@dataclass(frozen=True, slots=True)
class Candidate:
    """One last day that one rule asks for. `ground` is "adult" or "minor"."""

    rule_id: UUID
    until: date
    ground: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The governing candidate, all of them, or what is missing: "rule" or
    "birth_date", or "in_care" where nothing has ended yet."""

    governing: Candidate | None
    candidates: tuple[Candidate, ...]
    missing: str = ""

    @property
    def until(self) -> date | None:
        return self.governing.until if self.governing else None


def decide(
    rules: Iterable[RetentionRule],
    *,
    discharged_on: date,
    last_contact_on: date | None,
    birth_date: date | None,
) -> Decision:
    """The date to which these rules, all of which apply, keep a file."""
    candidates: list[Candidate] = []
    for rule in rules:
        start = discharged_on
        if rule.trigger == Trigger.LAST_CONTACT and last_contact_on is not None:
            start = last_contact_on
        candidates.append(Candidate(rule.pk, years_after(start, rule.adult_years), "adult"))
        if rule.minor_until_age is None:
            continue
        if birth_date is None:
            return Decision(None, tuple(candidates), "birth_date")
        if start < years_after(birth_date, MAJORITY):
            birthday = years_after(birth_date, rule.minor_until_age)
            candidates.append(Candidate(rule.pk, birthday, "minor"))
    if not candidates:
        return Decision(None, (), "rule")
    return Decision(max(candidates, key=lambda c: c.until), tuple(candidates))


def rules_for(client: Client) -> QuerySet[RetentionRule]:
    """The rules in force that fit the file's service and jurisdiction."""
    return RetentionRule.objects.filter(
        Q(service_type="") | Q(service_type=client.service_type),
        Q(jurisdiction="") | Q(jurisdiction=client.jurisdiction),
        practice_id=client.practice_id,
        retired_at=None,
    ).order_by("pk")


def due(practice: Practice, *, on: date) -> QuerySet[Client]:
    """The files whose last day of keeping is past on that day."""
    return Client.objects.filter(practice=practice, retain_until__lt=on)


def undated(practice: Practice) -> QuerySet[Client]:
    """Discharged files that no rule gives a date: never due, to be looked at."""
    return Client.objects.filter(practice=practice, discharged_on__isnull=False, retain_until=None)


def local_day(practice: Practice, now: datetime) -> date:
    """The day that it is in the practice at this moment."""
    return now.astimezone(zoneinfo.ZoneInfo(practice.time_zone)).date()


def years_after(day: date, years: int) -> date:
    """The same day of a later year; 1 March where 29 February does not exist."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
