"""The admin's pages are ours alone. Who gets in at each: `tests/test_access_matrix.py`."""

from uuid import UUID, uuid4

from django.contrib import admin

from clients_app.models import AuditEvent
from sessions_app.models import Disclosure
from tests.admin.conftest import Desk, page
from tests.admin.routes import BESIDES, routes
from tests.conftest import Cast


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
