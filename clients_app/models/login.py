"""Where somebody is logged in, what they are known by, and how they come in for the first time."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.models.row import Row
from clients_app.models.user import User


class Login(Row):
    """One browser or device in which password and second factor were given. Only a hash of its
    secret is kept, so a stolen table logs nobody in. Without its row nothing opens."""

    class Kind(models.TextChoices):
        BROWSER = "browser", _("browser")
        DEVICE = "device", _("device")

    user = models.ForeignKey(User, models.CASCADE, related_name="logins")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.DEVICE)
    digest = models.BinaryField(max_length=32, unique=True)
    device = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # When the second factor was last given; what came in without one is not a login.
    confirmed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("login")
        verbose_name_plural = _("logins")
        indexes = [models.Index(fields=["expires_at"], name="login_expiry")]


class KnownDevice(Row):
    """A browser or app in which somebody logged in before: its guesses are counted apart, so that
    a stranger's do not lock its owner out."""

    user = models.ForeignKey(User, models.CASCADE, related_name="known_devices")
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("known device")
        verbose_name_plural = _("known devices")
        indexes = [models.Index(fields=["expires_at"], name="known_device_expiry")]


class Invitation(Row):
    """A link that lets somebody choose a password, once. A newer one takes its place."""

    user = models.OneToOneField(User, models.CASCADE, related_name="invitation")
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [models.Index(fields=["expires_at"], name="invitation_expiry")]
