"""What strangers and insiders try with what they send (N4, N5, N9, N10, N15): refused with 4xx or
kept as mere text; never an error of ours, never run, never unpacked, never a wider answer."""

import gzip
import pickle
import resource
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import cycle, islice, product
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from kombu import serialization
from kombu.exceptions import ContentDisallowed

from clients_app import rules, users
from clients_app.models import Practice
from config.celery import app
from tests.conftest import Cast, undone
from tests.matrix import payloads, world
from tests.matrix.sweep import Seat, digest
from tests.matrix.table import OWN, ROLES, Row, rows
from tests.test_access_matrix import DOORS, Sit, _quiet, matrix, sit

__all__ = ["_quiet", "matrix", "sit"]
MOST_GROWTH_KB = 50 * 1024
# What our own pages take from an address. The list of the others is `payloads.QUERIES`.
KNOWN = (
    *("actor", "after", "before", "client", "counsellor", "denied", "event"),
    *("next", "p", "session", "since", "status", "until", "week"),
)
# Whoever has the most to look at.
READERS = ("counsellor", "officer", "manager", "superuser")


def lists() -> list[Row]:
    return [row for row in DOORS["api"] if row.method == "GET" and "?" not in row.address]


def reader(row: Row) -> str:
    return next((role for role in ROLES if row.opens_to(role)), "officer")


def at(seat: Seat, row: Row, query: str = "") -> Any:
    address = row.address
    for name in row.things:
        address = address.replace(f"{{{name}}}", seat.world.thing(name, OWN))
    return seat.send(row.method, address + query)


def test_no_order_filter_or_expansion_but_those_written_down(sit: Sit) -> None:
    """The API refuses each name, once and twice (N5)."""
    seats = {role: sit(role, "api") for role in ROLES}
    for row in lists():
        seat = seats[reader(row)]
        for name in payloads.QUERIES:
            answer = at(seat, row, f"?{quote(name)}=retain_until")
            assert answer.status_code == 400, (row.name, name)
            assert answer["Content-Type"] == "application/problem+json"
        for size in ("0", "-1", "101", "1000000", "9" * 30, "1e3", "%00"):
            assert at(seat, row, f"?limit={size}").status_code == 400, (row.name, size)


def test_the_admin_ignores_what_it_does_not_ask_for(sit: Sit) -> None:
    """Neither an error nor another page, whatever an address says (N5)."""
    unknown = "&".join(f"{quote(name)}=retain_until" for name in payloads.QUERIES)
    seats = {role: sit(role, "admin") for role in READERS}
    for row in DOORS["admin"]:
        if row.method != "GET" or "?" in row.address:
            continue
        role = next((role for role in READERS if row.opens_to(role)), "")
        if not role:
            continue
        seat = seats[role]
        # Each look by itself: a page of the trail shows the look before.
        with undone():
            plain = at(seat, row)
        with undone():
            assert skeleton(plain) == skeleton(at(seat, row, f"?{unknown}")), row.name
        with undone():
            # Lists meet the worst of them one at a time, below.
            for turn in range(3):
                values = islice(cycle(payloads.ODD), turn, None)
                odd = "&".join(
                    f"{name}={value}" for name, value in zip(KNOWN, values, strict=False)
                )
                answer = at(seat, row, f"?{odd}")
                assert answer.status_code in (plain.status_code, 302, 403, 404), (row.name, odd)


def test_no_odd_value_of_a_known_name_is_an_error(sit: Sit) -> None:
    """One at a time, on every list of the admin."""
    seats = {role: sit(role, "admin") for role in READERS}
    for row in DOORS["admin"]:
        if row.method != "GET" or not row.route.endswith(("/", "trail/")) or row.things:
            continue
        role = next((role for role in READERS if row.opens_to(role)), "")
        if role:
            for name, odd in product(KNOWN, payloads.WORST):
                with undone():
                    answer = at(seats[role], row, f"?{name}={odd}")
                assert answer.status_code < 500, (row.name, name, odd)


STOCK = (
    "autocomplete/",
    "jsi18n/",
    "r/1/1/",
    "doc/",
    "auth/",
    "auth/group/",
    "auth/group/add/",
    "auth/user/",
    "sessions/session/",
    "password_change/done/",
    "password_reset/",
    "clients_app/client/export/",
    "clients_app/client/{client}/delete/",
    "clients_app/client/{client}/history/",
    "clients_app/client/{client}/",
    "clients_app/clientkey/",
    "clients_app/accesstoken/",
    "clients_app/careassignment/",
    "clients_app/purgeitem/",
    "clients_app/auditevent/1/change/",
    "clients_app/auditevent/1/delete/",
    "sessions_app/noteversion/",
)


