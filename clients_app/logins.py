"""Who is at the door: a password and a second factor, in a browser or on a device.

A login is one row (`models.Login`): made when both were given, looked up at every request, gone
when it is revoked, too old or left alone for too long. The secret it stands for – a browser's
session key, a device's token – is random and shown once; the database keeps its SHA-256, enough
for random bits. The row says of which kind it is: a token in a cookie or a session key in a header
opens nothing.

Every check of a password or code goes through the wall (`guesses`). An unknown e-mail is counted
and refused like a known one, by the same work: one look for the user, one hash, one line on the
trail (OWASP ASVS 5.0, 6.3.8).
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, browser_sessions, guesses, second_factor, texts
from clients_app.errors import Hidden, Refused, Text
from clients_app.models import Invitation, KnownDevice, Login, Practice, User
from clients_app.pipeline import ask, built, columns
from clients_app.roles import Permission
from clients_app.texts import plain_email

WRONG = _("The e-mail or the password is wrong.")
SEEN_EVERY = timedelta(minutes=1)
KNOWN_FOR = timedelta(days=180)
LOGIN_WIDTH, USER_WIDTH = (len(model._meta.concrete_fields) for model in (Login, User))
# Every request of a phone asks this.
TOKEN = f"""
    SELECT {columns(Login, "t")}, {columns(User, "u")}, {columns(Practice, "p")}
    FROM {Login._meta.db_table} t
    JOIN {User._meta.db_table} u ON u.id = t.user_id
    LEFT JOIN {Practice._meta.db_table} p ON p.id = u.practice_id
    WHERE t.digest = %s AND t.kind = '{Login.Kind.DEVICE.value}'
        AND t.expires_at > %s AND t.seen_at > %s AND u.is_active
"""  # noqa: S608 names, not values


class LoginRefused(Refused):
    """Something of it is wrong; what, is not said."""

    code = "login_refused"
    status = 401

    def __init__(self, message: Text = WRONG) -> None:
        super().__init__(message)


@sensitive_variables()
def identify(email: str, password: str, *, guess: guesses.Guesses | None = None) -> User:
    """The active user with that e-mail and password. Raises LoginRefused, TooManyTries.

    It is half a login: nothing opens before the second factor was given too.
    """
    (guess or guesses.at(email)).claim()
    user = User.objects.select_related("practice").filter(email=plain_email(email)).first()
    if user is not None and _opens(user, password):
        return user
    if user is None:
        make_password(password)
    with transaction.atomic():
        audit.record("login.refused", by=user, subject_id=user.pk if user else None)
    raise LoginRefused


@sensitive_variables()
def log_in_device(
    email: str, password: str, code: str, *, device: str, known_device: str = ""
) -> tuple[Login, str, str]:
    """Log a device in: its login, its token and the value by which it is known from now on.

    Which of password and code was wrong is not said.
    """
    guess = guesses.at(email, known_device)
    try:
        user = identify(email, password, guess=guess)
        with second_factor.given(user, second_factor.Answer(code=code), guess):
            login, secret = open_device(user, device=device)
            known = know(user, known_device)
    except (LoginRefused, second_factor.CodeRefused):
        raise LoginRefused(_("The e-mail, the password or the code is wrong.")) from None
    guess.forgive()
    return login, secret, known


def open_device(user: User, *, device: str) -> tuple[Login, str]:
    """The login of a device whose user has given password and second factor."""
    secret = secrets.token_urlsafe(32)
    life = timedelta(days=settings.DEVICE_ABSOLUTE_DAYS)
    return _open(user, Login.Kind.DEVICE, secret, device, life, "login.token"), secret


def open_browser(user: User, *, session_key: str, device: str) -> Login:
    """The login of a browser whose user has given password and second factor."""
    life = timedelta(hours=settings.BROWSER_ABSOLUTE_HOURS)
    return _open(user, Login.Kind.BROWSER, session_key, device, life, "login.browser")


def of_browser(user: User, *, session_key: str) -> Login | None:
    """The living login behind a browser's session."""
    now = timezone.now()
    return Login.objects.filter(
        digest=digest(session_key),
        kind=Login.Kind.BROWSER,
        user=user,
        expires_at__gt=now,
        seen_at__gt=now - timedelta(minutes=settings.BROWSER_IDLE_MINUTES),
    ).first()


def token_of(secret: str) -> Login | None:
    """The living login of a device, its user and practice with it, in one query."""
    now = timezone.now()
    idle_since = now - timedelta(days=settings.DEVICE_IDLE_DAYS)
    row = ask(TOKEN, (digest(secret), now, idle_since))
    if row is None:
        return None
    user_at, practice_at = LOGIN_WIDTH, LOGIN_WIDTH + USER_WIDTH
    login = built(Login, row[:user_at])
    login.user = built(User, row[user_at:practice_at])
    if login.user.practice_id is not None:
        login.user.practice = built(Practice, row[practice_at:])
    return login


def seen(login: Login) -> None:
    """It is in use; written once a minute at most."""
    now = timezone.now()
    if now - login.seen_at >= SEEN_EVERY:
        Login.objects.filter(pk=login.pk, seen_at__lt=now).update(seen_at=now)


@sensitive_variables()
def confirm(answer: second_factor.Answer, *, by: User) -> datetime:
    """Give the second factor again, for the deeds that want it fresh; until when it is.

    Who is in counts their own guesses, five a login: a stranger's do not keep them from working.
    """
    login = _here()
    guess = guesses.inside(login.pk)
    with second_factor.given(by, answer, guess):
        now = timezone.now()
        Login.objects.filter(pk=login.pk).update(confirmed_at=now)
        audit.record("login.confirmed", by=by, subject_id=login.pk)
    login.confirmed_at = now
    guess.forgive()
    return now + access.CONFIRMED_FOR


