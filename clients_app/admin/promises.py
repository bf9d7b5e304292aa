"""The promise: its wording, version after version, and that a client was given it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, agreements, exceptions, files, promises, wording
from clients_app.admin import panels
from clients_app.admin.door import (
    DEED,
    FORM,
    DoorAdmin,
    Text,
    asked_id,
    attempt,
    deed,
    done,
    nothing_here,
    offers,
    the_user,
    went,
)
from clients_app.admin.forms import ChoiceField, DoorForm, LongTextField, MomentField
from clients_app.admin.panels import Panel
from clients_app.clients import Profile
from clients_app.errors import Invalid
from clients_app.models import Agreement, ConfidentialityStatement, How, Language, User
from clients_app.roles import Permission

VERSIONS = 100
SHOWN = 5


class WordingForm(DoorForm):
    text = LongTextField(
        label=_("Wording"),
        rows=24,
        longest=wording.LONGEST,
        help_text=_("Plain paragraphs with an empty line between them."),
    )


class DraftForm(WordingForm):
    language = forms.CharField(widget=forms.HiddenInput)


class RevisionForm(WordingForm):
    version = forms.IntegerField(widget=forms.HiddenInput)


class VersionForm(DoorForm):
    version = forms.IntegerField(widget=forms.HiddenInput)


@admin.register(ConfidentialityStatement)
class StatementAdmin(DoorAdmin):
    """A draft's page is its form; a published version's page is for reading."""

    sees = Permission.PROMISE_READ
    adds = Permission.PROMISE_WRITE
    menu_order = 45
    one_methods = FORM

    def menu_label(self, user: User) -> Text:
        return _("Promise")

    def more_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/publish/", self.publish_page, "publish")]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        rows = list(promises.browse(by=the_user(request))[:VERSIONS])
        return self.page(
            request,
            "usaldus/promises.html",
            _("What we promise"),
            languages=[
                (code, name, [row for row in rows if row.language == code])
                for code, name in Language.choices
            ],
            drafted={row.language for row in rows if row.published_at is None},
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        """A draft in the language that the address names, from the wording that is shipped."""
        user = the_user(request)
        access.require(user, Permission.PROMISE_WRITE)
        asked = request.GET.get("language", "")
        language = Language(asked if asked in Language.values else Language.ENGLISH)
        start = {"language": language.value, "text": wording.shipped(language)}
        form = DraftForm(request.POST or None, initial=start)
        if request.method == "POST":
            statement = attempt(
                form,
                lambda: promises.draft(
                    form.cleaned_data["language"], by=user, text=form.cleaned_data["text"]
                ),
            )
            if statement is not None:
                return self.saved(request, statement)
        return self.wording_page(
            request,
            form,
            gettext("A new version in %(language)s") % {"language": language.label},
            cancel=self.url("changelist"),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = RevisionForm(request.POST or None)
        if request.method == "POST":
            revised = attempt(
                form,
                lambda: promises.revise(object_id, by=user, **form.cleaned_data),
                current=lambda: {"text": promises.read(object_id, by=user).text},
            )
            if revised is not None:
                return self.saved(request, revised)
        statement = promises.read(object_id, by=user)
        if statement.published_at is not None and not form.is_bound:
            return self.page(
                request, "usaldus/promise.html", name_of(statement), statement=statement
            )
        if not form.is_bound:
            form = RevisionForm(initial={"text": statement.text, "version": statement.version})
        return self.wording_page(request, form, name_of(statement), cancel=self.url("changelist"))

    def wording_page(
        self, request: HttpRequest, form: WordingForm, title: Text, *, cancel: str
    ) -> HttpResponse:
        return self.form_page(
            request,
            form,
            title,
            submit=_("Save draft"),
            more_submits=[("_preview", _("Save, read through and publish"))],
            explanation=_(
                "Clients are given this before they begin. Say what you keep to yourself, and when "
                "you may or must tell: nobody can promise a silence without limits. Fill in what "
                "stands in square brackets. A published version never changes; the next one takes "
                "its place."
            ),
            cancel=cancel,
        )

    def saved(self, request: HttpRequest, statement: ConfidentialityStatement) -> HttpResponse:
        if "_preview" in request.POST:
            return redirect(self.url("publish", statement.pk))
        return self.done(request, _("The draft is saved."), "change", statement.pk)

    def publish_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The draft as a client will read it, and what keeps it from being published."""
        user = the_user(request)
        form = VersionForm(request.POST or None)
        if request.method == "POST" and went(
            form,
            lambda: promises.publish(object_id, by=user, version=form.cleaned_data["version"]),
        ):
            return self.done(request, _("The promise is published."), "change", object_id)
        access.require(user, Permission.PROMISE_WRITE, subject_id=object_id)
        statement = promises.read(object_id, by=user)
        if statement.published_at is not None:
            return redirect(self.url("change", object_id))
        return self.page(
            request,
            "usaldus/promise_publish.html",
            gettext("Publish: %(name)s") % {"name": name_of(statement)},
            statement=statement,
            errors=form.non_field_errors() if form.is_bound else findings(statement),
            form=VersionForm(initial={"version": statement.version}),
            submit=_("Publish"),
            cancel=self.url("change", object_id),
        )


