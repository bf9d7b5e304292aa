"""Names of columns and ids of other people's rows, sent with every form of the admin (N2, N3, N8).

What the API does with them is in `api/test_problems.py` (every column of every model in every
body) and `api/test_hidden.py` (every id in every body), the import in `test_imports.py`."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from tests.api.conftest import OPERATIONS, component
from tests.api.test_hidden import WRITES
from tests.conftest import undone
from tests.matrix import bodies
from tests.matrix.sweep import APART, Seat, digest
from tests.matrix.table import ELSEWHERE, FIXED, OWN, ROLES, Row
from tests.matrix.world import NOWHERE, World
from tests.test_access_matrix import DOORS, Sit, _quiet, matrix, sit

__all__ = ["_quiet", "matrix", "sit"]
FORMS = [row for row in DOORS["admin"] if row.method == "POST" and "reads" not in row.marks]
# Fields of forms that hold an id, or the code that stands for one.
IDS = ("user", "practice", "counsellor_id", "code")


def hostile(world: World) -> dict[str, str]:
    """Every column of every model, with a value of somebody else's or of more power."""
    theirs = world.things[ELSEWHERE]
    values: dict[str, str] = {"pk": theirs["client"], "uuid": theirs["client"], "url": "/x"}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            name = field.name
            target = getattr(field, "related_model", None)
            label = target._meta.model_name if target else ""
            if isinstance(field, models.BooleanField):
                value = "on"
            elif isinstance(field, models.DateTimeField):
                value = "2001-01-01T00:00:00Z"
            elif isinstance(field, models.DateField):
                value = "2001-01-01"
            elif isinstance(field, models.IntegerField):
                value = "77"
            elif target or isinstance(field, models.UUIDField):
                value = theirs.get(str(label), theirs["client"])
            else:
                value = "practice_manager" if name == "role" else "x"
            values[name] = value
            values[f"{name}_id"] = value
    return values | {"_save": "x", "_popup": "1", "_to_field": "id", "action": "delete_selected"}


UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def raw() -> dict[str, list[str]]:
    """Every row of every table, as JSON."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model not in APART:
                cursor.execute(f"SELECT to_jsonb(t)::text FROM {model._meta.db_table} t")
                found[model._meta.db_table] = [row for (row,) in cursor.fetchall()]
    return found


def state(known: set[str]) -> dict[str, list[str]]:
    """Every row, with what differs from one time to the next taken out: ids that were not known
    before, moments but for their day, ciphertext and hashes."""

    def plain(row: str) -> str:
        row = re.sub(r'"\\\\x[0-9a-f]*"', '"sealed"', row)
        row = re.sub(r'"(\d{4}-\d\d-\d\d)T[^"]*"', r'"\1"', row)
        row = re.sub(r'"(password|wrapped|seed)": "[^"]*"', "", row)
        row = re.sub(r'"id": \d+', '"id": "new"', row)
        return UUID.sub(lambda match: match[0] if match[0] in known else "new", row)

    return {table: sorted(map(plain, rows)) for table, rows in raw().items()}


def sender(row: Row) -> str:
    return next(role for role in ROLES if row.opens_to(role))


@pytest.mark.parametrize("half", [0, 1])
def test_no_column_finds_its_way_through_a_form(sit: Sit, half: int) -> None:
    """A form with the names of all columns does exactly what it does without them (N8)."""
    seats: dict[str, Seat] = {}
    tried = 0
    for row in FORMS[half::2]:
        if not any(row.opens_to(role) for role in ROLES):
            continue
        role = sender(row)
        seat = seats.setdefault(role, sit(role, "admin"))
        form = bodies.sent(row, seat.world, OWN) or {}
        took = fields_of(row, seat)
        more = {n: v for n, v in hostile(seat.world).items() if n not in {*form, *took}}
        assert len(more) > 60
        after = []
        known = set(UUID.findall(str(raw())))
        for typed in (form, *({**some, **form} for some in portions(more))):
            with undone():
                answer = seat.send("POST", row.address.format(**ids(row, seat)), typed)
                assert answer.status_code in (200, 302), row.name
                after.append((answer.status_code, state(known)))
        for other in after[1:]:
            assert not differences(after[0], other), (row.name, differences(after[0], other))
        tried += 1
    assert tried > 12


def portions(more: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """As many at once as a form may have fields (DATA_UPLOAD_MAX_NUMBER_FIELDS)."""
    pairs = list(more.items())
    for first in range(0, len(pairs), 400):
        yield dict(pairs[first : first + 400])


def differences(one: Any, other: Any) -> list[str]:
    """The rows that are in one state only."""
    found = [] if one[0] == other[0] else [f"{one[0]} {other[0]}"]
    for table, rows in one[1].items():
        found += [f"{table} {row}" for row in {*rows} ^ {*other[1][table]}]
    return found


def ids(row: Row, seat: Seat) -> dict[str, str]:
    return FIXED | {name: seat.world.thing(name, OWN) for name in row.things}


def fields_of(row: Row, seat: Seat) -> set[str]:
    """The names of the fields that the page itself offers."""
    with undone():
        page = seat.send("GET", row.address.format(**ids(row, seat)))
        return set(re.findall(r'\sname="([^"]+)"', page.text)) if page.status_code == 200 else set()


def test_foreign_ids_in_forms_are_refused(sit: Sit) -> None:
    """A colleague who is none, another practice's, nobody's: the form comes back and nothing has
    changed (N3)."""
    tried = set()
    seats: dict[str, Seat] = {}
    for row in FORMS:
        if not any(row.opens_to(role) for role in ROLES):
            continue
        role = {"user": "manager", "therapysession": "desk"}.get(row.address.split("/")[2])
        role = role or sender(row)
        seat = seats.setdefault(role, sit(role, "admin"))
        world = seat.world
        form = bodies.sent(row, world, OWN) or {}
        offered = fields_of(row, seat)
        for name in sorted(offered.intersection(IDS)):
            for value in foreign(name, world):
                with undone():
                    before = digest()
                    where = row.address.format(**ids(row, seat))
                    answer = seat.send("POST", where, {**form, name: value})
                    assert answer.status_code == 200, (row.name, name, value)
                    assert digest() == before, (row.name, name)
            tried.add((row.address, name))
    assert {name for _row, name in tried} == set(IDS)


def foreign(name: str, world: World) -> list[str]:
    cast = world.cast
    match name:
        case "practice":
            return [world.things[ELSEWHERE]["practice"], NOWHERE, "7"]
        case "code":
            return ["C-1999-0001", "C-9999-9999", "\u2028", "' OR 1=1"]
        case _:
            people = [str(cast.olga.pk), str(cast.frida.pk), str(cast.root.pk), NOWHERE, "7"]
            return people if name == "user" else [*people, str(cast.mark.pk)]


def test_bodies_of_the_api_hide_no_id_deeper() -> None:
    """`api/test_hidden.py` tries the ids at the top of each body; there are no others."""
    deeper = {
        (operation.name, path)
        for operation in OPERATIONS
        for path in uuids(operation.body or {})
        if (operation.name, path) not in WRITES
    }
    assert not deeper, "try these in tests/api/test_hidden.py"


def uuids(shape: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for name, inner in shape.get("properties", {}).items():
        whole = f"{path}{name}"
        parts = [inner, inner.get("items", {}), *inner.get("allOf", []), *inner.get("oneOf", [])]
        for part in parts:
            if part.get("format") == "uuid":
                found.append(whole)
            if "$ref" in part:
                found += uuids(component(part["$ref"]), f"{whole}.")
            found += uuids(part, f"{whole}.")
    return found


def test_an_item_of_another_run_and_care_of_another_client_have_their_rows() -> None:
    """Two ids in one address: the second one is tried with somebody else's as well (N2)."""
    for row in DOORS["api"] + DOORS["admin"]:
        named = [name for name in row.things if "=" not in name]
        if len(named) > 1:
            last = f"{named[-1]}=another"
            twin = row.address.replace(f"{{{named[-1]}}}", f"{{{last}}}")
            doors = DOORS["api"] + DOORS["admin"]
            assert any(r.address == twin and r.method == row.method for r in doors), twin