def mine(*, by: User) -> QuerySet[Login]:
    """Where one is logged in, the newest first."""
    return living().filter(user=by).order_by("-created_at", "-pk")


def living() -> QuerySet[Login]:
    """The logins that have not expired; those left alone too long are deleted by night."""
    return Login.objects.filter(expires_at__gt=timezone.now())


def rename(login_id: UUID, *, by: User, device: str) -> str:
    """Call one's own device something else."""
    login = read(login_id, by=by)
    login.device = texts.checked("device", device, longest=100)
    with transaction.atomic():
        login.save(update_fields=["device"])
        audit.record("login.renamed", by=by, subject_id=login_id)
    return login.device


def read(login_id: UUID, *, by: User) -> Login:
    """One of one's own."""
    login = Login.objects.filter(pk=login_id, user=by).first()
    if login is None:
        # To see or end another's is the managers' (`users.log_out`).
        access.hide(by, Permission.USER_MANAGE, client_id=None, subject_id=login_id)
    return login


def close(login_id: UUID, *, by: User) -> None:
    """Log one of one's own browsers or devices out, from its next request on."""
    login = read(login_id, by=by)
    with transaction.atomic():
        _end([login])
        audit.record(f"logout.{EVENTS[Login.Kind(login.kind)]}", by=by, subject_id=login_id)


def close_others(*, by: User) -> int:
    """Log out everywhere but here; how many."""
    access.require_confirmed()
    with transaction.atomic():
        others = Login.objects.filter(user=by).exclude(pk=_here().pk)
        count = _end(others)
        if count:
            audit.record("logout.others", by=by, subject_id=by.pk, logins=count)
    return count


def end_all(user: User, *, but: Login | None = None) -> int:
    """Log somebody out everywhere, and know none of their devices any more, as part of a verb that
    may do so and records it."""
    KnownDevice.objects.filter(user=user).delete()
    rows = Login.objects.filter(user=user)
    return _end(rows.exclude(pk=but.pk) if but else rows)


def end_everybodys() -> int:
    """Log everybody out, know no device, void every link to choose a password, as part of a verb
    that may and records it; how many logins."""
    KnownDevice.objects.all().delete()
    Invitation.objects.all().delete()
    return _end(Login.objects.all())


def carry(login: Login, *, session_key: str) -> None:
    """The browser's session has a new key."""
    Login.objects.filter(pk=login.pk).update(digest=digest(session_key))


@sensitive_variables()
def know(user: User, known_device: str = "") -> str:
    """The value by which this device is known: the one it sent, or a new one."""
    now = timezone.now()
    if known_device:
        known = KnownDevice.objects.filter(user=user, digest=digest(known_device))
        if known.update(expires_at=now + KNOWN_FOR):
            return known_device
    value = secrets.token_urlsafe(32)
    KnownDevice.objects.create(user=user, digest=digest(value), expires_at=now + KNOWN_FOR)
    return value


def forget_expired() -> int:
    """Delete what has expired or was left alone too long; how many logins."""
    now = timezone.now()
    KnownDevice.objects.filter(expires_at__lte=now).delete()
    old = Login.objects.filter(expires_at__lte=now)
    idle = {
        Login.Kind.BROWSER: now - timedelta(minutes=settings.BROWSER_IDLE_MINUTES),
        Login.Kind.DEVICE: now - timedelta(days=settings.DEVICE_IDLE_DAYS),
    }
    return _end(old) + sum(
        _end(Login.objects.filter(kind=kind, seen_at__lte=since)) for kind, since in idle.items()
    )


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


class Backend(BaseBackend):
    """Finds the user of a browser's session. It checks no password: `identify` does."""

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.select_related("practice").filter(pk=user_id, is_active=True).first()


EVENTS = {Login.Kind.BROWSER: "browser", Login.Kind.DEVICE: "token"}


def _open(
    user: User, kind: Login.Kind, secret: str, device: str, life: timedelta, event: str
) -> Login:
    now = timezone.now()
    with transaction.atomic():
        # Whoever ends all of somebody's logins takes this row too: so either they see this login,
        # or it is seen here that the password which opened it is theirs no more.
        there = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if there.password != user.password or not there.is_active:
            raise LoginRefused
        login = Login.objects.create(
            user=user,
            kind=kind,
            digest=digest(secret),
            device=device[:100],
            created_at=now,
            seen_at=now,
            confirmed_at=now,
            expires_at=now + life,
        )
        audit.record(event, by=user, subject_id=login.pk)
    return login


def _here() -> Login:
    login = access.acting.get()
    if login is None:
        raise Hidden(_("There is nothing here that you can open."))
    return login


def _end(logins: Iterable[Login]) -> int:
    rows = list(logins)
    keys = [browser_sessions.stored(bytes(row.digest)) for row in rows]
    Session.objects.filter(session_key__in=keys).delete()
    Login.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


@sensitive_variables()
def _opens(user: User, password: str) -> bool:
    """One hash, whoever they are: Django computes one too where there is no password yet."""
    return check_password(password, user.password, _upgrade(user)) and user.is_active


def _upgrade(user: User) -> Any:
    """Hash the same password anew, as its setting by now asks; never in place of a newer one."""

    @sensitive_variables()
    def store(password: str) -> None:
        was = user.password
        user.set_password(password)
        User.objects.filter(pk=user.pk, password=was).update(password=user.password)

    return store
