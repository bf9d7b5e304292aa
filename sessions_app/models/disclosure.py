"""What the client confided: the process note, apart from the record."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models import Agreement, Client, Practice, SealedRow
from sessions_app.models.session import TherapySession


class ListeningIntent(models.TextChoices):
    """What the client asks for: somebody who listens, advice, an opinion."""

    BE_HEARD = "be_heard", _("to be heard")
    ADVICE = "advice", _("advice")
    OPINION = "opinion", _("an opinion")
    BOTH = "both", _("to be heard, and advice")
    UNSURE = "unsure", _("unsure")


class Disclosure(SealedRow):
    """Never changed: a correction is a disclosure of its own that amends this one."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(
        Client, models.CASCADE, related_name="disclosures", db_constraint=False
    )
    session = models.ForeignKey(
        TherapySession, models.CASCADE, related_name="disclosures", db_constraint=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="disclosures", db_constraint=False
    )
    amends = models.ForeignKey(
        "self", models.CASCADE, null=True, related_name="amendments", db_constraint=False
    )
    # The promise under which it was said; empty where none was on record. RESTRICT: it goes with
    # the client's other rows and never by itself.
    agreement = models.ForeignKey(
        Agreement, models.RESTRICT, null=True, related_name="+", db_index=False
    )
    written_at = models.DateTimeField(_("written"))
    # Locked: only its author reads it, not even another confidant of the client.
    locked = models.BooleanField(_("locked"), default=False)
    text: "models.Field[Sealed, Sealed]" = SealedField(floor=256)
    themes: "models.Field[Sealed, Sealed]" = SealedField(floor=256)
    listening_intent: "models.Field[Sealed, Sealed]" = SealedField()
    first_told: "models.Field[Sealed, Sealed]" = SealedField()
    distress_before: "models.Field[Sealed, Sealed]" = SealedField()
    distress_after: "models.Field[Sealed, Sealed]" = SealedField()

    class Meta:
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
        constraints = [
            # For the foreign key of amendments: of the same client.
            models.UniqueConstraint(fields=["id", "client"], name="disclosure_of_one_client")
        ]
        indexes = [
            models.Index(fields=["client", "-id"], name="disclosure_of_client"),
            models.Index(fields=["session", "-id"], name="disclosure_of_session"),
            models.Index(fields=["amends"], name="disclosure_amendments"),
            # For the foreign key, when a file is destroyed.
            models.Index(
                fields=["agreement"],
                condition=models.Q(agreement__isnull=False),
                name="disclosure_agreement",
            ),
        ]
