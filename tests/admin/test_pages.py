"""Every page of the admin, for everybody: what leaks, what it is made of, what it costs."""

import re
import secrets
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients_app import clients
from clients_app.models import AuditEvent, Client
from sessions_app import disclosures, notes, sessions
from sessions_app.models import SessionNote, TherapySession
from tests.admin.conftest import INLINE, Desk, page
from tests.admin.routes import EXPECTED, ROLES, address, routes
from tests.conftest import PASSWORD, Cast


@pytest.fixture
def canaries(cast: Cast, meeting: TherapySession) -> dict[str, str]:
    """A client of Liis's with a word of its own in every field."""
    word = {
        name: secrets.token_hex(12)
        for name in ("full_name", "preferred_name", "pronouns", "address", "trusted_person")
    }
    client = clients.register(by=cast.liis, identity=word)
    word |= {name: secrets.token_hex(12) for name in ("place", "note", "draft", "told", "theme")}
    session = sessions.plan(
        client.pk, by=cast.liis, starts_at=meeting.starts_at, status="held", place=word["place"]
    )
    signed = notes.write(session.pk, by=cast.liis, body={"text": word["note"]})
    notes.sign(signed.pk, by=cast.liis, version=1)
    draft = notes.write(session.pk, by=cast.liis, body={"text": word["draft"]})
    told = disclosures.write(
        session.pk,
        by=cast.liis,
        text=word["told"],
        themes=[word["theme"]],
        listening_intent="be_heard",
    )
    sessions.plan(client.pk, by=cast.liis, starts_at=timezone.now())
    ids = {"client": client.pk, "session": session.pk, "draft": draft.pk, "told": told.pk}
    return word | {f"{name}_id": str(pk) for name, pk in ids.items()}


def test_words_stay_where_they_belong(
    cast: Cast, desk: Desk, things: dict[str, UUID], canaries: dict[str, str]
) -> None:
    """Every page x everybody: content only for the confidant and on its own page, names only for
    those who may know them, and nothing of either in a title, message or address."""
    planted = {k: v for k, v in canaries.items() if not k.endswith("_id")}
    allowed = {
        "clients_app_client_change": {*planted} - {"place", "told", "theme"},
        "clients_app_client_identity": {*planted} - {"place", "note", "draft", "told", "theme"},
        "sessions_app_therapysession_change": {"place", "full_name", "preferred_name"},
        "sessions_app_therapysession_move": {"place"},
        "sessions_app_sessionnote_change": {"draft"},
        "sessions_app_sessionnote_sign": {"draft"},
        "sessions_app_disclosure_change": {"told", "theme"},
        "sessions_app_disclosure_amend": {"told"},
        "clients_app_client_changelist": {"full_name", "preferred_name"},
        "sessions_app_therapysession_changelist": {"full_name", "preferred_name"},
        "clients_app_successor_hand_over": {"full_name", "preferred_name"},
        "index": {"full_name", "preferred_name"},
    }
    hers = things | {
        "client": UUID(canaries["client_id"]),
        "therapysession": UUID(canaries["session_id"]),
        "sessionnote": UUID(canaries["draft_id"]),
        "disclosure": UUID(canaries["told_id"]),
    }
    content = {"note", "draft", "told", "theme"}
    seen: set[str] = set()
    for role in ROLES:
        browser = desk(getattr(cast, role))
        for name, pattern in routes():
            if name not in EXPECTED:
                continue
            answer = browser.get(address(name, pattern, hers))
            text = answer.content.decode()
            shown = {key for key, word in planted.items() if word in text}
            may = allowed.get(name, set())
            if role != "liis":
                may = may - content
            if role in ("mark", "olga", "root", "sofia"):
                may = set()
            assert shown <= may, (role, name)
            seen |= shown
            title = text.partition("<title>")[2].partition("</title>")[0]
            assert not any(word in title for word in planted.values()), name
            if role == "liis" and name in allowed:
                assert shown, f"{name} shows nothing: the check would not see a leak"
    assert seen == planted.keys()
    trail = str(list(AuditEvent.objects.values()))
    assert not any(word in trail for word in planted.values())


