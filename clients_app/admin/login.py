"""Who is at the browser's door."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clients_app.admin.forms import DoorForm, PasswordField
from clients_app.logins import TooManyTries


class LoginForm(AdminAuthenticationForm):
    """E-mail and password. Whether the e-mail has a login is not said."""

    error_messages = {
        "invalid_login": _("The e-mail or the password is wrong."),
        "inactive": _("The e-mail or the password is wrong."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_many_tries = False
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autofocus": True, "autocomplete": "username", "maxlength": 254}
        )

    def clean(self) -> Any:
        try:
            return super().clean()
        except TooManyTries as refused:
            self.too_many_tries = True
            raise ValidationError(str(refused.message), code=refused.code) from None


class OwnPasswordForm(DoorForm):
    """One's own new password, knowing the old one."""

    old = PasswordField(label=_("Present password"), new=False)
    new = PasswordField(
        label=_("New password"),
        help_text=_("At least 15 characters. Several words in a row are easy to remember."),
    )
    again = PasswordField(label=_("New password again"))

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if "new" in self.cleaned_data and again != self.cleaned_data["new"]:
            raise ValidationError(_("The two passwords differ."))
        return again
