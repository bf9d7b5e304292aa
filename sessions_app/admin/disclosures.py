"""What the client confided: write, read back, amend. Lists say that there is one and when."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access
from clients_app.admin.door import DoorAdmin, Text, asked_id, attempt, done, the_user
from clients_app.admin.forms import ChoiceField, DoorForm, LongTextField, PrivateField
from clients_app.models import User
from clients_app.roles import Permission
from sessions_app import disclosures, sessions
from sessions_app.admin.notes import crumbs
from sessions_app.admin.recent import recent_sessions
from sessions_app.admin.sessions import client_url
from sessions_app.models import Disclosure, ListeningIntent

PAGE = 50
SCALE = [("", _("not asked")), *((str(n), str(n)) for n in range(disclosures.WORST_DISTRESS + 1))]


class DistressField(forms.TypedChoiceField):
    """0 to 10, or not asked."""

    default_error_messages = {"invalid_choice": _("Choose one of the listed values.")}

    def __init__(self, label: Any) -> None:
        super().__init__(
            label=label,
            required=False,
            choices=SCALE,
            coerce=int,
            empty_value=None,
            initial="",
            widget=forms.RadioSelect(attrs={"class": "scale"}),
        )


class DisclosureForm(DoorForm):
    """What the client asks for comes first: it tells the counsellor how to listen."""

    listening_intent = ChoiceField(
        label=_("What does the client ask for?"),
        choices=ListeningIntent.choices,
        widget=forms.RadioSelect(attrs={"class": "segments"}),
    )
    text = LongTextField(label=_("What was confided"), rows=16)
    themes = PrivateField(
        label=_("Themes"),
        required=False,
        max_length=4000,
        help_text=_("Separate them by commas. They are sealed like the text."),
    )
    first_told = forms.BooleanField(
        label=_("They have never told this to anybody before"), required=False
    )
    distress_before = DistressField(_("Distress before telling"))
    distress_after = DistressField(_("Distress after telling"))
    locked = forms.BooleanField(
        label=_("Lock it for me alone"),
        required=False,
        help_text=_("Not even another confidant of this client can read it, now or later."),
    )

    def clean_themes(self) -> list[str]:
        themes: str = self.cleaned_data["themes"]
        return [theme.strip() for theme in themes.split(",") if theme.strip()]


class AmendForm(DoorForm):
    text = LongTextField(label=_("What is to be corrected or added"), rows=12)


@admin.register(Disclosure)
class DisclosureAdmin(DoorAdmin):
    sees = Permission.DISCLOSURE_READ
    adds = Permission.DISCLOSURE_WRITE

    def menu_label(self, user: User) -> Text:
        return _("Disclosures")

    def more_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/amend/", self.amend_page, "amend")]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """That there are some, of whom and when."""
        rows = disclosures.browse(by=the_user(request))
        before = asked_id(request, "before")
        found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
        page = found[:PAGE]
        return self.page(
            request,
            "said/disclosures.html",
            _("Disclosures"),
            disclosures=page,
            before=page[-1].pk if len(found) > PAGE else None,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        session_id = asked_id(request, "session")
        if session_id is None:
            access.require(user, Permission.DISCLOSURE_WRITE)
            return self.page(
                request,
                "said/which.html",
                _("Write a disclosure"),
                sessions=recent_sessions(user),
                disclosure=True,
            )
        form = DisclosureForm(request.POST or None)
        if request.method == "POST":
            disclosure = attempt(
                form, lambda: disclosures.write(session_id, by=user, **values(form))
            )
            if disclosure is not None:
                return done(request, kept(disclosure), client_url(disclosure.client_id))
        access.require(user, Permission.DISCLOSURE_WRITE, subject_id=session_id)
        session = sessions.read(session_id, by=user).session
        return self.form_page(
            request,
            form,
            gettext("Disclosure of %(code)s") % {"code": session.client.code},
            submit=_("Keep"),
            template="said/disclosure_form.html",
            session=session,
            crumbs=crumbs(session),
            cancel=client_url(session.client_id),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        opened = disclosures.read(object_id, by=user)
        disclosure = opened.disclosure
        origin = disclosure.amends_id or disclosure.pk
        amendments = disclosures.browse(by=user, client_id=disclosure.client_id)
        return self.page(
            request,
            "said/disclosure.html",
            gettext("Disclosure of %(code)s") % {"code": disclosure.client.code},
            disclosure=disclosure,
            opened=opened,
            intent=dict(ListeningIntent.choices).get(opened.listening_intent, ""),
            amendments=list(amendments.filter(amends_id=origin).order_by("id")[:PAGE]),
            crumbs=crumbs(disclosure.session),
            about=disclosure.client_id,
        )

    def amend_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = AmendForm(request.POST or None)
        if request.method == "POST":
            amendment = attempt(
                form,
                lambda: disclosures.amend(object_id, by=user, text=form.cleaned_data["text"]),
            )
            if amendment is not None:
                return self.done(request, _("The amendment is kept."), "change", amendment.pk)
        access.require(user, Permission.DISCLOSURE_WRITE, subject_id=object_id)
        opened = disclosures.read(object_id, by=user)
        disclosure = opened.disclosure
        return self.form_page(
            request,
            form,
            gettext("Amend a disclosure of %(code)s") % {"code": disclosure.client.code},
            submit=_("Keep"),
            template="said/amend.html",
            disclosure=disclosure,
            opened=opened,
            crumbs=crumbs(disclosure.session),
            cancel=self.url("change", object_id),
        )


def kept(disclosure: Disclosure) -> Text:
    """The message after writing; where no promise is on record, the reminder of it."""
    if disclosure.agreement_id is None:
        return _(
            "The disclosure is kept. It is not on record what this client was promised: talk it "
            "through with them, and record it on this page."
        )
    return _("The disclosure is kept.")


def values(form: DisclosureForm) -> dict[str, Any]:
    """The form's fields are the verb's arguments."""
    return dict(form.cleaned_data)
