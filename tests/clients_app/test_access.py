"""Who may do what: the table of the product description, cell by cell, through the one gate."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from clients_app import access, audit, care, clients, roles, users, vault
from clients_app.errors import Denied, Hidden, Unconfirmed
from clients_app.models import (
    AuditEvent,
    CareAssignment,
    Client,
    ConfidentialityStatement,
    LegalHold,
    User,
)
from clients_app.roles import Permission as P
from tests.conftest import PASSWORD, Cast, officer_elsewhere, trail

YES, NO, HIDDEN = "yes", "denied", "hidden"
PEOPLE = ["liis", "mark", "olga", "sofia", "frida", "mattias", "piret", "root"]

# Liis has Mari in care, Mark is her colleague, Olga is elsewhere. One row a permission.
TABLE: dict[P, list[str]] = {
    #                     liis mark    olga    sofia frida mattias piret root
    P.CLIENT_READ: [YES, HIDDEN, HIDDEN, NO, YES, YES, YES, NO],
    P.CLIENT_CHANGE: [YES, HIDDEN, HIDDEN, NO, YES, YES, NO, NO],
    P.CLIENT_DISCHARGE: [YES, HIDDEN, HIDDEN, NO, NO, YES, NO, NO],
    P.CARE_READ: [YES, HIDDEN, HIDDEN, NO, YES, YES, YES, NO],
    P.CARE_ASSIGN: [NO, NO, NO, NO, NO, YES, NO, NO],
    P.CARE_HAND_OVER: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    P.SESSION_READ: [YES, HIDDEN, HIDDEN, NO, YES, YES, NO, NO],
    P.SESSION_PLAN: [YES, HIDDEN, HIDDEN, NO, YES, YES, NO, NO],
    P.NOTE_READ: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    P.NOTE_WRITE: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    P.DISCLOSURE_READ: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    P.DISCLOSURE_WRITE: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    P.EXCERPT_RELEASE: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    # A supervisor has what was released to them by name, and no client.
    P.EXCERPT_READ: [NO, NO, NO, HIDDEN, NO, NO, NO, NO],
    P.AGREEMENT_READ: [YES, HIDDEN, HIDDEN, NO, YES, NO, YES, NO],
    P.AGREEMENT_RECORD: [YES, HIDDEN, HIDDEN, NO, YES, NO, NO, NO],
    P.EXCEPTION_READ: [YES, HIDDEN, HIDDEN, NO, NO, NO, YES, NO],
    P.EXCEPTION_RECORD: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    P.RETENTION_READ: [YES, HIDDEN, HIDDEN, NO, NO, YES, YES, NO],
    P.HOLD_READ: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.HOLD_DECIDE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.REQUEST_RECORD: [YES, HIDDEN, HIDDEN, NO, YES, YES, YES, NO],
    P.REQUEST_READ: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.REQUEST_DECIDE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.PURGE_SNOOZE: [YES, HIDDEN, HIDDEN, NO, NO, NO, NO, NO],
    P.TRAIL_READ: [YES, HIDDEN, HIDDEN, NO, NO, NO, YES, NO],
}
# Without a client in hand the role alone decides.
PRACTICE_TABLE: dict[P, list[str]] = {
    #                     liis mark olga sofia frida mattias piret root
    P.CLIENT_REGISTER: [YES, YES, YES, NO, YES, YES, NO, NO],
    P.PROMISE_READ: [YES, YES, YES, NO, YES, YES, YES, NO],
    P.PROMISE_WRITE: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.BREAK_GLASS_REQUEST: [YES, YES, YES, YES, NO, NO, NO, NO],
    P.BREAK_GLASS_REVIEW: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.SUCCESSION_READ: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.SUCCESSION_PROPOSE: [NO, NO, NO, NO, NO, YES, NO, NO],
    P.SUCCESSION_APPROVE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.RULE_READ: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.RULE_DECIDE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.RULE_SECOND: [NO, NO, NO, NO, NO, YES, NO, NO],
    P.PURGE_READ: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.PURGE_PROPOSE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.PURGE_APPROVE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.PURGE_SECOND: [NO, NO, NO, NO, NO, YES, NO, NO],
    P.PURGE_STOP: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.USER_READ: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.USER_MANAGE: [NO, NO, NO, NO, NO, YES, NO, NO],
    P.USER_VOUCH: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.PRACTICE_MANAGE: [NO, NO, NO, NO, NO, NO, NO, NO],
}


# Logins and what belongs to the server, in the own practice and in another one.
LOGINS_TABLE: dict[P, tuple[list[str], list[str]]] = {
    #              liis mark olga sofia frida mattias piret root
    P.USER_READ: (
        [NO, NO, NO, NO, NO, YES, YES, YES],
        [NO, NO, NO, NO, NO, HIDDEN, HIDDEN, YES],
    ),
    P.USER_MANAGE: (
        [NO, NO, NO, NO, NO, YES, NO, YES],
        [NO, NO, NO, NO, NO, HIDDEN, NO, YES],
    ),
}


def answer(user: Any, permission: P, client_id: Any = None) -> str:
    return came_of(access.require, user, permission, client_id)


def came_of(gate: Callable[..., object], *asked: Any, **more: Any) -> str:
    try:
        gate(*asked, **more)
    except Denied:
        return NO
    except Hidden:
        return HIDDEN
    return YES


@pytest.mark.parametrize("permission", TABLE)
def test_cells(cast: Cast, mari: Client, permission: P) -> None:
    answers = [answer(getattr(cast, who), permission, mari.pk) for who in PEOPLE]
    assert answers == TABLE[permission]
    allowed = [access.allows(getattr(cast, who), permission, mari.pk) for who in PEOPLE]
    assert allowed == [cell == YES for cell in TABLE[permission]]


@pytest.mark.parametrize("permission", PRACTICE_TABLE)
def test_cells_without_a_client(cast: Cast, permission: P) -> None:
    answers = [answer(getattr(cast, who), permission) for who in PEOPLE]
    assert answers == PRACTICE_TABLE[permission]


def test_the_tables_are_complete() -> None:
    """A new permission without a row fails here."""
    assert {*TABLE, *PRACTICE_TABLE} == set(P)
    assert set(roles.GRANTS) == set(roles.Role)


@pytest.mark.parametrize("permission", TABLE)
def test_lists_agree_with_the_gate(cast: Cast, mari: Client, permission: P) -> None:
    for who, cell in zip(PEOPLE, TABLE[permission], strict=True):
        rows = access.visible_to(getattr(cast, who), permission, Client.objects.all(), client="pk")
        assert (mari in rows) == (cell == YES), who


def test_care_of_one_client_opens_no_other(cast: Cast, mari: Client) -> None:
    """Liis has Mari, Mark has Juhan, and each has once had the other."""
    juhan = clients.register(by=cast.mark)
    for client, user, until in (
        (mari, cast.mark, timezone.now()),
        (juhan, cast.liis, timezone.now() - timedelta(days=9)),
    ):
        CareAssignment.objects.create(
            practice=cast.practice,
            client=client,
            user=user,
            since=timezone.now() - timedelta(days=10),
            until=until,
        )
    for user, own, other in ((cast.liis, mari, juhan), (cast.mark, juhan, mari)):
        assert answer(user, P.NOTE_READ, own.pk) == YES
        assert answer(user, P.NOTE_READ, other.pk) == HIDDEN
        everybody = Client.objects.all()
        assert list(access.visible_to(user, P.NOTE_READ, everybody, client="pk")) == [own]
        for of, shown in ((own, [own]), (other, [])):
            rows = access.visible_to(user, P.NOTE_READ, everybody, client="pk", of=of.pk)
            assert list(rows) == shown


def test_who_sees_the_practice_sees_one_client_of_it(cast: Cast, mari: Client) -> None:
    juhan = clients.register(by=cast.mark)
    everybody = Client.objects.all()
    for of in (mari, juhan):
        rows = access.visible_to(cast.frida, P.CLIENT_READ, everybody, client="pk", of=of.pk)
        assert list(rows) == [of]
    assert access.visible_to(cast.frida, P.CLIENT_READ, everybody, client="pk").count() == 2


@pytest.mark.parametrize("role", list(roles.Role))
def test_nothing_crosses_from_one_practice_to_another(
    cast: Cast, mari: Client, role: roles.Role
) -> None:
    """Whoever sees the whole practice sees their own and no other."""
    stranger = users.create(
        by=None,
        email="ove@elsewhere.example",
        name="Ove",
        role=role,
        password=PASSWORD,
        practice=cast.olga.practice,
    )
    for permission in TABLE:
        rows = access.visible_to(stranger, permission, Client.objects.all(), client="pk")
        assert mari not in rows
        assert answer(stranger, permission, mari.pk) in (NO, HIDDEN)


@pytest.mark.parametrize("permission", LOGINS_TABLE)
def test_logins_are_the_managers_here_and_the_superusers_everywhere(
    cast: Cast, permission: P
) -> None:
    people = [getattr(cast, who) for who in PEOPLE]
    here, elsewhere = LOGINS_TABLE[permission]
    asked = [came_of(access.require_users, u, permission, u.practice_id) for u in people]
    assert asked == here
    assert [came_of(access.require_users, u, permission) for u in people] == here
    assert [came_of(access.require_users, u, permission, uuid4()) for u in people] == elsewhere
    for user in (cast.root, cast.mattias):
        user.is_active = False
        assert came_of(access.require_users, user, permission, user.practice_id) == NO


def test_the_server_is_the_superusers(cast: Cast) -> None:
    people = [getattr(cast, who) for who in PEOPLE]
    answers = [came_of(access.require_server, u, P.PRACTICE_MANAGE) for u in people]
    assert answers == [NO] * 7 + [YES]
    cast.root.is_active = False
    assert came_of(access.require_server, cast.root, P.PRACTICE_MANAGE) == NO


def test_who_belongs_to_no_practice_is_told_so(cast: Cast) -> None:
    assert access.practice_of(cast.liis) == cast.practice
    with pytest.raises(Denied) as denied:
        access.practice_of(cast.root)
    assert str(denied.value.message) == "You belong to no practice."


def test_a_client_that_never_existed_is_hidden_like_anothers(cast: Cast, mari: Client) -> None:
    assert answer(cast.liis, P.NOTE_READ, uuid4()) == answer(cast.mark, P.NOTE_READ, mari.pk)
    assert answer(cast.frida, P.NOTE_READ, uuid4()) == answer(cast.frida, P.NOTE_READ, mari.pk)


def test_anothers_never_there_and_destroyed_are_refused_in_the_same_words(
    cast: Cast, mari: Client
) -> None:
    said = set()
    for asking in (
        lambda: access.require(cast.mark, P.NOTE_READ, mari.pk),
        lambda: access.require(cast.liis, P.NOTE_READ, uuid4()),
        lambda: access.find(CareAssignment.objects.all(), uuid4(), cast.liis, P.CARE_READ),
        lambda: vault.open_key(uuid4()),
        lambda: vault.opened(mari.pk, None),
    ):
        with pytest.raises(Hidden) as refused:
            asking()
        said.add(str(refused.value.message))
    assert said == {"There is nothing here that you can open."}
    with pytest.raises(Denied) as denied:
        access.require(cast.frida, P.NOTE_READ, mari.pk)
    assert str(denied.value.message) == "Your role does not allow this."


def test_each_denial_is_recorded_once_and_survives(cast: Cast, mari: Client) -> None:
    for who in ("mark", "frida"):
        answer(getattr(cast, who), P.DISCLOSURE_READ, mari.pk)
    assert trail(denied=True) == ["disclosure.read", "disclosure.read"]
    line = AuditEvent.objects.get(denied=True, actor_id=cast.mark.pk)
    assert (line.client_id, line.role) == (mari.pk, "counsellor")
    assert line.practice_id == cast.practice.pk


def test_each_refusal_says_who_asked_for_what_and_about_what(cast: Cast, mari: Client) -> None:
    """Whether it is not theirs, not their role's, or the second factor was not given again."""
    about = uuid4()
    far, holds = cast.olga.practice_id, LegalHold.objects.all()
    refused: list[tuple[User, P, Client | None, Callable[..., object], list[Any]]] = [
        (cast.mark, P.NOTE_READ, mari, access.require, [mari.pk]),
        (cast.frida, P.NOTE_READ, mari, access.require, [mari.pk]),
        (cast.mark, P.PROMISE_WRITE, None, access.require, []),
        (cast.mark, P.USER_READ, None, access.require_users, []),
        (cast.piret, P.USER_READ, None, access.require_users, [far]),
        (cast.piret, P.PRACTICE_MANAGE, None, access.require_server, []),
    ]
    unconfirmed: list[tuple[User, P, Client | None, Callable[..., object], list[Any]]] = [
        (cast.liis, P.EXCERPT_RELEASE, mari, access.require, [mari.pk]),
        (cast.piret, P.RULE_DECIDE, None, access.require, []),
        (cast.mattias, P.USER_MANAGE, None, access.require_users, []),
        (cast.root, P.USER_MANAGE, None, access.require_users, [far]),
        (cast.root, P.USER_MANAGE, None, access.require_server, []),
    ]
    for user, permission, _whose, gate, more in refused:
        assert came_of(gate, user, permission, *more, subject_id=about) in (NO, HIDDEN)
    for user in (cast.piret, cast.liis):
        assert came_of(access.find, holds, about, user, P.HOLD_READ) in (NO, HIDDEN)
    through_a_door = audit.doorway.set(audit.Doorway("api"))
    try:
        for user, permission, _whose, gate, more in unconfirmed:
            with pytest.raises(Unconfirmed):
                gate(user, permission, *more, subject_id=about)
    finally:
        audit.doorway.reset(through_a_door)
    lines = AuditEvent.objects.filter(denied=True).order_by("id")
    assert [
        (line.actor_id, line.event, line.client_id, line.subject_id, line.reason) for line in lines
    ] == [
        (user.pk, permission, whose and whose.pk, about, reason)
        for user, permission, whose, reason in (
            *((user, permission, whose, "") for user, permission, whose, *_ in refused),
            (cast.piret, P.HOLD_READ, None, ""),
            (cast.liis, P.HOLD_READ, None, ""),
            *(
                (user, permission, whose, "second_factor")
                for user, permission, whose, *_ in unconfirmed
            ),
        )
    ]


