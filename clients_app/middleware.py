"""What every request passes through."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from uuid_utils.compat import uuid7

from clients_app import audit, wall

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
    """Tell the trail the door and the request, the database who asks, and show times in the
    practice's zone. Who asks through the API is known later (`api.authentication`)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        door = "api" if request.path.startswith("/api/") else "admin"
        token = audit.doorway.set(audit.Doorway(door, uuid7()))
        try:
            with wall.nobody():
                if door == "admin" and request.user.is_authenticated:
                    wall.enter(request.user.pk)
                    if request.user.practice:
                        timezone.activate(zoneinfo.ZoneInfo(request.user.practice.time_zone))
                return handler(request)
        finally:
            timezone.deactivate()
            audit.doorway.reset(token)

    return middleware
