"""Emergency access: one client's file, open for a quarter of an hour to somebody not in care."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models.client import Client
from clients_app.models.practice import Practice
from clients_app.models.row import SealedRow
from clients_app.models.user import User


class Reason(models.TextChoices):
    """Why it could not wait for a confidant."""

    DANGER_TO_LIFE = "danger_to_life", _("danger to life")
    MEDICAL_EMERGENCY = "medical_emergency", _("medical emergency")
    SAFEGUARDING = "safeguarding", _("a child or another person must be protected")
    CONFIDANT_UNREACHABLE = "confidant_unreachable", _("urgent, and no confidant can be reached")
    OTHER = "other", _("another reason")


class Finding(models.TextChoices):
    """What the review came to."""

    JUSTIFIED = "justified", _("justified")
    UNJUSTIFIED = "unjustified", _("not justified")
    UNCLEAR = "unclear", _("unclear")


class BreakGlass(SealedRow):
    """One emergency access. It is never changed but to end earlier and to be reviewed."""

    LIFE = timedelta(minutes=15)

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    # The role in which it was opened: in another one it opens nothing.
    role = models.CharField(_("role"), max_length=32)
    reason_code = models.CharField(_("reason"), max_length=24, choices=Reason.choices)
    reason: "models.Field[Sealed, Sealed]" = SealedField()
    opened_at = models.DateTimeField(_("opened"))
    expires_at = models.DateTimeField(_("open until"))
    ended_at = models.DateTimeField(_("given back"), null=True)
    # This row is the queue of its mails: the next try, whom they reached, and when all.
    alert_due_at = models.DateTimeField()
    alerted_ids = models.JSONField(default=list)
    alerted_at = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True)
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    finding = models.CharField(_("finding"), max_length=16, blank=True, choices=Finding.choices)
    review: "models.Field[Sealed, Sealed]" = SealedField()

    class Meta:
        verbose_name = _("emergency access")
        verbose_name_plural = _("emergency accesses")
        constraints = [
            models.CheckConstraint(
                name="break_glass_a_quarter_of_an_hour",
                condition=models.Q(expires_at__lte=models.F("opened_at") + timedelta(minutes=15)),
            ),
            models.CheckConstraint(
                name="break_glass_reviewed_by_another",
                condition=models.Q(reviewed_at=None, reviewed_by=None, finding="")
                | (
                    models.Q(reviewed_at__isnull=False, reviewed_by__isnull=False)
                    & models.Q(finding__in=Finding.values)
                    & ~models.Q(reviewed_by=models.F("user"))
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "client", "expires_at"], name="break_glass_in_force"),
            models.Index(fields=["practice", "-opened_at"], name="break_glass_of_practice"),
            models.Index(
                fields=["practice", "opened_at"],
                condition=models.Q(reviewed_at=None),
                name="break_glass_to_review",
            ),
            models.Index(
                fields=["alert_due_at"],
                condition=models.Q(alerted_at=None),
                name="break_glass_to_tell",
            ),
        ]

    @property
    def seal_version(self) -> int:
        """The review rewrites the seals."""
        return 1 if self.reviewed_at is None else 2
