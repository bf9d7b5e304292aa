"""The admin as a door: the same verbs as the API, in the look of Django's admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _


class UsaldusAdminSite(admin.AdminSite):
    """The practice's own pages. What a page may do, the verbs decide."""

    site_header = "Usaldus"
    site_title = "Usaldus"
    index_title = _("Today")
