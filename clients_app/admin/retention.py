"""Retention rules and legal holds: how long files are kept, and what stops their end."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, files, holds, rules
from clients_app.admin.door import DEED, DoorAdmin, Text, attempt, deed, the_user
from clients_app.admin.forms import (
    ChoiceField,
    DoorForm,
    LongTextField,
    PrivateField,
    any_of,
)
from clients_app.models import LegalHold, RetentionRule, ServiceType, Trigger, User
from clients_app.roles import Permission

PAGE = 100


class RuleForm(DoorForm):
    trigger = ChoiceField(
        label=_("The years run from"), choices=Trigger.choices, widget=forms.RadioSelect
    )
    adult_years = forms.IntegerField(label=_("Years"), min_value=1, max_value=110)
    minor_until_age = forms.IntegerField(
        label=_("A minor’s file until this birthday"),
        required=False,
        min_value=18,
        max_value=110,
        help_text=_("Empty: minors’ files are kept as long as adults’."),
    )
    service_type = ChoiceField(
        label=_("Service"),
        required=False,
        choices=any_of(ServiceType.choices, _("every service")),
    )
    jurisdiction = forms.CharField(
        label=_("Jurisdiction"),
        required=False,
        max_length=8,
        help_text=_("Country code such as EE. Empty: every jurisdiction."),
    )
    source = forms.CharField(
        label=_("Source"),
        max_length=300,
        help_text=_("The law, code or policy that says so. It stands on every certificate."),
    )


@admin.register(RetentionRule)
class RetentionRuleAdmin(DoorAdmin):
    """Rules are decided and retired, never edited."""

    sees = Permission.RULE_READ
    adds = Permission.RULE_DECIDE
    menu_order = 40

    def menu_label(self, user: User) -> Text:
        return _("Retention rules")

    def more_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/retire/", self.retire, "retire", DEED)]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        found = list(rules.browse(by=the_user(request))[: PAGE + 1])
        return self.page(
            request,
            "usaldus/rules.html",
            _("Retention rules"),
            in_force=[rule for rule in found if rule.retired_at is None],
            retired=[rule for rule in found[:PAGE] if rule.retired_at is not None],
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.RULE_DECIDE)
        form = RuleForm(request.POST or None)
        if request.method == "POST":
            decided = attempt(form, lambda: rules.decide(by=user, **form.cleaned_data))
            if decided is not None:
                _rule, longer = decided
                message = ngettext(
                    "The rule is in force. It keeps %(n)d discharged file longer.",
                    "The rule is in force. It keeps %(n)d discharged files longer.",
                    longer,
                )
                return self.done(request, message % {"n": longer}, "changelist")
        return self.form_page(
            request,
            form,
            _("Decide a new rule"),
            submit=_("Put in force"),
            explanation=_(
                "It holds for files discharged from now on, and gives files that are discharged "
                "already a later date where it asks for one. It never shortens a date that stands. "
                "Of several rules that fit a file, the one that keeps it longest governs."
            ),
            cancel=self.url("changelist"),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        rule = rules.read(object_id, by=the_user(request))
        title = gettext("Rule %(id)s") % {"id": str(rule.pk)[-12:]}
        return self.page(request, "usaldus/rule.html", title, rule=rule)

    def retire(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: rules.retire(object_id, by=the_user(request)),
            _("The rule is retired. Dates that stand, stand."),
            self.url("changelist"),
        )


class HoldForm(DoorForm):
    code = forms.CharField(
        label=_("Client’s code"), max_length=32, widget=forms.TextInput({"autocomplete": "off"})
    )
    matter = PrivateField(
        label=_("Matter"),
        max_length=300,
        help_text=_("The case or request, as a lawyer would find it again."),
    )
    reason = LongTextField(label=_("Reason"), rows=6, longest=10_000)


@admin.register(LegalHold)
class LegalHoldAdmin(DoorAdmin):
    """Matter and reason are sealed: lists show codes and days only."""

    sees = Permission.HOLD_READ
    adds = Permission.HOLD_DECIDE
    menu_order = 50

    def menu_label(self, user: User) -> Text:
        return _("Legal holds")

    def more_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/lift/", self.lift, "lift", DEED)]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        number = max(int(page), 1) if (page := request.GET.get("p", "")).isdecimal() else 1
        first = (min(number, 10_000) - 1) * PAGE
        found = list(holds.browse(by=the_user(request))[first : first + PAGE + 1])
        return self.page(
            request,
            "usaldus/holds.html",
            _("Legal holds"),
            holds=found[:PAGE],
            next_page=number + 1 if len(found) > PAGE else None,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.HOLD_DECIDE)
        form = HoldForm(request.POST or None, initial=self.asked(request))
        if request.method == "POST":
            hold = attempt(form, lambda: place(form, user))
            if hold is not None:
                return self.done(request, _("The hold is placed."), "changelist")
        return self.form_page(
            request,
            form,
            _("Place a legal hold"),
            submit=_("Place the hold"),
            explanation=_("Until it is lifted, nothing of this client is destroyed."),
            cancel=self.url("changelist"),
        )

    def asked(self, request: HttpRequest) -> dict[str, Any]:
        """The code of the client from whose page the form was opened."""
        try:
            client = UUID(request.GET.get("client", ""))
        except ValueError:
            return {}
        return {"code": files.codes([client], by=the_user(request)).get(client, "")}

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        opened = holds.read(object_id, by=the_user(request))
        title = gettext("Hold on %(code)s") % {"code": opened.hold.client.code}
        return self.page(request, "usaldus/hold.html", title, hold=opened.hold, opened=opened)

    def lift(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: holds.lift(object_id, by=the_user(request)),
            _("The hold is lifted."),
            self.url("changelist"),
        )


def place(form: HoldForm, user: User) -> LegalHold:
    typed = form.cleaned_data
    client = files.of_code(typed["code"], by=user)
    return holds.place(client.pk, by=user, matter=typed["matter"], reason=typed["reason"])
