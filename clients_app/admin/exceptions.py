"""Each time something had to be told: recorded by who decided it, read by who is in care."""

from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, exceptions
from clients_app.admin.door import DoorAdmin, Text, asked_id, attempt, done, the_user, went
from clients_app.admin.forms import (
    ChoiceField,
    DoorForm,
    LongTextField,
    MomentField,
    PrivateField,
    any_of,
)
from clients_app.admin.promises import client_asked_for, client_url
from clients_app.models import ConfidentialityException, Ground, Told, User
from clients_app.roles import Permission

PAGE = 50


class ExceptionForm(DoorForm):
    ground = ChoiceField(label=_("Ground"), choices=any_of(Ground.choices, _("Choose…")))
    recipient = PrivateField(
        label=_("To whom"), max_length=300, help_text=_("The person or office that was told.")
    )
    content = LongTextField(
        label=_("What was told"),
        rows=8,
        longest=exceptions.LONGEST_CONTENT,
        help_text=_("The least that was enough: not more than was told."),
    )
    decided_at = MomentField(label=_("When you decided it"))
    told = ChoiceField(
        label=_("Does the client know?"),
        choices=Told.choices,
        initial=Told.NOT_YET.value,
        widget=forms.RadioSelect,
    )
    told_at = MomentField(
        label=_("When the client was told"),
        required=False,
        help_text=_("Empty: now, if the client knows."),
    )
    why_not_told = LongTextField(
        label=_("Why not, or not yet"),
        required=False,
        rows=3,
        longest=exceptions.LONGEST_CONTENT,
    )


class TellingForm(DoorForm):
    told_at = MomentField(label=_("When the client was told"))


@admin.register(ConfidentialityException)
class ExceptionAdmin(DoorAdmin):
    """Lists say that there was one, on which ground and when."""

    sees = Permission.EXCEPTION_READ
    adds = Permission.EXCEPTION_RECORD
    menu_order = 55

    def menu_label(self, user: User) -> Text:
        return _("Exceptions")

    def more_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/client-told/", self.told_page, "client_told")]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        rows = exceptions.browse(by=the_user(request))
        before = asked_id(request, "before")
        found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
        page = found[:PAGE]
        return self.page(
            request,
            "usaldus/exceptions.html",
            _("When it could not stay between two"),
            told=[(row, exceptions.client_knows(row)) for row in page],
            before=page[-1].pk if len(found) > PAGE else None,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        client_id, code = client_asked_for(request, Permission.EXCEPTION_RECORD)
        form = ExceptionForm(request.POST or None, initial={"decided_at": timezone.localtime()})
        if request.method == "POST":
            kept = attempt(
                form,
                lambda: exceptions.record(
                    client_id, by=user, about=asked_id(request, "about"), **form.cleaned_data
                ),
            )
            if kept is not None:
                return done(request, _("It is on record."), client_url(client_id))
        return self.form_page(
            request,
            form,
            gettext("Something of %(code)s had to be told") % {"code": code},
            submit=_("Record"),
            template="usaldus/exception_form.html",
            explanation=_(
                "Record what you decided to tell, to whom and on which ground. It never changes, "
                "and the client may see it. To whom and with which words stays between those in "
                "care; the privacy officer sees that it happened."
            ),
            sources=[(ground.label, source) for ground, source in exceptions.SOURCES.items()],
            crumbs=[(code, client_url(client_id))],
            cancel=client_url(client_id),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        opened = exceptions.read(object_id, by=the_user(request))
        kept = opened.exception
        return self.page(
            request,
            "usaldus/exception.html",
            gettext("Exception of %(code)s") % {"code": kept.client.code},
            kept=kept,
            opened=opened,
            source=exceptions.SOURCES[Ground(kept.ground)],
            client_knows=exceptions.client_knows(kept),
            crumbs=[(kept.client.code, client_url(kept.client_id))],
        )

    def told_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = TellingForm(request.POST or None, initial={"told_at": timezone.localtime()})
        if request.method == "POST" and went(
            form, lambda: exceptions.tell(object_id, by=user, **form.cleaned_data)
        ):
            return self.done(request, _("It is on record."), "change", object_id)
        access.require(user, Permission.EXCEPTION_RECORD, subject_id=object_id)
        kept = exceptions.browse(by=user).filter(pk=object_id).first()
        if kept is None:
            access.hide(user, Permission.EXCEPTION_RECORD, client_id=None, subject_id=object_id)
        return self.form_page(
            request,
            form,
            gettext("%(code)s was told") % {"code": kept.client.code},
            submit=_("Record"),
            explanation=_("A line of its own beside the exception. It never changes either."),
            crumbs=[(kept.client.code, client_url(kept.client_id))],
            cancel=self.url("change", object_id),
        )
