"""A counsellor's word that a file should stay a while longer, and who is told that files end."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.models.client import Client
from clients_app.models.practice import Practice
from clients_app.models.purge import PurgeRun
from clients_app.models.row import Row
from clients_app.models.user import User


class PurgeSnooze(Row):
    """For so long this file is not destroyed. A newer one of the same file takes its place."""

    class Reason(models.TextChoices):
        MAY_RETURN = "may_return", _("the client may come back")
        COPY_PROMISED = "copy_promised", _("the client was promised a copy")
        DISPUTE_LIKELY = "dispute_likely", _("a dispute or a claim is likely")
        TO_BE_CHECKED = "to_be_checked", _("something in it has to be checked first")

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="snoozes", db_constraint=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_constraint=False)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason.choices)
    until = models.DateField(_("until"))
    made_at = models.DateTimeField(_("asked"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("snoozed file")
        verbose_name_plural = _("snoozed files")
        constraints = [
            models.UniqueConstraint(
                fields=["client"], condition=models.Q(ended_at=None), name="snooze_once_a_file"
            )
        ]


class PurgeNotice(Row):
    """A mail to a counsellor: files of their clients are in a run. The row is its queue."""

    run = models.ForeignKey(PurgeRun, models.CASCADE, related_name="notices")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notice of a purge")
        verbose_name_plural = _("notices of purges")
        constraints = [models.UniqueConstraint(fields=["run", "user"], name="notice_once_a_run")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(told_at=None), name="notice_to_send")
        ]
