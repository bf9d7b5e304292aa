"""The clients' pages: list and search, register, the client's own page, change."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, clients
from clients_app.admin import panels
from clients_app.admin.client_forms import ChangeForm, RegisterForm, SearchForm
from clients_app.admin.custody import CustodyPages
from clients_app.admin.door import FORM, Text, asked_text, attempt, the_user
from clients_app.models import Category, Client, User
from clients_app.roles import Permission, Scope

STATUSES = {"active": _("In care"), "discharged": _("Discharged"), "all": _("All")}
PAGE = 50


@admin.register(Client)
class ClientAdmin(CustodyPages):
    """A client is a code in every title, address and message; the name is on the page alone."""

    sees = Permission.CLIENT_READ
    adds = Permission.CLIENT_REGISTER
    menu_order = 10
    list_methods = FORM

    def menu_label(self, user: User) -> Text:
        own = access.scope(user, Permission.CLIENT_READ) is Scope.CARE
        return _("My clients") if own else _("Clients")

    def more_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:object_id>/identity/", self.identity_page, "identity"),
            *super().more_urls(),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """The clients by code, or those found by words that were sent by POST."""
        user = the_user(request)
        status = request.GET.get("status", "active")
        status = status if status in STATUSES else "active"
        form = SearchForm(request.POST or None)
        found = None
        after = None
        if request.method == "POST":
            access.require(user, Permission.CLIENT_READ)
            found = attempt(form, lambda: clients.search(form.cleaned_data["words"], by=user))
        if found is None:
            page = clients.browse(
                by=user, status=status, after=asked_text(request, "after"), limit=PAGE
            )
            found, after = page.profiles, page.after
        steps = panels.next_steps(user, [profile.client.pk for profile in found])
        return self.page(
            request,
            "usaldus/clients.html",
            self.menu_label(user),
            form=form,
            searched=request.method == "POST" and form.is_valid(),
            status_chosen=status,
            statuses=STATUSES.items(),
            rows=[(profile, steps.get(profile.client.pk)) for profile in found],
            after=after,
            limit=clients.HITS,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.CLIENT_REGISTER)
        practice = user.practice
        start = {"jurisdiction": practice.jurisdiction if practice else ""}
        form = RegisterForm(request.POST or None, initial=start)
        if request.method == "POST":
            client = attempt(
                form,
                lambda: clients.register(by=user, identity=form.identity(), **form.facts()),
            )
            if client is not None:
                return self.done(
                    request,
                    gettext("%(code)s is registered.") % {"code": client.code},
                    "change",
                    client.pk,
                )
        return self.form_page(
            request,
            form,
            _("Register a client"),
            submit=_("Register"),
            cancel=self.url("changelist"),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Who the client is, and the panels of those who know more."""
        user = the_user(request)
        profile = clients.read(object_id, by=user)
        return self.page(
            request,
            "usaldus/client.html",
            profile.client.code,
            client=profile.client,
            identity=profile.identity,
            born=day_of(profile.identity.get("birth_date")),
            died=day_of(profile.identity.get("death_date")),
            category=dict(Category.choices).get(profile.identity.get("category") or ""),
            kept=self.kept(request, profile.client),
            confidants=self.confidants(request, object_id),
            panels=panels.of_client(request, profile),
            about=object_id,
        )

    def identity_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.CLIENT_CHANGE, object_id, subject_id=object_id)
        if request.method == "POST":
            form = ChangeForm(request.POST)
            client = attempt(
                form,
                lambda: clients.change(
                    object_id,
                    by=user,
                    version=form.cleaned_data["version"],
                    **form.identity(),
                    **form.facts(),
                ),
                current=lambda: known(clients.read(object_id, by=user)),
            )
            if client is not None:
                message = gettext("%(code)s is changed.") % {"code": client.code}
                return self.done(request, message, "change", object_id)
            code = self.code_of(request, object_id)
        else:
            profile = clients.read(object_id, by=user)
            code = profile.client.code
            form = ChangeForm(initial={**known(profile), "version": profile.client.version})
        return self.form_page(
            request,
            form,
            gettext("Who %(code)s is") % {"code": code},
            submit=_("Save"),
            crumbs=self.crumbs(code, object_id),
            cancel=self.url("change", object_id),
        )


def day_of(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def known(profile: clients.Profile) -> dict[str, Any]:
    """What a form starts from."""
    names = ("kind", "service_type", "jurisdiction")
    facts = {name: getattr(profile.client, name) for name in names}
    return {name: value or "" for name, value in profile.identity.items()} | facts