def test_what_is_found_by_its_id_is_of_ones_own_client(cast: Cast, mari: Client) -> None:
    rows = CareAssignment.objects.all()
    row = rows.get(user=cast.liis)
    for who, cell in zip(PEOPLE, TABLE[P.CARE_READ], strict=True):
        user = getattr(cast, who)
        assert came_of(access.find, rows, row.pk, user, P.CARE_READ) == cell, who
        assert came_of(access.find, rows, uuid4(), user, P.CARE_READ) in (NO, HIDDEN), who
    assert access.find(rows, row.pk, cast.liis, P.CARE_READ) == row
    assert came_of(access.find, rows.none(), row.pk, cast.liis, P.CARE_READ) == HIDDEN
    refused = AuditEvent.objects.filter(denied=True, actor_id=cast.mark.pk, client_id=mari.pk)
    assert refused.get().subject_id == row.pk


def test_what_belongs_to_the_practice_is_found_in_the_own_one(
    cast: Cast, promise: ConfidentialityStatement
) -> None:
    stranger = officer_elsewhere(cast)
    rows = ConfidentialityStatement.objects.all()
    for user, cell in ((cast.piret, YES), (cast.mattias, YES), (cast.liis, NO), (stranger, HIDDEN)):
        assert came_of(access.find, rows, promise.pk, user, P.PROMISE_WRITE, client="") == cell


