"""The trail: one line a deed. Ids and labels only, no foreign keys, never changed.

A trigger in the database refuses UPDATE, DELETE and TRUNCATE (migration 0002), so neither a bug
nor an administrator's form can rewrite it. It outlives the files it speaks of.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class AuditEvent(models.Model):
    """Who did what to which id, when, by which door, why."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("when"), db_default=Now())
    practice_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(_("who"), null=True)
    role = models.CharField(_("role"), max_length=32)
    event = models.CharField(_("what"), max_length=48)
    denied = models.BooleanField(_("denied"), default=False)
    client_id = models.UUIDField(_("client"), null=True)
    subject_id = models.UUIDField(_("subject"), null=True)
    reason = models.CharField(_("reason"), max_length=48, blank=True)
    door = models.CharField(_("door"), max_length=16)
    request_id = models.UUIDField(null=True)
    detail = models.JSONField(_("detail"), default=dict)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("trail")
        indexes = [
            models.Index(fields=["practice_id", "-id"], name="trail_of_practice"),
            models.Index(fields=["client_id", "-id"], name="trail_of_client"),
            models.Index(fields=["actor_id", "-id"], name="trail_of_actor"),
            models.Index(
                fields=["practice_id", "id"],
                condition=models.Q(reason="break_glass"),
                name="trail_of_break_glass",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk}"