def test_nothing_that_stock_django_offers_is_there(sit: Sit) -> None:
    """Nor anything else that the operator might have left in reach (N4)."""
    assert admin.site.enable_nav_sidebar is False
    for role in ROLES:
        seat = sit(role, "admin")
        with undone():
            nothing = seat.send("GET", "admin/no/such/page/")
            assert nothing.status_code == 404
            for path in STOCK:
                address = "admin/" + path.format(client=seat.world.thing("client", OWN))
                for method in ("GET", "POST"):
                    answer = seat.send(method, address)
                    assert (answer.status_code, answer.content) == (404, nothing.content), address
            for path in ("metrics", "__debug__/", "api/", "api/v1/", "media/x", "silk/", ".env"):
                assert seat.send("GET", path).status_code == 404, path
            action = {
                "action": "delete_selected",
                "_selected_action": seat.world.things[OWN]["client"],
            }
            before = digest()
            seat.send("POST", "admin/clients_app/client/", action)
            assert digest() == before


class Skeleton(HTMLParser):
    """The elements of a page and the names of their attributes: what text cannot change."""

    def __init__(self) -> None:
        super().__init__()
        self.bones: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = sorted(name for name, _value in attrs)
        scheme = [v for n, v in attrs if n in ("href", "src", "action") and ":" in (v or "")]
        self.bones.append((tag, names, scheme))

    def handle_comment(self, data: str) -> None:
        self.bones.append("comment")


def skeleton(response: Any) -> Any:
    if not response["Content-Type"].startswith("text/html"):
        return response.status_code
    found = Skeleton()
    found.feed(response.text)
    return response.status_code, found.bones


def texts(longest: int) -> list[str]:
    """The payloads in as few texts as go into a field of that length."""
    made = [""]
    for payload in payloads.MARKUP:
        if len(made[-1]) + len(payload) > longest:
            made.append("")
        made[-1] += payload
    return made


def test_there_are_sixty_payloads() -> None:
    assert len(set(payloads.MARKUP)) == 60


