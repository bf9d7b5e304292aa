"""What every request passes through."""

import zoneinfo
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from uuid_utils.compat import uuid7

from clients_app import access, audit, caller, logins, wall
from clients_app.models import Login, User

Handler = Callable[[HttpRequest], HttpResponse]


def arrival(handler: Handler) -> Handler:
    """Outermost, before anything asks whether the way is safe: from where the request comes, and
    what it is believed (`caller`)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with caller.arrived(request.META):
            return handler(request)

    return middleware


def no_store(handler: Handler) -> Handler:
    """No browser, proxy or phone keeps a copy of an answer, whatever its route or status."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = handler(request)
        if not request.path.startswith("/static/"):
            response["Cache-Control"] = "no-store"
        return response

    return middleware


# Asked by scripts and not by a person: they keep no login alive.
UNATTENDED = ("alive", "clients_app_purgerun_progress")


def doorway(handler: Handler) -> Handler:
    """Tell the trail the door and the request, find the login that asks, tell the database for
    whom, and show times in the practice's zone. A browser's session whose login is gone or was left
    alone for too long is over here, before any view; the API finds its login itself
    (`api.authentication`)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        door = "api" if request.path.startswith("/api/") else "admin"
        door_token = audit.doorway.set(audit.Doorway(door, uuid7()))
        login_token = access.acting.set(None)
        try:
            with wall.nobody():
                login = _login(request) if door == "admin" else None
                if login is None:
                    return handler(request)
                access.acting.set(login)
                wall.enter(login.user.pk)
                if login.user.practice:
                    timezone.activate(zoneinfo.ZoneInfo(login.user.practice.time_zone))
                response = handler(request)
                if request.resolver_match and request.resolver_match.url_name not in UNATTENDED:
                    logins.seen(login)
                return response
        finally:
            timezone.deactivate()
            access.acting.reset(login_token)
            audit.doorway.reset(door_token)

    return middleware


def _login(request: HttpRequest) -> Login | None:
    """The living login behind the browser's session; without one the session is thrown away."""
    user = request.user
    if not isinstance(user, User):
        return None
    login = logins.of_browser(user, session_key=request.session.session_key or "")
    if login is None:
        request.session.flush()
        request.user = AnonymousUser()
    else:
        login.user = user
    return login
