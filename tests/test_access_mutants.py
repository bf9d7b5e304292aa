"""The matrix is not blind: whoever changes one grant of `roles.GRANTS`, in either direction, makes
one of its cells red (N4). Each role and permission is flipped, and each scope; the rows that ask
for that permission are asked again until one of them protests.

The second wall is out of the way meanwhile: it keeps a counsellor from all rows of others' clients
however much a flipped grant allows, so nobody would protest. That it does so is a test of its own.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from clients_app import access, roles, wall
from clients_app.roles import GRANTS, Permission, Role, Scope
from tests.conftest import Cast, undone
from tests.matrix.sweep import Sweep
from tests.matrix.table import COLLEAGUE, ELSEWHERE, OWN, Row, rows
from tests.test_access_matrix import Sit, _quiet, matrix, sit

__all__ = ["_quiet", "matrix", "sit"]
NAMES = {
    Role.COUNSELLOR: "counsellor",
    Role.SUPERVISOR: "supervisor",
    Role.FRONT_DESK: "desk",
    Role.PRACTICE_MANAGER: "manager",
    Role.PRIVACY_OFFICER: "officer",
}
ROOT = Path(__file__).parent.parent
# Tells every permission of the role at once: with it no row would have to feel anything.
TELLTALE = "GET api/v1/me"
# No difference that anybody could see: no client is involved, so the scope is never asked for.
WITHOUT_CLIENT = {
    Permission.BREAK_GLASS_REQUEST,
    Permission.CLIENT_REGISTER,
    Permission.EXCERPT_READ,
    Permission.PRACTICE_MANAGE,
    Permission.PROMISE_WRITE,
    Permission.PURGE_APPROVE,
    Permission.PURGE_PROPOSE,
    Permission.PURGE_SECOND,
    Permission.PURGE_STOP,
    Permission.RULE_DECIDE,
    Permission.RULE_SECOND,
    Permission.SUCCESSION_APPROVE,
    Permission.SUCCESSION_PROPOSE,
    Permission.USER_MANAGE,
    Permission.USER_READ,
    Permission.USER_VOUCH,
}
# The client is named in the body alone, and `api/test_hidden` names another's.
IN_BODIES = {Permission.REQUEST_RECORD}
# Whoever proposes chooses from what they read: granted alone, nobody could tell.
TOGETHER = {Permission.SUCCESSION_PROPOSE: Permission.SUCCESSION_READ}


def in_use() -> set[Permission]:
    """The permissions that any verb or page asks for."""
    source = "".join(
        path.read_text()
        for app in ("clients_app", "sessions_app")
        for path in (ROOT / app).rglob("*.py")
        if path.name != "roles.py"
    )
    names = set(re.findall(r"Permission\.([A-Z_]+)", source))
    return {permission for permission in Permission if permission.name in names}


def flips(role: Role, permission: Permission) -> list[Scope | None]:
    now = GRANTS[role].get(permission)
    if now is None:
        return [Scope.CARE, Scope.PRACTICE]
    other = Scope.CARE if now is Scope.PRACTICE else Scope.PRACTICE
    unfelt = permission in WITHOUT_CLIENT or (permission in IN_BODIES and now is Scope.CARE)
    return [None] if unfelt else [None, other]


def flipped(role: Role, permission: Permission, scope: Scope | None) -> Mapping[Role, Any]:
    own = {**GRANTS[role], permission: scope}
    if scope is not None and permission in TOGETHER:
        own[TOGETHER[permission]] = Scope.PRACTICE
    return {**GRANTS, role: {name: value for name, value in own.items() if value is not None}}


@pytest.fixture
def _one_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request is answered as if the system asked."""
    monkeypatch.setattr(wall, "nobody", nullcontext)
    monkeypatch.setattr(wall, "enter", lambda _user_id: None)


@pytest.mark.usefixtures("_one_wall")
@pytest.mark.parametrize("role", list(Role))
def test_every_flip_is_felt(
    cast: Cast, sit: Sit, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    asked: dict[Permission, list[Row]] = defaultdict(list)
    now: list[Row] = []

    def noting(deed: Any, at: int) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            if now and now[0] not in asked[args[at]]:
                asked[args[at]].append(now[0])
            return deed(*args, **kwargs)

        return noted

    seats = {door: sit(NAMES[role], door) for door in ("api", "admin")}
    sweeps = {door: Sweep(seat) for door, seat in seats.items()}
    with monkeypatch.context() as patch:
        for name, at in (("require", 1), ("visible_to", 1), ("find", 3), ("require_users", 1)):
            patch.setattr(access, name, noting(getattr(access, name), at))
        for row in sorted(rows(), key=lambda row: not row.api):
            if row.name != TELLTALE and row.address.startswith(("api/v1/", "admin/")):
                now[:] = [row]
                with undone():
                    sweeps["api" if row.api else "admin"].row(row, None, (OWN,))
    assert not [f for sweep in sweeps.values() for f in sweep.faults]
    # The control: with the policy as it is nobody protests.
    assert not any(protests(sweeps, row) for found in asked.values() for row in found[:3])
    unfelt = []
    for permission in sorted(in_use()):
        for scope in flips(role, permission):
            with monkeypatch.context() as patch:
                patch.setattr(roles, "GRANTS", flipped(role, permission, scope))
                if not any(protests(sweeps, row) for row in asked[permission]):
                    unfelt.append(f"{role} {permission}: {scope}")
    assert not unfelt, f"{len(unfelt)} flips make no cell red:\n" + "\n".join(unfelt)


def test_behind_widened_grants_stands_the_second_wall(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counsellors who may suddenly do everything to the whole practice still find nothing there."""
    seats = {door: sit("counsellor", door) for door in ("api", "admin")}
    sweeps = {door: Sweep(seat) for door, seat in seats.items()}
    widest = dict.fromkeys(GRANTS[Role.COUNSELLOR], Scope.PRACTICE)
    monkeypatch.setattr(roles, "GRANTS", {**GRANTS, Role.COUNSELLOR: widest})
    widened = [
        row
        for row in rows()
        if row.scopes["counsellor"] == "care" and row.address.startswith(("api/v1/", "admin/"))
    ]
    assert widened
    assert not [row.name for row in widened if protests(sweeps, row)]


def protests(sweeps: dict[str, Sweep], row: Row) -> bool:
    sweep = Sweep(sweeps["api" if row.api else "admin"].seat)
    with undone():
        sweep.row(row, None, (OWN, COLLEAGUE, ELSEWHERE))
    return bool(sweep.faults)
