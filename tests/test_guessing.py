"""A thousand guesses at every door, whatever they call themselves: five reach a check.

Counted is what arrives at the libraries that check: Django's hasher, the arithmetic of the codes,
and the signature of a passkey. The counting is only around them; everything else is as it runs.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import caches
from django.test import Client as Browser
from django.utils import timezone
from fido2.server import Fido2Server
from rest_framework.test import APIClient

from clients_app import guesses, logins
from clients_app.admin import entry
from clients_app.models import User
from tests.conftest import PASSWORD, Cast, app_of, code_of

GUESSES = 1000
SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.title,
    lambda email: f"  {email}\t",
    lambda email: email.replace("@", " @ "),
    lambda email: email.replace("l", "\uff4c"),
    lambda email: email.replace("k", "\u212a"),
    lambda email: "\u00a0" + email,
]


class Checks:
    """How many guesses reached a check of a password, of a code, of a passkey."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        verify, hotp = MD5PasswordHasher.verify, totp.hotp_value
        signed = Fido2Server.authenticate_complete

        def verified(*args: Any) -> bool:
            self.count += 1
            return verify(*args)

        def computed(secret: str, counter: int) -> int:
            # Each code is compared with three steps.
            self.count += counter % 3 == 0
            value: int = hotp(secret, counter)
            return value

        def completed(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return signed(*args, **kwargs)

        monkeypatch.setattr(MD5PasswordHasher, "verify", verified)
        monkeypatch.setattr(totp, "hotp_value", computed)
        monkeypatch.setattr(Fido2Server, "authenticate_complete", completed)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    return Checks(monkeypatch)


def disguises() -> Iterator[dict[str, str]]:
    """Headers that speak of another address every time."""
    draw = random.Random(7)
    while True:
        address = ".".join(str(draw.randrange(1, 255)) for _ in range(4))
        yield {
            "HTTP_X_FORWARDED_FOR": f"{address}, 10.0.0.1",
            "HTTP_X_REAL_IP": address,
            "HTTP_FORWARDED": f"for={address}",
            "HTTP_X_CLIENT_IP": address,
            "HTTP_USER_AGENT": f"agent {address}",
            "REMOTE_ADDR": address,
        }


def api(email: str, password: str, code: str, **headers: Any) -> int:
    body = json.dumps({"email": email, "password": password, "code": code, "known_device": "guess"})
    return (
        APIClient()
        .generic("POST", "/api/v1/tokens", body, content_type="application/json", **headers)
        .status_code
    )


def admin(email: str, password: str, code: str, **headers: Any) -> int:
    """The password; where that was right, the code, as a code and as a passkey."""
    browser = Browser(**headers)
    browser.cookies["usaldus_device"] = "guess"
    answer = browser.post("/admin/login/", {"username": email, "password": password})
    if answer.status_code == 302:
        for typed in ({"code": code}, {"passkey": "{}"}):
            answer = browser.post("/admin/login/second-factor/", typed)
    return answer.status_code


DOORS = [api, admin]


@pytest.mark.parametrize("password", ["guess", PASSWORD], ids=["password", "code"])
def test_of_a_thousand_guesses_five_reach_a_check(
    cast: Cast, checks: Checks, password: str
) -> None:
    """By both doors, with headers and spellings that change with every guess; of the password, and
    of the code by whoever has the password. The owner comes in meanwhile on a known device."""
    secret = app_of(cast.liis)
    known = logins.know(cast.liis)
    headers = disguises()
    with time_machine.travel(timezone.now(), tick=False):
        now = int(code_of(secret))
        checks.count = 0
        for number in range(GUESSES):
            door = DOORS[number % 2]
            email = SPELLINGS[number % len(SPELLINGS)](cast.liis.email)
            code = f"{(now + 7 + number) % 10**6:06}"
            door(email, password, code, **next(headers))
        assert 1 <= checks.count <= guesses.TRIES
        answer = logins.log_in_device(
            cast.liis.email, PASSWORD, code_of(secret), device="x", known_device=known
        )
        assert answer[0].user == cast.liis
        browser = Browser()
        browser.cookies[entry.KNOWN_DEVICE] = known
        typed = {"username": cast.liis.email, "password": PASSWORD}
        assert browser.post("/admin/login/", typed).status_code == 302
        assert browser.post("/admin/login/second-factor/", {"code": code_of(secret, 1)})
        assert browser.get("/admin/").status_code == 200


def test_the_counting_sees_guesses(cast: Cast, checks: Checks, monkeypatch: Any) -> None:
    """The control: without the wall nearly all of them reach a check."""
    monkeypatch.setattr(guesses.Guesses, "claim", lambda self: None)
    for number in range(40):
        DOORS[number % 2](cast.liis.email, "guess", "000000")
    assert checks.count == 40


def test_a_minute_later_is_no_new_window(cast: Cast, checks: Checks) -> None:
    """In no fifteen minutes more than five, wherever they begin."""
    start = timezone.now()
    moments: list[int] = []
    for minute in range(0, 40, 2):
        with time_machine.travel(start):
            before = checks.count
            _let_pass(minute, moments)
            for _guess in range(2):
                api(cast.liis.email, "guess", "")
            moments += [minute] * (checks.count - before)
    assert max(sum(at <= m < at + 15 for m in moments) for at in range(40)) <= guesses.TRIES
    assert len(moments) > guesses.TRIES


def _let_pass(minute: int, moments: list[int]) -> None:
    """Redis has a clock of its own: a place that is fifteen minutes old is taken away, as it would
    be by then."""
    expired = sum(at <= minute - 15 for at in moments)
    ours: Any = caches["default"]
    redis = ours._cache.get_client(write=True)
    places = sorted(redis.scan_iter(ours.make_key("guess:*")), key=redis.pttl)
    living = len(moments) - expired
    for place in places[: max(0, len(places) - living)]:
        redis.delete(place)


def test_a_place_lasts_fifteen_minutes(cast: Cast) -> None:
    api(cast.liis.email, "guess", "")
    ours: Any = caches["default"]
    redis = ours._cache.get_client(write=True)
    (place,) = redis.scan_iter(ours.make_key("guess:*"))
    assert 895 <= redis.ttl(place) <= 900


@pytest.mark.parametrize("door", DOORS)
def test_known_and_unknown_accounts_look_alike(
    cast: Cast, checks: Checks, door: Callable[..., int], hashed: list[str]
) -> None:
    """The same answers in the same order, and the same work: one hash each until the wall."""
    answers = []
    for email in (cast.liis.email, "nobody@kalda.example"):
        hashed.clear()
        answers.append(([door(email, "guess", "000000") for _ in range(7)], len(hashed)))
    assert answers[0] == answers[1]
    assert answers[0][1] == guesses.TRIES


@pytest.mark.parametrize("door", DOORS)
def test_without_the_counter_nobody_is_checked(
    cast: Cast, checks: Checks, settings: Any, door: Callable[..., int]
) -> None:
    """Redis is gone: 503, at both doors, and no hash is computed."""
    backend = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": backend}
    try:
        assert door(cast.liis.email, PASSWORD, "000000") == 503
    finally:
        caches.close_all()
    assert checks.count == 0


def test_asking_for_mails_is_counted_too(cast: Cast, settings: Any, monkeypatch: Any) -> None:
    """Five an account; the answer is the same for an account that does not exist, and asking
    takes no place at the wall of the login."""
    settings.PUBLIC_URL = "https://notes.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sent: list[Any] = []
    monkeypatch.setattr(
        "celery.current_app.send_task", lambda _name, args, **_more: sent.extend(args)
    )
    pages = []
    for email in (cast.liis.email, "nobody@kalda.example"):
        for number in range(7):
            answer = Browser().post("/admin/login/forgotten/", {"email": email})
            assert answer.status_code == (200 if number < guesses.TRIES else 429)
        pages.append(Browser().post("/admin/login/forgotten/", {"email": email}).status_code)
    assert sent[:5] == [str(cast.liis.pk)] * 5
    assert len(set(sent[5:])) == 5
    assert not User.objects.filter(pk__in=sent[5:]).exists()
    user: User = logins.identify(cast.liis.email, PASSWORD)
    assert user == cast.liis
