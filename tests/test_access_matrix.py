"""The access matrix (promise C3): every route x method x role x relation, as `matrix/access.txt`
says. Not yours and not there are the same bytes; what is refused is recorded once and changes
nothing; every answer has the headers that keep it from caches, frames and foreign scripts."""

import logging
from collections.abc import Callable, Iterator

import pytest
from django.test import Client as Browser
from rest_framework.test import APIClient

from clients_app.models import User
from tests.conftest import Cast
from tests.matrix import routes, world
from tests.matrix.sweep import Seat, Sweep
from tests.matrix.table import OWN, ROLES, WHERE, rows
from tests.matrix.world import World

Phone = Callable[[User], APIClient]
Desk = Callable[[User], Browser]
DOORS = {
    "api": [row for row in rows() if row.api],
    "admin": [row for row in rows() if row.address.startswith("admin/")],
    "besides": [row for row in rows() if not row.address.startswith(("admin/", "api/v1/"))],
}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refusals, each with a warning in the log."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def matrix(cast: Cast) -> World:
    return world.build(cast)


Sit = Callable[[str, str], Seat]


@pytest.fixture
def sit(matrix: World, phone: Phone, desk: Desk) -> Sit:
    """Somebody of that role at that door."""

    def at(role: str, door: str) -> Seat:
        if role == "anonymous":
            return Seat(role, matrix, APIClient() if door == "api" else Browser())
        user = matrix.actors[role]
        # Whoever is disabled sat down before, at each door anew.
        User.objects.filter(pk=user.pk).update(is_active=True)
        seat = Seat(role, matrix, phone(user) if door == "api" else desk(user))
        if role == "disabled":
            User.objects.filter(pk=user.pk).update(is_active=False)
        return seat

    return at


def shown(faults: list[str]) -> str:
    return "\n".join([f"{len(faults)} cells are not as {WHERE.name} says:", *faults[:60]])


def test_every_route_has_its_row() -> None:
    """A new route fails here until somebody has said who gets what."""
    written = {row.route for row in rows()}
    missing = []
    for address, pattern in routes.served():
        for method in sorted(routes.declared(pattern)) or ["GET"]:
            said = [row for row in rows() if row.route == address]
            if not said or (routes.declared(pattern) and method not in {r.method for r in said}):
                scopes = " ".join(f"<{role}>" for role in ROLES)
                missing.append(f"{method} {address} {scopes} <status where it opens>")
    assert not missing, f"write these rows in {WHERE}, see table.py:\n" + "\n".join(missing)
    assert written <= {address for address, _pattern in routes.served()}, "rows of no route"
    assert len({row.name for row in rows()}) == len(rows()), "a row is there twice"


@pytest.mark.parametrize("role", [*ROLES, "anonymous", "disabled"])
def test_who_gets_what(sit: Sit, role: str) -> None:
    """Every cell of a role, at each door."""
    for door, cells in DOORS.items():
        sweep = Sweep(sit(role, door)).over(cells)
        assert not sweep.faults, shown(sweep.faults)
        assert len(sweep.answers) >= len(cells)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "superuser"])
def test_nothing_opens_for_whom_nobody_vouched(sit: Sit, role: str) -> None:
    """Whatever the role would open, but one's own login."""
    asked, opened = 0, []
    for door in ("api", "admin"):
        seat = sit(role, door)
        User.objects.filter(pk=seat.world.actors[role].pk).update(vouched_at=None)
        for row in DOORS[door]:
            open_to_all = row.scopes[role] in ("all", "public", "hidden", "nowhere")
            if open_to_all or "logins/" in row.address:
                continue
            asked += 1
            if (response := seat.ask(row, OWN, of=row.address)).status_code != 403:
                opened.append(f"{row.name}: {response.status_code}")
    assert not opened, "\n".join(opened)
    assert asked > 200


@pytest.mark.parametrize("role", ["counsellor", "officer", "superuser", "anonymous"])
def test_a_method_without_a_row_does_nothing(sit: Sit, role: str) -> None:
    for door, cells in DOORS.items():
        sweep = Sweep(sit(role, door)).beyond(cells)
        assert not sweep.faults, shown(sweep.faults)
        assert len(sweep.answers) > len(cells)
