"""What a rule would change shows first; and dates move back by two people, a week later."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients_app import approvals, clients, keeping, purges, retention, rules, shortenings
from clients_app.errors import Conflict, Denied
from clients_app.models import AuditEvent, Client, RetentionRule, Shortening, User
from tests.admin.conftest import page
from tests.conftest import Cast, trail

ENDED = date(2016, 3, 1)
SEVEN_YEARS = date(2023, 3, 1)
Desk = Callable[[User], Browser]


@pytest.fixture
def thirty(cast: Cast) -> RetentionRule:
    made, _longer = rules.decide(by=cast.piret, trigger="discharge", years=30, source="old law")
    return made


@pytest.fixture
def ended(cast: Cast, thirty: RetentionRule) -> Client:
    client = clients.register(by=cast.liis)
    return clients.discharge(client.pk, by=cast.liis, on=ENDED)


def seven_instead(cast: Cast, rule: RetentionRule) -> None:
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="new law")
    rules.retire(rule.pk, by=cast.piret)


def test_a_rule_shows_what_it_would_change_and_changes_nothing(
    cast: Cast, ended: Client, thirty: RetentionRule
) -> None:
    clients.register(by=cast.liis)
    longer: dict[str, Any] = {"trigger": "discharge", "years": 40, "source": "x"}
    assert rules.preview(by=cast.piret, **longer) == keeping.Effect(1, 1, 0, 0)
    shorter = {**longer, "years": 7}
    assert rules.preview(by=cast.piret, **shorter) == keeping.Effect(1, 0, 0, 0)
    rules.decide(by=cast.piret, **shorter)
    _rule, effect = rules.preview_retirement(thirty.pk, by=cast.piret)
    assert effect == keeping.Effect(files=1, later=0, sooner=1, due=1)
    ended.refresh_from_db()
    assert ended.retain_until == date(2046, 3, 1)
    assert RetentionRule.objects.filter(retired_at=None).count() == 2
    assert trail(event="rule.previewed") == ["rule.previewed"] * 3
    for who in (cast.liis, cast.mattias, cast.frida, cast.root):
        with pytest.raises(Denied):
            rules.preview(by=who, **longer)


def test_what_it_shows_costs_as_many_queries_for_many_files(cast: Cast, ended: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            keeping.compare(cast.practice, retention.in_force(cast.practice.pk), now=timezone.now())
        return len(seen)

    one = queries()
    for _number in range(20):
        client = clients.register(by=cast.liis)
        clients.discharge(client.pk, by=cast.liis, on=ENDED)
    assert queries() == one


def test_two_people_and_a_week(cast: Cast, ended: Client, thirty: RetentionRule) -> None:
    now = timezone.now()
    with pytest.raises(Conflict):
        shortenings.propose(by=cast.piret)
    seven_instead(cast, thirty)
    made = shortenings.propose(by=cast.piret, now=now)
    assert (made.files, made.due, made.effective_at) == (1, 1, now + timedelta(days=7))
    with pytest.raises(Conflict):
        shortenings.propose(by=cast.piret)
    week = now + timedelta(days=7)
    assert shortenings.take_effect(now=week) == 0, "nobody has confirmed it"
    for who in (cast.liis, cast.piret, cast.frida, cast.root):
        with pytest.raises(Denied):
            shortenings.confirm(made.pk, by=who, files=1)
    with pytest.raises(Conflict):
        shortenings.confirm(made.pk, by=cast.mattias, files=2)
    shortenings.confirm(made.pk, by=cast.mattias, files=1)
    assert shortenings.take_effect(now=week - timedelta(seconds=1)) == 0
    assert shortenings.take_effect(now=week) == 1
    ended.refresh_from_db()
    assert ended.retain_until == SEVEN_YEARS
    assert ended.shortened_at == week
    assert shortenings.take_effect(now=week) == 0
    line = AuditEvent.objects.get(event="client.kept_shorter")
    assert (line.detail["was"], line.detail["until"]) == ("2046-03-01", "2023-03-01")


def test_the_end_of_a_file_that_was_shortened_needs_a_second_person(
    cast: Cast, ended: Client, thirty: RetentionRule
) -> None:
    seven_instead(cast, thirty)
    made = shortenings.propose(by=cast.piret)
    shortenings.confirm(made.pk, by=cast.mattias, files=1)
    shortenings.take_effect(now=timezone.now() + timedelta(days=8))
    run = purges.propose(by=cast.piret)
    assert run is not None
    run = approvals.approve(run.pk, by=cast.piret, files=1)
    assert (run.status, run.needs_second) == ("awaiting", True)


def test_a_rule_that_comes_later_reaches_no_further_than_was_confirmed(
    cast: Cast, ended: Client, thirty: RetentionRule
) -> None:
    """Between the confirmation and the day a still shorter rule takes the place of the one that
    was weighed; and a longer one keeps what it says."""
    seven_instead(cast, thirty)
    made = shortenings.propose(by=cast.piret)
    shortenings.confirm(made.pk, by=cast.mattias, files=1)
    (seven,) = RetentionRule.objects.filter(retired_at=None)
    rules.decide(by=cast.piret, trigger="discharge", years=1, source="whim")
    rules.retire(seven.pk, by=cast.piret)
    shortenings.take_effect(now=timezone.now() + timedelta(days=8))
    ended.refresh_from_db()
    assert ended.retain_until == SEVEN_YEARS


def test_it_is_withdrawn(cast: Cast, ended: Client, thirty: RetentionRule) -> None:
    seven_instead(cast, thirty)
    made = shortenings.propose(by=cast.piret)
    shortenings.confirm(made.pk, by=cast.mattias, files=1)
    shortenings.withdraw(made.pk, by=cast.piret)
    with pytest.raises(Conflict):
        shortenings.withdraw(made.pk, by=cast.piret)
    assert shortenings.take_effect(now=timezone.now() + timedelta(days=8)) == 0
    ended.refresh_from_db()
    assert ended.retain_until == date(2046, 3, 1)


def test_the_database_wants_two_people_too(
    cast: Cast, ended: Client, thirty: RetentionRule
) -> None:
    seven_instead(cast, thirty)
    made = shortenings.propose(by=cast.piret)
    with pytest.raises(IntegrityError), transaction.atomic():
        Shortening.objects.filter(pk=made.pk).update(
            confirmed_at=timezone.now(), confirmed_by=cast.piret
        )


def test_at_the_desk(cast: Cast, desk: Desk, ended: Client, thirty: RetentionRule) -> None:
    seven_instead(cast, thirty)
    piret, mattias = desk(cast.piret), desk(cast.mattias)
    where = page("clients_app_shortening_changelist")
    assert "No date was ever moved back." in piret.get(where).text
    piret.post(page("clients_app_shortening_propose"))
    made = Shortening.objects.get()
    assert "Type the number" not in piret.get(where).text
    confirm = page("clients_app_shortening_confirm", made.pk)
    assert "It moves 1 files" in mattias.post(confirm, {"number": "5"}).text
    assert "is confirmed" in mattias.post(confirm, {"number": "1"}, follow=True).text
    piret.post(page("clients_app_shortening_withdraw", made.pk))
    assert "withdrawn" in mattias.get(where).text
