"""One machine and many accounts: how far it gets, and who comes in all the same.

The practice stands behind one address, as most do; so does, for an evening, somebody who guesses.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.test import Client as Browser

from clients_app import caller, guesses, logins
from clients_app.models import AuditEvent
from tests.conftest import PASSWORD, Cast, app_of, code_of
from tests.test_guessing import DOORS, api

PROXY, HERE, ELSEWHERE = "10.0.0.1", "203.0.113.77", "203.0.113.78"
TOO_MANY = "Too many attempts"


@pytest.fixture(autouse=True)
def _one_proxy_and_few_tries(settings: Any) -> None:
    settings.TRUSTED_PROXIES = [PROXY]
    settings.TRIES_PER_ADDRESS = 20


def through_the_proxy(address: str = HERE, said: str = "") -> Any:
    """The headers as the proxy hands them on, what the caller said before it included."""
    return {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": f"{said}, {address}".removeprefix(", ")}


def everybody() -> Iterator[str]:
    yield from (f"user{number}@kalda.example" for number in range(10_000))


def exhaust(address: str = HERE) -> None:
    """Guesses at accounts that nobody has, until the address has no more."""
    for email in everybody():
        if api(email, "guess", "", **through_the_proxy(address)) == 429:
            return


def spray(count: int = 300) -> None:
    """One password for every account, by both doors, as if from another address every time."""
    for number, email in zip(range(count), everybody(), strict=False):
        headers = through_the_proxy(said=f"198.51.{number // 250}.{number % 250}")
        DOORS[number % 2](email, "Spring2026!", "", **headers)


def test_one_machine_tries_one_password_on_a_few_accounts_only(
    cast: Cast, hashed: list[str], settings: Any
) -> None:
    spray()
    assert len(hashed) == settings.TRIES_PER_ADDRESS


def test_control_believing_the_callers_word_lets_it_try_all(
    cast: Cast, hashed: list[str], monkeypatch: Any
) -> None:
    def first(_peer: str, forwarded: str, _trusted: caller.Proxies) -> caller.Address | None:
        return caller.read(forwarded.split(",")[0])

    monkeypatch.setattr(caller, "of", first)
    spray(60)
    assert len(hashed) == 60


def test_control_without_the_wall_of_the_address_it_tries_all(
    cast: Cast, hashed: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(guesses, "_address", lambda: iter(()))
    spray(60)
    assert len(hashed) == 60


def test_it_locks_few_accounts_and_nobody_elsewhere(cast: Cast, settings: Any) -> None:
    """Five guesses lock an account; the address has enough of them for four, and Mark is the fifth.
    The refusal is the same whether it is the account's or the address's."""
    secret = app_of(cast.mark)
    locked = [cast.liis, cast.sofia, cast.frida, cast.piret]
    for user in locked:
        for _guess in range(guesses.TRIES):
            assert api(user.email, "guess", "", **through_the_proxy()) == 401
    for user in (*locked, cast.mark):
        assert api(user.email, "guess", "", **through_the_proxy()) == 429
    assert api(cast.liis.email, PASSWORD, "", **through_the_proxy(ELSEWHERE)) == 429
    assert api(cast.mark.email, PASSWORD, code_of(secret), **through_the_proxy(ELSEWHERE)) == 201


def test_a_known_device_comes_in_from_an_exhausted_address(cast: Cast) -> None:
    """By both doors. Any other device waits, and is told how long."""
    secret = app_of(cast.liis)
    known = logins.know(cast.liis)
    exhaust()
    typed = {"email": cast.liis.email, "password": PASSWORD, "code": code_of(secret)}
    refused = _post(typed)
    assert (refused.status_code, refused["Retry-After"]) == (429, "900")
    assert _post({**typed, "known_device": "x" * 43}).status_code == 429
    assert _post({**typed, "known_device": logins.know(cast.mark)}).status_code == 429
    assert _post({**typed, "known_device": known}).status_code == 201
    browser = Browser(**through_the_proxy())
    password = {"username": cast.liis.email, "password": PASSWORD}
    waits = browser.post("/admin/login/", password)
    assert waits.status_code == 429
    assert TOO_MANY in waits.text
    browser.cookies["usaldus_device"] = known
    assert browser.post("/admin/login/", password).status_code == 302
    browser.post("/admin/login/second-factor/", {"code": code_of(secret, 1)})
    assert browser.get("/admin/").status_code == 200


def _post(typed: dict[str, str]) -> Any:
    return Browser(**through_the_proxy()).post(
        "/api/v1/tokens", json.dumps(typed), content_type="application/json"
    )


def test_who_comes_in_gives_the_places_back(cast: Cast, settings: Any) -> None:
    """A whole practice begins its day behind one address; each takes two places for a moment."""
    settings.TRIES_PER_ADDRESS = 6
    for user in (cast.liis, cast.mark, cast.sofia, cast.frida, cast.mattias, cast.piret):
        secret = app_of(user)
        assert api(user.email, PASSWORD, code_of(secret), **through_the_proxy()) == 201
        browser = Browser(**through_the_proxy())
        browser.post("/admin/login/", {"username": user.email, "password": PASSWORD})
        browser.post("/admin/login/second-factor/", {"code": code_of(secret, 1)})
        assert browser.get("/admin/").status_code == 200


def test_a_phone_that_repeats_itself_shuts_nobody_out(cast: Cast) -> None:
    """What an exhausted account is refused is no check, and takes nothing from the address."""
    for _again in range(50):
        api(cast.liis.email, "old password", "", **through_the_proxy())
    secret = app_of(cast.mark)
    assert api(cast.mark.email, PASSWORD, code_of(secret), **through_the_proxy()) == 201


def forgotten(number: int) -> int:
    """Ask for a mail, for somebody else each time."""
    typed = {"email": f"user{number}@kalda.example"}
    browser = Browser(**through_the_proxy())
    return browser.post("/admin/login/forgotten/", typed).status_code


def link(number: int) -> int:
    """Try a link that nobody was given."""
    browser = Browser(**through_the_proxy())
    return browser.get(f"/admin/invitation/guess-{number}/").status_code


@pytest.mark.parametrize(("door", "usual"), [(forgotten, 200), (link, 404)])
def test_the_other_doors_count_too(
    cast: Cast, settings: Any, monkeypatch: Any, door: Callable[[int], int], usual: int
) -> None:
    settings.PUBLIC_URL = "https://notes.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr("celery.current_app.send_task", lambda *_task, **_more: None)
    statuses = [door(number) for number in range(settings.TRIES_PER_ADDRESS + 2)]
    assert statuses == [usual] * settings.TRIES_PER_ADDRESS + [429] * 2
    assert api(cast.liis.email, PASSWORD, "", **through_the_proxy()) == 429


def test_codes_count_too(cast: Cast, settings: Any) -> None:
    """Of somebody who has the passwords and an address, but no phone: each password takes a place
    and each code one, until there are none."""
    settings.TRIES_PER_ADDRESS = 7
    statuses = []
    for user in (cast.liis, cast.mark):
        app_of(user)
        browser = Browser(**through_the_proxy())
        answer = browser.post("/admin/login/", {"username": user.email, "password": PASSWORD})
        statuses.append(answer.status_code)
        for _guess in range(3):
            answer = browser.post("/admin/login/second-factor/", {"code": "000000"})
            statuses.append(answer.status_code)
    assert statuses == [302, 200, 200, 200, 302, 200, 200, 429]


def test_the_address_is_kept_nowhere(
    cast: Cast, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither in Redis nor in a session, in the log or on the trail; what is counted by is a digest
    that nobody without the key can make."""
    secret = app_of(cast.liis)
    browser = Browser(**through_the_proxy())
    browser.post("/admin/login/", {"username": cast.liis.email, "password": PASSWORD})
    halfway = str([row.get_decoded() for row in Session.objects.all()])
    browser.post("/admin/login/second-factor/", {"code": code_of(secret)})
    exhaust()
    places = [
        *_redis(),
        halfway,
        str([row.get_decoded() for row in Session.objects.all()]),
        str(list(AuditEvent.objects.values())),
        str(browser.cookies),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert TOO_MANY.replace("attempts", "Requests").lower() in caplog.text.lower()
    assert sum("address:" in place for place in places) >= 20
    assert not [place for place in places if HERE in place or PROXY in place]
    # The control: the same look finds it where it is.
    caches["default"].set("by", HERE)
    assert [place for place in _redis() if HERE in place]


def _redis() -> list[str]:
    ours: Any = caches["default"]
    redis = ours._cache.get_client(write=True)
    return [f"{key!r} {redis.get(key)!r}" for key in redis.scan_iter(ours.make_key("*"))]
