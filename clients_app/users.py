"""Logins of a practice: the manager's own practice, or any practice for the superuser."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, break_glass, guesses, logins, texts, vouching
from clients_app.errors import Conflict, Hidden, Invalid
from clients_app.models import Login, Practice, User
from clients_app.roles import Permission, Role


def browse(*, by: User) -> QuerySet[User]:
    """The logins this user may see: of their practice, or all for the superuser."""
    access.require_users(by, Permission.USER_READ)
    rows = User.objects.select_related("practice").order_by("practice__name", "name", "pk")
    return rows if by.is_superuser else rows.filter(practice=access.practice_of(by))


def read(user_id: UUID, *, by: User) -> User:
    """One login of a practice."""
    user = User.objects.select_related("practice").filter(pk=user_id, is_superuser=False).first()
    access.require_users(
        by, Permission.USER_READ, user.practice_id if user else None, subject_id=user_id
    )
    if user is None:
        access.hide(by, Permission.USER_READ, client_id=None, subject_id=user_id)
    return user


def names(user_ids: Iterable[UUID], *, by: User) -> dict[UUID, str]:
    """What colleagues of the own practice are called, for pages that say who did something."""
    rows = User.objects.filter(pk__in=set(user_ids), practice=access.practice_of(by))
    return dict(rows.values_list("pk", "name"))


def colleagues(*, by: User) -> dict[UUID, str]:
    """Everybody who has or had a login of the own practice, by name."""
    rows = User.objects.filter(practice=access.practice_of(by)).order_by("name", "pk")
    return dict(rows.values_list("pk", "name"))


@sensitive_variables()
def create(
    *,
    by: User | None,
    email: str,
    name: str,
    role: str,
    password: str | None = None,
    practice: Practice | None = None,
) -> User:
    """A new login, in the actor's own practice unless another is named. `by=None` is the operator's
    command line, which alone may choose a password; everybody else is sent a link to choose one
    (`invitations.invite`). It opens nothing before somebody else vouched for it (`vouching`).

    Raises Invalid for an e-mail, role or password that will not do, Conflict for an e-mail that
    has a login already.
    """
    if practice is None and by is not None:
        practice = by.practice
    if by is not None:
        access.require_users(by, Permission.USER_MANAGE, practice.pk if practice else None)
    if practice is None:
        raise Invalid("practice", _("Choose the practice."))
    user = User(
        email=_checked_email(email),
        name=texts.checked("name", name, longest=200),
        role=_checked_role(role),
        practice=practice,
    )
    if password is None:
        user.set_unusable_password()
    else:
        set_password(user, password)
    if vouching.founds(practice, by=by):
        user.vouched_at = timezone.now()
    elif by is not None:
        vouching.introduced(user, by=by)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            audit.record(
                "user.created",
                by=by,
                practice_id=practice.pk,
                subject_id=user.pk,
                role=user.role,
                vouched=user.vouched_at is not None,
            )
    except IntegrityError as refused:
        if "clients_app_user_email" not in str(refused) and "user_email_unique" not in str(refused):
            raise
        raise Conflict(_("This e-mail has a login already.")) from None
    return user


def stand_in(user_id: UUID, practice_id: UUID) -> User:
    """The login of that id; where a restore has lost it, one in its place that nobody can use, so
    that what they decided can be shown. As part of `reconciliation`."""
    user = User.objects.filter(pk=user_id).first()
    if user is not None:
        return user
    user = User(
        id=user_id,
        practice_id=practice_id,
        email=f"lost-{user_id}@restored.invalid",
        name=gettext("Somebody lost in a restore"),
        role=Role.PRIVACY_OFFICER,
        is_active=False,
    )
    user.set_unusable_password()
    user.save(force_insert=True)
    audit.record("user.stood_in", by=None, practice_id=practice_id, subject_id=user_id)
    return user


def change(user_id: UUID, *, by: User, name: str, role: str, is_active: bool) -> User:
    """Change a login. A new role or a disabled login holds at the next request everywhere; for a
    new role somebody else has to vouch anew."""
    found = find(user_id, by)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=found.pk)
        if user.pk == by.pk:
            raise Conflict(_("Nobody changes their own role or access. Ask a colleague."))
        before: dict[str, Any] = {"was_role": user.role, "was_active": user.is_active}
        before["renamed"] = user.name != texts.checked("name", name, longest=200)
        user.name = name
        user.role, user.is_active = _checked_role(role), is_active
        if user.role != before["was_role"]:
            vouching.introduced(user, by=by)
        user.save(update_fields=["name", "role", "is_active", *vouching.FIELDS])
        if not is_active or user.role != before["was_role"]:
            break_glass.end_all(user, by=by)
        if not is_active:
            logins.end_all(user)
        audit.record(
            "user.changed",
            by=by,
            practice_id=user.practice_id,
            subject_id=user.pk,
            role=user.role,
            active=is_active,
            **before,
        )
    return user


def lock_out(user_id: UUID, *, by: User | None) -> None:
    """Disable a login, from the next request on everywhere. For `handovers`, in the transaction
    of a decision that two people took; otherwise a login is disabled by `change`."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    logins.end_all(user)
    if user.is_active:
        user.is_active = False
        user.save(update_fields=["is_active"])
        audit.record(
            "user.changed",
            by=by,
            practice_id=user.practice_id,
            subject_id=user.pk,
            role=user.role,
            active=False,
            was_role=user.role,
            was_active=True,
        )


