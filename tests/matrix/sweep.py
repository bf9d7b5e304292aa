"""Ask every cell of the table, each as if it were the only one, and say what was not as it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.http import SimpleCookie
from django.test import Client as Browser
from django.urls import Resolver404

from clients_app.models import AuditEvent
from tests.conftest import undone
from tests.matrix import bodies
from tests.matrix.routes import METHODS
from tests.matrix.table import (
    COLLEAGUE,
    ELSEWHERE,
    ENDED,
    FIXED,
    HERE,
    OWN,
    PURGED,
    RELATIONS,
    SHARED,
    Row,
)
from tests.matrix.world import World

POLICY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
# What changes although nothing is done: lines of the trail, and when somebody was last seen.
APART = (AuditEvent, Session)
COUNTS_TIME = "seen_at"


@dataclass
class Seat:
    """Somebody at one of the two doors."""

    role: str
    world: World
    client: Browser
    cookies: str = ""

    def __post_init__(self) -> None:
        self.cookies = self.client.cookies.output(header="", sep=";")

    def ask(self, row: Row, relation: str, *, method: str = "", **more: Any) -> Any:
        """The answer of one cell, or of its address and body with another method."""
        address = row.address.format(**FIXED) if not row.things else row.address
        for name in row.things:
            address = address.replace(f"{{{name}}}", self.world.thing(name, relation))
        return self.send(
            method or row.method, address, bodies.sent(row, self.world, relation), **more
        )

    def send(self, method: str, address: str, body: Any = None, **more: Any) -> Any:
        self.client.cookies = SimpleCookie(self.cookies)
        where = "/" + address.removeprefix("/")
        if address.startswith("api/"):
            raw = body if isinstance(body, bytes) else b"" if body is None else dumped(body)
            tag = '"v2"' if "{note=draft}" in more.pop("of", "") else '"v1"'
            more = {"content_type": "application/json", "HTTP_IF_MATCH": tag, **more}
            return self.client.generic(method, where, raw, **more)
        more.pop("of", None)
        if method == "POST":
            return self.client.post(where, body or {}, **more)
        return self.client.generic(method, where, urlencode(body or {}), **more)


def dumped(body: Any) -> bytes:
    return json.dumps(body).encode()


@dataclass
class Sweep:
    """The cells of one role at one door, their answers and what is wrong with them."""

    seat: Seat
    faults: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def role(self) -> str:
        return self.seat.role

    def over(self, rows: list[Row]) -> Sweep:
        """Ask the cells that are to stay closed, one after the other, then whether anything has
        changed; those that open each for itself."""
        before = digest()
        for row in rows:
            self.row(row, before)
        if digest() != before:
            self.blame(rows)
        return self

    def beyond(self, rows: list[Row]) -> Sweep:
        """Ask each route with the methods that have no row, about what is one's own, with the body
        of one that has: HEAD is GET without its words, any other is refused, nothing changes."""
        before = digest()
        for route in {row.route: None for row in rows}:
            written = {row.method: row for row in rows if row.route == route}
            source = next((written[name] for name in WRITES if name in written), written.get("GET"))
            for method in METHODS:
                if source is not None and method not in written:
                    self.unwritten(method, source, written.get("GET"))
        if digest() != before:
            self.faults.append(f"{self.role}: a method without a row changes something")
        return self

    def unwritten(self, method: str, source: Row, reading: Row | None) -> None:
        row = replace(source, method=method)
        try:
            with transaction.atomic():
                response = self.seat.ask(source, OWN, method=method)
        except Exception as failure:
            self.fault(row, OWN, f"raises {failure!r}")
            return
        self.headers(row, OWN, response)
        self.answers[row.name, OWN] = response
        expected = {405, self.expected(replace(source, status=405), OWN)[0]}
        if method == "HEAD" and reading is not None:
            expected = {self.expected(reading, OWN)[0]}
            if response.content:
                self.fault(row, OWN, "has words")
        if response.status_code not in expected:
            self.fault(row, OWN, f"answers {response.status_code}, not {expected}")

    def row(self, row: Row, before: str | None, relations: Iterable[str] = RELATIONS) -> None:
        refused: dict[int, tuple[str, Any]] = {}
        for relation in (relation for relation in row.relations if relation in relations):
            response = self.cell(row, relation, before)
            if response is None or response.status_code not in (401, 403, 404):
                continue
            first, reference = refused.setdefault(response.status_code, (relation, response))
            if told := difference(reference, response):
                self.fault(row, relation, f"can be told from {first}: {told}")

    def cell(self, row: Row, relation: str, before: str | None) -> Any:
        expected, lines = self.expected(row, relation)
        with undone(expected < 400 or expected in (409, 412)):
            last = newest()
            try:
                response = self.seat.ask(row, relation, of=row.address)
            except Exception as failure:  # whatever it is, the cell has no answer
                self.fault(row, relation, f"raises {failure!r}")
                transaction.set_rollback(True)
                return None
            if response.status_code != expected:
                told = response.content[:300] if row.api else b""
                got = response.status_code
                self.fault(row, relation, f"answers {got}, not {expected} {told!r}")
            if (denied := denials(last)) != lines:
                self.fault(row, relation, f"leaves {denied} denials, not {lines}")
            writes = row.method in WRITES and row.opens_to(self.role)
            if before is not None and relation == OWN and writes:
                self.changes(row, response, before)
            if row.address.startswith("admin/") and LogEntry.objects.exists():
                self.fault(row, relation, "leaves a line in the log of Django's admin")
            if response.status_code != expected:
                transaction.set_rollback(True)
        self.headers(row, relation, response)
        self.content(row, relation, response)
        self.answers[row.name, relation] = response
        return response

    def changes(self, row: Row, response: Any, before: str) -> None:
        """A deed that is done changes something, one that is not nothing; and where an exception
        is written for a role, that is a page which only comes back."""
        comes_back = self.role in row.exceptions or "reads" in row.marks
        done = response.status_code < 400 and not comes_back
        if (digest() != before) != done:
            self.fault(row, OWN, "changes nothing" if done else "changes rows")

    def blame(self, rows: list[Row]) -> None:
        """Something that is refused has changed something: say what."""
        for row in rows:
            for relation in row.relations:
                if self.expected(row, relation)[0] < 400:
                    continue
                with undone():
                    before = digest()
                    self.seat.ask(row, relation, of=row.address)
                    if digest() != before:
                        self.fault(row, relation, "changes rows")

    def expected(self, row: Row, relation: str) -> tuple[int, int]:
        """The status, and how many denials the trail is to show."""
        if self.role in ("anonymous", "disabled"):
            public = "public" in row.scopes.values()
            status = row.exceptions.get("anonymous", row.status) if public else 401
            if not public and relation == "malformed":
                status = 404
            return (status if row.api or public else 302), 0
        return row.expected(self.role, relation), row.recorded(self.role, relation)

    def headers(self, row: Row, relation: str, response: Any) -> None:
        for name, value in POLICY.items():
            if response.headers.get(name) != value:
                self.fault(row, relation, f"has {name}: {response.headers.get(name)}")
        policy = response.headers.get("Content-Security-Policy", "")
        if "default-src 'self'" not in policy or "unsafe" in policy:
            self.fault(row, relation, f"has Content-Security-Policy: {policy}")

    def content(self, row: Row, relation: str, response: Any) -> None:
        """Nothing of a file that is not theirs; in a list of files, those that are."""
        forbidden = {ELSEWHERE}
        if self.role == "counsellor":
            forbidden |= {COLLEAGUE, ENDED}
        elif self.role not in ("desk", "manager", "officer"):
            forbidden |= {*HERE, PURGED}
        # Of a purged file its id and code stay known, its name does not.
        for other in sorted(forbidden - {relation}):
            marks = self.seat.world.marks[other][-1 if "asked" in row.marks else 0 :]
            if any(mark in response.content for mark in marks):
                self.fault(row, relation, f"shows something of {other}")
        if self.seat.world.marks[PURGED][-1] in response.content:
            self.fault(row, relation, "names a purged client")
        if "lists" in row.marks and row.opens_to(self.role):
            scope = row.scopes[self.role]
            listed = {"named": (OWN,), "care": (OWN, SHARED)}.get(scope, (OWN, SHARED, COLLEAGUE))
            for there in listed:
                if not any(mark in response.content for mark in self.seat.world.marks[there]):
                    self.fault(row, relation, f"lists nothing of {there}")

    def fault(self, row: Row, relation: str, words: str) -> None:
        self.faults.append(f"{row.name} | {self.role} | {relation}: {words}")


def difference(one: Any, other: Any) -> str:
    """What tells two answers apart, if anything does."""
    if one.content != other.content:
        return "by its words"
    if not led_somewhere(one) or not led_somewhere(other):
        return ""  # An address that is none tells of nothing that could be there.
    if one.cookies.keys() != other.cookies.keys():
        return f"by cookies: {one.cookies.keys() ^ other.cookies.keys()}"
    if apart := set(one.headers.items()) ^ set(other.headers.items()):
        names = {name for name, _value in apart} - {"Expires"}  # the moment of the answer
        return f"by headers: {names}" if names else ""
    return ""


def led_somewhere(response: Any) -> bool:
    try:
        return bool(response.resolver_match)
    except Resolver404:
        return False


def newest() -> int:
    """The last line of the trail."""
    return AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0


def denials(after: int) -> int:
    return AuditEvent.objects.filter(pk__gt=after, denied=True).count()


def digest() -> str:
    """Changes when any row of any table does."""
    with connection.cursor() as cursor:
        cursor.execute(_digest_query())
        found = cursor.fetchall()
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _digest_query() -> str:
    tables = [model._meta.db_table for model in apps.get_models() if model not in APART]
    return " UNION ALL ".join(
        f"SELECT '{table}', md5(string_agg(md5(r), '' ORDER BY r))"
        f" FROM (SELECT (to_jsonb(t) - '{COUNTS_TIME}')::text r FROM {table} t) rows"
        for table in tables
    )
