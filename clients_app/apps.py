"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClientsConfig(AppConfig):
    """Who: people, trust, custody of the file."""

    name = "clients_app"
    verbose_name = _("Clients and custody")

    def ready(self) -> None:
        from clients_app import checks  # noqa: F401 registers the checks