@sensitive_variables()
def reset_password(user_id: UUID, *, by: User, password: str) -> User:
    """Give a login a new password, for the demonstration: no door leads here, because nobody
    chooses another's password. Its browsers and devices have to log in again."""
    user = find(user_id, by)
    set_password(user, password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        logins.end_all(user)
        audit.record("user.password_reset", by=by, practice_id=user.practice_id, subject_id=user.pk)
    return user


@sensitive_variables()
def change_own_password(*, by: User, old: str, new: str, here: Login | None = None) -> None:
    """Change one's own password, knowing the old one; other devices have to log in again, and this
    one too unless its login is given.

    Guesses of the old one count like those at the door, apart for each login: raises Invalid,
    TooManyTries.
    """
    acting = access.acting.get()
    guess = guesses.inside(acting.pk) if acting else guesses.at(by.email)
    try:
        logins.identify(by.email, old, guess=guess)
    except logins.LoginRefused:
        raise Invalid("old", _("This is not your present password.")) from None
    set_password(by, new, field="new")
    with transaction.atomic():
        by.save(update_fields=["password"])
        logins.end_all(by, but=here)
        audit.record("user.password_changed", by=by, subject_id=by.pk)
    guess.forgive()


def logins_of(user_id: UUID, *, by: User) -> int:
    """In how many browsers and devices somebody of the practice is logged in."""
    return logins.living().filter(user=read(user_id, by=by)).count()


def log_out(user_id: UUID, *, by: User) -> int:
    """Log somebody of the practice out everywhere; of how many browsers and devices."""
    user = find(user_id, by)
    with transaction.atomic():
        count = logins.end_all(user)
        audit.record(
            "user.logged_out",
            by=by,
            practice_id=user.practice_id,
            subject_id=user.pk,
            logins=count,
        )
    return count


def find(user_id: UUID, by: User | None) -> User:
    """A login that this user may manage, or Denied, Hidden. `by=None` is the command line."""
    user = User.objects.filter(pk=user_id, is_superuser=False).first()
    if by is None and user is not None:
        return user
    if by is None:
        raise Hidden(_("There is nothing here that you can open."))
    access.require_users(
        by, Permission.USER_MANAGE, user.practice_id if user else None, subject_id=user_id
    )
    if user is None:
        access.hide(by, Permission.USER_MANAGE, client_id=None, subject_id=user_id)
    return user


def _checked_email(email: str) -> str:
    email = texts.plain_email(email)
    texts.checked("email", email, longest=254)
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid("email", _("This is not an e-mail address.")) from None
    return email


def _checked_role(role: str) -> str:
    if role not in list(Role):
        raise Invalid("role", _("Choose one of the listed values."))
    return role


@sensitive_variables()
def set_password(user: User, password: str, *, field: str = "password") -> None:
    """Put a password that will do on an unsaved user. Raises Invalid."""
    try:
        validate_password(password, user)
    except ValidationError as refused:
        raise Invalid(field, " ".join(refused.messages)) from None
    user.set_password(password)
