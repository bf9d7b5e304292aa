"""How long a file is kept, as a lawyer would check it: never a day early."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients_app import clients, holds, retention, rules
from clients_app.errors import Conflict, Invalid
from clients_app.models import Client, Practice, RetentionRule
from tests.conftest import Cast, trail


def rule(years: int, trigger: str = "discharge", minor: int | None = None) -> RetentionRule:
    return RetentionRule(id=uuid4(), trigger=trigger, adult_years=years, minor_until_age=minor)


def decide(
    *rules_: RetentionRule, discharged: str, met: str | None = None, born: str | None = None
):
    return retention.decide(
        rules_,
        discharged_on=date.fromisoformat(discharged),
        last_contact_on=date.fromisoformat(met) if met else None,
        birth_date=date.fromisoformat(born) if born else None,
    )


CASES: list[tuple[str, list[RetentionRule], dict[str, Any], str | None, str]] = [
    ("7 years after discharge", [rule(7)], {"discharged": "2014-02-16"}, "2021-02-16", "adult"),
    (
        "7 years after the last contact, not after discharge",
        [rule(7, "last_contact")],
        {"discharged": "2014-06-30", "met": "2014-02-16"},
        "2021-02-16",
        "adult",
    ),
    (
        "no contact known: from discharge, which is later",
        [rule(7, "last_contact")],
        {"discharged": "2014-06-30"},
        "2021-06-30",
        "adult",
    ),
    (
        "a child of 10: until 25, longer than 8 years (NHS England)",
        [rule(8, minor=25)],
        {"discharged": "2020-01-10", "born": "2010-01-01"},
        "2035-01-01",
        "minor",
    ),
    (
        "17 on the day: still a minor",
        [rule(3, minor=25)],
        {"discharged": "2020-01-10", "born": "2002-01-11"},
        "2027-01-11",
        "minor",
    ),
    (
        "18 on the day: an adult",
        [rule(3, minor=25)],
        {"discharged": "2020-01-10", "born": "2002-01-10"},
        "2023-01-10",
        "adult",
    ),
    (
        "a minor whose adult period is longer",
        [rule(10, minor=18)],
        {"discharged": "2020-01-10", "born": "2003-01-01"},
        "2030-01-10",
        "adult",
    ),
    (
        "two rules: the longest wins",
        [rule(7), rule(10)],
        {"discharged": "2014-02-16"},
        "2024-02-16",
        "adult",
    ),
    ("discharged on a leap day", [rule(7)], {"discharged": "2016-02-29"}, "2023-03-01", "adult"),
    ("leap day to leap day", [rule(8)], {"discharged": "2016-02-29"}, "2024-02-29", "adult"),
    (
        "born on a leap day",
        [rule(1, minor=25)],
        {"discharged": "2020-01-10", "born": "2008-02-29"},
        "2033-03-01",
        "minor",
    ),
    (
        "no birth date: no date",
        [rule(7, minor=25)],
        {"discharged": "2014-02-16"},
        None,
        "birth_date",
    ),
    ("no rule: no date", [], {"discharged": "2014-02-16"}, None, "rule"),
]


@pytest.mark.parametrize(
    ("case", "rules_", "facts", "until", "why"),
    CASES,
    ids=lambda c: c if isinstance(c, str) else "",
)
def test_cases(
    case: str, rules_: list[RetentionRule], facts: dict[str, Any], until: str | None, why: str
) -> None:
    decision = decide(*rules_, **facts)
    assert decision.until == (date.fromisoformat(until) if until else None)
    assert (decision.governing.ground if decision.governing else decision.missing) == why


days = st.dates(date(1950, 1, 1), date(2100, 1, 1))
some_rules = st.lists(
    st.builds(
        rule,
        st.integers(1, 110),
        st.sampled_from(["discharge", "last_contact"]),
        st.none() | st.integers(18, 110),
    ),
    max_size=5,
)


@given(some_rules, some_rules, days, days, days)
def test_another_rule_never_shortens(
    some: list[RetentionRule],
    more: list[RetentionRule],
    born: date,
    met: date,
    discharged: date,
) -> None:
    facts = {"birth_date": born, "last_contact_on": met, "discharged_on": max(met, discharged)}
    before = retention.decide(some, **facts).until
    after = retention.decide([*some, *more], **facts).until
    assert before is None or (after is not None and after >= before)


@given(days, st.integers(1, 110))
def test_years_are_never_a_day_short(day: date, years: int) -> None:
    later = retention.years_after(day, years)
    assert later.year == day.year + years
    assert (later.month, later.day) >= (day.month, day.day)


def test_the_day_is_the_practices_own(cast: Cast) -> None:
    """Half past eleven at night in Greenwich is tomorrow in Tallinn and still today in Lisbon."""
    moment = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    tallinn = Practice(time_zone="Europe/Tallinn")
    lisbon = Practice(time_zone="Europe/Lisbon")
    assert retention.local_day(tallinn, moment) == date(2026, 3, 2)
    assert retention.local_day(lisbon, moment) == date(2026, 3, 1)


def test_due_is_the_day_after_the_last(cast: Cast, mari: Client) -> None:
    rules.decide(by=cast.piret, trigger="discharge", adult_years=7, source="policy")
    clients.discharge(mari.pk, by=cast.liis, on=date(2014, 2, 16))
    assert not retention.due(cast.practice, on=date(2021, 2, 16)).exists()
    assert retention.due(cast.practice, on=date(2021, 2, 17)).exists()


def test_discharge_fixes_the_date_and_reopening_takes_it_away(cast: Cast, mari: Client) -> None:
    rules.decide(by=cast.piret, trigger="discharge", adult_years=7, source="policy")
    client = clients.discharge(mari.pk, by=cast.liis, on=date(2020, 5, 1))
    assert client.retain_until == date(2027, 5, 1)
    _client, decision = clients.explain(mari.pk, by=cast.piret)
    assert decision is not None
    assert decision.until == date(2027, 5, 1)
    with pytest.raises(Conflict):
        clients.discharge(mari.pk, by=cast.liis, on=date(2020, 5, 1))
    client = clients.reopen(mari.pk, by=cast.liis)
    assert client.retain_until is None
    with pytest.raises(Invalid):
        clients.discharge(mari.pk, by=cast.liis, on=date.today() + timedelta(days=2))  # noqa: DTZ011
    assert trail(client_id=mari.pk)[-2:] == ["retention.read", "client.reopened"]


def test_a_new_rule_lengthens_and_never_shortens(cast: Cast, mari: Client) -> None:
    clients.discharge(mari.pk, by=cast.liis, on=date(2014, 2, 16))
    assert retention.undated(cast.practice).get() == mari
    for years, until, changed in ((7, 2021, 1), (10, 2024, 1), (2, 2024, 0)):
        _rule, longer = rules.decide(
            by=cast.piret, trigger="discharge", adult_years=years, source="policy"
        )
        mari.refresh_from_db()
        assert mari.retain_until == date(until, 2, 16)
        assert longer == changed


def test_a_corrected_birth_date_is_weighed_at_once(cast: Cast, mari: Client) -> None:
    rules.decide(
        by=cast.piret, trigger="discharge", adult_years=7, minor_until_age=25, source="policy"
    )
    clients.discharge(mari.pk, by=cast.liis, on=date(2014, 2, 16))
    client = clients.change(mari.pk, by=cast.liis, version=1, birth_date="2004-01-05")
    assert client.retain_until == date(2029, 1, 5)


def test_a_hold_is_sealed_and_lifted_by_name(cast: Cast, mari: Client) -> None:
    hold = holds.place(mari.pk, by=cast.piret, matter="Case 12", reason="A court asked.")
    assert holds.in_force(mari.pk)
    assert holds.read(hold.pk, by=cast.piret).reason == "A court asked."
    holds.lift(hold.pk, by=cast.piret)
    assert not holds.in_force(mari.pk)
    with pytest.raises(Conflict):
        holds.lift(hold.pk, by=cast.piret)
