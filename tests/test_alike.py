"""Who has a login here is nobody's business: a stranger sees the same, and makes the same work.

Compared are the answers to the last byte, the statements, the commands to Redis with their sizes
and the hashes. How long it takes is measured beside this (`python -m tests.bench n12`), because a
test that measures time fails by chance; what time is made of is the same here.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.contrib.auth.hashers import MD5PasswordHasher, get_hasher
from django.db import connection
from django.test import Client as Browser
from redis import Redis

from clients_app import audit, caller, guesses, invitations, logins
from clients_app.errors import Refused
from clients_app.models import AuditEvent, User
from config.settings import base
from tests.conftest import PASSWORD, Cast

# All of one length, so that what is typed and shown again is of one length too.
ACCOUNTS = {
    "unknown": "keit@kalda.example",
    "wrong password": "liis@kalda.example",
    "locked out": "mark@kalda.example",
    "invited": "jaan@kalda.example",
}
SAVEPOINT = re.compile(r'"s\d+_x\d+"')
RANDOM = re.compile(rb'(name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}')


@dataclass
class Seen:
    """What somebody saw, and what work it was."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    statements: list[str] = field(default_factory=list)
    commands: list[tuple[str, int]] = field(default_factory=list)
    hashes: list[int] = field(default_factory=list)


@pytest.fixture
def accounts(cast: Cast) -> Cast:
    """Mark has left; Jaan was invited and has no password yet; Keit has never been here."""
    User.objects.filter(pk=cast.mark.pk).update(is_active=False)
    jaan = User(email=ACCOUNTS["invited"], name="Jaan", role="counsellor", practice=cast.practice)
    jaan.set_unusable_password()
    jaan.save()
    return cast


@pytest.fixture(autouse=True)
def _mails(settings: Any) -> Iterator[None]:
    """The worker is not running: what it is given stays in Redis, until after the test."""
    settings.PUBLIC_URL = "https://notes.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    # The first message of a process opens the connection to the broker, whomever it is about.
    current_app.send_task("clients_app.tasks.send_link", [str(uuid4())])
    yield
    Redis.from_url(django_settings.REDIS_URL).delete(django_settings.CELERY_TASK_DEFAULT_QUEUE)


@contextmanager
def watched(seen: Seen) -> Iterator[None]:
    """The counting is only around the libraries; everything is as it runs."""
    encode = MD5PasswordHasher.encode
    command: Any = Redis.execute_command

    def encoded(self: Any, password: str, salt: str) -> str:
        seen.hashes.append(len(salt))
        return encode(self, password, salt)

    def commanded(self: Any, *words: Any, **options: Any) -> Any:
        seen.commands.append((str(words[0]), sum(len(str(word)) for word in words)))
        return command(self, *words, **options)

    def executed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.statements.append(SAVEPOINT.sub("", sql))
        return execute(sql, params, many, context)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(executed):
        patch.setattr(MD5PasswordHasher, "encode", encoded)
        patch.setattr(Redis, "execute_command", commanded)
        yield


def api(browser: Browser, email: str, password: str) -> Any:
    typed = {"email": email, "password": password, "code": "000000"}
    return browser.post("/api/v1/tokens", json.dumps(typed), content_type="application/json")


def admin(browser: Browser, email: str, password: str) -> Any:
    return browser.post("/admin/login/", {"username": email, "password": password})


def forgotten(browser: Browser, email: str, _password: str) -> Any:
    return browser.post("/admin/login/forgotten/", {"email": email})


Door = Callable[[Browser, str, str], Any]
DOORS: list[Door] = [api, admin, forgotten]


def look(door: Door, who: str, password: str = "guess") -> Seen:
    """Each account from an address of its own: which of an address's places is taken depends on
    the tries before, whomever they were for."""
    email, seen = ACCOUNTS[who], Seen()
    browser = Browser(REMOTE_ADDR=f"192.0.2.{list(ACCOUNTS).index(who)}")
    with watched(seen):
        answer = door(browser, email, password)
    seen.status = answer.status_code
    seen.headers = dict(answer.headers)
    body = answer.content.replace(email.encode(), b"<typed>")
    seen.body = RANDOM.sub(rb"\1<random>", body)
    cookies = {name: {**morsel} for name, morsel in answer.cookies.items()}
    for cookie in cookies.values():
        cookie.pop("expires")
    seen.headers["Set-Cookie"] = str(cookies)
    return seen


def all_looks(door: Door) -> dict[str, list[Seen]]:
    """For each account, from the first try to beyond the last that is checked."""
    return {who: [look(door, who) for _try in range(guesses.TRIES + 2)] for who in ACCOUNTS}


def differing(looks: dict[str, list[Seen]]) -> set[tuple[str, str]]:
    """By what which accounts are told apart from the one that does not exist."""
    return {
        (who, thing.name)
        for who, seen in looks.items()
        for one, other in zip(seen, looks["unknown"], strict=True)
        for thing in fields(Seen)
        if getattr(one, thing.name) != getattr(other, thing.name)
    }


