"""Progress notes: write, revise, read through and sign, add."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access
from clients_app.admin.door import (
    FORM,
    Crumb,
    DoorAdmin,
    Text,
    asked_id,
    attempt,
    done,
    offers,
    the_user,
)
from clients_app.admin.forms import ChoiceField, DoorForm, LongTextField
from clients_app.models import User
from clients_app.roles import Permission
from sessions_app import notes, sessions
from sessions_app.admin.recent import recent_sessions
from sessions_app.admin.sessions import client_url
from sessions_app.models import FORMATS, Format, SessionNote, TherapySession

PAGE = 50
SECTIONS = {
    "text": _("Note"),
    "subjective": _("Subjective"),
    "objective": _("Objective"),
    "data": _("Data"),
    "behavior": _("Behaviour"),
    "goal": _("Goal"),
    "assessment": _("Assessment"),
    "intervention": _("Intervention"),
    "response": _("Response"),
    "plan": _("Plan"),
}
FORMAT_NAMES = [
    (Format.NARRATIVE.value, _("free text")),
    *((shape.value, shape.label) for shape in Format if shape is not Format.NARRATIVE),
]


class SectionField(LongTextField):
    """One section of a note, and the formats that have it."""

    def __init__(self, name: str) -> None:
        super().__init__(label=SECTIONS[name], required=False, rows=14 if name == "text" else 6)
        self.formats = [shape.value for shape, names in FORMATS.items() if name in names]


class NoteForm(DoorForm):
    """Every section that a format may have; those that the chosen one lacks are folded away, but
    never while there is text in them."""

    format = ChoiceField(
        label=_("Format"),
        choices=FORMAT_NAMES,
        widget=forms.RadioSelect(attrs={"class": "segments"}),
        initial=Format.NARRATIVE.value,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECTIONS:
            self.fields[name] = SectionField(name)

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections of the chosen format."""
        chosen = self["format"].value()
        known = chosen in set(Format.values)
        return FORMATS[Format(chosen) if known else Format.NARRATIVE]

    @property
    def folded(self) -> set[str]:
        shown = {*self.sections, *self.saved_meanwhile}
        return {
            name
            for name in SECTIONS
            if name not in shown and not (self[name].value() or "").strip()
        }

    def field_of(self, argument: str) -> str | None:
        return self.sections[0] if argument == "body" else super().field_of(argument)

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        odd = [
            str(label)
            for name, label in SECTIONS.items()
            if name not in self.sections and (typed.get(name) or "").strip()
        ]
        if odd:
            message = gettext(
                "This format has no section %(names)s. Move that text into another section, or "
                "choose the format that has it."
            )
            raise ValidationError(message % {"names": ", ".join(odd)})
        return typed

    def body(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.sections}


class RevisionForm(NoteForm):
    version = forms.IntegerField(widget=forms.HiddenInput)


class AddendumForm(DoorForm):
    aliases = {"body": "text"}
    text = LongTextField(label=_("What is to be added"), rows=10)