class AgreementForm(DoorForm):
    statement = forms.TypedChoiceField(
        label=_("Which version"),
        coerce=UUID,
        error_messages={"invalid_choice": _("Choose one of the listed values.")},
    )
    how = ChoiceField(
        label=_("How"),
        choices=How.choices,
        widget=forms.RadioSelect(attrs={"class": "segments"}),
        initial=How.SPOKEN.value,
    )
    given_at = MomentField(label=_("When"))

    def __init__(self, *args: Any, versions: list[ConfidentialityStatement], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("statement", [(str(row.pk), name_of(row)) for row in versions])


@admin.register(Agreement)
class AgreementAdmin(DoorAdmin):
    """Agreements stand on their client's page; here they are recorded and withdrawn."""

    adds = Permission.AGREEMENT_RECORD

    def more_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/withdraw/", self.withdraw, "withdraw", DEED)]

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        client_id, code = client_asked_for(request, Permission.AGREEMENT_RECORD)
        versions = promises.browse(by=user).filter(published_at__isnull=False)
        # Those in force first: that is what is given.
        ordered = sorted(versions[:VERSIONS], key=lambda row: row.retired_at is not None)
        form = AgreementForm(
            request.POST or None,
            initial={"given_at": timezone.localtime()},
            versions=ordered,
        )
        if request.method == "POST" and went(
            form, lambda: agreements.record(client_id, by=user, **form.cleaned_data)
        ):
            return done(request, _("It is on record."), client_url(client_id))
        return self.form_page(
            request,
            form,
            gettext("%(code)s was given the promise") % {"code": code},
            submit=_("Record"),
            template="usaldus/agreement_form.html",
            explanation=_(
                "What the client confides from then on is kept together with the promise under "
                "which it was said."
            ),
            versions=ordered,
            crumbs=[(code, client_url(client_id))],
            cancel=client_url(client_id),
        )

    def withdraw(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        client_id = asked_id(request, "client")
        return deed(
            request,
            lambda: agreements.withdraw(object_id, by=the_user(request), client_id=client_id),
            _("The agreement is withdrawn."),
            client_url(client_id) if client_id else reverse("admin:index"),
        )


def of_client(request: HttpRequest, profile: Profile) -> Panel | None:
    """Under which promise the client speaks, and when it could not be kept whole."""
    user, client, now = the_user(request), profile.client, timezone.now()
    if not offers(request, Permission.AGREEMENT_READ, client.pk):
        return None
    given = list(agreements.browse(client.pk, by=user)[: SHOWN + 1])
    told = []
    if offers(request, Permission.EXCEPTION_READ, client.pk):
        told = list(exceptions.browse(by=user, client_id=client.pk)[: SHOWN + 1])
    return Panel(
        "usaldus/promise_panel.html",
        {
            "client": client,
            "in_force": given[0] if given and agreements.stands(given[0], now) else None,
            "given": given[:SHOWN],
            "told": [(row, exceptions.client_knows(row)) for row in told[:SHOWN]],
            "more": len(told) > SHOWN,
        },
    )


def client_asked_for(request: HttpRequest, permission: Permission) -> tuple[UUID, str]:
    """The client that an address names, if this user may do this to them; their id and code."""
    user = the_user(request)
    access.require(user, permission)
    client_id = asked_id(request, "client")
    if client_id is None:
        raise nothing_here()
    access.require(user, permission, client_id, subject_id=client_id)
    return client_id, files.codes([client_id], by=user).get(client_id, "")


def client_url(client_id: UUID) -> str:
    return reverse("admin:clients_app_client_change", args=[client_id])


def findings(statement: ConfidentialityStatement) -> list[str]:
    """What keeps a draft from being published."""
    try:
        wording.check(statement.language, statement.text)
    except Invalid as refused:
        return [str(refused.message)]
    return []


def name_of(statement: ConfidentialityStatement) -> str:
    """Version 2, Estonian."""
    return gettext("Version %(number)s, %(language)s") % {
        "number": statement.number,
        "language": statement.get_language_display(),
    }


panels.add_to_client(of_client, order=5)
