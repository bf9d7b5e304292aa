"""Promise C7: whatever is read, refused or changed is on the trail, exactly once; and where the
trail cannot be written, nothing is shown and nothing is changed.

Every operation of the API and every page of the admin, for everybody. A new one has to say here
what it leaves on the trail, or why it leaves nothing; and what leaves nothing shows no name and no
word.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone
from psycopg.pq import TransactionStatus
from rest_framework.test import APIClient

from clients_app import care, holds, keys, logins, practices, rules, users
from clients_app.models import AuditEvent, Client, PurgeItem
from sessions_app import sessions
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.admin.conftest import Desk, gone, hold, rule, run, things  # noqa: F401 fixtures
from tests.admin.routes import BESIDES, DEEDS, EXPECTED, ROLES, address, routes
from tests.api.conftest import Operation, Phone, _rows, each
from tests.api.test_hidden import Things, everything_of
from tests.conftest import PASSWORD, Cast

# What an operation leaves when it goes well. Words of one line, in the order of their ids.
LAW: dict[str, str] = {
    "listClients": "client.named",
    "registerClient": "client.registered",
    "readClient": "client.read",
    "changeClient": "client.changed",
    "listAccessLog": "trail.read",
    "assignCare": "care.assigned",
    "endCare": "care.ended",
    "handOverCare": "care.assigned care.ended",
    "dischargeClient": "client.discharged",
    "readRecord": "record.read",
    "reopenClient": "client.reopened",
    "explainRetention": "retention.read",
    "searchClients": "client.searched",
    "writeDisclosure": "disclosure.written",
    "readDisclosure": "disclosure.read",
    "amendDisclosure": "disclosure.amended",
    "placeHold": "hold.placed",
    "readHold": "hold.read",
    "liftHold": "hold.lifted",
    "changeMyPassword": "user.password_changed",
    "writeNote": "note.written",
    "readNote": "note.read",
    "reviseNote": "note.revised",
    "addToNote": "note.added_to",
    "signNote": "note.signed",
    "proposePurge": "purge.proposed",
    "approvePurge": "purge.approved",
    "takeOutPurgeFile": "purge.taken_out",
    "refusePurge": "purge.refused",
    "decideRule": "rule.decided",
    "retireRule": "rule.retired",
    "planSession": "session.planned",
    "readSession": "session.read",
    "moveSession": "session.moved",
    "cancelSession": "session.no_show",
    "holdSession": "session.held",
    "logIn": "login.token",
    "logOut": "logout.token",
    "listTrail": "trail.read",
    "createUser": "user.created",
    "changeUser": "user.changed",
    "resetPassword": "user.password_reset",
}
# What leaves no line, and why it need not.
QUIET: dict[str, str] = {
    "listCare": "who is in care: colleagues' names and days",
    "listCounsellors": "colleagues' names",
    "listDestructionRecords": "codes of what is gone",
    "listDisclosures": "that there are some, and when; no word",
    "listAmendments": "that there are some, and when; no word",
    "listHolds": "that there are some, and when; no matter, no reason",
    "listNotes": "that there are some, and when; no word",
    "listPurgeRuns": "numbers",
    "readPurgeRun": "numbers",
    "listPurgeFiles": "codes and days",
    "listRules": "the practice's own rules",
    "listSessions": "the calendar: codes and times",
    "readMe": "oneself",
    "listUsers": "staff",
    "readUser": "staff",
}


@pytest.fixture
def of_mari(cast: Cast, mari: Client, meeting: TherapySession, confided: Disclosure) -> Things:
    return everything_of(mari, meeting, cast.liis, cast.piret, cast.sofia)


def call(operation: Operation, phone: Phone, of_mari: Things, cast: Cast) -> Any:
    """Call it so that it goes well, where the role may."""
    ids = dict(of_mari.path)
    body: dict[str, Any] | None = None
    if operation.body is not None:
        named = {k: str(v) for k, v in of_mari.named.items() if k in operation.example}
        body = operation.example | named
    match operation.name:
        case "assignCare":
            body = {"user": str(cast.mark.pk)}
        case "handOverCare":
            body = {"to": str(cast.mark.pk)}
        case "dischargeClient":
            body = {"on": str(timezone.localdate())}
        case "reopenClient":
            Client.objects.filter(pk=ids["client_id"]).update(discharged_on=timezone.localdate())
        case "cancelSession" | "holdSession" | "moveSession":
            planned = sessions.plan(ids["client_id"], by=cast.liis, starts_at=timezone.now())
            ids["session_id"] = planned.pk
        case "addToNote":
            SessionNote.objects.filter(pk=ids["note_id"]).update(signed_at=timezone.now())
        case "approvePurge":
            body = {"files": PurgeItem.objects.filter(run=ids["run_id"]).count()}
        case "changeMyPassword":
            body = {"old": PASSWORD, "new": "eleven grey geese at noon"}
        case "changeUser" | "resetPassword":
            ids["user_id"] = cast.frida.pk
        case "logIn":
            body = {"email": cast.liis.email, "password": PASSWORD}
    return lambda: operation.call(phone, body, ids=ids)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Lines:
    """What came onto the trail since."""

    def __init__(self) -> None:
        last = AuditEvent.objects.order_by("-id").first()
        self._after = last.pk if last else 0

    @property
    def rows(self) -> list[AuditEvent]:
        return list(AuditEvent.objects.filter(id__gt=self._after).order_by("id"))

    @property
    def words(self) -> str:
        return " ".join(row.event for row in self.rows)


class PatientPhone(Phone):
    """One that takes a 500, which no schema promises, for an answer."""

    def request(self, **kwargs: Any) -> Any:
        return APIClient.request(self, **kwargs)


def phone_of(user: Any, kind: type[Phone] = Phone) -> Phone:
    _token, secret = logins.open_device(user, device="phone")
    return kind(HTTP_AUTHORIZATION=f"Bearer {secret}")


@each()
def test_each_operation_leaves_its_lines(of_mari: Things, cast: Cast, operation: Operation) -> None:
    """Done: what the law says. Refused for the role or the relation: one line that says so. Refused
    for what was sent: nothing, for nothing was opened."""
    assert (operation.name in LAW) != (operation.name in QUIET), "say what it leaves on the trail"
    went = 0
    for who in ROLES:
        user = getattr(cast, who)
        with undone():
            ask = call(operation, phone_of(user), of_mari, cast)
            lines = Lines()
            status = ask().status_code
            assert status < 500
            if status in (403, 404):
                (line,) = lines.rows
                assert line.denied
                assert line.actor_id == user.pk
            elif status < 300:
                went += 1
                words = LAW.get(operation.name, "")
                if words == "client.named":
                    assert {row.event for row in lines.rows} <= {"client.named"}
                else:
                    assert sorted(lines.words.split()) == sorted(words.split()), who
                assert not any(row.denied for row in lines.rows)
                assert len({row.request_id for row in lines.rows}) <= 1
                assert {row.door for row in lines.rows} <= {"api"}
            else:
                assert lines.rows == [], (who, status)
    assert went, "nobody got it done: the law was not tried"


@pytest.fixture
def unwritable(db: None) -> Any:
    """From when it is called, the trail takes no line."""

    def off() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TRIGGER no_room BEFORE INSERT ON {AuditEvent._meta.db_table}"
                " FOR EACH ROW EXECUTE FUNCTION clients_app_trail_is_append_only()"
            )

    return off


WORDS = ("Mari", "Maasikas", "5550 1234", "A draft.", "What was said.", "I lied", "Case 12")


def attempted(ask: Callable[[], Any]) -> Any:
    """The answer. A refusal is recorded outside any transaction, so where its line fails, the whole
    transaction of the test would be broken: it goes on from before that line."""
    before = transaction.savepoint()
    answer = ask()
    if connection.connection.info.transaction_status == TransactionStatus.INERROR:
        transaction.savepoint_rollback(before)
    return answer


def rows_but_sessions() -> dict[str, Any]:
    return {k: v for k, v in _rows().items() if k != Session._meta.label}


@each()
def test_without_the_trail_no_operation_shows_or_changes_anything(
    of_mari: Things, cast: Cast, unwritable: Any, operation: Operation
) -> None:
    if operation.public:
        pytest.skip("stands before the login; see the next test")
    for who in ("liis", "mattias", "piret"):
        with undone():
            theirs = phone_of(getattr(cast, who), PatientPhone)
            ask = call(operation, theirs, of_mari, cast)
            unwritable()
            before = rows_but_sessions()
            answer = attempted(ask)
            assert rows_but_sessions() == before
            shown = answer.content.decode()
            assert not any(word in shown for word in WORDS), (who, shown)
            if answer.status_code < 300:
                assert operation.name in QUIET or shown.count("[]"), (who, shown)
            elif operation.name in LAW:
                assert answer.status_code in (400, 409, 412, 500), who


def test_without_the_trail_nobody_logs_in(cast: Cast, unwritable: Any) -> None:
    unwritable()
    before = rows_but_sessions()
    body = {"email": cast.liis.email, "password": PASSWORD}
    assert attempted(lambda: PatientPhone().send("POST", "tokens", body)).status_code == 500
    browser = Browser(raise_request_exception=False)
    form = {"username": cast.liis.email, "password": PASSWORD}
    assert attempted(lambda: browser.post("/admin/login/", form)).status_code == 500
    assert "_auth_user_id" not in browser.session
    assert rows_but_sessions() == before


# Pages that leave a line wherever they open, and which; the others leave none, and show no name
# and no word. A page of several parts leaves several, never one twice.
PAGES: dict[str, str] = {
    "clients_app_client_change": "client.read",
    "clients_app_client_identity": "client.read",
    "clients_app_client_trail": "trail.read",
    "clients_app_client_trail_print": "trail.printed",
    "clients_app_client_undated": "retention.undated",
    "clients_app_legalhold_change": "hold.read",
    "clients_app_auditevent_changelist": "trail.read",
    "sessions_app_therapysession_change": "session.read",
    "sessions_app_therapysession_move": "session.read",
    "sessions_app_sessionnote_addendum": "note.read",
    "sessions_app_sessionnote_change": "note.read",
    "sessions_app_sessionnote_sign": "note.read",
    "sessions_app_disclosure_change": "disclosure.read",
    "sessions_app_disclosure_amend": "disclosure.read",
}
# Lists of clients or of the day: one line for each name that is shown.
NAMES = {"index", "clients_app_client_changelist", "sessions_app_therapysession_changelist"}


def browsers(cast: Cast) -> Iterator[tuple[str, Any, Browser]]:
    for who in ROLES:
        browser = Browser(raise_request_exception=False)
        user = getattr(cast, who)
        assert browser.login(username=user.email, password=PASSWORD)
        yield who, user, browser


def test_each_page_leaves_its_lines(
    cast: Cast,
    desk: Desk,
    things: dict[str, UUID],  # noqa: F811 the fixture
) -> None:
    opened = set()
    for who, user, browser in browsers(cast):
        for name, pattern in routes():
            if name not in EXPECTED:
                continue
            lines = Lines()
            status = browser.get(address(name, pattern, things)).status_code
            rows = lines.rows
            said = Counter((row.event, row.client_id, row.subject_id) for row in rows)
            assert all(row.actor_id == user.pk and row.door == "admin" for row in rows)
            assert len({row.request_id for row in rows}) <= 1
            if status in (403, 404) and "h" * len(ROLES) != EXPECTED[name]:
                assert [row.denied for row in rows] == [True], (who, name)
                continue
            assert not any(row.denied for row in rows), (who, name)
            assert not said or max(said.values()) == 1, (who, name, said)
            if status == 200 and name in PAGES:
                assert PAGES[name] in lines.words.split(), (who, name)
                opened.add(name)
            if name not in PAGES and name not in NAMES:
                assert not rows, (who, name, lines.words)
    # The note is signed already.
    assert PAGES.keys() - opened == {"sessions_app_sessionnote_sign"}


def test_without_the_trail_no_page_shows_or_changes_anything(
    cast: Cast,
    things: dict[str, UUID],  # noqa: F811 the fixture
    unwritable: Any,
) -> None:
    failed = 0
    everybody = list(browsers(cast))
    unwritable()
    before = rows_but_sessions()
    for who, _user, browser in everybody:
        for name, pattern in routes():
            where = "" if name in BESIDES else address(name, pattern, things)
            if name in EXPECTED:
                answer = attempted(lambda: browser.get(where))  # noqa: B023 at once
                if name in PAGES:
                    assert answer.status_code == 500, (who, name)
            elif name in DEEDS:
                answer = attempted(lambda: browser.post(where, {"version": "1"}))  # noqa: B023
            else:
                continue
            failed += answer.status_code == 500
            text = answer.content.decode()
            assert not any(word in text for word in WORDS), (who, name)
        assert rows_but_sessions() == before, who
    assert failed > 100


def test_each_button_leaves_its_line(
    cast: Cast,
    things: dict[str, UUID],  # noqa: F811 the fixture
) -> None:
    """What changes a row is on the trail, and a refusal too; what changes nothing is not."""
    changed = 0
    for who, user, browser in browsers(cast):
        for name, pattern in routes():
            if name not in DEEDS:
                continue
            with undone():
                before, lines = rows_but_sessions(), Lines()
                answer = browser.post(address(name, pattern, things), {"version": "1"})
                rows = lines.rows
                assert all(row.actor_id == user.pk for row in rows)
                if answer.status_code in (403, 404):
                    assert [row.denied for row in rows] == [True], (who, name)
                else:
                    assert (rows_but_sessions() != before) == bool(rows), (who, name)
                    changed += bool(rows)
    assert changed >= 4


def test_changes_of_trust_say_what_was_and_what_is(cast: Cast, mari: Client, settings: Any) -> None:
    """Roles, rules, holds, keys: old and new, as ids and labels (N13)."""

    def said(event: str) -> dict[str, Any]:
        detail = AuditEvent.objects.filter(event=event).latest("id").detail
        assert isinstance(detail, dict)
        return detail

    users.change(cast.frida.pk, by=cast.mattias, name="Frida", role="supervisor", is_active=False)
    assert said("user.changed") == {
        "role": "supervisor",
        "was_role": "front_desk",
        "active": False,
        "was_active": True,
        "renamed": False,
    }
    made, _longer = rules.decide(
        by=cast.piret, trigger="discharge", adult_years=7, minor_until_age=25, source="policy"
    )
    asked = {
        "trigger": "discharge",
        "adult_years": 7,
        "minor_until_age": 25,
        "service_type": "",
        "jurisdiction": "",
    }
    assert said("rule.decided") == asked
    rules.retire(made.pk, by=cast.piret)
    assert said("rule.retired") == asked
    placed = holds.place(mari.pk, by=cast.piret, matter="x", reason="y")
    holds.lift(placed.pk, by=cast.piret)
    assert said("hold.lifted")["placed_by"] == str(cast.piret.pk)
    assigned = care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    assert said("care.assigned") == {"confidant": str(cast.mark.pk)}
    care.end(assigned.pk, by=cast.mattias)
    assert said("care.ended") == {"confidant": str(cast.mark.pk)}
    practices.change(
        cast.practice.pk,
        by=cast.root,
        name="New name",
        slug="kalda",
        time_zone="Europe/Tallinn",
        jurisdiction="LV",
    )
    assert said("practice.changed") == {
        "fields": ["name", "jurisdiction"],
        "jurisdiction": "LV",
        "was_jurisdiction": "EE",
    }
    old = settings.FIELD_ENCRYPTION_KEY[0]
    settings.FIELD_ENCRYPTION_KEY = ["a" * 43 + "=", old]
    list(keys.rotate())
    from clients_app.crypto import fingerprint

    detail = said("keys.rotated")
    assert detail["was"] == {fingerprint(old): 1}
    assert detail["master"] == fingerprint(settings.FIELD_ENCRYPTION_KEY[0])
