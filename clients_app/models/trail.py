"""The trail: one line a deed. Ids and labels only, no foreign keys, never changed.

A trigger in the database refuses UPDATE, DELETE and TRUNCATE (migration 0002), so neither a bug
nor an administrator's form can rewrite it. It outlives the files it speaks of.

Whoever owns the database can take the trigger off. What they change then shows in the seals
(`seals`): each covers the lines of a span of transactions and is chained to the seal before.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


def transaction_number() -> models.Func:
    """The number of the writing transaction, never lower than any before it (migration 0003)."""
    current = models.Func(function="pg_current_xact_id", template="%(function)s()")
    return models.Func(
        current, function="clients_app_trail_tx", output_field=models.BigIntegerField()
    )


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
    tx = models.BigIntegerField(db_default=transaction_number(), editable=False)

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
            models.Index(fields=["tx", "id"], name="trail_in_order"),
            models.Index(
                fields=["event", "-id"],
                name="trail_of_itself",
                condition=models.Q(event__in=["trail.anchored", "trail.verified"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk}"


class TrailSeal(models.Model):
    """A signed hash over the lines whose transaction lies in [from_tx, to_tx), chained to the seal
    before. `marks` are the first bytes of each line's hash, in order: they tell which line is no
    longer what it was. Nothing of any practice or client is in it."""

    number = models.BigIntegerField(primary_key=True)
    from_tx = models.BigIntegerField()
    to_tx = models.BigIntegerField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    count = models.BigIntegerField()
    root = models.BinaryField()
    previous = models.BinaryField(unique=True)
    head = models.BinaryField()
    sealed_at = models.DateTimeField(db_index=True)
    key = models.CharField(max_length=16)
    signature = models.BinaryField()
    marks = models.BinaryField()

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")

    def __str__(self) -> str:
        return f"seal {self.number}"