@admin.register(SessionNote)
class SessionNoteAdmin(DoorAdmin):
    """A draft's page is its form; a signed note's page is for reading."""

    sees = Permission.NOTE_READ
    adds = Permission.NOTE_WRITE
    menu_order = 30
    one_methods = FORM

    def menu_label(self, user: User) -> Text:
        return _("Drafts")

    def more_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:object_id>/sign/", self.sign_page, "sign"),
            self.route("<uuid:object_id>/add/", self.addendum_page, "addendum"),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """What waits for this user's signature: codes and days."""
        found = list(notes.browse(by=the_user(request), drafts=True)[: PAGE + 1])
        return self.page(
            request,
            "said/drafts.html",
            _("Drafts"),
            drafts=found[:PAGE],
            more=len(found) > PAGE,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        session_id = asked_id(request, "session")
        if session_id is None:
            access.require(user, Permission.NOTE_WRITE)
            return self.page(
                request, "said/which.html", _("Write a note"), sessions=recent_sessions(user)
            )
        form = note_form(request, NoteForm)
        if form.is_bound:
            note = attempt(
                form,
                lambda: notes.write(
                    session_id, by=user, body=form.body(), format=form.cleaned_data["format"]
                ),
            )
            if note is not None:
                return self.saved(request, note)
        access.require(user, Permission.NOTE_WRITE, subject_id=session_id)
        session = sessions.read(session_id, by=user).session
        return self.form_page(
            request,
            form,
            gettext("Note about %(code)s") % {"code": session.client.code},
            submit=_("Save draft"),
            template="said/note_form.html",
            session=session,
            crumbs=crumbs(session),
            cancel=client_url(session.client_id),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = note_form(request, RevisionForm)
        if form.is_bound:
            note = attempt(
                form,
                lambda: notes.revise(
                    object_id,
                    by=user,
                    version=form.cleaned_data["version"],
                    body=form.body(),
                    format=form.cleaned_data["format"],
                ),
                current=lambda: known(notes.read(object_id, by=user)),
            )
            if note is not None:
                return self.saved(request, note)
        opened = notes.read(object_id, by=user)
        note = opened.note
        writes = offers(request, Permission.NOTE_WRITE, note.client_id)
        if (note.signed_at is not None or not writes) and not form.is_bound:
            return self.reading(request, opened)
        if request.method != "POST":
            form = RevisionForm(initial={**known(opened), "version": note.version})
        return self.form_page(
            request,
            form,
            gettext("Note about %(code)s") % {"code": note.client.code},
            submit=_("Save draft"),
            template="said/note_form.html",
            session=note.session,
            note=note,
            crumbs=crumbs(note.session),
            cancel=client_url(note.client_id),
        )

    def saved(self, request: HttpRequest, note: SessionNote) -> HttpResponse:
        if "_sign" in request.POST:
            return redirect(self.url("sign", note.pk))
        return self.done(request, _("The draft is saved."), "change", note.pk)

    def reading(self, request: HttpRequest, opened: notes.OpenedNote) -> HttpResponse:
        note = opened.note
        return self.page(
            request,
            "said/note.html",
            gettext("Note about %(code)s") % {"code": note.client.code},
            note=note,
            format=shape_name(opened.format),
            sections=in_order(opened.body),
            crumbs=crumbs(note.session),
            about=note.client_id,
        )

    def sign_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Read through once more, then sign what was read."""
        user = the_user(request)
        form = SignForm(request.POST or None)
        if request.method == "POST":
            note = attempt(
                form, lambda: notes.sign(object_id, by=user, version=form.cleaned_data["version"])
            )
            if note is not None:
                return done(request, _("The note is signed."), client_url(note.client_id))
        access.require(user, Permission.NOTE_WRITE, subject_id=object_id)
        opened = notes.read(object_id, by=user)
        note = opened.note
        if note.signed_at is not None:
            return redirect(self.url("change", object_id))
        errors = form.non_field_errors() if form.is_bound else []
        return self.page(
            request,
            "said/sign.html",
            gettext("Sign the note about %(code)s") % {"code": note.client.code},
            note=note,
            format=shape_name(opened.format),
            sections=in_order(opened.body),
            errors=errors,
            form=SignForm(initial={"version": note.version}),
            submit=_("Sign"),
            cancel=self.url("change", object_id),
            crumbs=crumbs(note.session),
        )

    def addendum_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = AddendumForm(request.POST or None)
        if request.method == "POST":
            note = attempt(
                form, lambda: notes.add(object_id, by=user, text=form.cleaned_data["text"])
            )
            if note is not None:
                return done(request, _("The addendum is signed."), client_url(note.client_id))
        access.require(user, Permission.NOTE_WRITE, subject_id=object_id)
        opened = notes.read(object_id, by=user)
        note = opened.note
        if note.signed_at is None and not form.is_bound:
            return redirect(self.url("change", object_id))
        return self.form_page(
            request,
            form,
            gettext("Add to the note about %(code)s") % {"code": note.client.code},
            submit=_("Add and sign"),
            template="said/addendum.html",
            note=note,
            format=shape_name(opened.format),
            sections=in_order(opened.body),
            crumbs=crumbs(note.session),
            cancel=self.url("change", object_id),
        )


class SignForm(DoorForm):
    version = forms.IntegerField(widget=forms.HiddenInput)


def note_form(request: HttpRequest, kind: type[NoteForm]) -> NoteForm:
    """The form as it was sent. Without JavaScript a button shows the sections of another format:
    then what was typed stays and nothing is saved."""
    if request.method == "POST" and "_show" in request.POST:
        typed = {name: request.POST.get(name, "") for name in (*SECTIONS, "format", "version")}
        return kind(initial=typed)
    return kind(request.POST) if request.method == "POST" else kind()


def known(opened: notes.OpenedNote) -> dict[str, str]:
    return {"format": opened.format, **opened.body}


def in_order(body: Mapping[str, str]) -> list[tuple[Text, str]]:
    """The sections that hold something, each with its heading."""
    return [(SECTIONS.get(name, name), text) for name, text in body.items() if text.strip()]


def shape_name(shape: str) -> Text:
    return dict(FORMAT_NAMES).get(shape, shape)


def crumbs(session: TherapySession) -> list[Crumb]:
    return [(session.client.code, client_url(session.client_id))]
