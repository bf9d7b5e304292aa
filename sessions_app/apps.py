"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    """What was said."""

    name = "sessions_app"
    verbose_name = _("Sessions")

    def ready(self) -> None:
        """What goes along with a client, what stays, and what keeps a file, in every process."""
        from clients_app import blockers, following
        from sessions_app import disclosures, notes, sessions

        following.follows(sessions.pass_on)
        following.stays_behind(notes.unsigned)
        blockers.know(notes.UNSIGNED)
        blockers.know(notes.WRITTEN)
        blockers.know(disclosures.WRITTEN)
