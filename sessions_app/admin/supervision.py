"""Release to supervision: the counsellor's form and list, the supervisor's pages."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, agreements, exceptions, files
from clients_app.admin import panels
from clients_app.admin.door import (
    DEED,
    DoorAdmin,
    Text,
    asked_id,
    attempt,
    deed,
    done,
    nothing_here,
    offers,
    the_user,
)
from clients_app.admin.forms import (
    ChoiceField,
    DoorForm,
    LongTextField,
    MomentField,
    PrivateField,
    any_of,
)
from clients_app.admin.panels import Panel
from clients_app.clients import Profile
from clients_app.errors import Conflict
from clients_app.models import ConfidentialityException, How, User
from clients_app.roles import Permission
from sessions_app import disclosures, notes, supervision
from sessions_app.admin.notes import in_order
from sessions_app.admin.sessions import client_url
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt

PAGE = 50
SHOWN = 10


class ReleaseForm(DoorForm):
    """`names_confirmed` is asked only after the text was found to show who the client is."""

    text = LongTextField(
        label=_("Excerpt"),
        rows=16,
        help_text=_(
            "Your supervisor reads this and nothing else. Take out what shows who the client is: "
            "names, places, work, dates."
        ),
    )
    pseudonym = PrivateField(
        label=_("Pseudonym"),
        max_length=supervision.LONGEST_PSEUDONYM,
        help_text=_(
            "What the client is called there. Nothing of their name, code, phone or e-mail."
        ),
    )
    supervisor = forms.TypedChoiceField(
        label=_("Supervisor"),
        coerce=UUID,
        error_messages={"invalid_choice": _("Choose one of the listed values.")},
    )
    days = forms.IntegerField(
        label=_("For how many days"),
        min_value=1,
        max_value=supervision.MOST_DAYS,
        initial=supervision.DAYS,
    )
    consent_how = ChoiceField(
        label=_("How the client agreed to this"),
        choices=How.choices,
        widget=forms.RadioSelect(attrs={"class": "segments"}),
    )
    consented_at = MomentField(label=_("When the client agreed"))
    exception = forms.TypedChoiceField(
        label=_("On the ground of"),
        required=False,
        coerce=UUID,
        empty_value=None,
        error_messages={"invalid_choice": _("Choose one of the listed values.")},
    )

    def __init__(
        self,
        *args: Any,
        supervisors: list[User],
        told: list[ConfidentialityException],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.offer(
            "supervisor",
            any_of([(str(one.pk), one.name) for one in supervisors], _("Choose…")),
        )
        if told:
            grounds = [(str(row.pk), row.get_ground_display()) for row in told]
            self.offer("exception", any_of(grounds, _("the promise the client was given")))
        else:
            del self.fields["exception"]
        if "names_confirmed" in self.data:
            self.ask_about_names()

    def ask_about_names(self) -> None:
        self.fields["names_confirmed"] = forms.BooleanField(
            label=_("I have looked: what shows who the client is shall stay in the text"),
            required=False,
        )


@admin.register(SupervisionExcerpt)
class ExcerptAdmin(DoorAdmin):
    """The list is the supervisor's; counsellors have theirs on the client's page."""

    sees = Permission.EXCERPT_READ
    adds = Permission.EXCERPT_RELEASE
    menu_order = 20

    def menu_label(self, user: User) -> Text:
        return _("Released to me")

    def more_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/revoke/", self.revoke, "revoke", DEED)]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        box = supervision.inbox(by=the_user(request), after=asked_id(request, "after"), limit=PAGE)
        return self.page(
            request,
            "said/excerpts.html",
            _("Released to me"),
            excerpts=box.excerpts,
            after=box.after,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.EXCERPT_RELEASE)
        note, disclosure = asked_id(request, "note"), asked_id(request, "disclosure")
        client_id = client_of(note, disclosure, user)
        access.require(user, Permission.EXCERPT_RELEASE, client_id, subject_id=note or disclosure)
        form = ReleaseForm(
            request.POST or None,
            initial=None if request.method == "POST" else beginning(note, disclosure, user),
            supervisors=list(supervision.supervisors(by=user)[:PAGE]),
            told=list(exceptions.browse(by=user, client_id=client_id)[:SHOWN]),
        )
        if request.method == "POST":
            excerpt = attempt(
                form, lambda: release(client_id, form, user, note=note, disclosure=disclosure)
            )
            if excerpt is not None:
                return done(request, _("The excerpt is released."), client_url(client_id))
        code = files.codes([client_id], by=user).get(client_id, "")
        back = (
            reverse("admin:sessions_app_sessionnote_change", args=[note])
            if note
            else reverse("admin:sessions_app_disclosure_change", args=[disclosure])
        )
        return self.form_page(
            request,
            form,
            gettext("Release an excerpt of %(code)s") % {"code": code},
            submit=_("Release"),
            template="said/excerpt_form.html",
            client_id=client_id,
            promised=agreements.in_force(client_id, timezone.now()) is not None,
            crumbs=[(code, client_url(client_id))],
            cancel=back,
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The supervisor reads; the counsellor sees again what was released."""
        user = the_user(request)
        if offers(request, Permission.EXCERPT_READ):
            opened = supervision.read(object_id, by=user)
            return self.page(
                request, "said/excerpt.html", _("Excerpt"), opened=opened, excerpt=opened.excerpt
            )
        opened = supervision.inspect(object_id, by=user)
        excerpt = opened.excerpt
        return self.page(
            request,
            "said/released.html",
            gettext("Excerpt of %(code)s") % {"code": excerpt.client.code},
            opened=opened,
            excerpt=excerpt,
            read_at=supervision.readings(excerpt.client_id, by=user).get(excerpt.pk),
            crumbs=[(excerpt.client.code, client_url(excerpt.client_id))],
        )

    def revoke(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: supervision.revoke(object_id, by=the_user(request)),
            _("The excerpt is taken back."),
            self.url("change", object_id),
        )


