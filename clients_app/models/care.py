"""Who is a confidant of whom, from when until when."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.models.client import Client
from clients_app.models.practice import Practice
from clients_app.models.row import Row
from clients_app.models.user import User


class CareAssignment(Row):
    """This user is a confidant of this client. Ended, never deleted, while the file lives."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="care", db_constraint=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="care", db_constraint=False)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"), null=True)

    class Meta:
        verbose_name = _("care assignment")
        verbose_name_plural = _("care assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "client"], condition=models.Q(until=None), name="care_open_once"
            ),
            models.CheckConstraint(
                name="care_ends_after_it_begins",
                condition=models.Q(until=None) | models.Q(until__gte=models.F("since")),
            ),
        ]
