"""What may be known of a client: the properties of an identity and the labels beside it."""

import re
from collections.abc import Mapping
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import texts
from clients_app.errors import Invalid
from clients_app.models import Client, Kind, ServiceType

IDENTITY = tuple(field.name for field in Client.sealed_fields())
LONGEST = dict.fromkeys(IDENTITY, 300) | {"address": 1000, "trusted_person": 1000}
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")


def checked_code(code: str) -> str:
    if not CODE.fullmatch(code):
        raise Invalid("code", _("A code has 1 to 32 letters, digits, dots and hyphens."))
    return code


def checked_jurisdiction(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", value):
        raise Invalid("jurisdiction", _("Give a country code such as EE, or US-CA for a state."))
    return value


def choice(field: str, value: str, choices: type[Kind] | type[ServiceType]) -> str:
    if value not in choices.values:
        raise Invalid(field, _("Choose one of the listed values."))
    return value


@sensitive_variables()
def checked(values: Mapping[str, str | None]) -> dict[str, str | None]:
    checked: dict[str, str | None] = {}
    for name, value in values.items():
        if name not in IDENTITY:
            raise Invalid(name, _("A client has no such property."))
        value = (value or "").strip() or None
        checked[name] = value
        if value is None:
            continue
        texts.checked(name, value, longest=LONGEST[name])
    if born := checked.get("birth_date"):
        _check_birth_date(born)
    if email := checked.get("email"):
        try:
            validate_email(email)
        except ValidationError:
            raise Invalid("email", _("This is not an e-mail address.")) from None
    return checked


def _check_birth_date(value: str) -> None:
    try:
        born = date.fromisoformat(value)
    except ValueError:
        raise Invalid("birth_date", _("Give the date as year-month-day.")) from None
    if not date(1880, 1, 1) <= born <= timezone.now().date():
        raise Invalid("birth_date", _("A birth date lies in the past."))