def test_nothing_typed_gets_into_a_message_or_an_address(
    cast: Cast, desk: Desk, mari: Client, meeting: TherapySession
) -> None:
    word = secrets.token_hex(12)
    liis = desk(cast.liis)
    facts = {"kind": "person", "service_type": "counselling", "jurisdiction": "EE"}
    soon = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    forms: list[tuple[str, dict[str, str]]] = [
        (page("clients_app_client_add"), {"full_name": word, **facts}),
        (
            page("clients_app_client_identity", mari.pk),
            {"full_name": word, "version": "1", **facts},
        ),
        (
            page("sessions_app_therapysession_add", client=mari.pk),
            {"starts_at": soon, "minutes": "50", "modality": "phone", "place": word}
            | {"status": "planned"},
        ),
        (
            page("sessions_app_sessionnote_add", session=meeting.pk),
            {"format": "narrative", "text": word},
        ),
        (
            page("sessions_app_disclosure_add", session=meeting.pk),
            {"listening_intent": "advice", "text": word, "themes": word},
        ),
    ]
    for where, typed in forms:
        answer = liis.post(where, typed)
        assert answer.status_code == 302, where
        assert word not in answer["Location"]
        assert word not in str(answer.headers) + str(answer.cookies)
        shown = liis.get(page("password_change")).text
        assert 'class="success"' in shown
        assert word not in shown


def test_strict_policy_and_nothing_inline(cast: Cast, desk: Desk, things: dict[str, UUID]) -> None:
    for role in ("liis", "mattias", "piret", "root"):
        browser = desk(getattr(cast, role))
        for name, pattern in routes():
            if name not in EXPECTED:
                continue
            answer = browser.get(address(name, pattern, things))
            policy = answer["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert answer["Cache-Control"] == "no-store"
            assert not INLINE.search(answer.content), (role, name)
    login = Browser().get(page("login"))
    assert not INLINE.search(login.content)


def test_every_input_has_a_label_and_no_browser_remembers(
    cast: Cast, desk: Desk, things: dict[str, UUID]
) -> None:
    for role in ("liis", "frida", "mattias", "piret", "root"):
        browser = desk(getattr(cast, role))
        for name, pattern in routes():
            if name not in EXPECTED:
                continue
            text = browser.get(address(name, pattern, things)).text
            for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
                if 'type="hidden"' in tag:
                    continue
                found = re.search(r'\bid="([^"]+)"', tag)
                assert found, (name, tag)
                wrapped = re.search(rf"<label[^>]*>\s*{re.escape(tag)}", text)
                assert wrapped or f'for="{found.group(1)}"' in text, (name, tag)
                if tag.startswith("<textarea"):
                    assert 'autocomplete="off"' in tag, (name, tag)
                    assert 'spellcheck="false"' in tag, (name, tag)


def test_lists_cost_the_same_for_one_row_and_for_twenty(
    cast: Cast, desk: Desk, mari: Client, meeting: TherapySession, note: SessionNote
) -> None:
    names = [
        "index",
        "clients_app_client_changelist",
        "clients_app_client_change",
        "sessions_app_therapysession_changelist",
        "sessions_app_sessionnote_changelist",
        "sessions_app_disclosure_changelist",
        "clients_app_auditevent_changelist",
    ]
    liis = desk(cast.liis)

    def another() -> None:
        client = clients.register(by=cast.liis)
        for pk in (client.pk, mari.pk):
            session = sessions.plan(pk, by=cast.liis, starts_at=meeting.starts_at, status="held")
            notes.write(session.pk, by=cast.liis, body={"text": "x"})
            disclosures.write(session.pk, by=cast.liis, text="x")
            sessions.plan(pk, by=cast.liis, starts_at=timezone.now())

    def costs() -> dict[str, int]:
        counted = {}
        for name in names:
            where = page(name, mari.pk) if name.endswith("_change") else page(name)
            liis.get(where)
            with CaptureQueriesContext(connection) as queries:
                assert liis.get(where).status_code == 200
            counted[name] = len(queries)
        return counted

    another()
    few = costs()
    for _ in range(19):
        another()
    assert costs() == few


def test_wrong_passwords_are_counted_and_say_nothing(cast: Cast) -> None:
    browser = Browser()
    typed = {"username": cast.liis.email, "password": "wrong"}
    known = browser.post(page("login"), typed)
    unknown = browser.post(page("login"), {**typed, "username": "nobody@kalda.example"})
    message = "The e-mail or the password is wrong."
    assert (known.status_code, message in known.text) == (200, True)
    assert (unknown.status_code, message in unknown.text) == (200, True)
    for _ in range(4):
        browser.post(page("login"), typed)
    refused = browser.post(page("login"), {**typed, "password": PASSWORD})
    assert refused.status_code == 429
    assert "Wait 15 minutes" in refused.text


def test_logging_out_is_by_post_and_empties_the_cache(cast: Cast, desk: Desk) -> None:
    liis = desk(cast.liis)
    assert liis.get(page("logout")).status_code == 405
    answer = liis.post(page("logout"))
    assert answer["Clear-Site-Data"] == '"cache"'
    assert liis.get(page("index")).status_code == 302
