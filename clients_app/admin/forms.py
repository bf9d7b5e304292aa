"""Forms that lose nothing that was typed."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clients_app.errors import Stale
from clients_app.texts import LONGEST_TEXT

# Nothing that a client is or said goes to the browser's memory or to a spelling service.
PRIVATE = {"autocomplete": "off", "spellcheck": "false"}


class DoorForm(forms.Form):
    """A plain form whose fields are named as the verb's arguments."""

    required_css_class = "required"
    # Which field shows a refusal of an argument that has another name.
    aliases: Mapping[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.saved_meanwhile: dict[str, str] = {}
        self.stale = False

    def field_of(self, argument: str) -> str | None:
        """The field that shows what is wrong with an argument of the verb."""
        name = self.aliases.get(argument, argument)
        return name if name in self.fields and not self.fields[name].widget.is_hidden else None

    def compare(self, stale: Stale, current: Mapping[str, str]) -> None:
        """Somebody saved meanwhile: show theirs beside what was typed. Sending the form again
        then replaces the version that is shown now."""
        self.stale = True
        self.saved_meanwhile = {
            name: str(dict(getattr(self.fields[name], "choices", ())).get(value, value))
            for name, value in current.items()
            if name in self.fields and value != (self.data.get(name) or "").replace("\r\n", "\n")
        }
        if current and "version" in self.fields:
            typed = {name: self.data.get(name) for name in self.data}
            self.data = {**typed, "version": str(stale.current)}
        self.add_error(None, str(stale.message))

    def offer(self, name: str, choices: Sequence[tuple[str, str | Promise]]) -> None:
        """Give a field choices that only this request knows."""
        cast(forms.ChoiceField, self.fields[name]).choices = list(choices)

    def rows(self) -> list[tuple[forms.BoundField, str | None]]:
        """The visible fields, each with what somebody else saved meanwhile."""
        return [(field, self.saved_meanwhile.get(field.name)) for field in self.visible_fields()]


class PrivateField(forms.CharField):
    """One line that a browser must not remember."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs = {**PRIVATE, **self.widget.attrs}


class LongTextField(forms.CharField):
    """Text byte for byte as it was typed; only the line ends that browsers make of a newline
    (HTML, "form submission") are turned back."""

    def __init__(self, *, rows: int = 10, longest: int = LONGEST_TEXT, **kwargs: Any) -> None:
        attrs = {**PRIVATE, "rows": rows, "data-longest": longest, "class": "long-text"}
        kwargs.setdefault("widget", forms.Textarea(attrs=attrs))
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ChoiceField(forms.ChoiceField):
    """A choice whose refusal does not repeat what was sent."""

    default_error_messages = {"invalid_choice": _("Choose one of the listed values.")}


class DayField(forms.DateField):
    """A day of a living person's time, by the browser's own calendar."""

    default_validators = [
        MinValueValidator(date(1850, 1, 1), message=_("Check the year.")),
        MaxValueValidator(date(2200, 12, 31), message=_("Check the year.")),
    ]
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **PRIVATE})


class MomentField(forms.DateTimeField):
    """A day and time in the practice's zone, by the browser's own calendar."""

    widget = forms.DateTimeInput(
        format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", **PRIVATE}
    )


class PasswordField(forms.CharField):
    """A password as it was typed; `new` helps password managers to offer one."""

    def __init__(self, *, new: bool = True, **kwargs: Any) -> None:
        attrs = {"autocomplete": "new-password" if new else "current-password"}
        kwargs.setdefault("max_length", 1000)
        super().__init__(strip=False, widget=forms.PasswordInput(attrs=attrs), **kwargs)


def any_of(
    choices: Sequence[tuple[str, str | Promise]], empty: str | Promise
) -> list[tuple[str, str | Promise]]:
    """The choices, and before them that none is chosen."""
    return [("", empty), *choices]
