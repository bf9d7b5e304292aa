"""Logins and practices: the manager's own, or the superuser's every one."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, invitations, practices, users, vouching
from clients_app.admin.door import DEED, FORM, DoorAdmin, Text, attempt, deed, the_user, went
from clients_app.admin.forms import ChoiceField, DoorForm, any_of
from clients_app.models import Practice, User
from clients_app.models.user import ROLE_NAMES
from clients_app.roles import Permission

PAGE = 100
ROLES = [(role.value, name) for role, name in ROLE_NAMES.items()]


class NewUserForm(DoorForm):
    name = forms.CharField(label=_("Name"), max_length=200)
    email = forms.CharField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = ChoiceField(label=_("Role"), choices=any_of(ROLES, _("Choose…")))
    practice = ChoiceField(label=_("Practice"))

    def __init__(self, *args: Any, choices: dict[str, Practice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.practices = choices
        self.offer("practice", [(pk, practice.name) for pk, practice in choices.items()])
        if len(choices) == 1:
            own = self.fields["practice"]
            own.required, own.widget = False, forms.HiddenInput()

    def values(self) -> dict[str, Any]:
        typed = dict(self.cleaned_data)
        chosen = typed.pop("practice") or next(iter(self.practices))
        return {**typed, "practice": self.practices[chosen]}


class UserForm(DoorForm):
    name = forms.CharField(label=_("Name"), max_length=200)
    role = ChoiceField(label=_("Role"), choices=ROLES)
    is_active = forms.BooleanField(
        label=_("May log in"),
        required=False,
        help_text=_("Without it every browser and device of theirs is locked out at once."),
    )


class InvitationForm(DoorForm):
    forget_factors = forms.BooleanField(
        label=_("Forget the second factor too"),
        required=False,
        help_text=_(
            "Only where app, passkeys and recovery codes are all lost, and only when you know for"
            " certain that it is them who ask: whoever has the link then needs nothing else."
        ),
    )


class VouchForm(DoorForm):
    code = forms.CharField(
        label=_("Their code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        help_text=_("Eight digits, which they see when they have come in."),
    )


@admin.register(User)
class UserAdmin(DoorAdmin):
    sees = Permission.USER_READ
    adds = Permission.USER_MANAGE
    menu_order = 90
    one_methods = FORM

    def menu_label(self, user: User) -> Text:
        return _("Logins")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request) or serves(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) or serves(request)

    def more_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:object_id>/invite/", self.invite_page, "invite"),
            self.route("<uuid:object_id>/vouch/", self.vouch_page, "vouch"),
            self.route("<uuid:object_id>/log-out/", self.log_out, "log_out", DEED),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        number = max(int(page), 1) if (page := request.GET.get("p", "")).isdecimal() else 1
        first = (min(number, 10_000) - 1) * PAGE
        found = list(users.browse(by=the_user(request))[first : first + PAGE + 1])
        return self.page(
            request,
            "usaldus/users.html",
            _("Logins"),
            users=found[:PAGE],
            next_page=number + 1 if len(found) > PAGE else None,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require_users(user, Permission.USER_MANAGE)
        own = [user.practice] if user.practice else practices.browse(by=user)
        form = NewUserForm(request.POST or None, choices={str(p.pk): p for p in own})
        if request.method == "POST":
            made = attempt(form, lambda: users.create(by=user, **form.values()))
            if made is not None:
                return self.link_page(request, made, invitations.invite(made.pk, by=user))
        return self.form_page(
            request,
            form,
            _("New login"),
            submit=_("Make"),
            explanation=_("You get a link for them, by which they choose their password."),
            cancel=self.url("changelist"),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = UserForm(request.POST or None)
        if request.method == "POST":
            changed = attempt(form, lambda: users.change(object_id, by=user, **form.cleaned_data))
            if changed is not None:
                return self.done(request, _("The login is changed."), "changelist")
        login = users.read(object_id, by=user)
        if request.method != "POST":
            start = {"name": login.name, "role": login.role, "is_active": login.is_active}
            form = UserForm(initial=start)
        return self.page(
            request,
            "usaldus/user.html",
            gettext("Login %(id)s") % {"id": str(object_id)[-12:]},
            login=login,
            count=users.logins_of(object_id, by=user),
            invited_until=invitations.waiting(object_id, by=user),
            form=form if self.has_add_permission(request) else None,
            vouchers=vouching.whom_to_ask(login) if not login.vouched_at else (),
            submit=_("Save"),
            cancel=self.url("changelist"),
        )

    def invite_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = InvitationForm(request.POST if request.method == "POST" else None)
        if request.method == "POST":
            made = attempt(
                form, lambda: invitations.invite(object_id, by=user, **form.cleaned_data)
            )
            if made is not None:
                return self.link_page(request, users.read(object_id, by=user), made)
        access.require_users(user, Permission.USER_MANAGE, subject_id=object_id)
        login = users.read(object_id, by=user)
        return self.form_page(
            request,
            form,
            _("New link"),
            submit=_("Make a link"),
            explanation=_(
                "They choose a new password by it. The old password, their browsers and their"
                " devices end now."
            ),
            subject=login.name,
            cancel=self.url("change", object_id),
        )

    def vouch_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = VouchForm(request.POST or None)
        if request.method == "POST" and went(
            form, lambda: vouching.vouch(object_id, by=user, **form.cleaned_data)
        ):
            return self.done(request, _("They can work now."), "change", object_id)
        access.require(user, Permission.USER_VOUCH, subject_id=object_id)
        login = users.read(object_id, by=user)
        return self.form_page(
            request,
            form,
            _("Vouch for a login"),
            submit=_("It is them"),
            explanation=_(
                "Meet them, or call them at a number that you know, and let them read out the code"
                " on their page. Never take it from whoever made the login. You say by it that"
                " this login is theirs and that its role is right."
            ),
            subject=f"{login.name}, {login.get_role_display()}",
            cancel=self.url("change", object_id),
        )

    def link_page(self, request: HttpRequest, login: User, made: invitations.Link) -> HttpResponse:
        """The link, shown this once."""
        here = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
        return self.page(
            request,
            "usaldus/invited.html",
            _("A link to hand over") if made.path else _("A link was mailed"),
            login=login,
            link=made.path and here + made.path,
            made=made,
        )

    def log_out(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        return deed(
            request,
            lambda: users.log_out(object_id, by=user),
            _("They are logged out everywhere."),
            self.url("change", object_id),
        )


class PracticeForm(DoorForm):
    name = forms.CharField(label=_("Name"), max_length=200)
    slug = forms.CharField(
        label=_("Short name"), max_length=50, help_text=_("For commands, as in kalda.")
    )
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=64, help_text=_("As in Europe/Tallinn.")
    )
    jurisdiction = forms.CharField(
        label=_("Jurisdiction"), max_length=8, help_text=_("Country code, as in EE.")
    )


@admin.register(Practice)
class PracticeAdmin(DoorAdmin):
    """For the superuser alone, who sees of a practice what is typed here and its logins."""

    menu_order = 85
    one_methods = FORM

    def menu_label(self, user: User) -> Text:
        return _("Practices")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return serves(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return serves(request)

    def list_page(self, request: HttpRequest) -> HttpResponse:
        rows = list(practices.browse(by=the_user(request)))
        return self.page(request, "usaldus/practices.html", _("Practices"), practices=rows)

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require_server(user, Permission.PRACTICE_MANAGE)
        start = {"time_zone": "Europe/Tallinn", "jurisdiction": "EE"}
        form = PracticeForm(request.POST or None, initial=start)
        if request.method == "POST" and went(
            form, lambda: practices.create(by=user, **form.cleaned_data)
        ):
            return self.done(request, _("The practice is founded."), "changelist")
        return self.form_page(
            request, form, _("New practice"), submit=_("Found"), cancel=self.url("changelist")
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = PracticeForm(request.POST or None)
        if request.method == "POST":
            if went(form, lambda: practices.change(object_id, by=user, **form.cleaned_data)):
                return self.done(request, _("The practice is changed."), "changelist")
            access.require_server(user, Permission.PRACTICE_MANAGE, subject_id=object_id)
        else:
            practice = practices.read(object_id, by=user)
            names = ("name", "slug", "time_zone", "jurisdiction")
            form = PracticeForm(initial={name: getattr(practice, name) for name in names})
        return self.form_page(
            request,
            form,
            _("Practice"),
            submit=_("Save"),
            explanation=_("A new time zone changes how times are shown, not when things were."),
            cancel=self.url("changelist"),
        )


def serves(request: HttpRequest) -> bool:
    """Whether a menu offers what belongs to whoever runs the server."""
    return request.user.is_authenticated and the_user(request).is_superuser
