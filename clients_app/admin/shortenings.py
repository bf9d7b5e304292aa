"""Shortenings: dates that stand are moved back, by two people and not at once."""

from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from clients_app import shortenings
from clients_app.admin.door import DEED, FORM, DoorAdmin, Text, attempt, deed, the_user
from clients_app.admin.forms import DoorForm
from clients_app.models import Shortening, User
from clients_app.roles import Permission

SHOWN = 30


class ConfirmForm(DoorForm):
    """Nobody confirms what they did not see."""

    aliases = {"files": "number"}
    number = forms.IntegerField(
        label=_("Number of files"),
        min_value=1,
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        help_text=_("Type the number of files shown above."),
    )


@admin.register(Shortening)
class ShorteningAdmin(DoorAdmin):
    sees = Permission.RULE_READ
    menu_order = 42

    def menu_label(self, user: User) -> Text:
        return _("Shortenings")

    def more_urls(self) -> list[URLPattern]:
        one = "<uuid:object_id>"
        return [
            self.route("propose/", self.propose, "propose", DEED),
            self.route(f"{one}/confirm/", self.confirm_page, "confirm", FORM),
            self.route(f"{one}/withdraw/", self.withdraw, "withdraw", DEED),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        return self.shown(request, ConfirmForm())

    def shown(self, request: HttpRequest, form: ConfirmForm) -> HttpResponse:
        """The newest ones; the one that waits is the first."""
        user = the_user(request)
        found = list(shortenings.browse(by=user)[:SHOWN])
        waiting = found[0] if found and found[0].ended_at is None else None
        return self.page(
            request,
            "usaldus/shortenings.html",
            _("Shortenings"),
            waiting=waiting,
            own=waiting is not None and waiting.proposed_by_id == user.pk,
            past=[row for row in found if row.ended_at is not None],
            form=form,
        )

    def propose(self, request: HttpRequest) -> HttpResponse:
        return deed(
            request,
            lambda: shortenings.propose(by=the_user(request)),
            _("The shortening is proposed. The practice manager has to confirm it."),
            self.url("changelist"),
        )

    def confirm_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = ConfirmForm(request.POST or None)
        if request.method == "POST":
            confirmed = attempt(
                form,
                lambda: shortenings.confirm(object_id, by=user, files=form.cleaned_data["number"]),
            )
            if confirmed is not None:
                return self.done(request, _("The shortening is confirmed."), "changelist")
        shortenings.read(object_id, by=user)
        return self.shown(request, form)

    def withdraw(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: shortenings.withdraw(object_id, by=the_user(request)),
            _("The shortening is withdrawn. Every date stays as it stands."),
            self.url("changelist"),
        )
