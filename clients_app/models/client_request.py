"""What a client asked of the practice and has not been answered yet."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models.client import Client
from clients_app.models.practice import Practice
from clients_app.models.row import SealedRow
from clients_app.models.user import User


class Asked(models.TextChoices):
    """What was asked for. GDPR Art. 15 and 18; a complaint has no article."""

    ACCESS = "access", _("access to the file")
    RESTRICTION = "restriction", _("restriction of processing")
    COMPLAINT = "complaint", _("complaint")


class Outcome(models.TextChoices):
    """What became of it."""

    GRANTED = "granted", _("granted")
    PARTLY_GRANTED = "partly_granted", _("granted in part")
    REFUSED = "refused", _("refused")
    LIFTED = "lifted", _("the restriction is lifted")
    SETTLED = "settled", _("settled")
    WITHDRAWN = "withdrawn", _("taken back")


class ClientRequest(SealedRow):
    """Until it is decided, nothing of this client is destroyed."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="requests", db_constraint=False)
    kind = models.CharField(_("asked for"), max_length=16, choices=Asked.choices)
    received_on = models.DateField(_("received"))
    # The day by which the client must have an answer; empty where no law names one.
    due_on = models.DateField(_("to be answered by"), null=True)
    details: "models.Field[Sealed, Sealed]" = SealedField()
    recorded_at = models.DateTimeField(_("recorded"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=16, blank=True, choices=Outcome.choices)
    answer: "models.Field[Sealed, Sealed]" = SealedField()

    class Meta:
        verbose_name = _("request of a client")
        verbose_name_plural = _("requests of clients")
        constraints = [
            models.CheckConstraint(
                name="request_decided_by_somebody",
                condition=models.Q(decided_at=None, decided_by=None, outcome="")
                | models.Q(
                    decided_at__isnull=False, decided_by__isnull=False, outcome__in=Outcome.values
                ),
            )
        ]
        indexes = [
            models.Index(
                fields=["client"], condition=models.Q(decided_at=None), name="request_open"
            ),
            models.Index(fields=["practice", "-recorded_at"], name="request_of_practice"),
        ]

    @property
    def seal_version(self) -> int:
        """The decision rewrites the seals."""
        return 1 if self.decided_at is None else 2
