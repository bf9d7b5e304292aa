"""Retention rules and legal holds: how long files are kept, and what stops their end."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, files, holds, presets, rules
from clients_app.admin.door import (
    DEED,
    READING,
    DoorAdmin,
    Text,
    asked_code,
    attempt,
    deed,
    the_user,
)
from clients_app.admin.forms import (
    ChoiceField,
    DayField,
    DoorForm,
    LongTextField,
    PrivateField,
    any_of,
)
from clients_app.models import (
    Bound,
    Category,
    LegalHold,
    RecordClass,
    RetentionRule,
    ServiceType,
    Trigger,
    User,
)
from clients_app.roles import Permission

PAGE = 100
Row = tuple[forms.BoundField, str | None]


class NumberField(forms.IntegerField):
    """A number of a rule, within the range that the verb knows, or nothing."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        least, most, _words = rules.RANGES[name]
        super().__init__(required=False, min_value=least, max_value=most, **kwargs)


class RuleForm(DoorForm):
    """What a rule says; the conditions that few rules have are folded away (`more`)."""

    bound = ChoiceField(
        label=_("The rule says"),
        choices=Bound.choices,
        initial=Bound.FLOOR,
        widget=forms.RadioSelect,
        help_text=_("A ceiling destroys nothing: it warns where no rule asks to keep longer."),
    )
    years = NumberField("years", label=_("Years"))
    months = NumberField("months", label=_("Months"))
    days = NumberField("days", label=_("Days"))
    trigger = ChoiceField(
        label=_("counted from"), choices=Trigger.choices, widget=forms.RadioSelect
    )
    until_age = NumberField(
        "until_age",
        label=_("A minor’s file until this birthday"),
        help_text=_("Empty: minors’ files are kept as long as adults’."),
    )
    source = forms.CharField(
        label=_("Source"),
        max_length=300,
        help_text=_("The law, code or policy that says so. It stands on every certificate."),
    )
    record_class = ChoiceField(
        label=_("Files"), choices=RecordClass.choices, initial=RecordClass.FILE
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
    category = ChoiceField(
        label=_("Category"), required=False, choices=any_of(Category.choices, _("every client"))
    )
    older_from = NumberField(
        "older_from", label=_("Another birthday for minors of this age or older")
    )
    older_until_age = NumberField("older_until_age", label=_("namely this birthday"))
    started_from_age = NumberField(
        "started_from_age", label=_("Only who was this old at registration")
    )
    started_below_age = NumberField(
        "started_below_age", label=_("Only who was younger than this at registration")
    )
    counts_from = DayField(label=_("Only periods that begin on this day or later"), required=False)
    counts_before = DayField(label=_("Only periods that begin before this day"), required=False)
    unless_died = forms.BooleanField(label=_("Not where the client has died"), required=False)
    batch_month = NumberField("batch_month", label=_("Destroyed together: month"))
    batch_day = NumberField(
        "batch_day",
        label=_("Destroyed together: day"),
        help_text=_("Files are kept to the day before. Without a month: every month."),
    )
    FOLDED = (
        *("older_from", "older_until_age", "started_from_age", "started_below_age"),
        *("counts_from", "counts_before", "unless_died", "batch_month", "batch_day"),
    )

    def basics(self) -> list[Row]:
        return [row for row in self.rows() if row[0].name not in self.FOLDED]

    def more(self) -> list[Row]:
        return [row for row in self.rows() if row[0].name in self.FOLDED]

    def unfolded(self) -> bool:
        return any(field.errors or field.data for field, _meanwhile in self.more())

    def terms(self) -> dict[str, Any]:
        """As `rules.decide` takes them."""
        lengths = {name: self.cleaned_data[name] or 0 for name in ("years", "months", "days")}
        return {**self.cleaned_data, **lengths}


@admin.register(RetentionRule)
class RetentionRuleAdmin(DoorAdmin):
    """Rules are decided and retired, never edited."""

    sees = Permission.RULE_READ
    adds = Permission.RULE_DECIDE
    menu_order = 40

    def menu_label(self, user: User) -> Text:
        return _("Retention rules")

    def more_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:object_id>/retire/", self.retire_page, "retire"),
            self.route("presets/", self.presets_page, "presets", READING),
            self.route("presets/<slug:name>/adopt/", self.adopt, "adopt", DEED),
        ]

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
        effect = None
        if request.method == "POST" and "put_in_force" in request.POST:
            decided = attempt(form, lambda: rules.decide(by=user, **form.terms()))
            if decided is not None:
                _rule, longer = decided
                message = ngettext(
                    "The rule is in force. It keeps %(n)d discharged file longer.",
                    "The rule is in force. It keeps %(n)d discharged files longer.",
                    longer,
                )
                return self.done(request, message % {"n": longer}, "changelist")
        elif request.method == "POST":
            effect = attempt(form, lambda: rules.preview(by=user, **form.terms()))
        return self.form_page(
            request,
            form,
            _("Decide a new rule"),
            submit=_("Show what it would change"),
            effect=effect,
            template="usaldus/rule_form.html",
            explanation=_(
                "It holds for files discharged from now on, and gives files that are discharged "
                "already a later date where it asks for one. It never shortens a date that stands. "
                "Of several rules that fit a file, the one that keeps it longest governs."
            ),
            cancel=self.url("changelist"),
        )

    def presets_page(self, request: HttpRequest) -> HttpResponse:
        shipped = rules.shipped(by=the_user(request))
        return self.page(
            request,
            "usaldus/rule_presets.html",
            _("Rules to begin with"),
            advice=presets.ADVICE,
            shipped=[
                (preset, [RetentionRule(**terms) for terms in preset.rules]) for preset in shipped
            ],
        )

    def adopt(self, request: HttpRequest, name: str) -> HttpResponse:
        return deed(
            request,
            lambda: rules.adopt(name, by=the_user(request)),
            _("The rules are in force. Read them: they are yours now."),
            self.url("changelist"),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        rule = rules.read(object_id, by=the_user(request))
        title = gettext("Rule %(id)s") % {"id": str(rule.pk)[-12:]}
        return self.page(request, "usaldus/rule.html", title, rule=rule)

    def retire_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Without this rule: what would change shows first."""
        user = the_user(request)
        if request.method == "POST":
            return deed(
                request,
                lambda: rules.retire(object_id, by=user),
                _("The rule is retired. Dates that stand, stand."),
                self.url("changelist"),
            )
        rule, effect = rules.preview_retirement(object_id, by=user)
        title = gettext("Retire rule %(id)s") % {"id": str(rule.pk)[-12:]}
        return self.page(request, "usaldus/rule_retire.html", title, rule=rule, effect=effect)


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
    until = DayField(
        label=_("Expected until"),
        required=False,
        help_text=_("On this day it comes back to your page. It does not end by itself."),
    )
    notice_to = PrivateField(
        label=_("Whom to ask before it is lifted"), required=False, max_length=300
    )


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
            today=timezone.localdate(),
            next_page=number + 1 if len(found) > PAGE else None,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.HOLD_DECIDE)
        form = HoldForm(request.POST or None, initial={"code": asked_code(request)})
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
    typed = dict(form.cleaned_data)
    client = files.of_code(typed.pop("code"), by=user)
    return holds.place(client.pk, by=user, **{**typed, "notice_to": typed["notice_to"] or None})
