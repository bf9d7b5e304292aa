"""How long a file is kept: from rules to a date, and why.

A file is kept while the client is in care. At discharge every rule of the practice that fits the
file is asked. A *floor* names a last day of keeping:

* so many years, months and days after the day that it counts from (last contact, discharge,
  registration, birth or death);
* of somebody who was a minor on that day also until a birthday: their 25th, say, or their 26th if
  they were 17 (England, NHS Records Management Code).

The latest floor governs (Delaware 24 Del. Admin. Code 3500-11: the longest applicable period). A
*ceiling* gives no date. It says when keeping needs a reason, and warns where no floor is one
(GDPR 5(1)(e), storage limitation).

Nothing is ever due a day early. The last day is kept whole, in the practice's time zone; a period
whose last day does not exist, such as a 29 February, ends on the first of the next month. Where a
floor needs a birth date that is not known, or no floor fits, there is no date: such a file is never
due, it is reported instead.

Everything here is a function of its arguments; the day is always one of them.
"""

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from clients_app.models import Bound, Client, Practice, RecordClass, RetentionRule, Trigger

MAJORITY = 18
PERIOD, BIRTHDAY = "period", "birthday"
SHARED = f"SELECT FROM {Practice._meta.db_table} WHERE id = %s FOR SHARE"


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at; days in the practice's time zone. `engaged`: a session was held."""

    registered_on: date
    discharged_on: date
    last_contact_on: date | None = None
    birth_date: date | None = None
    death_date: date | None = None

    @property
    def engaged(self) -> bool:
        return self.last_contact_on is not None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One last day that one rule names. `ground` is "period" or "birthday"."""

    rule_id: UUID
    until: date
    ground: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The governing candidate, all of them, or what is missing: "rule", "birth_date", or "in_care"
    where nothing has ended yet. `ceilings` are the days after which keeping needs a reason, the
    earliest first."""

    governing: Candidate | None
    candidates: tuple[Candidate, ...]
    missing: str = ""
    ceilings: tuple[Candidate, ...] = ()

    @property
    def until(self) -> date | None:
        return self.governing.until if self.governing else None

    def passed(self, standing: date | None) -> Candidate | None:
        """The ceiling beyond which nothing justifies a file that is kept until `standing`, or
        without end. A floor justifies it, and so does a birth date that is not known."""
        reasons = [c.until for c in self.candidates]
        if not self.ceilings or self.missing == "birth_date":
            return None
        ceiling = self.ceilings[0]
        kept_longer = standing is None or standing > ceiling.until
        return ceiling if kept_longer and max(reasons, default=date.min) <= ceiling.until else None


def decide(rules: Iterable[RetentionRule], facts: Facts) -> Decision:
    """The date to which these rules, all of which fit the client, keep the file."""
    candidates: list[Candidate] = []
    ceilings: list[Candidate] = []
    missing = ""
    for rule in rules:
        try:
            found = _candidates(rule, facts)
        except BirthDateMissing:
            missing = missing or ("birth_date" if rule.bound == Bound.FLOOR else "")
            continue
        (candidates if rule.bound == Bound.FLOOR else ceilings).extend(found)
    above = tuple(sorted(ceilings, key=lambda c: c.until))
    if missing or not candidates:
        return Decision(None, tuple(candidates), missing or "rule", above)
    return Decision(max(candidates, key=lambda c: c.until), tuple(candidates), "", above)


class BirthDateMissing(Exception):
    """A rule cannot say whether it fits, or until when, without the birth date."""


