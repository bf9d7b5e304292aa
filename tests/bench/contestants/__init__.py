"""Who takes part, and how each one's answer reads. The modules beside this one fill their data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from tests.bench.data import Entry


@dataclass(frozen=True, slots=True)
class Door:
    """Whose record is asked for, and by whom: the client's counsellor, or an outsider."""

    client: str
    insider: str
    outsider: str


@dataclass(frozen=True, slots=True, eq=False)
class Contestant:
    """A WSGI application, its route to a client's record, and its data: `store` names the database
    and the module that fills it.

    `guarded`: asks who is there; all but the bare floor do. `trail`: counts the lines that answers
    have left, where each answer has to leave one.
    """

    name: str
    title: str
    store: str
    application: str
    route: str
    read: Callable[[bytes], list[Entry]]
    environment: Mapping[str, str] = field(default_factory=dict)
    guarded: bool = True
    trail: str = ""


def _read_product(body: bytes) -> list[Entry]:
    return [
        _entry(row["id"], row["session"]["starts_at"], row["body"]["text"])
        for row in orjson.loads(body)["results"]
    ]


def _read_stock(body: bytes) -> list[Entry]:
    return [_plain(row) for row in orjson.loads(body)["results"]]


def _read_floor(body: bytes) -> list[Entry]:
    return [_plain(row) for row in orjson.loads(body)]


def _plain(row: dict[str, Any]) -> Entry:
    return _entry(row["id"], row["session_at"], row["body"])


def _entry(note_id: str, session_at: str, text: str) -> Entry:
    return Entry(UUID(note_id), datetime.fromisoformat(session_at), text)


PRODUCT = Contestant(
    "product",
    "Usaldus",
    "product",
    "config.wsgi:application",
    "/api/v1/clients/{client}/record",
    _read_product,
    # Production, except that nobody stands in front of it to speak TLS.
    environment={
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
    },
    trail="SELECT count(*) FROM clients_app_auditevent WHERE event = 'record.read' AND NOT denied",
)
STOCK = Contestant(
    "stock",
    "Stock",
    "stock",
    "tests.stock.wsgi:application",
    "/notes/?client={client}",
    _read_stock,
    environment={"DJANGO_SETTINGS_MODULE": "tests.stock.settings"},
)
RECORDED = Contestant(
    "recorded",
    "Stock, with a trail",
    "stock",
    "tests.stock.wsgi:application",
    "/recorded-notes/?client={client}",
    _read_stock,
    environment=STOCK.environment,
    trail="SELECT count(*) FROM stock_stockread",
)
FLOOR = Contestant(
    "floor",
    "Floor, same conditions",
    "floor",
    "tests.bench.contestants.floor:application",
    "/{client}",
    _read_floor,
    trail="SELECT count(*) FROM trail",
)
BARE = Contestant(
    "bare",
    "Floor, no token, no trail",
    "floor",
    "tests.bench.contestants.floor:bare",
    "/{client}",
    _read_floor,
    guarded=False,
)
ALL = (PRODUCT, STOCK, RECORDED, FLOOR, BARE)
