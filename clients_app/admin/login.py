"""What is typed at the browser's door, and to prove again who one is."""

import ipaddress
import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import gettext_lazy as _

from clients_app import second_factor
from clients_app.admin.forms import PRIVATE, DoorForm, PasswordField
from clients_app.models import User

STATE = "passkey"


class LoginForm(DoorForm):
    """E-mail and password. Whether the e-mail has a login is not said."""

    username = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )
    password = PasswordField(label=_("Password"), new=False)


class CodeForm(DoorForm):
    """A code of the app, or a recovery code; empty where a passkey answers."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        required=False,
        help_text=_("The six figures that the app shows now, or a recovery code."),
        widget=forms.TextInput(
            attrs={**PRIVATE, "autofocus": True, "autocomplete": "one-time-code"}
        ),
    )
    passkey = forms.CharField(required=False, widget=forms.HiddenInput())


class AppForm(DoorForm):
    """The first code of an app."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_("The six figures that the app shows now."),
        widget=forms.TextInput(
            attrs={**PRIVATE, "inputmode": "numeric", "autocomplete": "one-time-code"}
        ),
    )


class PasskeyForm(DoorForm):
    """A new passkey, made by the browser."""

    name = forms.CharField(
        label=_("Name of the passkey"),
        max_length=100,
        help_text=_("As in: blue key, office computer."),
        widget=forms.TextInput(attrs=PRIVATE),
    )
    passkey = forms.CharField(widget=forms.HiddenInput())


class ChosenPasswordForm(DoorForm):
    """A password of one's own."""

    password = PasswordField(
        label=_("Password"),
        help_text=_("At least 15 characters. Several words in a row are easy to remember."),
    )
    again = PasswordField(label=_("Password again"))

    def clean_again(self) -> str:
        return same(self.cleaned_data, "password")


class OwnPasswordForm(DoorForm):
    """One's own new password, knowing the old one."""

    old = PasswordField(label=_("Present password"), new=False)
    new = PasswordField(
        label=_("New password"),
        help_text=_("At least 15 characters. Several words in a row are easy to remember."),
    )
    again = PasswordField(label=_("New password again"))

    def clean_again(self) -> str:
        return same(self.cleaned_data, "new")


class ForgottenForm(DoorForm):
    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )


class DeviceForm(DoorForm):
    device = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs=PRIVATE))


def same(typed: dict[str, Any], first: str) -> str:
    again: str = typed["again"]
    if first in typed and again != typed[first]:
        raise ValidationError(_("The two passwords differ."))
    return again


def answer(request: HttpRequest, code: str, passkey: str) -> second_factor.Answer:
    """What was given as second factor; what a passkey was asked counts for one answer."""
    state = request.session.pop(STATE, None)
    return second_factor.Answer(code, passkey, state, passkey_host(request))


def passkey_asked(request: HttpRequest, user: User) -> str:
    """What the page tells the browser to ask for a passkey, or nothing to ask for."""
    if not passkey_host(request) or not second_factor.has_one(user, passkey=True):
        return ""
    options, request.session[STATE] = second_factor.ask_passkey(user, passkey_host(request))
    return json.dumps(options, default=dict)


def passkey_offered(request: HttpRequest, user: User) -> str:
    """What the page tells the browser to make a passkey, or nothing where it could not."""
    if not passkey_host(request):
        return ""
    options, request.session[STATE] = second_factor.offer_passkey(user, passkey_host(request))
    return json.dumps(options, default=dict)


def passkey_host(request: HttpRequest) -> str:
    """The name that passkeys belong to; an address in numbers has none (WebAuthn, 5.1.2)."""
    host, _port = split_domain_port(request.get_host())
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host
    return ""
