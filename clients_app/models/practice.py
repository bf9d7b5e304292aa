"""The organisation. Nothing crosses from one practice to another."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.models.row import Row


class Practice(Row):
    """One organisation; every other row belongs to exactly one."""

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("short name"), unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Tallinn")
    jurisdiction = models.CharField(
        _("jurisdiction"), max_length=8, default="EE", help_text=_("Country code, as in EE.")
    )
    # The number of the last client code given out: codes of purged clients are never reused.
    last_code_year = models.PositiveSmallIntegerField(default=0, editable=False)
    last_code_number = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("practice")
        verbose_name_plural = _("practices")

    def __str__(self) -> str:
        return self.name
