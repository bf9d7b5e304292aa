"""How long a file is kept. First a table for a lawyer: the law, the facts, the last day."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from clients_app import blockers, clients, holds, presets, retention, rules, wall
from clients_app.errors import Conflict, Hidden, Invalid
from clients_app.models import Client, Practice, RetentionRule
from sessions_app import sessions
from tests.conftest import Cast, trail


def rule(**terms: Any) -> RetentionRule:
    given = {"trigger": "discharge", "source": "policy", **terms}
    return RetentionRule(id=uuid4(), **given)


@dataclass(frozen=True)
class File:
    """What is known of a client, by days as they are written."""

    ended: str
    met: str | None = None
    born: str | None = None
    died: str | None = None
    came: str = "2010-01-01"
    service: str = "psychotherapy"
    place: str = "EE"
    category: str = ""

    def decide(self, rules_: list[RetentionRule]) -> retention.Decision:
        client = Client(service_type=self.service, jurisdiction=self.place)
        fitting = [rule for rule in rules_ if retention.fits(rule, client, self.category)]
        return retention.decide(fitting, self.facts())

    def facts(self) -> retention.Facts:
        return retention.Facts(
            registered_on=date.fromisoformat(self.came),
            discharged_on=date.fromisoformat(self.ended),
            last_contact_on=day(self.met),
            birth_date=day(self.born),
            death_date=day(self.died),
        )


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def of(preset: str) -> list[RetentionRule]:
    return [rule(**terms) for terms in presets.BY_NAME[preset].rules]


EE = {"place": "EE", "service": "counselling"}
HEALTH = {"place": "EE", "service": "health_service"}
SEVEN = [rule(years=7)]
CHILDREN = [rule(years=8, until_age=25, older_from=17, older_until_age=26)]
JANUARY = [rule(years=6, batch_month=1, batch_day=1)]

# The case, the law, the facts, the last day of keeping (or what is missing).
CASES: list[tuple[str, list[RetentionRule], File, str]] = [
    ("seven years after discharge", SEVEN, File("2014-02-16"), "2021-02-16"),
    ("discharged on a leap day", SEVEN, File("2016-02-29"), "2023-03-01"),
    ("from leap day to leap day", [rule(years=8)], File("2016-02-29"), "2024-02-29"),
    ("three months", [rule(months=3)], File("2026-01-15"), "2026-04-15"),
    ("three months into a short one", [rule(months=3)], File("2025-11-30"), "2026-03-01"),
    ("a month over the year's end", [rule(months=1)], File("2025-12-31"), "2026-01-31"),
    ("ninety days", [rule(days=90)], File("2026-01-01"), "2026-04-01"),
    (
        "a year, a month and a day",
        [rule(years=1, months=1, days=1)],
        File("2026-01-31"),
        "2027-03-02",
    ),
    (
        "after the last contact, not after discharge",
        [rule(trigger="last_contact", years=7)],
        File("2014-06-30", met="2014-02-16"),
        "2021-02-16",
    ),
    (
        "no contact known: after discharge, which is later",
        [rule(trigger="last_contact", years=7)],
        File("2014-06-30"),
        "2021-06-30",
    ),
    (
        "after registration",
        [rule(trigger="registration", years=10)],
        File("2014-06-30", came="2012-05-01"),
        "2022-05-01",
    ),
    (
        "110 years after birth (older Estonian rule)",
        [rule(trigger="birth", years=110)],
        File("2014-06-30", born="1980-02-29"),
        "2090-03-01",
    ),
    (
        "after birth, which is not known",
        [rule(trigger="birth", years=110)],
        File("2014-06-30"),
        "birth_date",
    ),
    ("of two rules the longest", [*SEVEN, rule(years=10)], File("2014-02-16"), "2024-02-16"),
    ("no rule at all", [], File("2014-02-16"), "rule"),
    # Minors.
    ("a child of ten: until 25", CHILDREN, File("2020-01-10", born="2010-01-01"), "2035-01-01"),
    ("17 at the end: until 26", CHILDREN, File("2020-01-10", born="2002-01-11"), "2028-01-11"),
    ("18 on the day: an adult", CHILDREN, File("2020-01-10", born="2002-01-10"), "2028-01-10"),
    (
        "born on a leap day",
        [rule(years=1, until_age=25)],
        File("2020-01-10", born="2008-02-29"),
        "2033-03-01",
    ),
    (
        "18 on 1 March for whoever was born on 29 February: a minor the day before",
        [rule(years=1, until_age=25)],
        File("2026-02-28", born="2008-02-29"),
        "2033-03-01",
    ),
    (
        "an adult period that is longer",
        [rule(years=10, until_age=18)],
        File("2020-01-10", born="2003-01-01"),
        "2030-01-10",
    ),
    ("a rule for minors, birth unknown", CHILDREN, File("2014-02-16"), "birth_date"),
    (
        "for minors alone, of an adult",
        [rule(until_age=25)],
        File("2014-02-16", born="1980-01-01"),
        "rule",
    ),
    (
        "eight years, of adults when they came (Minnesota)",
        [rule(trigger="last_contact", years=8, started_from_age=18)],
        File("2014-06-30", met="2014-06-01", born="1990-01-01"),
        "2022-06-01",
    ),
    (
        "the same of one who was a minor when they came: not this rule",
        [rule(trigger="last_contact", years=8, started_from_age=18)],
        File("2014-06-30", met="2014-06-01", born="1993-01-01"),
        "rule",
    ),
    # Batches.
    ("six years, then the next January", JANUARY, File("2014-02-16"), "2020-12-31"),
    ("ending on New Year's Day: another year", JANUARY, File("2014-01-01"), "2020-12-31"),
    ("ending on New Year's Eve: that night", JANUARY, File("2013-12-31"), "2019-12-31"),
    (
        "destroyed on the tenth of a month",
        [rule(years=1, batch_day=10)],
        File("2025-03-10"),
        "2026-04-09",
    ),
    (
        "before the tenth: this month",
        [rule(years=1, batch_day=10)],
        File("2025-03-09"),
        "2026-03-09",
    ),
    # Laws with a beginning.
    (
        "therapy ended from 2015 on",
        [rule(years=7, counts_from=date(2015, 1, 1))],
        File("2015-01-01"),
        "2022-01-01",
    ),
    (
        "therapy ended before",
        [rule(years=7, counts_from=date(2015, 1, 1))],
        File("2014-12-31"),
        "rule",
    ),
    # The shipped sets.
    (
        "Estonia, counselling",
        of("ee-counselling"),
        File("2020-06-01", met="2020-03-10", **EE),
        "2023-03-10",
    ),
    (
        "Estonia, an enquiry",
        of("ee-counselling"),
        File("2020-06-01", came="2020-05-20", **EE),
        "2021-05-20",
    ),
    (
        "Estonia, health service",
        of("ee-health-service"),
        File("2020-06-01", met="2020-05-31", **HEALTH),
        "2050-05-31",
    ),
    (
        "Estonia, counselling is no health service",
        of("ee-health-service"),
        File("2020-06-01", **EE),
        "rule",
    ),
    ("Germany, § 630f", of("de-630f"), File("2020-06-01", place="DE"), "2030-06-01"),
    (
        "England, NHS, an adult",
        of("england-nhs"),
        File("2020-06-01", born="1980-01-01", place="GB"),
        "2040-06-01",
    ),
    (
        "England, NHS, who died",
        of("england-nhs"),
        File("2020-06-01", born="1980-01-01", died="2021-03-03", place="GB"),
        "2031-03-03",
    ),
    (
        "England, private",
        of("england-private"),
        File("2020-06-01", met="2020-05-05", born="1980-01-01", place="GB"),
        "2026-12-31",
    ),
    (
        "England, looked after as a child",
        of("england-private"),
        File(
            "2020-06-01",
            met="2020-05-05",
            born="1980-01-01",
            place="GB",
            category="care_experienced",
        ),
        "2120-05-05",
    ),
    (
        "California, an adult",
        of("us-ca"),
        File("2020-06-01", born="1980-01-01", place="US-CA"),
        "2027-06-01",
    ),
    (
        "California, a child",
        of("us-ca"),
        File("2020-06-01", born="2010-07-01", place="US-CA"),
        "2035-07-01",
    ),
    (
        "California, before 2015",
        of("us-ca"),
        File("2014-06-01", born="1980-01-01", place="US-CA"),
        "2021-06-01",
    ),
    (
        "Arizona, a child of 16: six years are longer",
        of("us-az"),
        File("2020-06-01", met="2020-06-01", born="2004-05-01", place="US-AZ"),
        "2026-06-01",
    ),
    (
        "Arizona, a child of ten",
        of("us-az"),
        File("2020-06-01", met="2020-06-01", born="2010-05-01", place="US-AZ"),
        "2031-05-01",
    ),
    (
        "Australia, a child",
        of("au"),
        File("2020-06-01", met="2020-06-01", born="2010-05-01", place="AU"),
        "2035-05-01",
    ),
    (
        "HIPAA alone, in a state",
        of("us-hipaa"),
        File("2020-06-01", met="2020-06-01", born="1980-05-01", place="US-NY"),
        "2027-06-01",
    ),
]


@pytest.mark.parametrize(
    ("law", "file", "until"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_cases(law: list[RetentionRule], file: File, until: str) -> None:
    decision = file.decide(law)
    assert (decision.missing or str(decision.until)) == until


def test_a_ceiling_gives_no_date_and_warns_where_nothing_justifies_more() -> None:
    """GDPR 5(1)(e). A floor is a reason; a date that stands from an older rule is none."""
    ceiling = rule(bound="ceiling", years=5)
    file = File("2020-06-01")
    alone = file.decide([ceiling])
    assert (alone.until, alone.missing) == (None, "rule")
    assert alone.passed(None) == alone.ceilings[0]
    below = file.decide([ceiling, rule(years=3)])
    assert below.until == date(2023, 6, 1)
    assert below.passed(below.until) is None
    assert below.passed(date(2026, 1, 1)) == below.ceilings[0]
    above = file.decide([ceiling, rule(years=7)])
    assert above.passed(above.until) is None


days = st.dates(date(1950, 1, 1), date(2100, 1, 1))
ages = st.none() | st.integers(18, 110)
floors = st.builds(
    rule,
    trigger=st.sampled_from(["discharge", "last_contact", "registration", "birth", "death"]),
    record_class=st.sampled_from(["file", "client_file", "enquiry"]),
    years=st.integers(1, 110),
    months=st.integers(0, 30),
    days=st.integers(0, 400),
    until_age=ages,
    started_from_age=st.none() | st.integers(0, 110),
    unless_died=st.booleans(),
    batch_month=st.none() | st.integers(1, 12),
    batch_day=st.integers(1, 28),
)
some = st.lists(floors, max_size=5)
files = st.builds(
    lambda born, came, met, ended, died: retention.Facts(
        registered_on=came,
        discharged_on=max(filter(None, (ended, met, came))),
        last_contact_on=met,
        birth_date=born,
        death_date=died,
    ),
    st.none() | days,
    days,
    st.none() | days,
    days,
    st.none() | days,
)


@given(some, some, files)
def test_another_floor_never_shortens(
    before: list[RetentionRule], more: list[RetentionRule], facts: retention.Facts
) -> None:
    """No date is later than any date."""
    was, now = retention.decide(before, facts), retention.decide([*before, *more], facts)
    if was.missing == "rule":
        return
    assert now.until is None or (was.until is not None and now.until >= was.until)


@given(floors, files)
def test_a_batch_never_comes_before_its_period_is_over(
    one: RetentionRule, facts: retention.Facts
) -> None:
    batched = retention.decide([one], facts)
    one.batch_day = None
    plain = retention.decide([one], facts)
    assert (batched.until is None) == (plain.until is None)
    if plain.until and batched.until:
        assert plain.until <= batched.until <= plain.until + timedelta(days=366)


@given(days, st.integers(1, 110), st.integers(0, 24))
def test_a_period_is_never_a_day_short(day: date, years: int, months: int) -> None:
    end = retention.later(day, years=years, months=months)
    assert (end.year - day.year) * 12 + end.month - day.month >= years * 12 + months
    assert end.day == day.day or end.day == 1


@given(st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.integers(0, 110))
def test_nobody_has_a_birthday_early(born: date, age: int) -> None:
    birthday = retention.later(born, years=age)
    assert retention.age_on(birthday, born) == age
    assert retention.age_on(birthday - timedelta(days=1), born) == age - 1


def test_the_day_is_the_practices_own(cast: Cast) -> None:
    """Half past eleven at night in Greenwich is tomorrow in Tallinn and still today in Lisbon."""
    moment = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    tallinn = Practice(time_zone="Europe/Tallinn")
    lisbon = Practice(time_zone="Europe/Lisbon")
    assert retention.local_day(tallinn, moment) == date(2026, 3, 2)
    assert retention.local_day(lisbon, moment) == date(2026, 3, 1)


def test_due_is_the_day_after_the_last(cast: Cast, mari: Client) -> None:
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    clients.discharge(mari.pk, by=cast.liis, on=date(2014, 2, 16))
    assert not retention.due(cast.practice, on=date(2021, 2, 16)).exists()
    assert retention.due(cast.practice, on=date(2021, 2, 17)).exists()


def test_discharge_fixes_the_date_and_reopening_takes_it_away(cast: Cast, mari: Client) -> None:
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    client = clients.discharge(mari.pk, by=cast.liis, on=date(2020, 5, 1))
    assert client.retain_until == date(2027, 5, 1)
    decision = clients.explain(mari.pk, by=cast.piret).decision
    assert decision is not None
    assert decision.until == date(2027, 5, 1)
    with pytest.raises(Conflict):
        clients.discharge(mari.pk, by=cast.liis, on=date(2020, 5, 1))
    with pytest.raises(Conflict, match="drops_a_date"):
        clients.reopen(mari.pk, by=cast.liis)
    client = clients.reopen(mari.pk, by=cast.liis, kept_until=date(2027, 5, 1))
    assert client.retain_until is None
    with pytest.raises(Invalid):
        clients.discharge(mari.pk, by=cast.liis, on=date.today() + timedelta(days=2))  # noqa: DTZ011
    assert trail(client_id=mari.pk)[-2:] == ["retention.read", "client.reopened"]


def test_a_new_rule_lengthens_and_never_shortens(cast: Cast, mari: Client) -> None:
    clients.discharge(mari.pk, by=cast.liis, on=date(2014, 2, 16))
    assert retention.undated(cast.practice).get() == mari
    for years, until, changed in ((7, 2021, 1), (10, 2024, 1), (2, 2024, 0)):
        _rule, longer = rules.decide(
            by=cast.piret, trigger="discharge", years=years, source="policy"
        )
        mari.refresh_from_db()
        assert mari.retain_until == date(until, 2, 16)
        assert longer == changed


def test_a_corrected_birth_date_is_weighed_at_once(cast: Cast, mari: Client) -> None:
    rules.decide(by=cast.piret, trigger="discharge", years=7, until_age=25, source="policy")
    clients.discharge(mari.pk, by=cast.liis, on=date(2014, 2, 16))
    client = clients.change(mari.pk, by=cast.liis, version=1, birth_date="2004-01-05")
    assert client.retain_until == date(2029, 1, 5)


def test_a_hold_is_sealed_and_lifted_by_name(cast: Cast, mari: Client) -> None:
    hold = holds.place(mari.pk, by=cast.piret, matter="Case 12", reason="A court asked.")
    assert kinds(mari) == ["legal_hold"]
    assert holds.read(hold.pk, by=cast.piret).reason == "A court asked."
    holds.lift(hold.pk, by=cast.piret)
    assert kinds(mari) == []
    with pytest.raises(Conflict):
        holds.lift(hold.pk, by=cast.piret)


def test_every_shipped_set_can_be_adopted_and_says_where_it_comes_from(cast: Cast) -> None:
    for preset in rules.shipped(by=cast.piret):
        made, _longer = rules.adopt(preset.name, by=cast.piret)
        assert made
        assert all(found.source for found in made)
        with pytest.raises(Conflict):
            rules.adopt(preset.name, by=cast.piret)
    with pytest.raises(Hidden):
        rules.adopt("atlantis", by=cast.piret)


def test_half_of_a_set_is_made_whole(cast: Cast) -> None:
    made, _longer = rules.adopt("ee-counselling", by=cast.piret)
    rules.retire(made[0].pk, by=cast.piret)
    again, _longer = rules.adopt("ee-counselling", by=cast.piret)
    assert [rules.terms_of(r) for r in again] == [rules.terms_of(made[0])]


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("years", {}),
        ("years", {"years": 111}),
        ("months", {"months": -1}),
        ("trigger", {"trigger": "whim", "years": 1}),
        ("bound", {"bound": "roof", "years": 1}),
        ("category", {"category": "tall", "years": 1}),
        ("jurisdiction", {"jurisdiction": "Estonia", "years": 1}),
        ("until_age", {"until_age": 17}),
        ("until_age", {"years": 1, "older_from": 17, "older_until_age": 26}),
        ("older_until_age", {"until_age": 25, "older_from": 17}),
        ("batch_day", {"years": 1, "batch_month": 1}),
        ("batch_day", {"years": 1, "batch_day": 29}),
        ("started_below_age", {"years": 1, "started_from_age": 18, "started_below_age": 18}),
        (
            "counts_before",
            {"years": 1, "counts_from": date(2015, 1, 1), "counts_before": date(2015, 1, 1)},
        ),
        ("source", {"years": 1, "source": ""}),
    ],
)
def test_what_no_rule_can_say_is_refused(cast: Cast, field: str, terms: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        rules.decide(by=cast.piret, **{"trigger": "discharge", "source": "policy", **terms})
    assert refused.value.field == field
    assert not RetentionRule.objects.exists()


def test_a_rule_says_in_both_languages_what_it_asks(cast: Cast) -> None:
    one = rule(
        years=20,
        until_age=25,
        older_from=17,
        older_until_age=26,
        unless_died=True,
        batch_month=1,
        batch_day=1,
        source="NHS",
    )
    assert rules.sentence(one) == (
        "20 years after discharge; a minor’s until age 25; 26 for whoever was 17 or older;"
        " not where the client has died; destroyed together on 1 January (NHS)"
    )
    with translation.override("et"):
        estonian = rules.sentence(one)
    assert "year" not in estonian
    assert "(NHS)" in estonian


def test_the_date_of_death_is_sealed_and_weighed_at_once(cast: Cast, mari: Client) -> None:
    rules.decide(by=cast.piret, trigger="discharge", years=20, unless_died=True, source="NHS")
    rules.decide(by=cast.piret, trigger="death", years=10, source="NHS")
    clients.discharge(mari.pk, by=cast.liis, on=date(2014, 2, 16))
    client = clients.change(mari.pk, by=cast.liis, version=1, death_date="2015-06-01")
    assert client.retain_until == date(2025, 6, 1)
    assert clients.read(mari.pk, by=cast.liis).identity["death_date"] == "2015-06-01"
    with pytest.raises(Invalid):
        clients.change(mari.pk, by=cast.liis, version=2, birth_date="2016-01-01")


def test_an_enquiry_ends_sooner_than_the_file_of_a_client(cast: Cast, mari: Client) -> None:
    """Whether a session was held decides, by itself."""
    rules.decide(
        by=cast.piret, trigger="discharge", months=12, record_class="enquiry", source="policy"
    )
    rules.decide(
        by=cast.piret, trigger="discharge", years=7, record_class="client_file", source="policy"
    )
    asked = clients.discharge(mari.pk, by=cast.liis, on=date(2020, 2, 16))
    assert asked.retain_until == date(2021, 2, 16)
    clients.reopen(mari.pk, by=cast.liis, kept_until=asked.retain_until)
    sessions.plan(
        mari.pk, by=cast.liis, starts_at=datetime(2020, 2, 20, 12, tzinfo=UTC), status="held"
    )
    client = clients.discharge(mari.pk, by=cast.liis, on=date(2020, 2, 20))
    assert client.retain_until == date(2027, 2, 20)


def kinds(client: Client) -> list[str]:
    return [one.kind for one in blockers.against(client, now=timezone.now())]


def explained(code: str, *options: str) -> str:
    out = StringIO()
    call_command("retention", "explain", code, *options, stdout=out)
    return out.getvalue()


def test_the_operator_explains_a_file_by_its_code(cast: Cast, mari: Client) -> None:
    """Dates and rules; no name and no birth date, in either language."""
    here = ("--practice", cast.practice.slug)
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    rules.decide(by=cast.piret, trigger="discharge", years=3, source="insurer")
    assert "In care" in explained(mari.code, *here)
    clients.discharge(mari.pk, by=cast.liis, on=date(2020, 5, 1))
    told = explained(mari.code, *here)
    assert "Kept until 1 May 2027, that day included: 7 years after discharge (policy)." in told
    assert "3 years after discharge (insurer)" in told
    assert "Säilitatakse" in explained(mari.code, *here, "--language", "et")
    assert "Mari" not in told
    assert "1990" not in told
    assert trail(client_id=mari.pk)[-1] == "retention.read"
    with pytest.raises(CommandError):
        explained("C-0000-0000", *here)
    with pytest.raises(CommandError):
        explained(mari.code, "--practice", "nowhere")


def test_a_category_is_sealed_and_chooses_the_rule(cast: Cast, mari: Client) -> None:
    """A thief does not learn who was in care as a child, unless a rule for it governs the file."""
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    rules.decide(
        by=cast.piret, trigger="discharge", years=100, category="care_experienced", source="policy"
    )
    clients.change(mari.pk, by=cast.liis, version=1, category="care_experienced")
    assert clients.discharge(mari.pk, by=cast.liis, on=date(2020, 2, 1)).retain_until == date(
        2120, 2, 1
    )
    with pytest.raises(Invalid):
        clients.change(mari.pk, by=cast.liis, version=2, category="tall")


@pytest.mark.django_db(transaction=True)
def test_a_rule_waits_for_a_discharge_under_way(
    cast: Cast, mari: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Liis discharges while Piret decides: whoever is first, the file gets the longer date."""
    rules.decide(by=cast.piret, trigger="discharge", years=1, source="policy")
    read, go_on, in_force = threading.Event(), threading.Event(), retention.in_force

    def slowly(practice_id: UUID) -> list[RetentionRule]:
        found = in_force(practice_id)
        read.set()
        go_on.wait(20)
        return found

    def discharge() -> None:
        with wall.system("tests"):
            clients.discharge(mari.pk, by=cast.liis, on=date(2020, 2, 1))
        connection.close()

    def decide() -> None:
        with wall.system("tests"):
            rules.decide(by=cast.piret, trigger="discharge", years=20, source="law")
        connection.close()

    monkeypatch.setattr(retention, "in_force", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(discharge)
        assert read.wait(20)
        monkeypatch.setattr(retention, "in_force", in_force)
        second = pool.submit(decide)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        go_on.set()
        first.result(timeout=20)
        second.result(timeout=20)
    mari.refresh_from_db()
    assert mari.retain_until == date(2040, 2, 1)


def test_another_phone_number_leaves_the_date_as_it_stands(cast: Cast, mari: Client) -> None:
    """Only what a rule looks at is weighed anew: the rule of this date is retired since."""
    rule, _longer = rules.decide(by=cast.piret, trigger="discharge", years=10, source="policy")
    clients.discharge(mari.pk, by=cast.liis, on=date(2020, 2, 1))
    rules.retire(rule.pk, by=cast.piret)
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    same = clients.read(mari.pk, by=cast.liis).identity
    client = clients.change(mari.pk, by=cast.liis, version=1, **{**same, "phone": "+372 5550 0"})
    assert client.retain_until == date(2030, 2, 1)