def test_markup_is_text_on_every_page(
    cast: Cast, sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page of a file whose every field is markup has the elements of one whose fields are
    plain words, and its policy lets no script of theirs run (N9)."""
    seats = {role: sit(role, "admin") for role in ROLES}
    pages = [row for row in DOORS["admin"] if row.method == "GET" and row.things]
    plain = dict(skeletons(seats, pages))
    for short in texts(290):
        words = dict.fromkeys(world.COLUMNS, short) | {
            "Client.email": "o@mail.example",
            "SessionNote.body": "".join(payloads.MARKUP),
            "NoteVersion.body": short,
            "Disclosure.text": "".join(payloads.MARKUP),
            "Disclosure.themes": short,
            # No word of the name, or it would be refused.
            "SupervisionExcerpt.pseudonym": "\"'><b>K</b>",
        }
        with undone():
            seat = seats["counsellor"]
            was = seat.world.things[OWN]
            made = world.file(cast.liis, cast.piret, words, was, cast.sofia)
            monkeypatch.setitem(seat.world.things, OWN, {**was, **made})
            seen = dict(skeletons(seats, pages))
            for name, bones in plain.items():
                assert seen[name] == bones, name
            api = sit("counsellor", "api")
            record = api.send("GET", f"api/v1/clients/{made['client']}")
            assert record.json()["full_name"] == short.strip()
            assert record["Content-Type"] == "application/json"
        monkeypatch.undo()


def skeletons(seats: dict[str, Seat], pages: list[Row]) -> Iterator[tuple[tuple[str, str], Any]]:
    for row in pages:
        for role in ("counsellor", "officer"):
            if row.opens_to(role):
                with undone():
                    yield (row.name, role), without_counts(skeleton(seats[role].ask(row, OWN)))


def without_counts(bones: Any) -> Any:
    """The trail grows by what is looked at; a page of it is as long as it happens to be."""
    if not isinstance(bones, tuple):
        return bones
    return bones[0], {str(bone) for bone in bones[1]}


def test_names_of_staff_rules_and_practices_are_text(cast: Cast, sit: Sit) -> None:
    seat, root = sit("officer", "admin"), sit("superuser", "admin")
    for text in texts(190):
        with undone():
            users.change(
                cast.mark.pk, by=cast.mattias, name=text, role="counsellor", is_active=True
            )
            Practice.objects.filter(pk=cast.practice.pk).update(name=text)
            rules.decide(by=cast.piret, trigger="discharge", years=9, source=text)
            for where, who in (
                ("clients_app/retentionrule/", seat),
                ("clients_app/user/", seat),
                ("clients_app/auditevent/", seat),
                ("clients_app/practice/", root),
                ("clients_app/user/", root),
            ):
                page = who.send("GET", f"admin/{where}")
                assert page.status_code == 200
                found = Skeleton()
                found.feed(page.text)
                bones = [b for b in found.bones if isinstance(b, tuple)]
                foreign = [b for b in bones if b[0] in ("iframe", "style", "math", "base")]
                foreign += [b for b in bones if b[0] == "script" and "src" not in b[1]]
                assert not foreign
                assert not [b for b in bones if b[2] or any(n[:2] == "on" for n in b[1])]


def test_paths_lead_nowhere(sit: Sit) -> None:
    """In an id of an address: no route; in a text: text (N10)."""
    api, browser = sit("counsellor", "api"), sit("counsellor", "admin")
    for path in (*payloads.PATHS, "\0", "x\0y"):
        odd = quote(path, safe="")
        for row in rows():
            if row.method == "GET" and "{client}" in row.route and "?" not in row.address:
                seat = api if row.api else browser
                address = row.address.replace("{client}", odd)
                assert seat.send("GET", address).status_code == 404, (row.name, path)
        answer = api.send("POST", "api/v1/clients", {"full_name": path, "address": path})
        if "\0" in path:
            assert answer.status_code == 400
            continue
        assert answer.status_code == 201
        read = api.send("GET", f"api/v1/clients/{answer.json()['id']}").json()
        assert read["address"] == (path.strip() or None)
    for path in ("static/../config/settings/base.py", "static/%2e%2e/manage.py", "static/..\\x"):
        assert browser.send("GET", path).status_code == 404


def test_the_worker_takes_json_and_nothing_else() -> None:
    """A pickled message would run whatever it says (N10)."""
    assert list(app.conf.accept_content) == ["json"]
    assert app.conf.task_serializer == "json"
    body = pickle.dumps({"x": 1})
    for kind in ("application/x-python-serialize", "application/x-yaml", "application/x-msgpack"):
        with pytest.raises(ContentDisallowed):
            serialization.loads(body, kind, "binary", accept=app.conf.accept_content)


def grown() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_what_is_too_much_is_refused(sit: Sit) -> None:
    """10 MB, 10,000 levels, fields or headers, a bomb: 4xx, and memory stays (N15)."""
    api, browser = sit("counsellor", "api"), sit("counsellor", "admin")
    packed = gzip.compress(b'{"words": "' + b"x" * 30_000_000 + b'"}')
    api.send("POST", "api/v1/clients/search", {"words": "warm up"})
    before = grown()
    for body, more in (
        (b'{"words": "' + b"x" * 10_000_000 + b'"}', {}),
        (b"[" * 10_000, {}),
        (b'{"words":' * 10_000 + b"1" + b"}" * 10_000, {}),
        (packed, {"HTTP_CONTENT_ENCODING": "gzip"}),
        (packed, {"HTTP_CONTENT_ENCODING": "gzip, gzip", "HTTP_TRANSFER_ENCODING": "gzip"}),
    ):
        answer = api.send("POST", "api/v1/clients/search", body, **more)
        assert 400 <= answer.status_code < 500, more
    for form in (
        {f"field{n}": "x" for n in range(10_000)},
        {"words": "x" * 10_000_000},
        {"words": ["x"] * 10_000},
    ):
        answer = browser.send("POST", "admin/clients_app/client/", form)
        assert 400 <= answer.status_code < 500
    assert grown() - before < MOST_GROWTH_KB


def test_headers_by_the_thousand_change_nothing(sit: Sit) -> None:
    api = sit("counsellor", "api")
    plain = api.send("GET", "api/v1/me")
    many = ", ".join(["x"] * 10_000)
    for name in ("HTTP_X_FORWARDED_FOR", "HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_COOKIE"):
        answer = api.send("GET", "api/v1/me", None, **{name: many})
        assert (answer.status_code, answer.content) == (200, plain.content), name
    for name in ("HTTP_IF_MATCH", "HTTP_AUTHORIZATION"):
        answer = api.send(
            "PATCH", f"api/v1/clients/{world.NOWHERE}", {"phone": "1"}, **{name: many}
        )
        assert answer.status_code in (400, 401), name
