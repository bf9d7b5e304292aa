"""The browser's door: two steps, nothing in between, and nothing that was typed is lost."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from clients_app import invitations, logins, second_factor, users
from clients_app.models import AuditEvent, Client, Invitation, LegalHold, Login, User
from tests.admin.conftest import INLINE, Desk, page
from tests.conftest import PASSWORD, Cast, app_of, code_of, let_in, trail

NEW_PASSWORD = "nine loud herons at dusk"
# What answers to nobody in particular. Everything else wants both proofs.
OPEN = {
    "admin/language/",
    "api/v1/tokens",
    "api/schema/",
    "api/docs/",
    "health/live",
    "health/ready",
    "",
}


def give_password(browser: Browser, user: User, password: str = PASSWORD, **more: str) -> Any:
    return browser.post(page("login"), {"username": user.email, "password": password, **more})


def secret_on(response: Any) -> str:
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', response.text)
    assert found, response.text
    return found.group(1).replace(" ", "")


def test_the_first_login_of_somebody_invited(cast: Cast, desk: Desk) -> None:
    """Link, password, app, recovery codes, in. Only then does anything open."""
    typed = {"name": "Nele", "email": "nele@kalda.example", "role": "counsellor"}
    made = desk(cast.mattias).post(page("clients_app_user_add"), typed)
    link = re.search(r"http://testserver(/admin/invitation/[\w-]+/)", made.text)
    assert link
    assert link.group(1) not in desk(cast.mattias).get(page("clients_app_user_changelist")).text
    nele = Browser(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
    for _look in range(2):  # looking uses nothing up
        assert nele.get(link.group(1))["Location"] == page("invited")
    assert "nele@kalda.example" in nele.get(page("invited")).text
    # A stolen table of sessions gives no link away: these rows are signed, not sealed.
    secret = link.group(1).split("/")[-2]
    kept = [str(row.get_decoded()) for row in Session.objects.all()]
    assert kept
    assert not any(secret in row for row in kept)
    weak = nele.post(page("invited"), {"password": "kalda2024kalda!!", "again": "kalda2024kalda!!"})
    assert "easy to guess" in weak.text
    chosen = nele.post(page("invited"), {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert chosen.status_code == 302
    assert nele.get(page("index")).status_code == 302
    assert nele.get(page("login_second_factor"))["Location"] == page("login_set_up")
    offered = nele.get(page("login_set_up"))
    assert "<svg" in offered.text
    assert not INLINE.search(offered.content)
    secret = secret_on(offered)
    wrong = nele.post(page("login_set_up"), {"code": "000000"})
    assert "The code is wrong" in wrong.text
    assert secret_on(wrong) == secret
    entered = nele.post(page("login_set_up"), {"code": code_of(secret)})
    assert len(re.findall(r"<li>\d{4} \d{4}</li>", entered.text)) == 10
    assert nele.get(page("index")).status_code == 200
    assert "Firefox, Linux" in nele.get(page("own")).text
    assert Browser().get(link.group(1), follow=True).status_code == 404
    user = User.objects.get(name="Nele")
    assert trail(actor_id=user.pk) == ["invitation.used", "factor.added", "login.browser"]


def test_password_then_code(cast: Cast) -> None:
    secret = app_of(cast.liis)
    browser = Browser()
    onward = page("clients_app_client_changelist")
    assert browser.get(onward)["Location"] == f"{page('login')}?next={onward}"
    assert give_password(browser, cast.liis, next=onward)["Location"] == page("login_second_factor")
    before = browser.cookies["sessionid"].value
    assert "The code is wrong" in browser.post(page("login_second_factor"), {"code": "1"}).text
    entered = browser.post(page("login_second_factor"), {"code": code_of(secret)})
    assert entered["Location"] == onward
    known = entered.cookies["usaldus_device"]
    assert known["httponly"]
    assert known["samesite"] == "Strict"
    assert browser.cookies["sessionid"].value != before
    assert browser.get(onward).status_code == 200
    assert browser.get(page("login"))["Location"] == page("index")
    browser.post(page("logout"))
    assert browser.get(onward).status_code == 302
    assert not Login.objects.exists()
    assert trail(actor_id=cast.liis.pk)[-2:] == ["login.browser", "logout.browser"]


def every_route() -> list[tuple[str, str]]:
    """Every address of the whole URL conf, with an id or a word where one belongs."""

    def walk(patterns: list[Any], before: str) -> list[tuple[str, str]]:
        found = []
        for pattern in patterns:
            where = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                found += walk(pattern.url_patterns, where)
            elif isinstance(pattern, URLPattern):
                found.append((where, re.sub(r"<int:\w+>", "1", where)))
        return found

    nowhere = "00000000-0000-7000-8000-000000000000"
    return [
        (route, "/" + re.sub(r"<(str|slug):\w+>", "word", re.sub(r"<uuid:\w+>", nowhere, where)))
        for route, where in walk(get_resolver().url_patterns, "")
        if "(?P<" not in route
    ]


@pytest.mark.parametrize("state", ["nothing", "password", "password_no_factor", "factor_no_login"])
def test_no_route_without_the_second_factor(cast: Cast, state: str) -> None:
    """R7: whatever the URL conf leads to, every method, without cookies, after the password alone,
    and with a session whose login is gone. Nothing but the pages of the door itself answers."""
    browser = Browser(raise_request_exception=False)
    if state == "password":
        app_of(cast.liis)
    if state.startswith("password"):
        assert give_password(browser, cast.liis).status_code == 302
    if state == "factor_no_login":
        let_in(browser, cast.liis)
        Login.objects.all().delete()
    jar = dict(browser.cookies)
    door = {"login/", "login/second-factor/", "login/set-up/", "login/forgotten/", "invitation/"}
    addresses = every_route()
    assert len(addresses) > 100
    seen = 0
    for route, where in addresses:
        if route in OPEN or route.removeprefix("admin/") in door or "<str:" in route:
            continue
        for method in ("get", "post", "put", "patch", "delete", "head", "options"):
            browser.cookies.update(jar)
            answer = getattr(browser, method)(where)
            if where.startswith("/api/"):
                assert answer.status_code in (401, 405), (method, where, answer.status_code)
                seen += answer.status_code == 401
            elif answer.status_code != 405:
                assert answer.status_code == 302, (method, where, answer.status_code)
                onward = page("index") if where == page("logout") else page("login")
                assert answer["Location"].startswith(onward), where
                seen += 1
    assert seen > 150
    assert not Login.objects.exists()


def test_allauth_has_no_address() -> None:
    assert not [route for route, _where in every_route() if "account" in route or "mfa" in route]


ODD = [
    "?skip_timeout_reset=1",
    "?keepalive=1&idle=0",
    "?alive=1",
    "?next=/admin/alive/",
    "?_session=1",
    "?format=json",
]
HEADERS: list[dict[str, Any]] = [
    {},
    {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"},
    {"HTTP_X_KEEP_ALIVE": "1"},
    {"HTTP_SEC_FETCH_MODE": "cors"},
    {"HTTP_X_ORIGINAL_URL": "/health/live"},
    {"HTTP_X_REWRITE_URL": "/api/v1/tokens"},
    {"HTTP_PURPOSE": "prefetch"},
]


@pytest.mark.parametrize("after", [timedelta(minutes=15), timedelta(hours=12)])
def test_expiry_is_skipped_by_no_parameter(cast: Cast, desk: Desk, after: timedelta) -> None:
    """N6: idle or too old, whatever is added to the address or sent as a header."""
    start = timezone.now()
    for odd in ODD:
        for headers in HEADERS:
            with time_machine.travel(start, tick=False):
                liis = desk(cast.liis)
            if after > timedelta(hours=1):
                Login.objects.update(seen_at=start + after - timedelta(minutes=1))
            with time_machine.travel(start + after, tick=False):
                for where in (page("index"), page("alive"), page("own")):
                    assert liis.get(where + odd, **headers).status_code == 302
            Login.objects.all().delete()


def test_polling_keeps_no_login_alive_and_looking_does(cast: Cast, desk: Desk, run: Any) -> None:
    start = timezone.now()
    polled = [page("alive"), page("clients_app_purgerun_progress", run.pk)]
    for addresses, status in ((polled, 302), ([page("index")], 200)):
        with time_machine.travel(start, tick=False) as clock:
            piret = desk(cast.piret)
            for _minute in range(14):
                clock.shift(60)
                for where in addresses:
                    assert piret.get(where).status_code == 200
            clock.shift(90)
            assert piret.get(page("index")).status_code == status


def _disable(cast: Cast) -> None:
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)


def test_a_code_before_the_picture_was_shown_is_told_so(cast: Cast) -> None:
    browser = Browser()
    browser.post(page("login"), {"username": cast.liis.email, "password": PASSWORD})
    answer = browser.post(page("login_set_up"), {"code": "123456"})
    assert "Open the page anew" in answer.text


def _invite(cast: Cast) -> None:
    invitations.invite(cast.liis.pk, by=cast.mattias)


def _change_password(cast: Cast) -> None:
    users.change_own_password(by=cast.liis, old=PASSWORD, new=NEW_PASSWORD)


def _log_out(cast: Cast) -> None:
    users.log_out(cast.liis.pk, by=cast.mattias)


def _close(cast: Cast) -> None:
    logins.close(logins.mine(by=cast.liis)[0].pk, by=cast.liis)


@pytest.mark.parametrize("end", [_disable, _invite, _change_password, _log_out, _close])
def test_access_ends_at_the_next_request(
    cast: Cast, desk: Desk, end: Callable[[Cast], None]
) -> None:
    """C5: in the browser, whatever ended it; half a login ends too."""
    app_of(cast.liis)
    half = Browser()
    give_password(half, cast.liis)
    liis = desk(cast.liis)
    assert liis.get(page("index")).status_code == 200
    end(cast)
    assert liis.get(page("index")).status_code == 302
    if end not in (_log_out, _close):
        assert half.get(page("login_second_factor"))["Location"] == page("login")


def test_half_a_login_does_not_wait_for_ever(cast: Cast) -> None:
    secret = app_of(cast.liis)
    browser = Browser()
    give_password(browser, cast.liis)
    with time_machine.travel(timezone.now() + timedelta(minutes=15)):
        answer = browser.post(page("login_second_factor"), {"code": code_of(secret)})
        assert answer["Location"] == page("login")


def test_a_second_factor_is_not_added_by_the_password_alone(cast: Cast) -> None:
    """Somebody who knows the password of one who has a factor cannot bring their own."""
    app_of(cast.liis)
    browser = Browser()
    give_password(browser, cast.liis)
    for where in (page("login_set_up"), page("own_add_factor")):
        for answer in (browser.get(where), browser.post(where, {"code": "123456"})):
            assert answer.status_code == 302
    assert len(second_factor.held(by=cast.liis)) == 1


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/health/live", "javascript:x", "\\\\e"],
)
def test_going_on_stays_inside(cast: Cast, desk: Desk, elsewhere: str) -> None:
    secret = app_of(cast.liis)
    browser = Browser()
    give_password(browser, cast.liis, next=elsewhere)
    entered = browser.post(page("login_second_factor"), {"code": code_of(secret)})
    assert entered["Location"] == page("index")
    typed = {"code": code_of(secret, 1), "next": elsewhere}
    assert browser.post(page("confirm"), typed)["Location"] == page("index")


def stale(user: User) -> None:
    Login.objects.filter(user=user).update(confirmed_at=timezone.now() - timedelta(minutes=6))


def test_a_page_that_wants_the_factor_anew_is_asked_for_again(cast: Cast, desk: Desk) -> None:
    secret = app_of(cast.mattias)
    mattias = desk(cast.mattias)
    stale(cast.mattias)
    where = page("clients_app_user_add")
    answer = mattias.get(where)
    assert answer["Location"] == f"{page('confirm')}?next={where.replace('/', '%2F')}"
    asked = mattias.get(answer["Location"])
    assert "Confirm" in asked.text
    assert mattias.post(page("confirm"), {"code": "0", "next": where}).status_code == 200
    done = mattias.post(page("confirm"), {"code": code_of(secret), "next": where})
    assert done["Location"] == where
    assert mattias.get(where).status_code == 200


def hidden_fields(response: Any) -> dict[str, str]:
    _top, _sent, form = response.text.partition("What you typed is kept")
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: html.unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def test_a_form_that_wants_the_factor_anew_loses_nothing(
    cast: Cast, desk: Desk, mari: Client
) -> None:
    """It comes back with every letter, goes on with the code, and a wrong code loses nothing
    either; the deed is done once."""
    secret = app_of(cast.piret)
    piret = desk(cast.piret)
    where = page("clients_app_legalhold_add", client=mari.pk)
    reason = 'The court asked:\r\n\t"Keep <b>all</b> of it" & more – õäöü 💧\r\n'
    typed = {"client": str(mari.pk), "code": mari.code, "matter": "Case 7", "reason": reason}
    stale(cast.piret)
    asked = piret.post(where, typed)
    assert not LegalHold.objects.exists()
    assert hidden_fields(asked) == typed
    assert not INLINE.search(asked.content)
    wrong = piret.post(where, {**hidden_fields(asked), "second_factor_code": "000000"})
    assert hidden_fields(wrong) == typed
    assert not LegalHold.objects.exists()
    done = piret.post(where, {**hidden_fields(wrong), "second_factor_code": code_of(secret)})
    assert done.status_code == 302, done.text
    assert LegalHold.objects.count() == 1
    denied = AuditEvent.objects.filter(denied=True, reason="second_factor")
    assert set(denied.values_list("event", flat=True)) == {"hold.decide"}


def test_guesses_at_a_form_end_after_five(cast: Cast, desk: Desk) -> None:
    secret = app_of(cast.mattias)
    mattias = desk(cast.mattias)
    desk(cast.liis)
    stale(cast.mattias)
    where = page("clients_app_user_log_out", cast.liis.pk)
    for _guess in range(5):
        assert mattias.post(where, {"second_factor_code": "000000"}).status_code == 200
    assert logins.living().filter(user=cast.liis).exists()
    right = {"second_factor_code": code_of(secret)}
    assert mattias.post(where, right).status_code == 429
    assert mattias.post(page("confirm"), {"code": code_of(secret)}).status_code == 429


def test_devices_and_logins(cast: Cast, desk: Desk) -> None:
    """Named, closed one by one or all at once; the factor is kept up by hand, too."""
    secret = app_of(cast.liis)
    here, there, elsewhere = desk(cast.liis), desk(cast.liis), desk(cast.liis)
    _phone, token = logins.open_device(cast.liis, device="old phone")
    listed = here.get(page("own"))
    assert "old phone" in listed.text
    assert not INLINE.search(listed.content)
    own = {login.device: login for login in logins.mine(by=cast.liis)}
    here.post(page("own_rename", own["old phone"].pk), {"device": "lost phone"})
    assert "lost phone" in here.get(page("own")).text
    here.post(page("own_close", own["old phone"].pk))
    assert logins.token_of(token) is None
    here.post(page("own_close_others"))
    assert here.get(page("index")).status_code == 200
    for other in (there, elsewhere):
        assert other.get(page("index")).status_code == 302
    codes = here.post(page("own_renew_codes"))
    assert len(re.findall(r"<li>\d{4} \d{4}</li>", codes.text)) == 10
    (app,) = second_factor.held(by=cast.liis)
    assert "your last one" in here.post(page("own_remove", app.id), follow=True).text
    stale(cast.liis)
    for name, args in (
        ("own_renew_codes", ()),
        ("own_close_others", ()),
        ("own_remove", (app.id,)),
    ):
        assert "With the code it goes on" in here.post(page(name, *args)).text
    assert here.get(page("own_add_factor")).status_code == 302
    answer = here.post(page("own_close_others"), {"second_factor_code": code_of(secret)})
    assert answer.status_code == 302


def test_a_reset_keeps_the_second_factor_unless_it_is_to_be_forgotten(
    cast: Cast, desk: Desk
) -> None:
    """The manager starts it and chooses nothing; a newer link makes the older one void."""
    secret = app_of(cast.liis)
    mattias = desk(cast.mattias)
    where = page("clients_app_user_invite", cast.liis.pk)
    assert "link" in mattias.get(where).text
    links = []
    for typed in ({}, {}, {"forget_factors": "on"}):
        found = re.search(r"/admin/invitation/[\w-]+/", mattias.post(where, typed).text)
        assert found
        links.append(found.group(0))
        cast.liis.refresh_from_db()
        assert not cast.liis.has_usable_password()
        assert second_factor.has_one(cast.liis) == (typed == {})
        if len(links) == 2:
            browser = Browser()
            browser.get(links[1])
            browser.post(page("invited"), {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
            assert browser.get(page("login_set_up"))["Location"] == page("login_second_factor")
            assert browser.get(page("index")).status_code == 302
            browser.post(page("login_second_factor"), {"code": code_of(secret)})
            assert browser.get(page("index")).status_code == 200
    for old in links[:2]:
        assert Browser().get(old, follow=True).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(days=7)):
        assert Browser().get(links[2], follow=True).status_code == 404
        invitations.forget_expired()
    assert not Invitation.objects.exists()


def test_a_mailed_link_never_takes_the_place_of_the_factor(
    cast: Cast, settings: Any, mailoutbox: list[Any]
) -> None:
    """The mail names nobody; nothing changes until its link is used, and then the code is asked."""
    app_of(cast.liis)
    settings.PUBLIC_URL = "https://notes.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    invitations.forgotten(cast.liis.pk)
    (mail,) = mailoutbox
    assert "Liis" not in mail.body + mail.subject
    assert "Kalda" not in mail.body + mail.subject
    cast.liis.refresh_from_db()
    assert cast.liis.check_password(PASSWORD)
    found = re.search(r"https://notes.example(/\S+)", mail.body)
    assert found
    browser = Browser()
    browser.get(found.group(1))
    browser.post(page("invited"), {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert browser.get(page("index")).status_code == 302
    assert browser.get(page("login_set_up"))["Location"] == page("login_second_factor")
