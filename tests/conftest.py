"""The cast. Two counsellors and the staff of one practice, a stranger from another.

Liis confides in nobody and everybody in her: most clients here are hers. Mark is her colleague,
Olga works elsewhere. The tests tell what each of them may do.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client as Browser
from django.utils import timezone, translation
from rest_framework.test import APIClient

from clients_app import (
    agreements,
    clients,
    destruction,
    exceptions,
    logins,
    owner,
    promises,
    seals,
    second_factor,
    users,
    wall,
    wording,
)
from clients_app.admin import entry
from clients_app.browser_sessions import SessionStore
from clients_app.models import (
    Agreement,
    AuditEvent,
    Client,
    ConfidentialityException,
    ConfidentialityStatement,
    Practice,
    PurgeRun,
    User,
)
from sessions_app import disclosures, notes, sessions, supervision
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt, TherapySession

PASSWORD = "seven quiet herons at dawn"


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    """Login attempts are counted in Redis; no test inherits another's. `clear` would empty the
    database under the feet of the tests in other processes."""
    ours: Any = cache
    redis = ours._cache.get_client(write=True)
    for key in redis.scan_iter(ours.make_key("*")):
        redis.delete(key)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The databases of the suite are made by their owner; the tests are not the owner."""
    owner.connect_as_owner()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        owner.connect_as_application()
    yield
    with django_db_blocker.unblock():
        owner.connect_as_owner()


@pytest.fixture(autouse=True)
def _an_empty_ledger(settings: Any, tmp_path: Path) -> None:
    """As the database of each test is new, so is what it knows of the erasure ledger."""
    settings.ERASURE_LEDGER_FILE = str(tmp_path / "erased.jsonl")


@pytest.fixture(autouse=True)
def _the_system_asks() -> Iterator[None]:
    """A test looks at all rows and calls verbs as a command would; a request that it makes is
    shown what its user may see, like any (`test_second_wall`)."""
    with wall.system("tests"):
        yield


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A page that a test reads in Estonian leaves its thread speaking it."""
    yield
    translation.deactivate()


@pytest.fixture
def _the_trail_as_before(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """After a test with real transactions comes TRUNCATE, which is the owner's, and which the trail
    refuses even to them: they take its trigger off for that moment and put it on again here."""
    yield
    if _truncated(request):
        with django_db_blocker.unblock():
            _trigger("ENABLE")
            owner.connect_as_application()


@pytest.fixture
def _django_db_helper(
    _the_trail_as_before: None, _django_db_helper: None, request: pytest.FixtureRequest
) -> Iterator[None]:
    yield
    if _truncated(request):
        owner.connect_as_owner()
        _trigger("DISABLE")


def _truncated(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))


def _trigger(verb: str) -> None:
    with connection.cursor() as cursor:
        for table in owner.APPEND_ONLY:
            cursor.execute(f"ALTER TABLE {table} {verb} TRIGGER USER")


@dataclass
class Cast:
    """Everybody who appears."""

    practice: Practice
    liis: User
    mark: User
    sofia: User
    frida: User
    mattias: User
    piret: User
    olga: User
    root: User


@pytest.fixture
def cast(db: None) -> Cast:
    """Liis and Mark (counsellors), Sofia (supervisor), Frida (front desk), Mattias (manager),
    Piret (privacy officer); Olga (counsellor elsewhere); root (superuser)."""
    here = Practice.objects.create(name="Kalda nõustamine", slug="kalda")
    there = Practice.objects.create(name="Elsewhere", slug="elsewhere")

    def hire(name: str, role: str, practice: Practice = here) -> User:
        return users.create(
            by=None,
            email=f"{name.lower()}@{practice.slug}.example",
            name=name,
            role=role,
            password=PASSWORD,
            practice=practice,
        )

    return Cast(
        practice=here,
        liis=hire("Liis", "counsellor"),
        mark=hire("Mark", "counsellor"),
        sofia=hire("Sofia", "supervisor"),
        frida=hire("Frida", "front_desk"),
        mattias=hire("Mattias", "practice_manager"),
        piret=hire("Piret", "privacy_officer"),
        olga=hire("Olga", "counsellor", there),
        root=User.objects.create_superuser("root@server.example", PASSWORD),
    )


@pytest.fixture
def mari(cast: Cast) -> Client:
    """A client in Liis's care."""
    return clients.register(
        by=cast.liis,
        identity={
            "full_name": "Mari Maasikas",
            "preferred_name": "Mari",
            "birth_date": "1990-05-17",
            "phone": "+372 5550 1234",
            "email": "mari@mail.example",
        },
    )


@pytest.fixture
def meeting(cast: Cast, mari: Client) -> TherapySession:
    """A session that Liis held with Mari yesterday."""
    return sessions.plan(
        mari.pk, by=cast.liis, starts_at=yesterday(), status="held", place="Room 2"
    )


@pytest.fixture
def note(cast: Cast, meeting: TherapySession) -> SessionNote:
    """Liis's signed note of it."""
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "Mari came and spoke."})
    return notes.sign(draft.pk, by=cast.liis, version=1)


@pytest.fixture
def confided(cast: Cast, meeting: TherapySession) -> Disclosure:
    """What Mari confided to Liis there."""
    return disclosures.write(
        meeting.pk,
        by=cast.liis,
        text="I have never told anybody that I lied to my brother.",
        themes=["lying", "family"],
        listening_intent="be_heard",
        first_told=True,
        distress_before=8,
        distress_after=5,
    )


