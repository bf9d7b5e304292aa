"""What is typed about a client."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clients_app.admin.forms import (
    ChoiceField,
    DayField,
    DoorForm,
    LongTextField,
    PrivateField,
    any_of,
)
from clients_app.models import Category, Kind, PurgeSnooze, ServiceType


class SearchForm(DoorForm):
    """Sent by POST, so that no name gets into an address, a log or the browser's history."""

    words = PrivateField(
        label=_("Find"),
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )


class IdentityForm(DoorForm):
    """Who the client is. Everything may be left empty: some people come without a name."""

    full_name = PrivateField(label=_("Full name"), required=False, max_length=300)
    preferred_name = PrivateField(
        label=_("Preferred name"),
        required=False,
        max_length=300,
        help_text=_("How they want to be called."),
    )
    pronouns = PrivateField(label=_("Pronouns"), required=False, max_length=300)
    birth_date = DayField(
        label=_("Date of birth"),
        required=False,
        help_text=_("How long a minor's file is kept depends on it."),
    )
    phone = PrivateField(
        label=_("Phone"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
    )
    email = PrivateField(
        label=_("E-mail"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"inputmode": "email"}),
    )
    address = LongTextField(label=_("Address"), required=False, rows=2, longest=1000)
    trusted_person = LongTextField(
        label=_("Trusted person"),
        required=False,
        rows=2,
        longest=1000,
        help_text=_("Whom to call if something happens, and how."),
    )
    kind = ChoiceField(label=_("Who comes"), choices=Kind.choices)
    service_type = ChoiceField(label=_("Service"), choices=ServiceType.choices)
    jurisdiction = forms.CharField(
        label=_("Jurisdiction"),
        max_length=8,
        help_text=_("Country code such as EE. It decides which rules of keeping apply."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": 8}),
    )

    category = ChoiceField(
        label=_("Category"),
        required=False,
        choices=any_of(Category.choices, _("none")),
        help_text=_("Some rules of keeping ask about it."),
    )
    death_date = DayField(
        label=_("Date of death"), required=False, help_text=_("Some rules count from it.")
    )

    def identity(self) -> dict[str, str | None]:
        """The sealed values, as the verbs take them."""
        days = {name: self.cleaned_data[name] for name in ("birth_date", "death_date")}
        texts = ("full_name", "preferred_name", "pronouns", "phone", "email", "address", "category")
        values: dict[str, str | None] = {name: self.cleaned_data[name] for name in texts}
        values["trusted_person"] = self.cleaned_data["trusted_person"]
        return values | {name: day.isoformat() if day else None for name, day in days.items()}

    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("kind", "service_type", "jurisdiction")}


class ChangeForm(IdentityForm):
    """The same of a client that is known, with the version that was read."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class RegisterForm(IdentityForm):
    """A new client. The code is given out by itself."""

    field_order = ["full_name", "preferred_name", "pronouns", "birth_date"]


class DischargeForm(DoorForm):
    on = DayField(
        label=_("Day of discharge"),
        help_text=_("From this day on nothing can be added to the file."),
    )


class ReopenForm(DoorForm):
    """Carries the day that goes, as the page showed it."""

    kept_until = forms.DateField(required=False, widget=forms.HiddenInput)

    def show(self, day: date | None) -> None:
        """The next sending is about this day."""
        self.initial = {"kept_until": day}
        if self.is_bound:
            self.data = {**self.data, "kept_until": day.isoformat() if day else ""}


class SnoozeForm(DoorForm):
    reason = ChoiceField(
        label=_("Why"), choices=PurgeSnooze.Reason.choices, widget=forms.RadioSelect
    )
    until = DayField(label=_("Until"), help_text=_("Half a year ahead at most."))


class ColleagueForm(DoorForm):
    """A counsellor of the practice."""

    aliases = {"to": "user"}
    user = forms.TypedChoiceField(
        label=_("Counsellor"), error_messages={"invalid_choice": _("Choose a counsellor.")}
    )

    def __init__(self, *args: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("user", [("", _("Choose…")), *((str(c.pk), c.name) for c in colleagues)])
