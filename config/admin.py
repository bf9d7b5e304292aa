"""Puts our own admin site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class UsaldusAdminConfig(AdminConfig):
    """Every app registers with this one site."""

    default_site = "clients_app.admin.site.UsaldusAdminSite"
