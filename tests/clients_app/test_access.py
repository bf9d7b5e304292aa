"""Who may do what: the table of the product description, cell by cell, through the one gate."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from clients_app import access, care, roles, users
from clients_app.errors import Denied, Hidden
from clients_app.models import AuditEvent, CareAssignment, Client
from clients_app.roles import Permission as P
from tests.conftest import PASSWORD, Cast, trail

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
    P.PURGE_READ: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.PURGE_PROPOSE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.PURGE_APPROVE: [NO, NO, NO, NO, NO, NO, YES, NO],
    P.USER_READ: [NO, NO, NO, NO, NO, YES, YES, NO],
    P.USER_MANAGE: [NO, NO, NO, NO, NO, YES, NO, NO],
    P.PRACTICE_MANAGE: [NO, NO, NO, NO, NO, NO, NO, NO],
}


def answer(user: Any, permission: P, client_id: Any = None) -> str:
    try:
        access.require(user, permission, client_id)
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


def test_a_client_that_never_existed_is_hidden_like_anothers(cast: Cast, mari: Client) -> None:
    assert answer(cast.liis, P.NOTE_READ, uuid4()) == answer(cast.mark, P.NOTE_READ, mari.pk)
    assert answer(cast.frida, P.NOTE_READ, uuid4()) == answer(cast.frida, P.NOTE_READ, mari.pk)


def test_each_denial_is_recorded_once_and_survives(cast: Cast, mari: Client) -> None:
    for who in ("mark", "frida"):
        answer(getattr(cast, who), P.DISCLOSURE_READ, mari.pk)
    assert trail(denied=True) == ["disclosure.read", "disclosure.read"]
    line = AuditEvent.objects.get(denied=True, actor_id=cast.mark.pk)
    assert (line.client_id, line.role) == (mari.pk, "counsellor")
    assert line.practice_id == cast.practice.pk


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
