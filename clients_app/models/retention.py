"""How long files are kept, and what stops their end."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models.client import Client, ServiceType
from clients_app.models.practice import Practice
from clients_app.models.row import Row, SealedRow
from clients_app.models.user import User


class Trigger(models.TextChoices):
    """The day from which an adult's period runs."""

    LAST_CONTACT = "last_contact", _("last contact")
    DISCHARGE = "discharge", _("discharge")


class RetentionRule(Row):
    """One rule of a practice. Rules are never edited: one is retired, another takes its place."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="retention_rules")
    service_type = models.CharField(
        _("service"),
        max_length=16,
        blank=True,
        choices=ServiceType.choices,
        help_text=_("Empty: every service."),
    )
    jurisdiction = models.CharField(
        _("jurisdiction"), max_length=8, blank=True, help_text=_("Empty: every jurisdiction.")
    )
    trigger = models.CharField(_("runs from"), max_length=16, choices=Trigger.choices)
    adult_years = models.PositiveSmallIntegerField(_("years"))
    minor_until_age = models.PositiveSmallIntegerField(
        _("a minor's file until this birthday"), null=True, blank=True
    )
    source = models.CharField(
        _("source"), max_length=300, help_text=_("The law, code or policy that says so.")
    )
    decided_at = models.DateTimeField(_("decided"))
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(_("retired"), null=True)

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        indexes = [models.Index(fields=["practice", "retired_at"], name="rule_of_practice")]
        constraints = [
            models.CheckConstraint(
                name="rule_years_sane",
                condition=models.Q(adult_years__gte=1, adult_years__lte=110)
                & (
                    models.Q(minor_until_age=None)
                    | models.Q(minor_until_age__gte=18, minor_until_age__lte=110)
                ),
            )
        ]


class LegalHold(SealedRow):
    """Until it is lifted, nothing of this client is destroyed."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="holds", db_constraint=False)
    matter: "models.Field[Sealed, Sealed]" = SealedField()
    reason: "models.Field[Sealed, Sealed]" = SealedField()
    placed_at = models.DateTimeField(_("placed"))
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(_("lifted"), null=True)
    lifted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        constraints = [
            models.CheckConstraint(
                name="hold_lifted_by_somebody",
                condition=models.Q(lifted_at=None, lifted_by=None)
                | models.Q(lifted_at__isnull=False, lifted_by__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                fields=["client"], condition=models.Q(lifted_at=None), name="hold_in_force"
            ),
            models.Index(fields=["practice", "-placed_at"], name="hold_of_practice"),
        ]
