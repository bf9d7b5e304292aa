"""Logins: two proofs to come in, nothing to steal, over at the next request."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import check_password
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from clients_app import access, audit, guesses, invitations, logins, second_factor, users
from clients_app.errors import Hidden, Unconfirmed
from clients_app.models import AuditEvent, KnownDevice, Login, User
from clients_app.roles import STEP_UP, Permission
from tests.conftest import PASSWORD, Cast, app_of, code_of, let_in, trail

NEW = "nine loud herons at dusk"


def test_a_device_comes_in_with_password_and_code(cast: Cast) -> None:
    secret = app_of(cast.liis)
    login, token, known = logins.log_in_device(
        "LIIS@kalda.example ", PASSWORD, code_of(secret), device="phone"
    )
    found = logins.token_of(token)
    assert found is not None
    assert (found.user, found.pk, found.device) == (cast.liis, login.pk, "phone")
    assert KnownDevice.objects.get().digest == logins.digest(known)
    logins.close(login.pk, by=cast.liis)
    assert logins.token_of(token) is None
    assert trail(event__startswith="log") == ["login.token", "logout.token"]


@pytest.mark.parametrize(
    ("password", "code"), [(PASSWORD, "000000"), ("wrong", "now"), (PASSWORD, ""), ("", "now")]
)
def test_one_proof_is_none(cast: Cast, password: str, code: str) -> None:
    """And which of the two was wrong is not said."""
    now = code_of(app_of(cast.liis))
    with pytest.raises(logins.LoginRefused) as refused:
        logins.log_in_device(
            cast.liis.email, password, now if code == "now" else code, device="phone"
        )
    assert str(refused.value.message) == "The e-mail, the password or the code is wrong."
    assert not Login.objects.exists()


def test_where_mail_goes_out_a_link_is_its_owners_alone(cast: Cast, settings: Any) -> None:
    """Whoever asked for it does not see it, whether the mail arrived or not."""
    shown = invitations.invite(cast.liis.pk, by=cast.mattias)
    assert shown.path
    assert not shown.mailed
    settings.PUBLIC_URL = "https://notes.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sent = invitations.invite(cast.liis.pk, by=cast.mattias, forget_factors=True)
    assert (sent.path, sent.mailed) == (None, True)
    assert mail.outbox[-1].to == [cast.liis.email]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    lost = invitations.invite(cast.liis.pk, by=cast.mattias)
    assert (lost.path, lost.mailed) == (None, False)


def test_a_strangers_question_does_not_end_a_managers_link(cast: Cast, settings: Any) -> None:
    made = invitations.invite(cast.liis.pk, by=cast.mattias)
    settings.PUBLIC_URL = "https://notes.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    invitations.forgotten(cast.liis.pk)
    assert made.path
    secret = made.path.removeprefix(invitations.PATH).strip("/")
    assert invitations.of(invitations.digest_of(secret)) == cast.liis
    assert not mail.outbox


def new_password(cast: Cast) -> None:
    users.change_own_password(by=User.objects.get(pk=cast.liis.pk), old=PASSWORD, new=NEW)


def new_link(cast: Cast) -> None:
    invitations.invite(cast.liis.pk, by=cast.mattias)


def locked_out(cast: Cast) -> None:
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)


@pytest.mark.parametrize("ended", [new_password, new_link, locked_out])
@pytest.mark.parametrize("kind", ["browser", "device"])
def test_who_is_halfway_in_when_it_ends_does_not_come_in(
    cast: Cast, kind: str, ended: Callable[[Cast], None]
) -> None:
    """The password was looked at a moment ago and was right; meanwhile all of it ended."""
    secret = app_of(cast.liis)
    halfway = logins.identify(cast.liis.email, PASSWORD)
    ended(cast)
    doors: dict[str, Callable[[], object]] = {
        "device": lambda: logins.open_device(halfway, device="phone"),
        "browser": lambda: logins.open_browser(halfway, session_key="k" * 32, device="x"),
    }

    def come_in() -> None:
        answer = second_factor.Answer(code=code_of(secret))
        with second_factor.given(halfway, answer, guesses.at(halfway.email)):
            doors[kind]()

    with pytest.raises(logins.LoginRefused):
        come_in()
    assert not Login.objects.exists()


def test_an_old_password_hashed_anew_does_not_come_back(
    cast: Cast, settings: Any, monkeypatch: Any
) -> None:
    """It was right when it was looked up, and another took its place while it was checked."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]

    def meanwhile(*args: Any) -> bool:
        monkeypatch.undo()
        users.reset_password(cast.liis.pk, by=cast.mattias, password=NEW)
        return check_password(*args)

    monkeypatch.setattr(logins, "check_password", meanwhile)
    logins.identify(cast.liis.email, PASSWORD)
    with pytest.raises(logins.LoginRefused):
        logins.identify(cast.liis.email, PASSWORD)
    assert logins.identify(cast.liis.email, NEW) == cast.liis


