"""The client's file: who they are (sealed), how long it is kept, and the key that opens it."""

from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField, Wrapped, WrappedKeyField
from clients_app.models.practice import Practice
from clients_app.models.row import Row, SealedRow


class Kind(models.TextChoices):
    """Who is in care together under one file."""

    PERSON = "person", _("person")
    COUPLE = "couple", _("couple")
    FAMILY = "family", _("family")
    GROUP = "group", _("group")


class ServiceType(models.TextChoices):
    """What is provided; in some countries the law that governs the file depends on it."""

    COUNSELLING = "counselling", _("counselling")
    PSYCHOTHERAPY = "psychotherapy", _("psychotherapy")
    HEALTH_SERVICE = "health_service", _("health service")


class Category(models.TextChoices):
    """What else some rules of retention ask about."""

    CARE_EXPERIENCED = "care_experienced", _("looked after as a child")
    MANDATED = "mandated", _("sent by a court or an authority")
    FUNDED = "funded", _("paid for by an insurer or employer")


class Client(SealedRow):
    """A person, couple, family or group in care. Outside the file they are a code."""

    unsealed_before = frozenset({"category", "death_date"})

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="clients")
    code = models.CharField(_("code"), max_length=32)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.PERSON)
    service_type = models.CharField(
        _("service"), max_length=16, choices=ServiceType.choices, default=ServiceType.COUNSELLING
    )
    jurisdiction = models.CharField(_("jurisdiction"), max_length=8)
    registered_at = models.DateTimeField(_("registered"))
    version = models.PositiveIntegerField(default=1, editable=False)

    full_name: "models.Field[Sealed, Sealed]" = SealedField()
    preferred_name: "models.Field[Sealed, Sealed]" = SealedField()
    pronouns: "models.Field[Sealed, Sealed]" = SealedField()
    birth_date: "models.Field[Sealed, Sealed]" = SealedField()
    phone: "models.Field[Sealed, Sealed]" = SealedField()
    email: "models.Field[Sealed, Sealed]" = SealedField()
    address: "models.Field[Sealed, Sealed]" = SealedField()
    trusted_person: "models.Field[Sealed, Sealed]" = SealedField()
    category: "models.Field[Sealed | None, Sealed | None]" = SealedField(null=True)
    death_date: "models.Field[Sealed | None, Sealed | None]" = SealedField(null=True)

    last_contact_on = models.DateField(_("last contact"), null=True, editable=False)
    discharged_on = models.DateField(_("discharged"), null=True, editable=False)
    # The last day on which the file is kept. Empty in care, and where no rule gives a date.
    retain_until = models.DateField(_("kept until"), null=True, editable=False)
    # When the date was made an earlier one than was said before: its end needs a second person.
    shortened_at = models.DateTimeField(null=True, editable=False)
    governing_rule_id = models.UUIDField(null=True, editable=False)

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        constraints = [
            models.UniqueConstraint(fields=["practice", "code"], name="client_code_unique"),
            # For the foreign keys of its rows, which cannot point into another practice.
            models.UniqueConstraint(fields=["id", "practice"], name="client_of_practice"),
            models.CheckConstraint(
                name="client_kept_until_only_after_discharge",
                condition=models.Q(retain_until=None) | models.Q(discharged_on__isnull=False),
            ),
            models.CheckConstraint(
                name="client_kept_until_by_a_rule",
                condition=models.Q(retain_until=None, governing_rule_id=None)
                | models.Q(retain_until__isnull=False, governing_rule_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["practice", "retain_until", "id"],
                condition=models.Q(retain_until__isnull=False),
                name="client_due",
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def file_id(self) -> UUID:
        return self.pk

    @property
    def seal_version(self) -> int:
        return self.version


class ClientKey(Row):
    """The client's data key, wrapped by a master key. Destroying this row destroys the file."""

    practice = models.ForeignKey(
        Practice, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    client = models.OneToOneField(Client, models.CASCADE, related_name="key", db_constraint=False)
    wrapped: "models.Field[Wrapped, Wrapped]" = WrappedKeyField()
    master_key = models.CharField(
        max_length=16, db_index=True, help_text="Fingerprint of the master key that wraps it."
    )
    wrapped_at = models.DateTimeField()

    class Meta:
        verbose_name = _("client key")
        verbose_name_plural = _("client keys")
