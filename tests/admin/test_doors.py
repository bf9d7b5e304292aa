"""Every page of the admin, for everybody: who gets in, and what stays recorded."""

from uuid import UUID, uuid4

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser

from clients_app.models import AuditEvent
from sessions_app.models import Disclosure
from tests.admin.conftest import Desk, page
from tests.admin.routes import BESIDES, DEEDS, EXPECTED, LETTERS, ROLES, address, routes
from tests.conftest import Cast


def test_every_route_has_its_row() -> None:
    named = {name for name, _pattern in routes()}
    assert named == EXPECTED.keys() | DEEDS.keys() | BESIDES


def test_no_view_of_djangos_own_is_reachable() -> None:
    """Its forms write rows by themselves; what remains of Django are login, logout and language."""
    for name, pattern in routes():
        if name not in BESIDES and name not in ("index", "password_change", "alive"):
            inner = pattern.callback
            while hasattr(inner, "__wrapped__"):
                inner = inner.__wrapped__
            assert inner.__module__.startswith(("clients_app.", "sessions_app.")), name
    for door in admin.site._registry.values():
        assert not door.search_fields
        assert not door.has_delete_permission(None)  # type: ignore[arg-type]


def test_who_gets_in(cast: Cast, desk: Desk, things: dict[str, UUID]) -> None:
    """Every GET page x everybody; a page gone wrong (500) would raise here."""
    found: dict[str, str] = {}
    for role in ROLES:
        browser = desk(getattr(cast, role))
        for name, pattern in routes():
            if name in EXPECTED:
                status = browser.get(address(name, pattern, things)).status_code
                found[name] = found.get(name, "") + LETTERS[status]
    assert found == EXPECTED
    assert not LogEntry.objects.exists()


def test_who_does_what_by_one_button(cast: Cast, desk: Desk, things: dict[str, UUID]) -> None:
    found: dict[str, str] = {}
    for role in ROLES:
        browser = desk(getattr(cast, role))
        for name, pattern in routes():
            if name in DEEDS:
                where = address(name, pattern, things)
                assert browser.get(where).status_code == 405
                status = browser.post(where, {"version": "1"}).status_code
                found[name] = found.get(name, "") + LETTERS[status]
    assert found == DEEDS
    assert not LogEntry.objects.exists()


def test_who_is_not_logged_in_sees_the_login(things: dict[str, UUID]) -> None:
    for name, pattern in routes():
        if name not in BESIDES:
            where = address(name, pattern, things)
            answer = Browser().post(where) if name in DEEDS else Browser().get(where)
            if answer.status_code != 405:
                assert answer.status_code == 302, name
                assert answer["Location"].startswith(page("login")), name


def test_hidden_and_nonexistent_are_the_same_bytes(
    cast: Cast, desk: Desk, things: dict[str, UUID]
) -> None:
    mark = desk(cast.mark)
    nothing = mark.get("/admin/no/such/page/")
    for name, pattern in routes():
        if EXPECTED.get(name, "")[1:2] != "h":
            continue
        for there in (things, {model: uuid4() for model in things}):
            answer = mark.get(address(name, pattern, there))
            assert answer.status_code == 404
            assert answer.content == nothing.content, name
            assert answer.headers.keys() == nothing.headers.keys()
    for odd in ("x", str(things["client"]) + "/delete", str(things["client"]) + "/history"):
        answer = desk(cast.liis).get(f"/admin/clients_app/client/{odd}/")
        assert (answer.status_code, answer.content) == (404, nothing.content)


def test_forms_sent_by_the_wrong_hands_are_refused_and_recorded(
    cast: Cast, desk: Desk, things: dict[str, UUID]
) -> None:
    """One line each, and it stays although the answer is an error."""
    typed = {"listening_intent": "unsure", "text": "x", "format": "narrative", "version": "1"}
    for who, where, status in [
        (cast.mark, page("sessions_app_disclosure_add", session=things["therapysession"]), 404),
        (cast.frida, page("sessions_app_disclosure_add", session=things["therapysession"]), 403),
        (cast.olga, page("sessions_app_sessionnote_change", things["sessionnote"]), 404),
        (cast.root, page("sessions_app_disclosure_amend", things["disclosure"]), 403),
        (cast.mark, page("clients_app_client_identity", things["client"]), 404),
        (cast.mark, page("sessions_app_disclosure_add", session=uuid4()), 404),
        (cast.mark, page("sessions_app_disclosure_add", session="x"), 404),
    ]:
        for data in (typed, {}):
            before = AuditEvent.objects.filter(denied=True).count()
            assert desk(who).post(where, data).status_code == status
            assert AuditEvent.objects.filter(denied=True).count() == before + 1
    assert Disclosure.objects.count() == 1