def test_who_has_no_second_factor_gets_no_token(cast: Cast) -> None:
    with pytest.raises(logins.LoginRefused):
        logins.log_in_device(cast.liis.email, PASSWORD, "", device="phone")


def test_the_table_of_logins_logs_nobody_in(cast: Cast) -> None:
    _login, secret = logins.open_device(cast.liis, device="phone")
    row = Login.objects.get()
    assert secret.encode() not in bytes(row.digest)
    assert logins.token_of(bytes(row.digest).hex()) is None
    assert len(secret) >= 43


def test_nobody_sees_or_closes_anothers_login(cast: Cast) -> None:
    login, secret = logins.open_device(cast.liis, device="phone")
    for verb in (logins.read, logins.close):
        with pytest.raises(Hidden):
            verb(login.pk, by=cast.mark)
    with pytest.raises(Hidden):
        logins.rename(login.pk, by=cast.mark, device="mine")
    assert not logins.mine(by=cast.mark).exists()
    assert logins.token_of(secret) is not None


@pytest.mark.parametrize("kind", ["browser", "device"])
def test_a_login_left_alone_ends_and_every_login_ends(cast: Cast, settings: Any, kind: str) -> None:
    """Idle and absolute, to the second; use puts off the one and not the other."""
    idle = {"browser": timedelta(minutes=15), "device": timedelta(days=14)}[kind]
    life = {"browser": timedelta(hours=12), "device": timedelta(days=90)}[kind]
    start = timezone.now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        if kind == "browser":
            secret = "k" * 32
            login = logins.open_browser(cast.liis, session_key=secret, device="x")
        else:
            login, secret = logins.open_device(cast.liis, device="x")

        def lives() -> bool:
            if kind == "browser":
                return logins.of_browser(cast.liis, session_key=secret) is not None
            return logins.token_of(secret) is not None

        clock.move_to(start + idle - timedelta(seconds=1))
        assert lives()
        clock.move_to(start + idle)
        assert not lives()
        for step in range(int(life / idle) + 1):
            moment = start + step * (idle - timedelta(seconds=1))
            if moment >= start + life:
                break
            clock.move_to(moment)
            assert lives()
            login.refresh_from_db()
            logins.seen(login)
        login.refresh_from_db()
        Login.objects.update(seen_at=start + life)
        clock.move_to(start + life - timedelta(seconds=1))
        assert lives()
        clock.move_to(start + life)
        assert not lives()
        assert logins.forget_expired() == 1


def test_being_seen_is_written_once_a_minute(cast: Cast, django_assert_num_queries: Any) -> None:
    login, _secret = logins.open_device(cast.liis, device="x")
    with django_assert_num_queries(0):
        logins.seen(login)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        with django_assert_num_queries(1):
            logins.seen(login)
        before = Login.objects.get().seen_at
    logins.seen(login)
    assert Login.objects.get().seen_at == before


def test_a_token_opens_no_browser_and_a_session_no_api(cast: Cast) -> None:
    _login, token = logins.open_device(cast.liis, device="phone")
    browser = Browser()
    key = let_in(browser, cast.liis)
    assert browser.get("/admin/").status_code == 200
    assert logins.token_of(key) is None
    assert logins.of_browser(cast.liis, session_key=token) is None
    thief = Browser()
    thief.cookies["sessionid"] = token
    assert thief.get("/admin/").status_code == 302
    for header in ("HTTP_AUTHORIZATION", "HTTP_X_SESSION_TOKEN"):
        for value in (key, f"Bearer {key}", f"Token {token}"):
            headers: dict[str, Any] = {header: value}
            assert Browser(**headers).get("/api/v1/me").status_code == 401
    browser.cookies.pop("usaldus_device", None)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_session_without_its_login_opens_nothing(cast: Cast) -> None:
    """Whatever Django itself thinks of the session; and it is thrown away."""
    browser = Browser()
    let_in(browser, cast.liis)
    Login.objects.all().delete()
    assert browser.get("/admin/").status_code == 302
    assert not Session.objects.exists()
    browser.force_login(cast.liis)
    assert browser.get("/admin/").status_code == 302


def test_the_table_of_browser_sessions_logs_nobody_in(cast: Cast) -> None:
    """A stolen session key pasted into the cookie opens nothing; the cookie itself does."""
    browser = Browser()
    cookie = let_in(browser, cast.liis)
    stolen = Session.objects.get().session_key
    assert stolen != cookie
    assert browser.get("/admin/").status_code == 200
    thief = Browser()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/admin/").status_code == 302


def test_a_disabled_user_is_refused_like_a_wrong_password(cast: Cast) -> None:
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)
    with pytest.raises(logins.LoginRefused):
        logins.identify(cast.liis.email, PASSWORD)
    assert trail(event="login.refused") == ["login.refused"]


