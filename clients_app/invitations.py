"""How somebody comes in for the first time, or again after they forgot: a link, for one use.

Nobody chooses a password for somebody else. A manager asks for a link; whoever has it chooses the
password and then gives, or sets up, the second factor. It lasts seven days and ends with its use
or with the next one; the database keeps its hash. A mail says no more than that there is a login.
"""

import hashlib
import logging
import secrets
import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from celery import current_app
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from kombu.exceptions import OperationalError

from clients_app import access, audit, guesses, logins, second_factor, texts, users, vouching
from clients_app.errors import Conflict, Hidden, Unavailable
from clients_app.models import Invitation, User
from clients_app.roles import Permission

LIFE = timedelta(days=7)
SEND = "clients_app.tasks.send_link"
PATH = "/admin/invitation/"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """What is shown once: where to choose the password, and until when. Where mail goes out the
    link is its owner's alone, and there is no `path`: whoever makes a link must not be able to use
    it."""

    path: str | None
    expires_at: datetime
    mailed: bool


@sensitive_variables()
def invite(user_id: UUID, *, by: User | None, forget_factors: bool = False) -> Link:
    """A new link for a login of the practice. Its password, browsers and devices end now; its
    second factor stays, unless it is lost and to be forgotten too. Who could come in as them by
    that, because they see the link or because nothing else is asked for, is not believed alone:
    somebody else vouches for the login anew (`vouching`)."""
    user = users.find(user_id, by)
    if by is not None and user.pk == by.pk:
        raise Conflict(_("Change your own password yourself."))
    if not user.is_active:
        raise Conflict(_("This login is locked out. Let it in again first."))
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        user.set_unusable_password()
        if by is not None and (forget_factors or not mails()):
            vouching.introduced(user, by=by)
        user.save(update_fields=["password", *vouching.FIELDS])
        logins.end_all(user)
        if forget_factors:
            second_factor.forget(user)
        secret, expires_at = _new(user)
        audit.record(
            "invitation.made",
            by=by,
            practice_id=user.practice_id,
            subject_id=user.pk,
            second_factor_forgotten=forget_factors,
        )
    shown = by is None or not mails()
    return Link(PATH + secret + "/" if shown else None, expires_at, _mail(user, secret))


def ask(email: str) -> None:
    """Somebody says that they forgot their password. The worker looks further, so that a known
    e-mail takes as long as an unknown one. Raises TooManyTries, Unavailable."""
    guesses.mail(email).claim()
    user = User.objects.filter(email=texts.plain_email(email), is_active=True).first()
    try:
        # An id of nobody where there is nobody: the message is of the same size.
        current_app.send_task(SEND, [str(user.pk if user else uuid4())], retry=False)
    except OperationalError:
        raise Unavailable(_("The service cannot answer now. Try again in a moment.")) from None


def forgotten(user_id: UUID) -> None:
    """Mail a link to somebody who says that they forgot their password. Until it is used nothing
    changes, and it never takes the place of the second factor."""
    with transaction.atomic():
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None or not mails() or _waits_for_a_link(user):
            return
        secret, _until = _new(user)
        audit.record("invitation.asked", by=user, subject_id=user.pk)
    _mail(user, secret)


@sensitive_variables()
def of(digest: bytes) -> User:
    """Whose the link with that digest is. Raises Hidden where it was used, replaced, too old or
    never made; TooManyTries where the address has tried too many that were not."""
    guess = guesses.of_links()
    guess.claim()
    row = (
        Invitation.objects.select_related("user__practice")
        .filter(digest=digest, expires_at__gt=timezone.now(), user__is_active=True)
        .first()
    )
    if row is None:
        raise Hidden(_("This link was used already or is too old. Ask for a new one."))
    guess.forgive()
    return row.user


@sensitive_variables()
def accept(digest: bytes, *, password: str) -> User:
    """Choose the password. Half a login, as after `logins.identify`."""
    user = of(digest)
    users.set_password(user, password)
    with transaction.atomic():
        if not Invitation.objects.filter(digest=digest).delete()[0]:
            raise Hidden(_("This link was used already or is too old. Ask for a new one."))
        user.save(update_fields=["password"])
        logins.end_all(user)
        audit.record("invitation.used", by=user, subject_id=user.pk)
    return user


def mails() -> bool:
    """Whether mail goes anywhere, and the links in it lead back here."""
    return bool(settings.PUBLIC_URL) and not settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend")


def forget_expired() -> None:
    """Delete the links that are too old."""
    Invitation.objects.filter(expires_at__lte=timezone.now()).delete()


def waiting(user_id: UUID, *, by: User) -> datetime | None:
    """Until when a login's open link lasts, for whoever may make one."""
    access.require_users(by, Permission.USER_READ)
    row = Invitation.objects.filter(user_id=user_id, expires_at__gt=timezone.now()).first()
    return row.expires_at if row else None


def _waits_for_a_link(user: User) -> bool:
    """Whether the manager made one that is not used yet: a stranger's question does not end it."""
    alive = Invitation.objects.filter(user=user, expires_at__gt=timezone.now())
    return not user.has_usable_password() and alive.exists()


@sensitive_variables()
def _new(user: User) -> tuple[str, datetime]:
    secret, expires_at = secrets.token_urlsafe(32), timezone.now() + LIFE
    Invitation.objects.update_or_create(
        user=user, defaults={"digest": digest_of(secret), "expires_at": expires_at}
    )
    return secret, expires_at


@sensitive_variables()
def _mail(user: User, secret: str) -> bool:
    if not mails():
        return False
    with translation.override(settings.LANGUAGE_CODE):
        text = gettext(
            "There is a login to Usaldus for you. Choose its password here, within seven days:"
        )
        subject = gettext("Your login")
    try:
        send_mail(subject, f"{text}\n\n{settings.PUBLIC_URL}{PATH}{secret}/\n", None, [user.email])
    except (OSError, smtplib.SMTPException) as failed:
        logger.error("a mail could not be sent: %s", type(failed).__name__)
        return False
    return True


def digest_of(secret: str) -> bytes:
    """What may be kept of a link's secret."""
    return hashlib.sha256(secret.encode()).digest()
