"""Passwords and tokens: few guesses, nothing to steal, over at the next request."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone

from clients_app import logins, users
from clients_app.models import AccessToken
from tests.conftest import PASSWORD, Cast, trail


def test_a_token_opens_until_it_is_closed(cast: Cast) -> None:
    token, secret = logins.open_token("LIIS@kalda.example ", PASSWORD, device="phone")
    found = logins.token_of(secret)
    assert found is not None
    assert found.user == cast.liis
    logins.close_token(token.pk, by=cast.liis)
    logins.close_token(token.pk, by=cast.liis)
    assert logins.token_of(secret) is None
    assert trail(event__startswith="log") == ["login.token", "logout.token"]


def test_the_table_of_tokens_logs_nobody_in(cast: Cast) -> None:
    _token, secret = logins.open_token(cast.liis.email, PASSWORD)
    row = AccessToken.objects.get()
    assert secret.encode() not in bytes(row.digest)
    assert logins.token_of(bytes(row.digest).hex()) is None
    assert len(secret) >= 43


def test_nobody_closes_anothers_device(cast: Cast) -> None:
    token, secret = logins.open_token(cast.liis.email, PASSWORD)
    logins.close_token(token.pk, by=cast.mark)
    assert logins.token_of(secret) is not None


def test_a_token_ends_with_time_with_the_user_and_with_the_password(cast: Cast) -> None:
    _token, secret = logins.open_token(cast.liis.email, PASSWORD)
    with time_machine.travel(timezone.now() + logins.TOKEN_LIFE + timedelta(seconds=1)):
        assert logins.token_of(secret) is None
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)
    assert logins.token_of(secret) is None
    _token, secret = logins.open_token(cast.mark.email, PASSWORD)
    users.reset_password(cast.mark.pk, by=cast.mattias, password="nine calm otters in rain")
    assert logins.token_of(secret) is None


@pytest.mark.parametrize("email", ["liis@kalda.example", "nobody@kalda.example"])
def test_five_guesses_in_fifteen_minutes(cast: Cast, email: str) -> None:
    """Known and unknown accounts alike, whatever the spelling; the right password is refused too
    while the account waits, and lets in afterwards."""
    for spelling in (email, email.upper(), f" {email}", email.title(), email):
        with pytest.raises(logins.LoginRefused):
            logins.identify(spelling, "a wrong guess, number n")
    with pytest.raises(logins.TooManyTries):
        logins.identify(email, PASSWORD)


def test_the_right_password_starts_the_count_anew(cast: Cast) -> None:
    for _round in range(3):
        for _guess in range(4):
            with pytest.raises(logins.LoginRefused):
                logins.identify(cast.liis.email, "a wrong guess, number n")
        assert logins.identify(cast.liis.email, PASSWORD) == cast.liis


def test_a_disabled_user_is_refused_like_a_wrong_password(cast: Cast) -> None:
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)
    with pytest.raises(logins.LoginRefused):
        logins.identify(cast.liis.email, PASSWORD)
    assert trail(event="login.refused") == ["login.refused"]


def test_the_table_of_browser_sessions_logs_nobody_in(cast: Cast) -> None:
    """A stolen session key pasted into the cookie opens nothing; the cookie itself does."""
    browser = Browser()
    assert browser.login(username=cast.liis.email, password=PASSWORD)
    cookie = browser.cookies["sessionid"].value
    stolen = Session.objects.get().session_key
    assert stolen != cookie
    assert browser.get("/admin/").status_code == 200
    thief = Browser()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/admin/").status_code == 302


def test_a_browser_session_ends_with_the_user(cast: Cast) -> None:
    browser = Browser()
    assert browser.login(username=cast.liis.email, password=PASSWORD)
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)
    assert browser.get("/admin/").status_code == 302


def test_logging_in_and_out_by_browser_is_on_the_trail(cast: Cast) -> None:
    browser = Browser()
    browser.post("/admin/login/", {"username": cast.liis.email, "password": PASSWORD})
    assert Session.objects.count() == 1
    browser.post("/admin/logout/")
    assert not Session.objects.exists()
    assert trail()[-2:] == ["login.browser", "logout.browser"]


def test_expired_logins_are_forgotten(cast: Cast) -> None:
    logins.open_token(cast.liis.email, PASSWORD)
    with time_machine.travel(timezone.now() + logins.TOKEN_LIFE + timedelta(days=1)):
        assert logins.forget_expired() == 1
