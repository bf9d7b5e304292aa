"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    """What was said."""

    name = "sessions_app"
    verbose_name = _("Sessions")
