"""What may be known of a client: the properties of an identity and the labels beside it."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import texts
from clients_app.errors import Invalid
from clients_app.models import Category, Client, Kind, ServiceType

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
    if (checked.get("category") or Category.MANDATED) not in Category.values:
        raise Invalid("category", _("Choose one of the listed values."))
    born, died = checked.get("birth_date"), checked.get("death_date")
    if born:
        _check_day("birth_date", born, _("A birth date lies in the past."))
    if died:
        _check_day("death_date", died, _("A date of death lies in the past."))
    check_life(checked)
    if email := checked.get("email"):
        try:
            validate_email(email)
        except ValidationError:
            raise Invalid("email", _("This is not an e-mail address.")) from None
    return checked


@sensitive_variables()
def give_away(text: str, *, code: str, identity: Mapping[str, str | None]) -> bool:
    """Whether a text shows who the client is: a word of a name, also with an ending (Mari, Marile),
    the code, the e-mail, or the phone number however it is divided.

    It sees no nickname and no name whose stem changes (Mart, Mardi): a person reads the text too.
    """
    plain = _plain(text)
    names = f"{identity.get('full_name') or ''} {identity.get('preferred_name') or ''}"
    words = [word for word in re.findall(r"\w+", _plain(names)) if len(word) > 2]
    if any(re.search(rf"\b{re.escape(word)}", plain) for word in words):
        return True
    whole = (code, identity.get("email"), *_short(identity))
    if any(re.search(rf"(?<!\w){re.escape(_plain(w))}(?!\w)", plain) for w in whole if w):
        return True
    digits = re.sub(r"\D", "", identity.get("phone") or "")[-7:]
    return len(digits) >= 5 and digits in re.sub(r"(?<=\d)[\s().–-]+(?=\d)", "", plain)


def _short(identity: Mapping[str, str | None]) -> list[str]:
    """Names of one or two letters, which must stand alone to be taken for one."""
    names = (identity.get("full_name"), identity.get("preferred_name"))
    return [word for name in names if name for word in name.split() if len(word) <= 2]


def _plain(text: str) -> str:
    """Folded: no capitals, no accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@sensitive_variables()
def check_life(identity: Mapping[str, str | None]) -> None:
    """What was known before and what is new must go together. Raises Invalid."""
    born, died = identity.get("birth_date"), identity.get("death_date")
    if born and died and died < born:
        raise Invalid("death_date", _("Nobody dies before their birth."))


def _check_day(field: str, value: str, past: Promise) -> None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise Invalid(field, _("Give the date as year-month-day.")) from None
    if not date(1880, 1, 1) <= day <= timezone.now().date():
        raise Invalid(field, past)