def _candidates(rule: RetentionRule, facts: Facts) -> list[Candidate]:
    if rule.record_class == RecordClass.CLIENT_FILE and not facts.engaged:
        return []
    if rule.record_class == RecordClass.ENQUIRY and facts.engaged:
        return []
    if rule.unless_died and facts.death_date is not None:
        return []
    start = _start(rule, facts)
    if start is None:
        return []
    if rule.counts_from is not None and start < rule.counts_from:
        return []
    if rule.counts_before is not None and start >= rule.counts_before:
        return []
    if rule.started_from_age is not None or rule.started_below_age is not None:
        age = age_on(facts.registered_on, _born(facts))
        if not (rule.started_from_age or 0) <= age < (rule.started_below_age or 1000):
            return []
    found = []
    if rule.years or rule.months or rule.days:
        end = later(start, years=rule.years, months=rule.months, days=rule.days)
        found.append(Candidate(rule.pk, _batched(rule, end), PERIOD))
    if rule.until_age is not None:
        born = _born(facts)
        age = age_on(start, born)
        if age < MAJORITY:
            older = rule.older_from is not None and age >= rule.older_from
            birthday = rule.older_until_age if older else rule.until_age
            end = later(born, years=birthday or rule.until_age)
            found.append(Candidate(rule.pk, _batched(rule, end), BIRTHDAY))
    return found


def _start(rule: RetentionRule, facts: Facts) -> date | None:
    """The day from which a rule counts; None where that never came. Without a known contact the
    period of `last_contact` runs from discharge, which is later."""
    match rule.trigger:
        case Trigger.LAST_CONTACT:
            return facts.last_contact_on or facts.discharged_on
        case Trigger.REGISTRATION:
            return facts.registered_on
        case Trigger.BIRTH:
            return _born(facts)
        case Trigger.DEATH:
            return facts.death_date
        case _:
            return facts.discharged_on


def _born(facts: Facts) -> date:
    if facts.birth_date is None:
        raise BirthDateMissing
    return facts.birth_date


def _batched(rule: RetentionRule, until: date) -> date:
    """Files are destroyed together on one day of the year or the month: kept to the day before."""
    if rule.batch_day is None:
        return until
    year, month = until.year, rule.batch_month or until.month
    day = date(year, month, rule.batch_day)
    if day <= until:
        day = later(day, years=1) if rule.batch_month else later(day, months=1)
    return day - timedelta(days=1)


def in_force(practice_id: UUID) -> list[RetentionRule]:
    """The practice's rules, whichever files they fit."""
    rules = RetentionRule.objects.filter(practice_id=practice_id, retired_at=None)
    return list(rules.order_by("pk"))


def wait_for_rules(practice_id: UUID) -> None:
    """In the transaction of whoever dates a file, before its row is locked: no rule is put in force
    meanwhile that would not be weighed."""
    with connection.cursor() as cursor:
        cursor.execute(SHARED, [practice_id])


def fits(rule: RetentionRule, client: Client, category: str | None = None) -> bool:
    """Whether a rule is about a client's service, jurisdiction and category, which is sealed. A
    country's rules hold in its states."""
    places = ("", client.jurisdiction, client.jurisdiction.partition("-")[0])
    return (
        rule.service_type in ("", client.service_type)
        and rule.category in ("", category)
        and rule.jurisdiction in places
    )


def due(practice: Practice, *, on: date) -> QuerySet[Client]:
    """The files whose last day of keeping is past on that day."""
    return Client.objects.filter(practice=practice, retain_until__lt=on)


def undated(practice: Practice) -> QuerySet[Client]:
    """Discharged files that no rule gives a date: never due, to be looked at."""
    return Client.objects.filter(practice=practice, discharged_on__isnull=False, retain_until=None)


def local_day(practice: Practice, now: datetime) -> date:
    """The day that it is in the practice at this moment."""
    return now.astimezone(zoneinfo.ZoneInfo(practice.time_zone)).date()


def age_on(day: date, born: date) -> int:
    """Whole years of age; somebody born on 29 February has their birthday on 1 March in years that
    have no such day."""
    years = day.year - born.year
    return years if later(born, years=years) <= day else years - 1


def later(day: date, *, years: int = 0, months: int = 0, days: int = 0) -> date:
    """The same day of a later year and month, or the first of the month after where that does not
    exist; then so many days on."""
    month = day.month - 1 + months
    year, month = day.year + years + month // 12, month % 12 + 1
    try:
        moved = day.replace(year=year, month=month)
    except ValueError:
        moved = date(year + month // 12, month % 12 + 1, 1)
    return moved + timedelta(days=days)
