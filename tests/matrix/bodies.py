"""What is sent to each route: a body that it accepts from whoever may, so that a refusal is one of
the sender and not of the body."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from tests.api.conftest import OPERATIONS
from tests.conftest import PASSWORD
from tests.matrix.table import ELSEWHERE, NEVER, OWN, Row
from tests.matrix.world import NEW_PASSWORD, NOWHERE, World, pending

Body = dict[str, Any]
Made = Callable[[World, str], Body]
# By the schema's own example, where that will not do.
JSON: Mapping[str, Made] = {
    "POST api/v1/tokens": lambda world, _r: {
        "email": world.cast.mark.email,
        "password": PASSWORD,
    },
    "POST api/v1/me/password": lambda _w, _r: {"old": PASSWORD, "new": NEW_PASSWORD},
    "POST api/v1/clients/search": lambda _w, _r: {"words": "c-"},
    "POST api/v1/clients/{client}/discharge": lambda _w, _r: {"on": today()},
    "POST api/v1/notes/{note=draft}/sign": lambda _w, _r: {},
    "POST api/v1/purge-runs/{run}/approve": lambda world, _r: {"files": pending(world)},
    "POST api/v1/notes": lambda _w, _r: {"format": "narrative", "body": {"text": "x"}},
    "POST api/v1/sessions/{session=planned}/cancel": lambda _w, _r: {},
    "PATCH api/v1/sessions/{session=planned}": lambda _w, _r: {"minutes": 45},
}
# Ids in bodies: which thing they name, when nothing is to be wrong with them.
NAMED = {"client": "client", "session": "session"}
CHOSEN = ("user", "to", "counsellor")

FACTS = {"kind": "person", "service_type": "counselling", "jurisdiction": "EE"}
MEETING = {"starts_at": "2026-03-02T14:00", "minutes": "50", "modality": "in_person"}
RULE = {"trigger": "discharge", "adult_years": "7", "source": "policy"}
SITE = {"name": "Uus", "slug": "uus", "time_zone": "Europe/Tallinn", "jurisdiction": "EE"}
PASSWORDS = {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
NOTE = {"format": "narrative", "text": "x"}
TOLD = {"listening_intent": "unsure", "text": "x"}
LOGIN = {"name": "Uus", "email": "uus@kalda.example", "role": "counsellor"}
WHO, SAID = "admin/clients_app", "admin/sessions_app"
SESSION, DRAFT = f"{SAID}/therapysession", f"{SAID}/sessionnote/{{sessionnote=draft}}"
FORMS: Mapping[str, Made] = {
    "admin/login/": lambda world, _r: {"username": world.cast.mark.email, "password": PASSWORD},
    "admin/password_change/": lambda _w, _r: PASSWORDS,
    "admin/language/": lambda _w, _r: {"language": "et", "next": "/admin/"},
    f"{WHO}/client/": lambda _w, _r: {"words": "c-"},
    f"{WHO}/client/add/": lambda _w, _r: FACTS,
    f"{WHO}/client/{{client}}/identity/": lambda _w, _r: {**FACTS, "version": "1"},
    f"{WHO}/client/{{client}}/discharge/": lambda _w, _r: {"on": today()},
    f"{WHO}/client/{{client}}/hand-over/": lambda world, _r: {"user": world.cast.mark.pk},
    f"{WHO}/client/{{client}}/care/": lambda world, _r: {"user": world.cast.mark.pk},
    f"{WHO}/user/add/": lambda world, _r: {
        **LOGIN,
        "password": NEW_PASSWORD,
        "practice": world.things[OWN]["practice"],
    },
    f"{WHO}/user/{{user}}/change/": lambda _w, _r: {"name": "Uus", "role": "front_desk"},
    f"{WHO}/user/{{user}}/password/": lambda _w, _r: {"password": NEW_PASSWORD},
    f"{WHO}/practice/add/": lambda _w, _r: SITE,
    f"{WHO}/practice/{{practice}}/change/": lambda _w, _r: SITE,
    f"{WHO}/retentionrule/add/": lambda _w, _r: RULE,
    f"{WHO}/legalhold/add/": lambda world, _r: {
        "code": world.codes[OWN],
        "matter": "x",
        "reason": "y",
    },
    f"{WHO}/purgerun/{{purgerun}}/approve/": lambda world, _r: {"number": pending(world)},
    f"{SESSION}/add/?client={{client}}": lambda world, relation: {
        **MEETING,
        "status": "held",
        "counsellor_id": world.authors.get(relation, world.cast.liis.pk),
    },
    f"{SESSION}/{{therapysession=planned}}/move/": lambda _w, _r: {**MEETING, "version": "1"},
    f"{SESSION}/{{therapysession=planned}}/hold/": lambda _w, _r: {"version": "1"},
    f"{SESSION}/{{therapysession=planned}}/cancel/": lambda _w, _r: {"version": "1"},
    f"{SESSION}/{{therapysession=planned}}/no-show/": lambda _w, _r: {"version": "1"},
    f"{SAID}/sessionnote/add/?session={{session}}": lambda _w, _r: NOTE,
    f"{DRAFT}/change/": lambda _w, _r: {**NOTE, "version": "2"},
    f"{DRAFT}/sign/": lambda _w, _r: {"version": "2"},
    f"{SAID}/sessionnote/{{sessionnote}}/add/": lambda _w, _r: {"text": "x"},
    f"{SAID}/disclosure/add/?session={{session}}": lambda _w, _r: TOLD,
    f"{SAID}/disclosure/{{disclosure}}/amend/": lambda _w, _r: {"text": "x"},
}


def sent(row: Row, world: World, relation: str) -> Body | None:
    """The body of a cell; None where a route takes none."""
    if not row.api:
        made = FORMS.get(row.address)
        return dict(made(world, relation)) if made else {}
    operation = operation_of(row)
    if operation is None or operation.body is None:
        return None
    own = world.things[OWN]
    body = dict(operation.example)
    for name in operation.body["properties"]:
        if name in NAMED and name in body:
            body[name] = own[NAMED[name]]
        elif name in CHOSEN and name in body:
            body[name] = str(world.cast.mark.pk)
    special = JSON.get(row.name)
    return {**(body if row.name == "POST api/v1/notes" else {} if special else body)} | (
        special(world, relation) if special else {}
    )


def operation_of(row: Row) -> Any:
    """What the schema says of a row."""
    for operation in OPERATIONS:
        if operation.method == row.method and _named(operation.path) == row.route:
            return operation
    return None


def _named(path: str) -> str:
    return path.removeprefix("/").replace("_id}", "}")


def today() -> str:
    return timezone.now().date().isoformat()


__all__ = ["ELSEWHERE", "NEVER", "NOWHERE", "sent"]
