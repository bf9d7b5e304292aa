"""The promise ledger: what was promised, to whom, and each time it could not be kept whole.

Triggers in the database (migration 0003) keep it honest: a published wording never changes, an
agreement only gains its withdrawal, an exception and the line that the client was told never
change. The lines about a client go when the client's data key is destroyed, and not before.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models.client import Client
from clients_app.models.practice import Practice
from clients_app.models.row import Row, SealedRow
from clients_app.models.user import User


class Language(models.TextChoices):
    """The languages in which the promise is given."""

    ENGLISH = "en", _("English")
    ESTONIAN = "et", _("Estonian")


class How(models.TextChoices):
    """How the client was given it, or said yes."""

    SPOKEN = "spoken", _("spoken")
    PAPER = "paper", _("on paper")
    ELECTRONIC = "electronic", _("electronically")


class Ground(models.TextChoices):
    """Why something had to be told. The law behind each: `exceptions.SOURCES`."""

    DANGER_TO_LIFE = "danger_to_life", _("danger to life")
    CHILD_PROTECTION = "child_protection", _("a child in need of help")
    DEPENDENT_PERSON = "dependent_person", _("harm to a person who depends on others")
    MEDICAL_EMERGENCY = "medical_emergency", _("medical emergency")
    SERIOUS_CRIME = "serious_crime", _("a crime that must be reported")
    COURT_ORDER = "court_order", _("order of a court")
    LEGAL_DUTY = "legal_duty", _("another duty by law")
    CLIENTS_CONSENT = "clients_consent", _("the client’s own consent")


class Told(models.TextChoices):
    """Whether the client knows that it was told."""

    YES = "yes", _("the client knows")
    NOT_YET = "not_yet", _("the client does not know yet")
    NO = "no", _("the client is not told")


class ConfidentialityStatement(Row):
    """One version of the practice's promise in one language, with its lawful exceptions."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    language = models.CharField(_("language"), max_length=2, choices=Language.choices)
    number = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("wording"))
    # Counts the revisions of the draft.
    version = models.PositiveIntegerField(default=1)
    drafted_at = models.DateTimeField(_("drafted"))
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_at = models.DateTimeField(_("published"), null=True)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(_("retired"), null=True)

    class Meta:
        verbose_name = _("confidentiality statement")
        verbose_name_plural = _("confidentiality statements")
        constraints = [
            models.UniqueConstraint(fields=["id", "practice"], name="statement_within_practice"),
            models.UniqueConstraint(
                fields=["practice", "language", "number"], name="statement_number_once"
            ),
            models.UniqueConstraint(
                fields=["practice", "language"],
                condition=models.Q(published_at=None),
                name="statement_one_draft",
            ),
            models.UniqueConstraint(
                fields=["practice", "language"],
                condition=models.Q(published_at__isnull=False, retired_at=None),
                name="statement_one_in_force",
            ),
            models.CheckConstraint(
                name="statement_published_by_somebody",
                condition=models.Q(published_at=None, published_by=None, retired_at=None)
                | models.Q(published_at__isnull=False, published_by__isnull=False),
            ),
        ]


class Agreement(Row):
    """That this client was given this version. A later one supersedes it."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="agreements")
    statement = models.ForeignKey(
        ConfidentialityStatement, models.PROTECT, related_name="agreements"
    )
    given_at = models.DateTimeField(_("given"))
    how = models.CharField(_("how"), max_length=16, choices=How.choices)
    recorded_at = models.DateTimeField(_("recorded"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        indexes = [
            models.Index(fields=["client", "-given_at", "-id"], name="agreement_of_client"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "client"], name="agreement_of_one_client"),
            models.CheckConstraint(
                name="agreement_withdrawn_by_somebody",
                condition=models.Q(withdrawn_at=None, withdrawn_by=None)
                | models.Q(withdrawn_at__gte=models.F("given_at"), withdrawn_by__isnull=False),
            ),
        ]


class ConfidentialityException(SealedRow):
    """One time something had to be told: why, to whom, and how little."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="exceptions")
    ground = models.CharField(_("ground"), max_length=24, choices=Ground.choices)
    recipient: "models.Field[Sealed, Sealed]" = SealedField()
    content: "models.Field[Sealed, Sealed]" = SealedField(floor=256)
    # The note or disclosure that it concerns, known to the app that has them.
    about_id = models.UUIDField(null=True)
    decided_at = models.DateTimeField(_("decided"))
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(_("recorded"))
    told = models.CharField(_("client told"), max_length=8, choices=Told.choices)
    told_at = models.DateTimeField(_("told"), null=True)
    why_not_told: "models.Field[Sealed, Sealed]" = SealedField()

    class Meta:
        verbose_name = _("exception to confidentiality")
        verbose_name_plural = _("exceptions to confidentiality")
        indexes = [
            models.Index(fields=["practice", "-id"], name="exception_of_practice"),
            models.Index(fields=["client", "-id"], name="exception_of_client"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "client"], name="exception_of_one_client"),
            models.CheckConstraint(
                name="exception_told_when",
                condition=models.Q(told="yes", told_at__isnull=False)
                | (~models.Q(told="yes") & models.Q(told_at=None)),
            ),
        ]


class ClientTold(Row):
    """That the client was told of an exception later on."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    exception = models.OneToOneField(
        ConfidentialityException, models.CASCADE, related_name="telling"
    )
    told_at = models.DateTimeField(_("told"))
    recorded_at = models.DateTimeField(_("recorded"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("telling of the client")
        verbose_name_plural = _("tellings of clients")
