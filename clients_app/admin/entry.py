"""Coming in: password, then second factor, and for whoever has none yet the page to set one up.

Between the two nobody is logged in: the session holds who gave the password, and when, and opens
no page but those here. Django's own login, a new session key and our row of the login come after
the second factor, together.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login as open_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from clients_app import guesses, invitations, logins, second_factor
from clients_app.admin.door import attempt
from clients_app.admin.forms import DoorForm
from clients_app.admin.login import (
    STATE,
    AppForm,
    ChosenPasswordForm,
    CodeForm,
    ForgottenForm,
    LoginForm,
    PasskeyForm,
    answer,
    passkey_asked,
    passkey_offered,
)
from clients_app.errors import Refused
from clients_app.models import User

ENTERING, INVITATION, TOTP = "entering", "invitation", "totp"
KNOWN_DEVICE = "usaldus_device"
# Shorter than the wall's window: so no place is given back that somebody else has taken meanwhile.
PATIENCE = timedelta(minutes=14)
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"))
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")


@dataclass(slots=True)
class Entering:
    """Somebody who has given the password and not yet the second factor."""

    user: User
    guess: guesses.Guesses
    next: str

    def keep(self, request: HttpRequest) -> None:
        """The places taken at the wall, for when they come in."""
        request.session[ENTERING] = {
            **request.session[ENTERING],
            "taken": self.guess.taken,
        }


def password(request: HttpRequest) -> HttpResponse:
    """The first step."""
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = LoginForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        guess = guesses.at(typed["username"], request.COOKIES.get(KNOWN_DEVICE, ""))
        try:
            user = logins.identify(typed["username"], typed["password"], guess=guess)
        except (logins.LoginRefused, guesses.TooManyTries) as refused:
            status = _refuse(form, refused)
        else:
            return _go_on(request, user, guess, _next(request))
    context = {"form": form, "next": _next(request), "forgotten": invitations.mails()}
    return _page(request, "admin/login.html", _("Log in"), status=status, **context)


def factor(request: HttpRequest) -> HttpResponse:
    """The second step, for whoever has a second factor."""
    entering = _entering(request)
    if entering is None:
        return redirect("admin:login")
    if not second_factor.has_one(entering.user):
        return redirect("admin:login_set_up")
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        given = answer(request, form.cleaned_data["code"], form.cleaned_data["passkey"])
        try:
            with second_factor.given(entering.user, given, entering.guess):
                return _enter(request, entering, redirect(entering.next))
        except (second_factor.CodeRefused, guesses.TooManyTries) as refused:
            entering.keep(request)
            status = _refuse(form, refused)
    return _page(
        request,
        "usaldus/second_factor.html",
        _("Second factor"),
        form=form,
        submit=_("Log in"),
        options=passkey_asked(request, entering.user),
        status=status,
    )


def set_up(request: HttpRequest) -> HttpResponse:
    """The second step, for whoever has no second factor yet: nothing else opens for them."""
    entering = _entering(request)
    if entering is None:
        return redirect("admin:login")
    user = entering.user
    if second_factor.has_one(user):
        return redirect("admin:login_second_factor")
    app, passkey = factor_forms(request)
    if request.method == "POST":
        codes = add_factor(request, user, app, passkey)
        if codes is not None:
            return _enter(request, entering, codes_page(request, codes, entering.next))
    return set_up_page(request, user, app, passkey, _("Set up your second factor"))


def invited(request: HttpRequest, secret: str) -> HttpResponse:
    """From the link to a page whose address holds no secret. Looking at it uses nothing up; a link
    that opens nothing ends nobody's login."""
    link = invitations.digest_of(secret)
    invitations.of(link)
    request.session.flush()
    request.session[INVITATION] = link.hex()
    return redirect("admin:invited")


def choose_password(request: HttpRequest) -> HttpResponse:
    """Where a link leads: choose a password, then give or set up the second factor."""
    link = bytes.fromhex(request.session.get(INVITATION, ""))
    user = invitations.of(link)
    form = ChosenPasswordForm(request.POST or None)
    if request.method == "POST":
        chosen = attempt(
            form, lambda: invitations.accept(link, password=form.cleaned_data["password"])
        )
        if chosen is not None:
            request.session.pop(INVITATION, None)
            return _go_on(request, chosen, guesses.at(chosen.email), reverse("admin:index"))
    return _page(
        request,
        "usaldus/form_page.html",
        _("Choose your password"),
        form=form,
        subject=user.email,
        submit=_("Go on"),
    )