def release(client_id: UUID, form: ReleaseForm, user: User, **source: Any) -> SupervisionExcerpt:
    """The verb; where it finds a name in the text, the form asks about it."""
    try:
        return supervision.release(client_id, by=user, **source, **form.cleaned_data)
    except Conflict as refused:
        if refused.code == "names":
            form.ask_about_names()
        raise


def client_of(note: UUID | None, disclosure: UUID | None, user: User) -> UUID:
    """The client of the note or disclosure that an address names, if this user may read it."""
    found: SessionNote | Disclosure | None
    if note is not None:
        found = notes.browse(by=user).filter(pk=note).first()
    elif disclosure is not None:
        found = disclosures.browse(by=user).filter(pk=disclosure).first()
    else:
        raise nothing_here()
    if found is None:
        source = note or disclosure
        access.hide(user, Permission.EXCERPT_RELEASE, client_id=None, subject_id=source)
    return found.client_id


def beginning(note: UUID | None, disclosure: UUID | None, user: User) -> dict[str, Any]:
    """What the form starts from: the whole text of the source, to be cut down."""
    if note is not None:
        sections = in_order(notes.read(note, by=user).body)
        text = "\n\n".join(words for _heading, words in sections)
    elif disclosure is not None:
        text = disclosures.read(disclosure, by=user).text
    else:
        raise nothing_here()
    return {"text": text, "consented_at": timezone.localtime()}


def today(request: HttpRequest) -> Panel | None:
    """The supervisor's: what waits to be read."""
    if not offers(request, Permission.EXCERPT_READ):
        return None
    box = supervision.inbox(by=the_user(request), limit=SHOWN)
    return Panel("said/today_supervisor.html", {"excerpts": box.excerpts, "more": box.after})


def of_client(request: HttpRequest, profile: Profile) -> Panel | None:
    """What was released of this client, to whom, and whether it was read."""
    user, client = the_user(request), profile.client
    if not offers(request, Permission.EXCERPT_RELEASE, client.pk):
        return None
    rows = list(supervision.of_client(client.pk, by=user)[:SHOWN])
    if not rows:
        return None
    read_at = supervision.readings(client.pk, by=user)
    shown = [(row, read_at.get(row.pk)) for row in rows]
    return Panel("said/released_panel.html", {"rows": shown})


panels.add_to_today(today, order=5)
panels.add_to_client(of_client, order=7)
