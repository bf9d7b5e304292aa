"""Promise C7: whatever is read, refused or changed is on the trail, exactly once; and where the
trail cannot be written, nothing is shown and nothing is changed.

Every operation of the API and every page of the admin, for everybody. A new one has to say here
what it leaves on the trail, or why it leaves nothing; and what leaves nothing shows no name and no
word.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test import Client as Browser
from django.urls import URLPattern
from django.utils import timezone
from psycopg.pq import TransactionStatus
from rest_framework.test import APIClient

from clients_app import (
    audit,
    break_glass,
    care,
    handovers,
    holds,
    keys,
    logins,
    owner,
    practices,
    promises,
    rules,
    users,
    vouching,
)
from clients_app.models import (
    AuditEvent,
    Client,
    Handover,
    HandoverItem,
    PurgeItem,
    PurgeRun,
    RetentionRule,
    Shortening,
    Successor,
    User,
)
from sessions_app import sessions
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.admin.conftest import (  # noqa: F401 fixtures
    emergency,
    gone,
    hold,
    page,
    rule,
    run,
    shortening,
    things,
    wish,
)
from tests.admin.routes import BESIDES, DEEDS, EXPECTED, ROLES, address, routes
from tests.api.conftest import OPERATIONS, Operation, Phone, _rows, each
from tests.api.test_hidden import Things, everything_of
from tests.conftest import PASSWORD, Cast, app_of, code_of, let_in, undone, wording_of

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
    "recordClientRequest": "request.recorded",
    "readClientRequest": "request.read",
    "decideClientRequest": "request.decided",
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
    "secondPurge": "purge.seconded",
    "stopPurge": "purge.stopped",
    "snoozeFile": "purge.snoozed",
    "refusePurge": "purge.refused",
    "decideRule": "rule.decided",
    "previewRule": "rule.previewed",
    "previewRetirement": "rule.previewed",
    "proposeShortening": "shortening.proposed",
    "confirmShortening": "shortening.confirmed",
    "withdrawShortening": "shortening.withdrawn",
    "adoptRulePreset": "rule.decided",
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
    "changeUser": "user.unvouched user.changed",
    "inviteUser": "user.unvouched invitation.made",
    "vouchForUser": "user.vouched",
    "logUserOut": "user.logged_out",
    "confirm": "login.confirmed",
    "closeMyLogin": "logout.token",
    "nameSuccessor": "successor.named",
    "withdrawSuccessor": "successor.withdrawn",
    "acceptSuccession": "successor.accepted",
    "declineSuccession": "successor.declined",
    "handOverCaseload": "caseload.handed_over care.assigned care.ended caseload.done",
    "continueMyHandover": "care.assigned care.ended caseload.done",
    "proposeSuccession": "succession.proposed",
    "approveSuccession": "succession.approved care.assigned care.ended caseload.done",
    "refuseSuccession": "succession.refused",
    "openEmergency": "break_glass.opened",
    "readEmergency": "break_glass.read",
    "listEmergencyReadings": "trail.read",
    "giveEmergencyBack": "break_glass.ended",
    "reviewEmergency": "break_glass.reviewed",
    "draftPromise": "promise.drafted",
    "revisePromise": "promise.revised",
    "publishPromise": "promise.published",
    "recordAgreement": "agreement.recorded",
    "withdrawAgreement": "agreement.withdrawn",
    "recordException": "exception.recorded",
    "readException": "exception.read",
    "recordClientTold": "exception.client_told",
    "releaseExcerpt": "excerpt.released",
    "inspectRelease": "excerpt.inspected",
    "revokeRelease": "excerpt.revoked",
    "listExcerpts": "excerpt.listed",
    "readExcerpt": "excerpt.read",
}
# What leaves no line, and why it need not.
QUIET: dict[str, str] = {
    "listCare": "who is in care: colleagues' names and days",
    "listCounsellors": "colleagues' names",
    "listRulePresets": "what comes with the product",
    "listDestructionRecords": "codes of what is gone",
    "listDisclosures": "that there are some, and when; no word",
    "listAmendments": "that there are some, and when; no word",
    "listClientRequests": "that there are some, of which kind and when; no word",
    "readPurgeHealth": "numbers and times",
    "listKeptFiles": "codes, days and what kind of thing keeps them",
    "listHolds": "that there are some, and when; no matter, no reason",
    "listNotes": "that there are some, and when; no word",
    "listPurgeRuns": "numbers",
    "readPurgeRun": "numbers",
    "listPurgeFiles": "codes and days",
    "listShortenings": "numbers",
    "listRules": "the practice's own rules",
    "listSessions": "the calendar: codes and times",
    "readMe": "oneself",
    "listUsers": "staff",
    "readUser": "staff",
    "countLogins": "a number",
    "listMyEndingFiles": "codes and days of one's own clients",
    "listMyLogins": "oneself",
    "listSupervisors": "colleagues' names",
    "readMySuccessors": "colleagues' names",
    "readMyCaseload": "numbers",
    "listMyHandovers": "to which colleague, and when; no client",
    "readMyHandover": "numbers",
    "listSuccessions": "from whom to whom among the staff; no client",
    "readSuccession": "numbers",
    "listUnprepared": "colleagues' names",
    "listEmergencies": "that there are some: codes, colleagues and times; no word",
    "countEmergencies": "numbers",
    "listPromises": "the practice's own wording",
    "readPromise": "the practice's own wording",
    "readCurrentPromise": "the practice's own wording",
    "readShippedWording": "what comes with the software",
    "listAgreements": "which version was given, and when; no word",
    "listExceptions": "that there are some, on which ground and when; no word",
    "listClientExceptions": "that there are some, on which ground and when; no word",
    "listReleases": "that there are some, to whom and until when; no word",
}
# What is sent names a client; the code of nobody here is a refusal, for it may be a guess.
NAMING = {"openEmergency"}
# Where what somebody is shown is less or other than what the rest see, so is the line.
DIFFERENTLY: dict[tuple[str, str], str] = {
    # That it happened, not with which words.
    ("readException", "piret"): "exception.seen",
    ("clients_app_confidentialityexception_change", "piret"): "exception.seen",
    # Those concerned see who and when; the words are for the review.
    ("clients_app_breakglass_change", "liis"): "",
    ("clients_app_breakglass_change", "mark"): "",
    # The counsellor sees again what was released, the supervisor reads it.
    ("sessions_app_supervisionexcerpt_change", "liis"): "excerpt.inspected",
}


@pytest.fixture
def of_mari(cast: Cast, mari: Client, meeting: TherapySession, confided: Disclosure) -> Things:
    return everything_of(mari, meeting, cast.liis, cast.piret, cast.sofia)


def call(operation: Operation, user: User, phone: Phone, of_mari: Things, cast: Cast) -> Any:
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
            body = {"kept_until": None}
        case "cancelSession" | "holdSession" | "moveSession":
            planned = sessions.plan(ids["client_id"], by=cast.liis, starts_at=timezone.now())
            ids["session_id"] = planned.pk
        case "addToNote":
            SessionNote.objects.filter(pk=ids["note_id"]).update(signed_at=timezone.now())
        case "approvePurge":
            body = {"files": PurgeItem.objects.filter(run=ids["run_id"]).count()}
        case "proposeShortening":
            Shortening.objects.all().delete()
            discharged(ids["client_id"], timezone.localdate() + timedelta(days=9999))
        case "confirmShortening":
            body = {"files": 1}
        case "secondPurge":
            approved(ids["run_id"], cast)
            body = {"files": PurgeItem.objects.filter(run=ids["run_id"]).count()}
        case "stopPurge":
            approved(ids["run_id"], cast)
        case "snoozeFile":
            discharged(ids["client_id"])
            body = {"reason": "may_return", "until": str(timezone.localdate() + timedelta(days=9))}
        case "changeMyPassword":
            body = {"old": PASSWORD, "new": "eleven grey geese at noon"}
        case "changeUser" | "inviteUser" | "logUserOut":
            ids["user_id"] = cast.frida.pk
        case "vouchForUser":
            app_of(cast.frida)
            User.objects.filter(pk=cast.frida.pk).update(vouched_at=None)
            ids["user_id"] = cast.frida.pk
            body = {"code": vouching.code(cast.frida)}
        case "logIn":
            code = code_of(app_of(cast.liis))
            body = {"email": cast.liis.email, "password": PASSWORD, "code": code}
        case "confirm":
            body = {"code": code_of(app_of(user))}
        case "nameSuccessor":
            body = {"successor": str(cast.mark.pk)}
        case "acceptSuccession" | "declineSuccession":
            Successor.objects.filter(pk=ids["successor_id"]).update(successor=cast.mark)
        case "handOverCaseload":
            number = handovers.caseload_of(cast.liis).clients
            body = {"to": str(cast.mark.pk), "number": number, "leave_unsigned": True}
        case "continueMyHandover":
            half_done(ids)
        case "proposeSuccession":
            care.assign(ids["client_id"], cast.mark.pk, by=cast.mattias)
            body = {"counsellor": str(cast.mark.pk), "to": str(cast.liis.pk), "ground": "left"}
        case "openEmergency":
            code = Client.objects.get(pk=ids["client_id"]).code
            assert body is not None
            body["code"] = code
        case "reviewEmergency":
            break_glass.give_back(ids["access_id"], by=cast.sofia)
        case "revisePromise" | "publishPromise":
            draft = promises.draft("et", by=cast.piret, text=wording_of("et"))
            ids["promise_id"] = draft.pk
        case "recordAgreement":
            body = {"statement": str(ids["promise_id"]), "how": "spoken"}
        case "recordClientTold":
            body = {}
    return lambda: operation.call(phone, body, ids=ids)


def approved(run_id: UUID, cast: Cast) -> None:
    """The privacy officer has spoken, a second person has not."""
    PurgeRun.objects.filter(pk=run_id).update(
        status="awaiting", decided_at=timezone.now(), decided_by=cast.piret, needs_second=True
    )


def discharged(client_id: UUID, until: date | None = None) -> None:
    """The client's file has a last day."""
    governing = RetentionRule.objects.filter(practice__clients=client_id).first()
    assert governing is not None
    day = timezone.localdate()
    Client.objects.filter(pk=client_id).update(
        discharged_on=day, retain_until=until or day, governing_rule_id=governing.pk
    )