@pytest.fixture
def promise(cast: Cast) -> ConfidentialityStatement:
    """What the practice promises, in English, since last month."""
    return promised(cast, timezone.now() - timedelta(days=30))


@pytest.fixture
def agreed(cast: Cast, mari: Client, promise: ConfidentialityStatement) -> Agreement:
    """Liis gave it to Mari two days ago."""
    return agreements.record(
        mari.pk,
        by=cast.liis,
        statement=promise.pk,
        how="spoken",
        given_at=timezone.now() - timedelta(days=2),
    )


@pytest.fixture
def told(cast: Cast, mari: Client) -> ConfidentialityException:
    """Liis had to call for help once."""
    return exceptions.record(
        mari.pk,
        by=cast.liis,
        ground="danger_to_life",
        recipient="Emergency line",
        content="Where she is.",
    )


@pytest.fixture
def released(cast: Cast, agreed: Agreement, note: SessionNote) -> SupervisionExcerpt:
    """What Liis gave Sofia of her note of Mari."""
    return supervision.release(
        note.client_id,
        by=cast.liis,
        note=note.pk,
        text="She came and spoke.",
        pseudonym="Kadri",
        supervisor=cast.sofia.pk,
        consent_how="spoken",
    )


@pytest.fixture
def phone(cast: Cast) -> Callable[[User], APIClient]:
    """A phone on which somebody is logged in to the API."""

    def open_for(user: User) -> APIClient:
        _login, secret = logins.open_device(user, device="phone")
        return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")

    return open_for


@pytest.fixture
def desk(cast: Cast) -> Callable[[User], Browser]:
    """A browser in which somebody is logged in to the admin."""

    def open_for(user: User) -> Browser:
        browser = Browser()
        let_in(browser, user)
        return browser

    return open_for


def let_in(browser: Browser, user: User) -> str:
    """As the door does when password and second factor were given; the session's key."""
    request = HttpRequest()
    request.session = SessionStore()
    entry.enter(request, user)
    request.session.save()
    key = request.session.session_key
    assert key is not None
    browser.cookies[settings.SESSION_COOKIE_NAME] = key
    return key


def officer_elsewhere(cast: Cast) -> User:
    """Ove, privacy officer where Olga works."""
    return users.create(
        by=None,
        email="ove@elsewhere.example",
        name="Ove",
        role="privacy_officer",
        password=PASSWORD,
        practice=cast.olga.practice,
    )


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were put through the hash, of accounts that exist and that do not."""
    seen: list[str] = []
    encode = MD5PasswordHasher.encode

    def encoded(self: Any, password: str, salt: str) -> str:
        seen.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encoded)
    return seen


def app_of(user: User) -> str:
    """Give somebody an authenticator app; its secret. Its first code is used up: that of half a
    minute ago."""
    offered = second_factor.offer_totp(user)
    secret, _picture = second_factor.shown_totp(user, offered)
    prove_app(user, offered, secret)
    return secret


def prove_app(user: User, offered: str, secret: str) -> None:
    """With the code of half a minute ago. The clock stands still: a half minute that began in
    between would make it the last but one, which no longer counts."""
    with time_machine.travel(timezone.now(), tick=False):
        second_factor.add_totp(offered, code_of(secret, -1), by=user)


def code_of(secret: str, steps: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    now = int(time.time()) // 30
    code: str = totp.format_hotp_value(totp.hotp_value(secret, now + steps))
    return code


def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Ask again every tenth of a second, and fail after that many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.1)


def somebody_waits() -> bool:
    """For a lock that somebody else holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        waits: bool = cursor.fetchone()[0]
    return waits


def all_is_over() -> None:
    """Other tests' transactions in the same cluster hold the horizon up while they last."""
    until(lambda: seals.clock().horizon > seals.clock().highest, seconds=120)


def seal_everything() -> None:
    all_is_over()
    list(seals.seal_all())
    assert seals.state().waits_since is None


@contextmanager
def undone(really: bool = True) -> Iterator[None]:
    """Whatever is done inside has never been."""
    with transaction.atomic():
        yield
        if really:
            transaction.set_rollback(True)


def scrubbed(run: PurgeRun) -> bool:
    """Whether the sweep, asked once more as beat does every minute, has rewritten the key table.
    PostgreSQL's own autovacuum may hold an older view of the world for a moment."""
    destruction.execute(until=timezone.now() + timedelta(minutes=1))
    run.refresh_from_db()
    return run.scrubbed_at is not None


def promised(cast: Cast, at: datetime, language: str = "en") -> ConfidentialityStatement:
    """The next version of the practice's promise, published by Piret at that moment."""
    draft = promises.draft(language, by=cast.piret, text=wording_of(language), now=at)
    return promises.publish(draft.pk, by=cast.piret, version=1, now=at)


def wording_of(language: str) -> str:
    """The shipped wording, filled in."""
    return re.sub(r"\[[^\]]*\]", "7", wording.shipped(language))


def yesterday() -> datetime:
    return timezone.now() - timedelta(days=1)


def trail(**wanted: Any) -> list[str]:
    """The events on the trail, oldest first."""
    return list(AuditEvent.objects.filter(**wanted).order_by("id").values_list("event", flat=True))
