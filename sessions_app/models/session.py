"""The meeting: planned or held, when, how long, by what means."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models import Client, Practice, SealedRow


class Modality(models.TextChoices):
    """By what means they met."""

    IN_PERSON = "in_person", _("in person")
    VIDEO = "video", _("video")
    PHONE = "phone", _("phone")


class TherapySession(SealedRow):
    """A meeting. Its times stay readable for the calendar; where it takes place is sealed."""

    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        HELD = "held", _("held")
        CANCELLED = "cancelled", _("cancelled")
        NO_SHOW = "no_show", _("did not come")

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="sessions", db_constraint=False)
    counsellor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="sessions", db_constraint=False
    )
    starts_at = models.DateTimeField(_("starts"))
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=50)
    modality = models.CharField(_("modality"), max_length=16, choices=Modality.choices)
    status = models.CharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.PLANNED
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    place: "models.Field[Sealed, Sealed]" = SealedField()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            # For the foreign keys of notes and disclosures: of the same client.
            models.UniqueConstraint(fields=["id", "client"], name="session_of_one_client"),
            models.CheckConstraint(
                name="session_minutes_sane",
                condition=models.Q(minutes__gte=5, minutes__lte=24 * 60),
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "starts_at", "id"], name="session_calendar"),
            models.Index(fields=["counsellor", "starts_at"], name="session_of_counsellor"),
            models.Index(fields=["client", "-starts_at", "-id"], name="session_of_client"),
        ]

    @property
    def seal_version(self) -> int:
        return self.version
