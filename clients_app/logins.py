"""Who is at the door: passwords for both doors, tokens for devices.

At most five wrong passwords an account in fifteen minutes, counted by account whatever the door
or address; an unknown e-mail is counted and takes as long as a known one. A token is 256 random
bits shown once; the database keeps its SHA-256 (a hash without salt is enough for random bits).
"""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import audit
from clients_app.errors import Refused
from clients_app.models import AccessToken, Practice, User
from clients_app.pipeline import ask, built, columns

TRIES = 5
WINDOW = timedelta(minutes=15)
TOKEN_LIFE = timedelta(days=30)
TOKEN_WIDTH, USER_WIDTH = (len(model._meta.concrete_fields) for model in (AccessToken, User))
# Every request of a phone asks this.
TOKEN = f"""
    SELECT {columns(AccessToken, "t")}, {columns(User, "u")}, {columns(Practice, "p")}
    FROM {AccessToken._meta.db_table} t
    JOIN {User._meta.db_table} u ON u.id = t.user_id
    LEFT JOIN {Practice._meta.db_table} p ON p.id = u.practice_id
    WHERE t.digest = %s AND t.expires_at > %s AND u.is_active
"""  # noqa: S608 names, not values


class LoginRefused(Refused):
    """Wrong e-mail or password; which of them is not said."""

    code = "login_refused"
    status = 401

    def __init__(self) -> None:
        super().__init__(_("The e-mail or the password is wrong."))


class TooManyTries(Refused):
    """The account takes no more guesses for a while."""

    code = "too_many_tries"
    status = 429

    def __init__(self) -> None:
        super().__init__(_("Too many attempts. Wait 15 minutes, then try again."))


@sensitive_variables()
def identify(email: str, password: str) -> User:
    """The active user with that e-mail and password. Raises LoginRefused, TooManyTries."""
    email = email.strip().lower()
    counter = "login:" + hmac.digest(settings.SECRET_KEY.encode(), email.encode(), "sha256").hex()
    cache.add(counter, 0, timeout=WINDOW.total_seconds())
    try:
        tries = cache.incr(counter)
    except ValueError:  # the window closed between the two
        tries = 1
        cache.set(counter, tries, timeout=WINDOW.total_seconds())
    if tries > TRIES:
        raise TooManyTries
    user = User.objects.select_related("practice").filter(email__iexact=email).first()
    if user is None:
        make_password(password)
        raise LoginRefused
    if not (check_password(password, user.password, _upgrade(user)) and user.is_active):
        with transaction.atomic():
            audit.record("login.refused", by=user, subject_id=user.pk)
        raise LoginRefused
    cache.delete(counter)
    return user


@sensitive_variables()
def open_token(email: str, password: str, *, device: str = "") -> tuple[AccessToken, str]:
    """Log a device in: its token row and the token itself, shown this once."""
    user = identify(email, password)
    secret = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        token = AccessToken.objects.create(
            user=user,
            digest=digest(secret),
            device=device[:100],
            created_at=now,
            expires_at=now + TOKEN_LIFE,
        )
        audit.record("login.token", by=user, subject_id=token.pk)
    return token, secret


def leave(*, by: User) -> None:
    """Somebody logs out in the browser; Django's own logout then forgets the session."""
    with transaction.atomic():
        audit.record("logout.browser", by=by, subject_id=by.pk)


def close_token(token_id: UUID, *, by: User) -> None:
    """Log one of the user's own devices out; a second call finds nothing and is content."""
    with transaction.atomic():
        deleted, _rows = AccessToken.objects.filter(pk=token_id, user=by).delete()
        if deleted:
            audit.record("logout.token", by=by, subject_id=token_id)


def token_of(secret: str) -> AccessToken | None:
    """The living token with that secret, its user and practice with it, in one query."""
    row = ask(TOKEN, (digest(secret), timezone.now()))
    if row is None:
        return None
    user_at, practice_at = TOKEN_WIDTH, TOKEN_WIDTH + USER_WIDTH
    token = built(AccessToken, row[:user_at])
    token.user = built(User, row[user_at:practice_at])
    if token.user.practice_id is not None:
        token.user.practice = built(Practice, row[practice_at:])
    return token


def forget_expired() -> int:
    """Delete the tokens that have expired; how many."""
    deleted, _rows = AccessToken.objects.filter(expires_at__lte=timezone.now()).delete()
    return deleted


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


class Backend(BaseBackend):
    """The browser's login: the same check, as Django's login form wants it."""

    @sensitive_variables()
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        try:
            user = identify(username, password)
        except LoginRefused:
            return None
        with transaction.atomic():
            audit.record("login.browser", by=user, subject_id=user.pk)
        return user

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.select_related("practice").filter(pk=user_id, is_active=True).first()


def _upgrade(user: User) -> Any:
    @sensitive_variables()
    def store(password: str) -> None:
        user.set_password(password)
        user.save(update_fields=["password"])

    return store
