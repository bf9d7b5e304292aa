"""What a counsellor took out of a note or a disclosure for their supervisor."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models import (
    Agreement,
    Client,
    ConfidentialityException,
    How,
    Practice,
    SealedRow,
)
from sessions_app.models.disclosure import Disclosure
from sessions_app.models.note import SessionNote


class SupervisionExcerpt(SealedRow):
    """A text under a pseudonym, for one supervisor, until it expires or is revoked."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="excerpts")
    note = models.ForeignKey(SessionNote, models.CASCADE, null=True, related_name="+")
    disclosure = models.ForeignKey(Disclosure, models.CASCADE, null=True, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    supervisor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    # What allows it: the promise the client was given, or an exception on record.
    agreement = models.ForeignKey(Agreement, models.RESTRICT, null=True, related_name="+")
    exception = models.ForeignKey(
        ConfidentialityException, models.RESTRICT, null=True, related_name="+"
    )
    consented_at = models.DateTimeField(_("the client agreed"))
    consent_how = models.CharField(_("how"), max_length=16, choices=How.choices)
    released_at = models.DateTimeField(_("released"))
    expires_at = models.DateTimeField(_("until"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    pseudonym: "models.Field[Sealed, Sealed]" = SealedField()
    text: "models.Field[Sealed, Sealed]" = SealedField(floor=256)
    # Whether its supervisor could read it when it was looked up: `supervision` says so.
    stands: bool

    class Meta:
        verbose_name = _("excerpt for supervision")
        verbose_name_plural = _("excerpts for supervision")
        indexes = [
            models.Index(fields=["supervisor", "-id"], name="excerpt_for_supervisor"),
            models.Index(fields=["client", "-id"], name="excerpt_of_client"),
        ]
        constraints = [
            models.CheckConstraint(
                name="excerpt_of_one_source",
                condition=models.Q(note=None, disclosure__isnull=False)
                | models.Q(note__isnull=False, disclosure=None),
            ),
            models.CheckConstraint(
                name="excerpt_on_a_ground",
                condition=models.Q(agreement__isnull=False) | models.Q(exception__isnull=False),
            ),
            models.CheckConstraint(
                name="excerpt_revoked_by_somebody",
                condition=models.Q(revoked_at=None, revoked_by=None)
                | models.Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
        ]
