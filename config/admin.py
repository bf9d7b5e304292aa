"""Puts our own admin site in the place of Django's."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class UsaldusAdminConfig(AdminConfig):
    """Every app registers with this one site."""

    default_site = "clients_app.admin.site.UsaldusAdminSite"

    def ready(self) -> None:
        # The site lies in a package that registers with it. Were the site made first, importing
        # the package would make another one, and whatever registered with that would be lost.
        import_module("clients_app.admin")
        super().ready()
