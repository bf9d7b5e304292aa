"""How long files are kept, and what stops their end."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models.client import Category, Client, ServiceType
from clients_app.models.practice import Practice
from clients_app.models.row import Row, SealedRow
from clients_app.models.user import User


class Trigger(models.TextChoices):
    """The day from which a rule counts."""

    LAST_CONTACT = "last_contact", _("last contact")
    DISCHARGE = "discharge", _("discharge")
    REGISTRATION = "registration", _("registration")
    BIRTH = "birth", _("birth")
    DEATH = "death", _("death")


class Bound(models.TextChoices):
    """A floor keeps a file; a ceiling says when keeping it needs a reason."""

    FLOOR = "floor", _("kept at least")
    CEILING = "ceiling", _("not without a reason longer than")


class RecordClass(models.TextChoices):
    """Which files a rule is about."""

    FILE = "file", _("every file")
    CLIENT_FILE = "client_file", _("files of clients: a session was held")
    ENQUIRY = "enquiry", _("enquiries: no session was held")


class RetentionRule(Row):
    """One rule of a practice. Rules are never edited: one is retired, another takes its place."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="retention_rules")
    bound = models.CharField(_("says"), max_length=8, choices=Bound.choices, default=Bound.FLOOR)
    record_class = models.CharField(
        _("files"), max_length=16, choices=RecordClass.choices, default=RecordClass.FILE
    )
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
    category = models.CharField(
        _("category"),
        max_length=16,
        blank=True,
        choices=Category.choices,
        help_text=_("Empty: every client."),
    )
    trigger = models.CharField(_("counts from"), max_length=16, choices=Trigger.choices)
    years = models.PositiveSmallIntegerField(_("years"), default=0)
    months = models.PositiveSmallIntegerField(_("months"), default=0)
    days = models.PositiveSmallIntegerField(_("days"), default=0)
    until_age = models.PositiveSmallIntegerField(
        _("a minor's file until this birthday"), null=True, blank=True
    )
    # Another birthday for those who were that old: until 25, or 26 if 17 at the end.
    older_from = models.PositiveSmallIntegerField(_("from age"), null=True, blank=True)
    older_until_age = models.PositiveSmallIntegerField(
        _("until this birthday instead"), null=True, blank=True
    )
    started_from_age = models.PositiveSmallIntegerField(
        _("registered at this age or older"), null=True, blank=True
    )
    started_below_age = models.PositiveSmallIntegerField(
        _("registered below this age"), null=True, blank=True
    )
    # Only periods that begin in these years: a law that holds for care that ended from 2015 on.
    counts_from = models.DateField(_("beginning from"), null=True, blank=True)
    counts_before = models.DateField(_("beginning before"), null=True, blank=True)
    unless_died = models.BooleanField(_("not where the client has died"), default=False)
    batch_month = models.PositiveSmallIntegerField(_("month of destruction"), null=True, blank=True)
    batch_day = models.PositiveSmallIntegerField(_("day of destruction"), null=True, blank=True)
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
                name="rule_says_how_long",
                condition=(
                    models.Q(years__lte=110, months__lte=1320, days__lte=32000)
                    & (
                        models.Q(years__gt=0)
                        | models.Q(months__gt=0)
                        | models.Q(days__gt=0)
                        | models.Q(until_age__isnull=False)
                    )
                ),
            ),
            models.CheckConstraint(
                name="rule_ages_sane",
                condition=(models.Q(until_age=None) | models.Q(until_age__range=(18, 110)))
                & (
                    models.Q(older_from=None, older_until_age=None)
                    | models.Q(
                        until_age__isnull=False,
                        older_from__range=(1, 17),
                        older_until_age__range=(18, 110),
                    )
                ),
            ),
            models.CheckConstraint(
                name="rule_batch_is_a_day",
                condition=models.Q(batch_day=None, batch_month=None)
                | models.Q(batch_day__range=(1, 28))
                & (models.Q(batch_month=None) | models.Q(batch_month__range=(1, 12))),
            ),
        ]


class Shortening(Row):
    """Dates that stand are moved back to what the rules ask for: proposed, confirmed by somebody
    else, and in effect a week later."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    # The rules that were in force when it was proposed.
    rule_ids = models.JSONField(default=list)
    files = models.PositiveIntegerField(_("files that end sooner"))
    due = models.PositiveIntegerField(_("of these due at once"))
    proposed_at = models.DateTimeField(_("proposed"))
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    effective_at = models.DateTimeField(_("takes effect"))
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # When it took effect or was withdrawn.
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("shortening")
        verbose_name_plural = _("shortenings")
        constraints = [
            models.UniqueConstraint(
                fields=["practice"],
                condition=models.Q(ended_at=None),
                name="shortening_one_at_a_time",
            ),
            models.CheckConstraint(
                name="shortening_confirmed_by_another",
                condition=models.Q(confirmed_at=None, confirmed_by=None)
                | (
                    models.Q(confirmed_at__isnull=False, confirmed_by__isnull=False)
                    & ~models.Q(confirmed_by=models.F("proposed_by"))
                ),
            ),
        ]
        indexes = [models.Index(fields=["practice", "-proposed_at"], name="shortening_of_practice")]


class LegalHold(SealedRow):
    """Until it is lifted, nothing of this client is destroyed."""

    unsealed_before = frozenset({"notice_to"})

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="holds", db_constraint=False)
    matter: "models.Field[Sealed, Sealed]" = SealedField()
    reason: "models.Field[Sealed, Sealed]" = SealedField()
    # Whom to ask before it is lifted: a lawyer, a court's registry.
    notice_to: "models.Field[Sealed | None, Sealed | None]" = SealedField(null=True)
    # When it is to be looked at again. It never ends by itself: whoever forgets it loses nothing.
    until = models.DateField(_("expected until"), null=True)
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