def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail. The answer is the same for every e-mail."""
    form = ForgottenForm(request.POST or None)
    if not invitations.mails():
        return redirect("admin:login")
    if request.method == "POST" and form.is_valid():
        invitations.ask(form.cleaned_data["email"])
        return _page(request, "usaldus/link_sent.html", _("Look into your mail"))
    return _page(
        request,
        "usaldus/form_page.html",
        _("Forgotten password"),
        form=form,
        submit=_("Send me a link"),
        cancel=reverse("admin:login"),
    )


def factor_forms(request: HttpRequest) -> tuple[AppForm, PasskeyForm]:
    """The form that was sent, and the other one empty."""
    sent = request.POST if request.method == "POST" else None
    by_passkey = sent is not None and "passkey" in sent
    return AppForm(None if by_passkey else sent), PasskeyForm(sent if by_passkey else None)


def add_factor(
    request: HttpRequest, user: User, app: AppForm, passkey: PasskeyForm
) -> list[str] | None:
    """The recovery codes that came with it, if any; None if it was refused."""
    if passkey.is_bound:
        return attempt(
            passkey,
            lambda: second_factor.add_passkey(
                answer(request, "", passkey.cleaned_data["passkey"]),
                passkey.cleaned_data["name"],
                by=user,
            ),
        )
    offered = request.session.get(TOTP, "")
    codes = attempt(app, lambda: second_factor.add_totp(offered, app.cleaned_data["code"], by=user))
    if codes is not None:
        request.session.pop(TOTP, None)
    return codes


def set_up_page(
    request: HttpRequest, user: User, app: AppForm, passkey: PasskeyForm, title: Any, **more: Any
) -> HttpResponse:
    """The picture for an app, and the button for a passkey. The secret stays the same until it is
    taken, so that a wrong code does not mean to begin anew."""
    if TOTP not in request.session:
        request.session[TOTP] = second_factor.offer_totp(user)
    secret, picture = second_factor.shown_totp(user, request.session[TOTP])
    return _page(
        request,
        "usaldus/set_up.html",
        title,
        app=app,
        passkey=passkey,
        picture=picture,
        secret=" ".join(re.findall(".{1,4}", secret)),
        options=passkey_offered(request, user),
        **more,
    )


def codes_page(request: HttpRequest, codes: list[str], onward: str) -> HttpResponse:
    """Recovery codes, shown this once; without new ones, on to where one was going."""
    if not codes:
        return redirect(onward)
    halves = [f"{code[:4]} {code[4:]}" for code in codes]
    return _page(
        request, "usaldus/codes.html", _("Your recovery codes"), codes=halves, onward=onward
    )


def inside(request: HttpRequest, address: str | None) -> str:
    """An address to go on to, if it is a page of ours; else the first one."""
    home = reverse("admin:index")
    good = address and url_has_allowed_host_and_scheme(
        address, {request.get_host()}, require_https=request.is_secure()
    )
    return address if good and address and address.startswith(home) else home


def enter(request: HttpRequest, user: User) -> None:
    """Both steps are done: a session with a new key, and the login it stands for."""
    for left in (ENTERING, INVITATION, TOTP, STATE):
        request.session.pop(left, None)
    open_session(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    logins.open_browser(
        user, session_key=request.session.session_key or "", device=_browser(request)
    )


def _enter(request: HttpRequest, entering: Entering, response: HttpResponse) -> HttpResponse:
    enter(request, entering.user)
    entering.guess.forgive()
    response.set_cookie(
        KNOWN_DEVICE,
        logins.know(entering.user, request.COOKIES.get(KNOWN_DEVICE, "")),
        max_age=logins.KNOWN_FOR,
        path=reverse("admin:index"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def _go_on(request: HttpRequest, user: User, guess: guesses.Guesses, onward: str) -> HttpResponse:
    request.session.cycle_key()
    request.session[ENTERING] = {
        "user": str(user.pk),
        "at": timezone.now().isoformat(),
        "password": user.get_session_auth_hash(),
        "walls": [[wall.name, wall.places] for wall in guess.walls],
        "taken": guess.taken,
        "next": onward,
    }
    return redirect("admin:login_second_factor")


def _entering(request: HttpRequest) -> Entering | None:
    """Who gave the password a moment ago, if they still may come in and it is still theirs."""
    kept: dict[str, Any] | None = request.session.get(ENTERING)
    if kept is None or timezone.now() - datetime.fromisoformat(kept["at"]) > PATIENCE:
        return None
    user = User.objects.select_related("practice").filter(pk=UUID(kept["user"])).first()
    if user is None or not user.is_active:
        return None
    if not constant_time_compare(kept["password"], user.get_session_auth_hash()):
        return None
    walls = tuple(guesses.Wall(*wall) for wall in kept["walls"])
    return Entering(user, guesses.Guesses(walls, list(kept["taken"])), kept["next"])


def _refuse(form: DoorForm, refused: Refused) -> int:
    form.add_error(None, str(refused.message))
    return refused.status if refused.status == guesses.TooManyTries.status else 200


def _next(request: HttpRequest) -> str:
    return inside(request, request.POST.get("next") or request.GET.get("next"))


def _browser(request: HttpRequest) -> str:
    """What a list of logins calls this browser until its user gives it a name."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    browser = browser or ("Safari" if "Safari" in agent else "Browser")
    system = next((name for name in SYSTEMS if name in agent), "")
    return f"{browser}, {system}" if system else browser


def _page(
    request: HttpRequest, template: str, title: Any, *, status: int = 200, **context: Any
) -> HttpResponse:
    whole = {**admin.site.each_context(request), "title": title, **context}
    return render(request, template, whole, status=status)