def half_done(ids: dict[str, UUID]) -> None:
    """The handover is under way, and the client's file is still to come."""
    Handover.objects.filter(pk=ids["handover_id"]).update(
        status=Handover.Status.APPROVED, decided_by=F("counsellor"), decided_at=timezone.now()
    )
    handover = Handover.objects.get(pk=ids["handover_id"])
    HandoverItem.objects.create(
        practice_id=handover.practice_id, handover=handover, client_id=ids["client_id"]
    )


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
            ask = call(operation, user, phone_of(user), of_mari, cast)
            lines = Lines()
            status = ask().status_code
            assert status < 500
            if status in (403, 404):
                (line,) = lines.rows
                assert line.denied
                assert line.actor_id == user.pk
            elif status < 300:
                went += 1
                words = DIFFERENTLY.get((operation.name, who), LAW.get(operation.name, ""))
                if words == "client.named":
                    assert {row.event for row in lines.rows} <= {"client.named"}
                else:
                    assert sorted(lines.words.split()) == sorted(words.split()), who
                assert not any(row.denied for row in lines.rows)
                assert len({row.request_id for row in lines.rows}) <= 1
                assert {row.door for row in lines.rows} <= {"api"}
            elif operation.name in NAMING and status == 400:
                (line,) = lines.rows
                assert line.denied
                assert line.actor_id == user.pk
            else:
                assert lines.rows == [], (who, status)
    assert went, "nobody got it done: the law was not tried"


