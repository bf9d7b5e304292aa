"""What may stand in a body or a query: JSON types as they are, and messages without the input.

The framework's own fields are kind: they trim text, take "5" for 5, "yes" for true and a time
without a zone, and quote what they do not understand. Here nothing is changed and nothing quoted.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import empty

Messages = dict[str, Any]
TEXT = _("Text is expected here.")
NUMBER = _("A whole number is expected here.")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII
)


class Text(serializers.CharField):
    """Text, byte for byte. Whether it may be empty or how long it may be, the verb says, unless
    `max_length` keeps a needlessly long one out."""

    default_error_messages: ClassVar[Messages] = {
        "invalid": TEXT,
        "null_characters": _("This contains characters that cannot be stored."),
        "max_length": _("This is too long."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("allow_blank", True)
        super().__init__(trim_whitespace=False, **kwargs)
        # The framework's look for surrogates goes letter by letter in Python; orjson has refused
        # them already.
        self.validators = []

    def run_validation(self, data: Any = empty) -> Any:
        decided, data = self.validate_empty_values(data)
        if decided:
            return data
        if not isinstance(data, str):
            self.fail("invalid")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length")
        if "\0" in data:
            self.fail("null_characters")
        return data


class Texts(serializers.ListField):
    """A few short texts. How many is looked at first, so that a million cost nothing."""

    default_error_messages: ClassVar[Messages] = {
        "not_a_list": _("A list is expected here."),
        "max_length": _("This list is too long."),
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length")
        values: list[Any] = self.run_child_validation(data)
        return values


class Choice(serializers.ChoiceField):
    """One of a few words, which the message names."""

    def __init__(self, choices: Iterable[Any], **kwargs: Any) -> None:
        values = [str(value) for value in choices]
        super().__init__(choices=[(value, value) for value in values], **kwargs)
        self.error_messages["invalid_choice"] = _("Expected here: %(names)s.") % {
            "names": ", ".join(values)
        }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice")
        return data


class Whole(serializers.IntegerField):
    """A whole number of JSON, neither text nor true."""

    default_error_messages: ClassVar[Messages] = {
        "invalid": NUMBER,
        "max_value": _("At most {max_value} is possible here."),
        "min_value": _("At least {min_value} is possible here."),
    }

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """true or false."""

    default_error_messages: ClassVar[Messages] = {"invalid": _("true or false is expected here.")}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Id(serializers.UUIDField):
    """An id as we write it: 36 characters."""

    default_error_messages: ClassVar[Messages] = {"invalid": _("An id is expected here.")}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid")
        return super().to_internal_value(data)


class Day(serializers.DateField):
    """A day as 2026-03-01."""

    default_error_messages: ClassVar[Messages] = {"invalid": _("Give the date as in 2026-03-01.")}

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            self.fail("invalid")
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail("invalid")


class DayText(Day):
    """A day that the verb takes as text."""

    def to_internal_value(self, value: Any) -> Any:
        return super().to_internal_value(value).isoformat()


class Moment(serializers.DateTimeField):
    """A moment with its zone (RFC 3339), for a time without one is two times a year ambiguous and
    in two countries different."""

    default_error_messages: ClassVar[Messages] = {
        "invalid": _("Give the time with its zone, as in 2026-03-01T14:00+02:00.")
    }

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not MOMENT.fullmatch(value):
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(value)
            # The years that both Python and PostgreSQL can turn into any zone.
            if not 1900 <= moment.year <= 2200:
                self.fail("invalid")
            return moment.astimezone(UTC)
        except ValueError:
            self.fail("invalid")


class AskedNumber(Whole):
    """A whole number in a query, where everything is text."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch(r"-?\d{1,9}", data, re.ASCII):
            self.fail("invalid")
        return int(data)


class AskedFlag(Flag):
    """true or false in a query."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            self.fail("invalid")
        return bool(data == "true")
