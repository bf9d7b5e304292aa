"""What every request passes through."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from uuid_utils.compat import uuid7

from clients_app import audit

Handler = Callable[[HttpRequest], HttpResponse]


def no_store(handler: Handler) -> Handler:
    """No browser, proxy or phone keeps a copy of an answer, whatever its route or status."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = handler(request)
        if not request.path.startswith("/static/"):
            response["Cache-Control"] = "no-store"
        return response

    return middleware


def doorway(handler: Handler) -> Handler:
    """Tell the trail the door and the request, and show times in the practice's zone."""

    def middleware(request: HttpRequest) -> HttpResponse:
        door = "api" if request.path.startswith("/api/") else "admin"
        token = audit.doorway.set(audit.Doorway(door, uuid7()))
        try:
            if door == "admin" and request.user.is_authenticated and request.user.practice:
                timezone.activate(zoneinfo.ZoneInfo(request.user.practice.time_zone))
            return handler(request)
        finally:
            timezone.deactivate()
            audit.doorway.reset(token)

    return middleware
