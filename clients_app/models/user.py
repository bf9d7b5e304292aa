"""Somebody who logs in, with a practice and a role. Nothing domain-like."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from clients_app.models.practice import Practice
from clients_app.models.row import Row
from clients_app.roles import Role
from clients_app.texts import plain_email

ROLE_NAMES = {
    Role.COUNSELLOR: _("counsellor"),
    Role.SUPERVISOR: _("supervisor"),
    Role.FRONT_DESK: _("front desk"),
    Role.PRACTICE_MANAGER: _("practice manager"),
    Role.PRIVACY_OFFICER: _("privacy officer"),
}


class UserManager(BaseUserManager["User"]):
    """Finds by e-mail whatever its spelling; `createsuperuser` needs the rest."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=plain_email(username or ""))

    def create_superuser(self, email: str, password: str, **_extra: Any) -> "User":
        user = self.model(email=plain_email(email), name=email, is_superuser=True)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(Row, AbstractBaseUser):
    """Who logs in. A superuser has neither practice nor role and opens no file."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    practice = models.ForeignKey(
        Practice, models.PROTECT, null=True, blank=True, related_name="users"
    )
    role = models.CharField(
        _("role"), max_length=32, blank=True, choices=[(r.value, n) for r, n in ROLE_NAMES.items()]
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_superuser = models.BooleanField(_("superuser"), default=False, editable=False)
    # Without it the role opens nothing: see `vouching`.
    vouched_at = models.DateTimeField(null=True, editable=False)
    vouched_by = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="+"
    )
    # Who made the login, or could have let themselves in by it, since it was last vouched for.
    introduced_by = ArrayField(models.UUIDField(), default=list, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
            # For foreign keys that cannot point into another practice.
            models.UniqueConstraint(fields=["id", "practice"], name="user_within_practice"),
            models.CheckConstraint(
                name="user_role_or_superuser",
                condition=models.Q(is_superuser=True, practice=None, role="")
                | models.Q(
                    is_superuser=False, practice__isnull=False, role__in=[r.value for r in Role]
                ),
            ),
        ]
        indexes = [models.Index(fields=["practice", "name"], name="user_of_practice")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        """The admin is the practice's own door: everybody who may log in may open it."""
        return self.is_active

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's permissions open nothing here; see `roles` and `access`."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False
