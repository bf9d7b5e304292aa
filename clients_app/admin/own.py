"""What is one's own: where one is logged in, the second factor, and proving again who one is."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from clients_app import access, guesses, logins, second_factor
from clients_app.admin import entry
from clients_app.admin.door import deed, done, the_user, went
from clients_app.admin.login import CodeForm, DeviceForm, answer, passkey_asked
from clients_app.errors import Refused, Unconfirmed

# Beside what a form sent, so that the deed goes on when they are right.
CODE, PASSKEY = "second_factor_code", "second_factor_passkey"
SHOWN = 200


def page(request: HttpRequest) -> HttpResponse:
    """Devices and logins."""
    user, here = the_user(request), access.acting.get()
    return _page(
        request,
        "usaldus/own.html",
        _("Devices and logins"),
        logins=list(logins.mine(by=user)[:SHOWN]),
        here=here,
        factors=second_factor.held(by=user),
        codes_left=second_factor.codes_left(by=user),
    )


def rename(request: HttpRequest, login_id: UUID) -> HttpResponse:
    """Call a device something else."""
    user = the_user(request)
    login = logins.read(login_id, by=user)
    form = DeviceForm(request.POST or None, initial={"device": login.device})
    if request.method == "POST" and went(
        form, lambda: logins.rename(login_id, by=user, device=form.cleaned_data["device"])
    ):
        return done(request, _("The name is changed."), "admin:own")
    return _page(
        request,
        "usaldus/form_page.html",
        _("Name of the device"),
        form=form,
        submit=_("Save"),
        cancel=reverse("admin:own"),
    )


def close(request: HttpRequest, login_id: UUID) -> HttpResponse:
    user = the_user(request)
    return deed(
        request, lambda: logins.close(login_id, by=user), _("It is logged out."), "admin:own"
    )


def close_others(request: HttpRequest) -> HttpResponse:
    user = the_user(request)
    return deed(
        request, lambda: logins.close_others(by=user), _("All others are logged out."), "admin:own"
    )


def add(request: HttpRequest) -> HttpResponse:
    """One more app or passkey."""
    access.require_confirmed()
    user = the_user(request)
    app, passkey = entry.factor_forms(request)
    if request.method == "POST":
        codes = entry.add_factor(request, user, app, passkey)
        if codes is not None:
            return entry.codes_page(request, codes, reverse("admin:own"))
    return entry.set_up_page(
        request, user, app, passkey, _("One more second factor"), cancel=reverse("admin:own")
    )


def remove(request: HttpRequest, factor_id: int) -> HttpResponse:
    user = the_user(request)
    return deed(
        request, lambda: second_factor.remove(factor_id, by=user), _("It is removed."), "admin:own"
    )


def renew_codes(request: HttpRequest) -> HttpResponse:
    codes = second_factor.renew_codes(by=the_user(request))
    return entry.codes_page(request, codes, reverse("admin:own"))


def confirm(request: HttpRequest) -> HttpResponse:
    """Give the second factor again, then go back to what wanted it."""
    user = the_user(request)
    onward = entry.inside(request, request.POST.get("next") or request.GET.get("next"))
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        given = answer(request, form.cleaned_data["code"], form.cleaned_data["passkey"])
        try:
            logins.confirm(given, by=user)
        except (second_factor.CodeRefused, guesses.TooManyTries) as refused:
            form.add_error(None, str(refused.message))
            status = 429 if isinstance(refused, guesses.TooManyTries) else 200
        else:
            return redirect(onward)
    return _page(
        request,
        "usaldus/second_factor.html",
        _("Second factor"),
        form=form,
        next=onward,
        explanation=_("For this it is asked again when it was given more than five minutes ago."),
        submit=_("Confirm"),
        options=passkey_asked(request, user),
        status=status,
    )


def confirmed_with(request: HttpRequest) -> None:
    """Take the second factor that came along with a form, before the form itself."""
    if request.method != "POST" or CODE not in request.POST:
        return
    given = answer(request, request.POST[CODE], request.POST.get(PASSKEY, ""))
    logins.confirm(given, by=the_user(request))


def asks_again(request: HttpRequest, refused: Refused) -> bool:
    """Whether a deed wants the second factor anew, or what came along with it was wrong."""
    wrong = isinstance(refused, (second_factor.CodeRefused, guesses.TooManyTries))
    return isinstance(refused, Unconfirmed) or (wrong and CODE in request.POST)


def ask_again(request: HttpRequest, refused: Refused) -> HttpResponse:
    """A deed wants the second factor anew. A page is asked for again afterwards; a form comes back
    with everything that was typed, and goes on with the code."""
    if request.method != "POST":
        query = urlencode({"next": request.get_full_path()})
        return redirect(f"{reverse('admin:confirm')}?{query}")
    beside = {CODE, PASSKEY, "csrfmiddlewaretoken"}
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in beside
        for value in values
    ]
    return _page(
        request,
        "usaldus/confirm.html",
        _("Second factor"),
        kept=kept,
        message=refused.message,
        options=passkey_asked(request, the_user(request)),
        # A form that comes back, unless nothing more is looked at.
        status=429 if isinstance(refused, guesses.TooManyTries) else 200,
    )


def _page(
    request: HttpRequest, template: str, title: Any, *, status: int = 200, **context: Any
) -> HttpResponse:
    whole = {**admin.site.each_context(request), "title": title, **context}
    return render(request, template, whole, status=status)
