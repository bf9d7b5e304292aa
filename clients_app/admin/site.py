"""The admin as a door: the same verbs as the API, in the look of Django's admin.

The site has the addresses that it needs and no others: no autocomplete, no deletion, no history,
no redirect from an id to a page. What a verb refuses is answered here, in one place.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import set_language

from clients_app import access, logins, users
from clients_app.admin import entry, own, panels
from clients_app.admin.door import (
    DoorAdmin,
    done,
    emergencies,
    nothing_here,
    offered,
    the_user,
    went,
)
from clients_app.admin.login import OwnPasswordForm
from clients_app.errors import Refused

View = Callable[..., HttpResponseBase]
spoken = require_http_methods(["GET", "HEAD", "POST"])


class UsaldusAdminSite(admin.AdminSite):
    """The practice's own pages. What a page may do, the verbs decide."""

    site_header = "Usaldus"
    site_title = "Usaldus"
    index_title = _("Today")
    site_url = None
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only pages that go through the verbs: those that other apps bring along (groups of
        django.contrib.auth) write rows by themselves."""
        if admin_class is not None and issubclass(admin_class, DoorAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        models: list[URLPattern | URLResolver] = [
            path(f"{model._meta.app_label}/{model._meta.model_name}/", include(door.urls))
            for model, door in self._registry.items()
        ]
        apps = "|".join(sorted({model._meta.app_label for model in self._registry}))
        return [
            path("", self.admin_view(require_safe(self.index)), name="index"),
            path("login/", self.open_view(entry.password), name="login"),
            path("login/second-factor/", self.open_view(entry.factor), name="login_second_factor"),
            path("login/set-up/", self.open_view(entry.set_up), name="login_set_up"),
            path("login/forgotten/", self.open_view(entry.forgotten), name="login_forgotten"),
            path("invitation/", self.open_view(entry.choose_password), name="invited"),
            path(
                "invitation/<str:secret>/",
                self.open_view(require_safe(entry.invited)),
                name="invitation",
            ),
            path("logout/", self.admin_view(self.logout), name="logout"),
            path("language/", csrf_protect(spoken(set_language)), name="set_language"),
            path("alive/", self.admin_view(require_safe(alive)), name="alive"),
            path("password_change/", self.admin_view(self.password_change), name="password_change"),
            path("confirm/", self.admin_view(own.confirm), name="confirm"),
            path("own/", self.admin_view(require_safe(own.page)), name="own"),
            path("own/second-factor/", self.admin_view(own.add), name="own_add_factor"),
            self.button("own/second-factor/<int:factor_id>/remove/", own.remove),
            self.button("own/recovery-codes/", own.renew_codes),
            path("own/logins/<uuid:login_id>/", self.admin_view(own.rename), name="own_rename"),
            self.button("own/logins/<uuid:login_id>/close/", own.close),
            self.button("own/logins/close-others/", own.close_others),
            *models,
            re_path(
                rf"^(?P<app_label>{apps})/$",
                self.admin_view(require_safe(self.app_index)),
                name="app_list",
            ),
            re_path(r"(?P<url>.*)$", self.admin_view(self.catch_all_view)),
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Behind the login; a refusal is a page that says no more than it must."""
        return super().admin_view(self.open_view(view), cacheable)

    def open_view(self, view: Any) -> Any:
        """The same before the login."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Django's reports of errors leave out whatever a form sent.
            request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]
            try:
                own.confirmed_with(request)
                response: HttpResponseBase = spoken(view)(request, *args, **kwargs)
            except Http404:
                return refusal(request, nothing_here())
            except Refused as refused:
                if own.asks_again(request, refused):
                    return own.ask_again(request, refused)
                return refusal(request, refused)
            return response

        return update_wrapper(guarded, view)

    def button(self, where: str, view: View) -> URLPattern:
        """A deed of one's own that has no page of its own."""
        guarded = self.admin_view(require_POST(view))
        pattern: URLPattern = path(where, guarded, name=f"own_{view.__name__}")
        return pattern

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if self.has_permission(request):
            context["menu"] = self.menu(request)
            context["may"] = offered(the_user(request))
            context["emergencies"] = emergencies(request)
        return context

    def menu(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The lists that this user's role has something in."""
        doors = [
            door
            for door in self._registry.values()
            if isinstance(door, DoorAdmin)
            and door.menu_order is not None
            and door.has_view_permission(request)
        ]
        doors.sort(key=lambda door: door.menu_order or 0)
        return [
            {
                "label": door.menu_label(the_user(request)),
                "url": door.url("changelist"),
                "current": request.path.startswith(door.url("changelist")),
            }
            for door in doors
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {
            **self.each_context(request),
            "title": self.index_title,
            "panels": panels.today(request),
        }
        return render(request, "usaldus/today.html", context)

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The menu has every list; the page of an app has nothing of its own to show."""
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        login = access.acting.get()
        if login is not None and request.method == "POST":
            logins.close(login.pk, by=the_user(request))
        response = super().logout(request, extra_context)
        response["Clear-Site-Data"] = '"cache"'
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        user = the_user(request)
        form = OwnPasswordForm(request.POST or None)
        if request.method == "POST" and went(form, lambda: change_password(user, form)):
            # This browser stays logged in; every other one has to log in again.
            update_session_auth_hash(request, user)
            login = access.acting.get()
            if login is not None:
                logins.carry(login, session_key=request.session.session_key or "")
            return done(request, _("Your password is changed."), "admin:index")
        context = {
            **self.each_context(request),
            "title": _("Change your password"),
            "form": form,
            "submit": _("Change password"),
        }
        return render(request, "usaldus/form_page.html", context)


def change_password(user: Any, form: OwnPasswordForm) -> bool:
    users.change_own_password(
        by=user,
        old=form.cleaned_data["old"],
        new=form.cleaned_data["new"],
        here=access.acting.get(),
    )
    return True


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The page for what is refused. What is hidden, what never existed and addresses that lead
    nowhere are the same bytes."""
    if refused.status == 404:
        return render(request, "404.html", status=404)
    if refused.status == 403:
        return render(request, "403.html", {"message": refused.message}, status=403)
    return render(
        request, "usaldus/refused.html", {"message": refused.message}, status=refused.status
    )


def alive(request: HttpRequest) -> HttpResponse:
    """Asked by a page before it sends a long text: the token that is valid now, or the login."""
    return JsonResponse({"token": get_token(request)})