def test_access_ends_when_care_ends(cast: Cast, mari: Client) -> None:
    assignment = CareAssignment.objects.get(user=cast.liis, client=mari)
    care.end(assignment.pk, by=cast.mattias)
    assert answer(cast.liis, P.DISCLOSURE_READ, mari.pk) == HIDDEN


def test_care_that_ends_in_the_future_counts_as_ended(cast: Cast, mari: Client) -> None:
    """There is no such thing as a planned end: a line with an end has ended."""
    later: datetime = timezone.now().replace(year=2199)
    CareAssignment.objects.filter(user=cast.liis).update(until=later)
    assert answer(cast.liis, P.NOTE_READ, mari.pk) == HIDDEN


def test_a_disabled_user_has_nothing(cast: Cast, mari: Client) -> None:
    cast.liis.is_active = False
    for permission in P:
        assert answer(cast.liis, permission, mari.pk) == NO


def test_handing_over_moves_the_whole_file(cast: Cast, mari: Client) -> None:
    care.hand_over(mari.pk, cast.mark.pk, by=cast.liis)
    assert answer(cast.mark, P.DISCLOSURE_READ, mari.pk) == YES
    assert answer(cast.liis, P.DISCLOSURE_READ, mari.pk) == HIDDEN
    with pytest.raises(Hidden):
        care.hand_over(mari.pk, cast.mark.pk, by=cast.liis)