def test_logging_out_everywhere_else(cast: Cast) -> None:
    here, _secret = logins.open_device(cast.liis, device="here")
    logins.open_device(cast.liis, device="there")
    logins.open_browser(cast.liis, session_key="k" * 32, device="desk")
    _other, marks = logins.open_device(cast.mark, device="phone")
    token = access.acting.set(here)
    try:
        assert logins.close_others(by=cast.liis) == 2
    finally:
        access.acting.reset(token)
    assert list(logins.mine(by=cast.liis)) == [here]
    assert logins.token_of(marks) is not None


class Behind:
    """As if a request by this login were being answered."""

    def __init__(self, login: Login | None, door: str = "api") -> None:
        self.login, self.door = login, door

    def __enter__(self) -> None:
        self.tokens = access.acting.set(self.login), audit.doorway.set(audit.Doorway(self.door))

    def __exit__(self, *_error: object) -> None:
        access.acting.reset(self.tokens[0])
        audit.doorway.reset(self.tokens[1])


def test_what_needs_the_second_factor_anew() -> None:
    assert {
        Permission.BREAK_GLASS_REQUEST,
        Permission.HOLD_DECIDE,
        Permission.PURGE_APPROVE,
        Permission.RULE_DECIDE,
        Permission.USER_MANAGE,
    } <= STEP_UP


@pytest.mark.parametrize("who", ["piret", "mattias", "root", "liis"])
def test_step_up(cast: Cast, who: str) -> None:
    """Five minutes after the factor, to the second, the deeds of STEP_UP are refused and recorded;
    everything else goes on. A door without a login is refused, the command line is not asked."""
    user = getattr(cast, who)
    login, _secret = logins.open_device(user, device="x")
    mine = [
        p
        for p in STEP_UP
        if access.scope(user, p) is not None or (user.is_superuser and p is Permission.USER_MANAGE)
    ]
    assert mine

    def ask(permission: Permission) -> None:
        if permission is Permission.USER_MANAGE:
            access.require_users(user, permission)
        else:
            access.require(user, permission)

    later = login.confirmed_at + access.CONFIRMED_FOR
    for permission in mine:
        ask(permission)
        with Behind(login):
            with time_machine.travel(later - timedelta(seconds=1), tick=False):
                ask(permission)
            with time_machine.travel(later, tick=False), pytest.raises(Unconfirmed):
                ask(permission)
        with Behind(None), pytest.raises(Unconfirmed):
            ask(permission)
    denials = AuditEvent.objects.filter(denied=True, reason="second_factor")
    assert denials.count() == 2 * len(mine)
    if who == "liis":
        with Behind(login), time_machine.travel(later, tick=False):
            access.require(user, Permission.CLIENT_REGISTER)


def test_step_up_says_nothing_of_what_is_hidden(cast: Cast, mari: Any) -> None:
    """A client of nobody's and a login elsewhere get the same answer, fresh or not."""
    login, _secret = logins.open_device(cast.mark, device="x")
    later = login.confirmed_at + access.CONFIRMED_FOR
    with Behind(login), time_machine.travel(later), pytest.raises(Hidden):
        access.require(cast.mark, Permission.EXCERPT_RELEASE, mari.pk)
    login, _secret = logins.open_device(cast.mattias, device="x")
    with Behind(login), time_machine.travel(later + timedelta(seconds=9)):
        for user_id in (cast.olga.pk, mari.pk, cast.frida.pk):
            with pytest.raises(Unconfirmed):
                users.log_out(user_id, by=cast.mattias)


def test_giving_the_factor_again(cast: Cast) -> None:
    secret = app_of(cast.piret)
    login, _token = logins.open_device(cast.piret, device="x")
    later = login.confirmed_at + timedelta(minutes=6)
    with time_machine.travel(later), Behind(login):
        with pytest.raises(Unconfirmed):
            access.require(cast.piret, Permission.HOLD_DECIDE)
        with pytest.raises(second_factor.CodeRefused):
            logins.confirm(second_factor.Answer(code="000000"), by=cast.piret)
        with pytest.raises(Unconfirmed):
            access.require(cast.piret, Permission.HOLD_DECIDE)
        logins.confirm(second_factor.Answer(code=code_of(secret)), by=cast.piret)
        access.require(cast.piret, Permission.HOLD_DECIDE)
    login.refresh_from_db()
    assert login.confirmed_at >= later
    assert trail(event__in=["login.confirmed", "factor.refused"]) == [
        "factor.refused",
        "login.confirmed",
    ]


def test_the_places_at_the_wall_come_free_one_by_one(cast: Cast) -> None:
    """No moment at which a window closes and ten guesses fit into a minute. Whoever comes in whole
    gives their own places back and nobody else's."""
    secret = app_of(cast.liis)
    for _guess in range(3):
        with pytest.raises(logins.LoginRefused):
            logins.identify(cast.liis.email, "guess")
    logins.log_in_device(cast.liis.email, PASSWORD, code_of(secret), device="x")
    for _guess in range(2):
        with pytest.raises(logins.LoginRefused):
            logins.identify(cast.liis.email, "guess")
    with pytest.raises(guesses.TooManyTries):
        logins.identify(cast.liis.email, PASSWORD)
