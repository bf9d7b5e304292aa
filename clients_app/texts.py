"""What may be typed, before it is sealed."""

import unicodedata

from django.utils.translation import gettext_lazy as _

from clients_app.errors import Invalid

LONGEST_TEXT = 1024 * 1024


def checked(field: str, value: object, *, longest: int = LONGEST_TEXT, empty: bool = False) -> str:
    """`value` itself, byte for byte, if it is text that UTF-8 can hold, of at most `longest`
    bytes and, unless `empty`, with something in it. Raises Invalid."""
    if not isinstance(value, str):
        raise Invalid(field, _("Text is expected here."))
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise Invalid(field, _("This contains characters that cannot be stored.")) from None
    if length > longest:
        raise Invalid(field, _("This is too long. Divide it."))
    if not empty and not value.strip():
        raise Invalid(field, _("Write something here first."))
    return value


def plain_email(email: str) -> str:
    """An e-mail in the one spelling by which it is kept, looked up and counted."""
    return "".join(unicodedata.normalize("NFKC", email).casefold().split())
