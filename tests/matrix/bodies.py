"""What is sent to each route: a body that it accepts from whoever may, so that a refusal is one of
the sender and not of the body."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from clients_app import handovers, vouching
from clients_app.models import Client, User
from tests.api.conftest import OPERATIONS
from tests.conftest import PASSWORD, code_of, wording_of
from tests.matrix.table import COLLEAGUE, ELSEWHERE, NEVER, OWN, Row
from tests.matrix.world import NEW_PASSWORD, NOWHERE, World, pending

Body = dict[str, Any]
Made = Callable[[World, str], Body]
# By the schema's own example, where that will not do.
JSON: Mapping[str, Made] = {
    "POST api/v1/tokens": lambda world, _r: {
        "email": world.cast.mark.email,
        "password": PASSWORD,
        "code": code_of(world.secret),
    },
    "POST api/v1/me/confirm": lambda world, _r: {"code": code_of(world.secret)},
    "POST api/v1/me/successors": lambda world, _r: {"successor": str(world.cast.mark.pk)},
    "POST api/v1/me/caseload/hand-over": lambda world, _r: {
        "to": str(world.cast.mark.pk),
        "number": caseload(world),
        "leave_unsigned": True,
    },
    "POST api/v1/successions": lambda world, _r: {
        "counsellor": str(world.cast.mark.pk),
        "to": str(world.cast.liis.pk),
        "ground": "left",
    },
    "POST api/v1/break-glass": lambda world, _r: {"code": world.codes[COLLEAGUE], **EMERGENCY},
    "POST api/v1/promises": lambda _w, _r: {"language": "et"},
    "PATCH api/v1/promises/{promise}": lambda _w, _r: {"text": REVISED},
    "PATCH api/v1/promises/{promise=draft}": lambda _w, _r: {"text": REVISED},
    "POST api/v1/clients/{client}/agreements": lambda world, relation: {
        "statement": of(world, relation)["promise"],
        "how": "spoken",
    },
    "POST api/v1/clients/{client}/excerpts": lambda world, relation: {
        **{name: value for name, value in RELEASE.items() if name != "days"},
        "note": of(world, relation)["note"],
        "supervisor": str(world.cast.sofia.pk),
    },
    "POST api/v1/users/{user=new}/vouch": lambda world, relation: {"code": told(world, relation)},
    "POST api/v1/exceptions/{exception}/client-told": lambda _w, _r: {},
    "POST api/v1/me/password": lambda _w, _r: {"old": PASSWORD, "new": NEW_PASSWORD},
    "POST api/v1/clients/search": lambda _w, _r: {"words": "c-"},
    "POST api/v1/clients/{client}/discharge": lambda _w, _r: {"on": today()},
    "POST api/v1/clients/{client}/reopen": lambda world, relation: {
        "kept_until": kept_until(world, relation)
    },
    "POST api/v1/notes/{note=draft}/sign": lambda _w, _r: {},
    "POST api/v1/purge-runs/{run}/approve": lambda world, _r: {"files": pending(world)},
    "POST api/v1/shortenings/{shortening}/confirm": lambda _w, _r: {"files": 1},
    "POST api/v1/purge-runs/{run=awaiting}/second": lambda _w, _r: {"files": 1},
    "POST api/v1/clients/{client}/snooze": lambda _w, _r: SNOOZE,
    "POST api/v1/notes": lambda _w, _r: {"format": "narrative", "body": {"text": "x"}},
    "POST api/v1/sessions/{session=planned}/cancel": lambda _w, _r: {},
    "PATCH api/v1/sessions/{session=planned}": lambda _w, _r: {"minutes": 45},
}
# Ids in bodies: which thing they name, when nothing is to be wrong with them.
NAMED = {"client": "client", "session": "session"}
CHOSEN = ("user", "to", "counsellor")

FACTS = {"kind": "person", "service_type": "counselling", "jurisdiction": "EE"}
MEETING = {"starts_at": "2026-03-02T14:00", "minutes": "50", "modality": "in_person"}
RULE = {
    "bound": "floor",
    "record_class": "file",
    "trigger": "discharge",
    "years": "7",
    "source": "policy",
    "put_in_force": "1",
}
SITE = {"name": "Uus", "slug": "uus", "time_zone": "Europe/Tallinn", "jurisdiction": "EE"}
SNOOZE: dict[str, str] = {
    "reason": "may_return",
    "until": (timezone.now() + timedelta(days=30)).date().isoformat(),
}
PASSWORDS = {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
REVISED: str = wording_of("en") + "\n\nOnce more."
EMERGENCY: dict[str, str] = {
    "reason_code": "danger_to_life",
    "text": "Called and said goodbye, the confidant does not answer.",
}
RELEASE: dict[str, str] = {"text": "x", "pseudonym": "K", "consent_how": "spoken", "days": "14"}
TOLD_TO = {"ground": "court_order", "recipient": "x", "content": "y", "told": "not_yet"}
NOTE = {"format": "narrative", "text": "x"}
TOLD = {"listening_intent": "unsure", "text": "x"}
LOGIN = {"name": "Uus", "email": "uus@kalda.example", "role": "counsellor"}
WHO, SAID = "admin/clients_app", "admin/sessions_app"
STATEMENT = f"{WHO}/confidentialitystatement/{{confidentialitystatement=draft}}"
EXCERPT = f"{SAID}/supervisionexcerpt"
SESSION, DRAFT = f"{SAID}/therapysession", f"{SAID}/sessionnote/{{sessionnote=draft}}"
FORMS: Mapping[str, Made] = {
    "admin/login/": lambda world, _r: {"username": world.cast.mark.email, "password": PASSWORD},
    "admin/password_change/": lambda _w, _r: PASSWORDS,
    "admin/language/": lambda _w, _r: {"language": "et", "next": "/admin/"},
    "admin/confirm/": lambda world, _r: {"code": code_of(world.secret)},
    "admin/own/logins/{login}/": lambda _w, _r: {"device": "x"},
    f"{WHO}/breakglass/add/": lambda world, _r: {"code": world.codes[COLLEAGUE], **EMERGENCY},
    f"{WHO}/breakglass/{{breakglass}}/change/": lambda _w, _r: {
        "finding": "justified",
        "text": "x",
    },
    f"{WHO}/confidentialitystatement/add/": lambda _w, _r: {"language": "et", "text": REVISED},
    f"{STATEMENT}/change/": lambda _w, _r: {"text": REVISED, "version": "1"},
    f"{STATEMENT}/publish/": lambda _w, _r: {"version": "1"},
    f"{WHO}/agreement/add/?client={{client}}": lambda world, relation: {
        "statement": of(world, relation)["promise"],
        "how": "spoken",
        "given_at": a_minute_ago(),
    },
    f"{WHO}/confidentialityexception/add/?client={{client}}": lambda _w, _r: {
        **TOLD_TO,
        "decided_at": a_minute_ago(),
    },
    f"{WHO}/confidentialityexception/{{confidentialityexception}}/client-told/": lambda _w, _r: {
        "told_at": a_minute_ago()
    },
    f"{WHO}/successor/add/": lambda world, _r: {"successor": world.cast.mark.pk, "rank": "1"},
    f"{WHO}/successor/hand-over/": lambda world, _r: {
        "to": world.cast.mark.pk,
        "which": "all",
        "number": caseload(world),
        "leave_unsigned": "on",
    },
    f"{WHO}/handover/add/": lambda world, _r: {
        "counsellor": world.cast.mark.pk,
        "to": world.cast.liis.pk,
        "ground": "left",
    },
    **dict.fromkeys(
        (f"{EXCERPT}/add/?note={{note}}", f"{EXCERPT}/add/?disclosure={{disclosure}}"),
        lambda world, _r: {
            **RELEASE,
            "supervisor": world.cast.sofia.pk,
            "consented_at": a_minute_ago(),
        },
    ),
    f"{WHO}/client/": lambda _w, _r: {"words": "c-"},
    f"{WHO}/client/add/": lambda _w, _r: FACTS,
    f"{WHO}/client/{{client}}/identity/": lambda _w, _r: {**FACTS, "version": "1"},
    f"{WHO}/client/{{client}}/discharge/": lambda _w, _r: {"on": today()},
    f"{WHO}/client/{{client}}/reopen/": lambda world, relation: {
        "kept_until": kept_until(world, relation) or ""
    },
    f"{WHO}/client/{{client}}/hand-over/": lambda world, _r: {"user": world.cast.mark.pk},
    f"{WHO}/client/{{client}}/care/": lambda world, _r: {"user": world.cast.mark.pk},
    f"{WHO}/user/add/": lambda world, _r: {
        **LOGIN,
        "practice": world.things[OWN]["practice"],
    },
    f"{WHO}/user/{{user}}/change/": lambda _w, _r: {"name": "Uus", "role": "front_desk"},
    f"{WHO}/user/{{user=new}}/vouch/": lambda world, relation: {"code": told(world, relation)},
    f"{WHO}/practice/add/": lambda _w, _r: SITE,
    f"{WHO}/practice/{{practice}}/change/": lambda _w, _r: SITE,
    f"{WHO}/retentionrule/add/": lambda _w, _r: RULE,
    f"{WHO}/legalhold/add/": lambda world, _r: {
        "code": world.codes[OWN],
        "matter": "x",
        "reason": "y",
    },
    f"{WHO}/destructionrecord/export/": lambda _w, _r: {
        "since": "2026-01-01",
        "until": "2200-12-31",
        "form": "csv",
    },
    f"{WHO}/clientrequest/add/": lambda world, _r: {
        "code": world.codes[OWN],
        "kind": "complaint",
        "received_on": today(),
        "details": "x",
    },
    f"{WHO}/clientrequest/{{clientrequest}}/change/": lambda _w, _r: {
        "outcome": "granted",
        "answer": "x",
    },
    f"{WHO}/purgerun/{{purgerun}}/approve/": lambda world, _r: {"number": pending(world)},
    f"{WHO}/shortening/{{shortening}}/confirm/": lambda _w, _r: {"number": 1},
    f"{WHO}/purgerun/{{purgerun=awaiting}}/second/": lambda _w, _r: {"number": 1},
    f"{WHO}/client/{{client}}/snooze/": lambda _w, _r: SNOOZE,
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


def of(world: World, relation: str) -> Mapping[str, str]:
    """What is of that relation; of one's own where there is nothing."""
    return world.things.get(relation) or world.things[OWN]


def told(world: World, relation: str) -> str:
    """The code that the newcomer sees."""
    newcomer = User.objects.filter(pk=of(world, relation)["user=new"]).first()
    return vouching.code(newcomer) if newcomer else "1234 5678"


def caseload(world: World) -> int:
    return handovers.caseload_of(world.cast.liis).clients


def kept_until(world: World, relation: str) -> str | None:
    """The date that goes when a file is reopened, where there is one."""
    files = Client.objects.filter(pk=of(world, relation)["client"])
    day = files.values_list("retain_until", flat=True).first()
    return day.isoformat() if day else None


def a_minute_ago() -> str:
    here = ZoneInfo("Europe/Tallinn")
    return (timezone.now() - timedelta(seconds=1)).astimezone(here).strftime("%Y-%m-%dT%H:%M")


def today() -> str:
    return timezone.now().date().isoformat()


__all__ = ["ELSEWHERE", "NEVER", "NOWHERE", "sent"]