@pytest.mark.parametrize("door", DOORS)
def test_whoever_has_a_login_looks_like_who_has_none(accounts: Cast, door: Door) -> None:
    looks = all_looks(door)
    assert not differing(looks)
    for seen in looks["unknown"][: guesses.TRIES]:
        assert seen.status == (401 if door is api else 200)
        assert len(seen.hashes) == (0 if door is forgotten else 1)
        assert seen.statements
        assert seen.commands
    for seen in looks["unknown"][guesses.TRIES :]:
        assert (seen.status, seen.hashes, seen.statements) == (429, [], [])


def test_the_right_password_of_who_was_locked_out_looks_wrong(accounts: Cast) -> None:
    assert look(admin, "locked out", PASSWORD) == look(admin, "unknown")


def test_an_exhausted_address_looks_like_an_exhausted_account(accounts: Cast) -> None:
    by_account = {door: all_looks(door)["unknown"][-1] for door in DOORS}
    for number in range(len(ACCOUNTS)):
        with caller.arrived({"REMOTE_ADDR": f"192.0.2.{number}"}):
            (wall,) = guesses.of_links().walls
            while wall.take():
                pass
    for door in DOORS:
        looks = all_looks(door)
        assert not differing(looks)
        for seen in looks["unknown"]:
            told = (seen.status, seen.headers, seen.body)
            by = by_account[door]
            assert told == (by.status, by.headers, by.body)


@pytest.fixture
def scrypts(accounts: Cast, settings: Any, monkeypatch: Any) -> list[tuple[int, ...]]:
    """What each hash costs where the hashers are those of production; Liis has one of today."""
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    accounts.liis.set_password(PASSWORD)
    accounts.liis.save()
    costs: list[tuple[int, ...]] = []
    scrypt = hashlib.scrypt

    def counted(*words: Any, n: int, r: int, p: int, **more: Any) -> bytes:
        costs.append((n, r, p))
        return scrypt(*words, n=n, r=r, p=p, **more)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    return costs


def test_in_production_each_costs_one_hash_of_one_price(scrypts: list[tuple[int, ...]]) -> None:
    for who in ("unknown", "wrong password", "invited"):
        look(api, who)
    assert len(scrypts) == 3
    assert len(set(scrypts)) == 1


def test_control_a_cheaper_hash_shows(accounts: Cast, scrypts: list[tuple[int, ...]]) -> None:
    """As from before the price went up: until that person comes in, it tells on them."""
    scrypt: Any = get_hasher("scrypt")
    cheap = scrypt.encode("guess", "saltsaltsaltsaltsaltsa", n=2**10)
    User.objects.filter(pk=accounts.liis.pk).update(password=cheap)
    scrypts.clear()
    for who in ("unknown", "wrong password"):
        look(api, who, "another guess")
    assert len(set(scrypts)) == 2


def test_the_trail_says_that_somebody_tried_and_not_whom_they_named(accounts: Cast) -> None:
    look(api, "unknown")
    line = AuditEvent.objects.get(event="login.refused")
    assert (line.actor_id, line.subject_id, line.practice_id, line.detail) == (None,) * 3 + ({},)
    assert line.door == "api"


def _no_hash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(logins, "make_password", lambda _password: None)


def _no_line(patch: pytest.MonkeyPatch) -> None:
    record = audit.record

    def only_of_users(event: str, *, by: Any, **more: Any) -> None:
        if by is not None:
            record(event, by=by, **more)

    patch.setattr(audit, "record", only_of_users)


def _no_count(patch: pytest.MonkeyPatch) -> None:
    at = guesses.at

    def only_of_users(email: str, known_device: str = "") -> guesses.Guesses:
        known = User.objects.filter(email=email).exists()
        return at(email, known_device) if known else guesses.Guesses(())

    patch.setattr(guesses, "at", only_of_users)


def _own_words(patch: pytest.MonkeyPatch) -> None:
    opens = logins._opens

    def said(user: User, password: str) -> bool:
        if not user.is_active:
            raise Refused("This login is locked out.")
        return opens(user, password)

    patch.setattr(logins, "_opens", said)


def _no_mail(patch: pytest.MonkeyPatch) -> None:
    """What it was like to look the user up and to send no id where there was none."""
    patch.setattr(invitations, "uuid4", lambda: None)


def _mail_at_once(patch: pytest.MonkeyPatch) -> None:
    class Now:
        def send_task(self, _name: str, ids: list[str], **_more: Any) -> None:
            invitations.forgotten(UUID(ids[0]))

    patch.setattr(invitations, "current_app", Now())


HAVE_LOGINS = ("wrong password", "locked out", "invited")
ACTIVE = ("wrong password", "invited")


@pytest.mark.parametrize(
    ("door", "careless", "by", "told"),
    [
        *[
            case
            for door in (api, admin)
            for case in (
                (door, _no_hash, "hashes", HAVE_LOGINS),
                (door, _no_line, "statements", HAVE_LOGINS),
                (door, _no_count, "commands", HAVE_LOGINS),
                (door, _own_words, "body", ("locked out",)),
            )
        ],
        (forgotten, _no_mail, "commands", ACTIVE),
        (forgotten, _mail_at_once, "statements", ACTIVE),
    ],
)
def test_control_each_carelessness_is_seen(
    accounts: Cast,
    monkeypatch: pytest.MonkeyPatch,
    door: Door,
    careless: Callable[[pytest.MonkeyPatch], None],
    by: str,
    told: tuple[str, ...],
) -> None:
    careless(monkeypatch)
    assert differing(all_looks(door)) >= {(who, by) for who in told}