def test_every_operation_and_no_other_has_its_row() -> None:
    assert LAW.keys() | QUIET.keys() == {operation.name for operation in OPERATIONS}
    assert not LAW.keys() & QUIET.keys()


@pytest.fixture(scope="module")
def _may_be_unwritable(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The application cannot alter the trail. Its owner puts a trigger there that refuses each
    line of a transaction that asks for it, so that every test asks within its own."""
    table = AuditEvent._meta.db_table
    with django_db_blocker.unblock(), owner.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW"
            " WHEN (current_setting('usaldus_test.no_room', true) = 'on')"
            " EXECUTE FUNCTION clients_app_trail_is_append_only()"
        )
    yield
    with django_db_blocker.unblock(), owner.as_owner(), connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER no_room ON {table}")


@pytest.fixture
def unwritable(_may_be_unwritable: None, db: None) -> Any:
    """From when it is called, the trail takes no line."""

    def off() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL usaldus_test.no_room = 'on'")
        with pytest.raises(DatabaseError), transaction.atomic():
            audit.record("tests.tried", by=None)

    return off


WORDS = (
    *("Mari", "Maasikas", "5550 1234", "A draft.", "What was said.", "I lied", "Case 12"),
    *("That she came.", "Where she is.", "Emergency line", "came and spoke", "Kadri", "goodbye"),
)


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
    # What stands before the login is Liis's, whoever asks.
    everybody = ("liis", "mark", "sofia", "mattias", "piret")
    for who in everybody[:1] if operation.public else everybody:
        with undone():
            user = getattr(cast, who)
            ask = call(operation, user, phone_of(user, PatientPhone), of_mari, cast)
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
    """Half a login says and changes nothing; with the whole one not even the code is used up."""
    code = code_of(app_of(cast.liis))
    unwritable()
    before = rows_but_sessions()
    body = {"email": cast.liis.email, "password": PASSWORD, "code": code}
    assert attempted(lambda: PatientPhone().send("POST", "tokens", body)).status_code == 500
    assert rows_but_sessions() == before
    browser = Browser(raise_request_exception=False)
    form = {"username": cast.liis.email, "password": PASSWORD}
    assert attempted(lambda: browser.post("/admin/login/", form)).status_code == 302
    second = page("login_second_factor")
    assert attempted(lambda: browser.post(second, {"code": code})).status_code == 500
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
    "clients_app_breakglass_change": "break_glass.read trail.read",
    "clients_app_confidentialityexception_change": "exception.read",
    "sessions_app_supervisionexcerpt_changelist": "excerpt.listed",
    "sessions_app_supervisionexcerpt_change": "excerpt.read",
    "sessions_app_supervisionexcerpt_add": "note.read",
    "clients_app_client_reopen": "retention.read",
    "clients_app_clientrequest_change": "request.read",
    "clients_app_retentionrule_retire": "rule.previewed",
    "clients_app_auditevent_changelist": "trail.read",
    "sessions_app_therapysession_change": "session.read",
    "sessions_app_therapysession_move": "session.read",
    "sessions_app_sessionnote_addendum": "note.read",
    "sessions_app_sessionnote_change": "note.read",
    "sessions_app_sessionnote_sign": "note.read",
    "sessions_app_disclosure_change": "disclosure.read",
    "sessions_app_disclosure_amend": "disclosure.read",
}
# Begun from the page of what the query names.
BEGUN = {
    "clients_app_agreement_add": ("client", "client"),
    "clients_app_confidentialityexception_add": ("client", "client"),
    "sessions_app_supervisionexcerpt_add": ("note", "sessionnote"),
}
# Nowhere for anybody, because the id is of nothing of theirs: a refusal like another.
NOT_THEIRS = {"own_rename"}
# Lists of clients, to choose from or of the day: one line for each name that is shown.
NAMES = {
    "index",
    "clients_app_client_changelist",
    "clients_app_successor_hand_over",
    "sessions_app_therapysession_changelist",
}


def browsers(cast: Cast) -> Iterator[tuple[str, Any, Browser]]:
    for who in ROLES:
        browser = Browser(raise_request_exception=False)
        user = getattr(cast, who)
        let_in(browser, user)
        yield who, user, browser


def begun(name: str, pattern: URLPattern, things: dict[str, UUID]) -> str:  # noqa: F811 a name
    where = address(name, pattern, things)
    if name not in BEGUN:
        return where
    query, thing = BEGUN[name]
    return f"{where}?{query}={things[thing]}"


def test_each_page_leaves_its_lines(
    cast: Cast,
    things: dict[str, UUID],  # noqa: F811 the fixture
) -> None:
    opened = set()
    for who, user, browser in browsers(cast):
        for name, pattern in routes():
            if name not in EXPECTED:
                continue
            lines = Lines()
            status = browser.get(begun(name, pattern, things)).status_code
            rows = lines.rows
            said = Counter((row.event, row.client_id, row.subject_id) for row in rows)
            assert all(row.actor_id == user.pk and row.door == "admin" for row in rows)
            assert len({row.request_id for row in rows}) <= 1
            nowhere = "h" * len(ROLES) == EXPECTED[name] and name not in NOT_THEIRS
            if status in (403, 404) and not nowhere:
                assert [row.denied for row in rows] == [True], (who, name)
                continue
            assert not any(row.denied for row in rows), (who, name)
            assert not said or max(said.values()) == 1, (who, name, said)
            law = DIFFERENTLY.get((name, who), PAGES.get(name, ""))
            if status == 200 and law:
                assert set(law.split()) <= set(lines.words.split()), (who, name)
                opened.add(name)
            if not law and name not in NAMES:
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
            where = "" if name in BESIDES else begun(name, pattern, things)
            if name in EXPECTED:
                answer = attempted(lambda: browser.get(where))  # noqa: B023 at once
                if DIFFERENTLY.get((name, who), PAGES.get(name)):
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
        by=cast.piret, trigger="discharge", years=7, until_age=25, source="policy"
    )
    asked = {
        "trigger": "discharge",
        "years": 7,
        "until_age": 25,
        "bound": "floor",
        "record_class": "file",
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
