"""The progress note in the client's record."""

from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.fields import Sealed, SealedField
from clients_app.models import Client, Practice, SealedRow
from sessions_app.models.session import TherapySession


class Format(models.TextChoices):
    """How the note is divided. Sealed with the note: the format too tells of the work."""

    NARRATIVE = "narrative", _("narrative")
    SOAP = "soap", "SOAP"
    DAP = "dap", "DAP"
    BIRP = "birp", "BIRP"
    GIRP = "girp", "GIRP"


FORMATS: Mapping[Format, tuple[str, ...]] = {
    Format.NARRATIVE: ("text",),
    Format.SOAP: ("subjective", "objective", "assessment", "plan"),
    Format.DAP: ("data", "assessment", "plan"),
    Format.BIRP: ("behavior", "intervention", "response", "plan"),
    Format.GIRP: ("goal", "intervention", "response", "plan"),
}


class SessionNote(SealedRow):
    """Draft until signed; signed it never changes, an addendum is a note of its own."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="notes", db_constraint=False)
    session = models.ForeignKey(
        TherapySession, models.CASCADE, related_name="notes", db_constraint=False
    )
    # The start of the session, kept here so that the timeline is one index.
    session_at = models.DateTimeField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="notes", db_constraint=False
    )
    adds_to = models.ForeignKey(
        "self", models.CASCADE, null=True, related_name="addenda", db_constraint=False
    )
    written_at = models.DateTimeField(_("written"))
    revised_at = models.DateTimeField(_("revised"))
    signed_at = models.DateTimeField(_("signed"), null=True)
    version = models.PositiveIntegerField(default=1)
    format: "models.Field[Sealed, Sealed]" = SealedField()
    body: "models.Field[Sealed, Sealed]" = SealedField(floor=256)

    class Meta:
        verbose_name = _("session note")
        verbose_name_plural = _("session notes")
        constraints = [
            # For the foreign keys of addenda and versions: of the same client.
            models.UniqueConstraint(fields=["id", "client"], name="note_of_one_client")
        ]
        indexes = [
            models.Index(fields=["client", "-session_at", "-id"], name="note_timeline"),
            models.Index(fields=["session"], name="note_of_session"),
            models.Index(
                fields=["author", "-session_at", "-id"],
                condition=models.Q(signed_at=None),
                name="note_drafts",
            ),
        ]

    @property
    def seal_version(self) -> int:
        return self.version


class NoteVersion(SealedRow):
    """What a draft said before it was revised."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="+", db_constraint=False)
    note = models.ForeignKey(
        SessionNote, models.CASCADE, related_name="versions", db_constraint=False
    )
    number = models.PositiveIntegerField(_("version"))
    written_at = models.DateTimeField(_("written"))
    format: "models.Field[Sealed, Sealed]" = SealedField()
    body: "models.Field[Sealed, Sealed]" = SealedField(floor=256)

    class Meta:
        verbose_name = _("earlier version")
        verbose_name_plural = _("earlier versions")
        constraints = [models.UniqueConstraint(fields=["note", "number"], name="note_version_once")]
