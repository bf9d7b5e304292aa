"""The doors."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from clients_app.api import docs
from config import health

urlpatterns = [
    path("", require_safe(RedirectView.as_view(pattern_name="admin:index"))),
    path("admin/", admin.site.urls),
    path("api/v1/", include("clients_app.api.urls")),
    path("api/v1/", include("sessions_app.api.urls")),
    path("api/schema/", docs.Schema.as_view(), name="schema"),
    path("api/docs/", docs.Docs.as_view(url_name="schema"), name="docs"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
]

# Problem documents under /api/, Django's pages elsewhere.
handler400 = "clients_app.api.problems.bad_request"
handler403 = "clients_app.api.problems.permission_denied"
handler404 = "clients_app.api.problems.page_not_found"
handler500 = "clients_app.api.problems.server_error"
