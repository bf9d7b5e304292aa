"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    """What was said."""

    name = "sessions_app"
    verbose_name = _("Sessions")

    def ready(self) -> None:
        """What goes along with a client, and what stays, whichever process hands them over."""
        from clients_app import following
        from sessions_app import notes, sessions

        following.follows(sessions.pass_on)
        following.stays_behind(notes.unsigned)
