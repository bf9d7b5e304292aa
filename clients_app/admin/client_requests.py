"""What clients asked for: recorded by whoever hears it, decided by the privacy officer."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, client_requests, files
from clients_app.admin.door import (
    FORM,
    DoorAdmin,
    Text,
    asked_code,
    attempt,
    done,
    the_user,
)
from clients_app.admin.forms import ChoiceField, DayField, DoorForm, LongTextField, any_of
from clients_app.models import Asked, ClientRequest, Outcome, User
from clients_app.roles import Permission

PAGE = 100


class RequestForm(DoorForm):
    code = forms.CharField(
        label=_("Client’s code"), max_length=32, widget=forms.TextInput({"autocomplete": "off"})
    )
    kind = ChoiceField(
        label=_("What they ask for"), choices=Asked.choices, widget=forms.RadioSelect
    )
    received_on = DayField(
        label=_("The day it reached the practice"),
        help_text=_("From this day the month counts in which the client must have an answer."),
    )
    details = LongTextField(
        label=_("In words"),
        rows=6,
        longest=client_requests.LONGEST,
        help_text=_("What they want, and how to reach them. The privacy officer reads it."),
    )


class DecisionForm(DoorForm):
    outcome = ChoiceField(label=_("Outcome"))
    answer = LongTextField(
        label=_("What the client was told"), rows=6, longest=client_requests.LONGEST
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fitting = client_requests.OUTCOMES[kind]
        choices = [choice for choice in Outcome.choices if choice[0] in fitting]
        self.offer("outcome", any_of(choices, _("Choose…")))


@admin.register(ClientRequest)
class ClientRequestAdmin(DoorAdmin):
    """The words are sealed: lists show codes, kinds and days."""

    sees = Permission.REQUEST_READ
    adds = Permission.REQUEST_RECORD
    menu_order = 55
    one_methods = FORM

    def menu_label(self, user: User) -> Text:
        return _("Requests of clients")

    def list_page(self, request: HttpRequest) -> HttpResponse:
        number = max(int(page), 1) if (page := request.GET.get("p", "")).isdecimal() else 1
        first = (min(number, 10_000) - 1) * PAGE
        found = list(client_requests.browse(by=the_user(request))[first : first + PAGE + 1])
        return self.page(
            request,
            "usaldus/client_requests.html",
            _("Requests of clients"),
            requests=found[:PAGE],
            today=timezone.localdate(),
            next_page=number + 1 if len(found) > PAGE else None,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.REQUEST_RECORD)
        start = {"code": asked_code(request), "received_on": timezone.localdate()}
        form = RequestForm(request.POST or None, initial=start)
        if request.method == "POST":
            made = attempt(form, lambda: record(form, user))
            if made is not None:
                message = _("The request is on record. Until it is decided the file stays.")
                return done(request, message, page_of(made.client_id))
        return self.form_page(
            request,
            form,
            _("Record what a client asks for"),
            submit=_("Record the request"),
            explanation=_(
                "A client may see their file, and may ask that it is kept and not used (GDPR Art. "
                "15 and 18). Until the privacy officer has decided, nothing of it is destroyed."
            ),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        opened = client_requests.read(object_id, by=user)
        row = opened.request
        form = None
        if row.decided_at is None:
            form = DecisionForm(request.POST or None, kind=row.kind)
        if request.method == "POST":
            if form is None:
                return redirect(self.url("change", object_id))
            decided = attempt(
                form, lambda: client_requests.decide(object_id, by=user, **form.cleaned_data)
            )
            if decided is not None:
                return self.done(request, _("The decision is on record."), "changelist")
        return self.page(
            request,
            "usaldus/client_request.html",
            gettext("Request of %(code)s") % {"code": row.client.code},
            row=row,
            opened=opened,
            today=timezone.localdate(),
            form=form,
            submit=_("Put the decision on record"),
        )


def record(form: RequestForm, user: User) -> ClientRequest:
    typed = dict(form.cleaned_data)
    client = files.of_code(typed.pop("code"), by=user)
    return client_requests.record(client.pk, by=user, **typed)


def page_of(client_id: UUID) -> str:
    """The client's own page."""
    return reverse("admin:clients_app_client_change", args=[client_id])
