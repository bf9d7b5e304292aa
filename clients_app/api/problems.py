"""Errors as problem documents (RFC 9457), for every answer under /api/ that is not a success.

`code` is for programs, `detail` for people. A problem says what is expected and never repeats what
was sent: an error message is logged, cached and photographed where the words of a client must not
be. What the verbs refuse (`errors.Refused`) carries its own status, code and words; what the
framework refuses gets ours.
"""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from clients_app import guesses
from clients_app.errors import Hidden, Invalid, Refused, Stale, Text, Unconfirmed

MEDIA_TYPE = "application/problem+json"
UNAVAILABLE_SECONDS = 5
CONFIRM = "/api/v1/me/confirm"
NOT_FOUND = Hidden(_("There is nothing here that you can open."))
HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": str(int(guesses.WINDOW.total_seconds()))},
    503: {"Retry-After": str(UNAVAILABLE_SECONDS)},
}
# What the framework refuses, in our words: code and detail by status.
WORDS: dict[int, tuple[str, Text]] = {
    400: ("malformed", _("The request cannot be read.")),
    401: ("not_logged_in", _("Log in, then send the token with the request.")),
    403: ("denied", _("Your role does not allow this.")),
    404: (NOT_FOUND.code, NOT_FOUND.message),
    405: ("method_not_allowed", _("This address does not know the method. See Allow.")),
    413: ("too_large", _("The body is too large.")),
    415: ("not_json", _("Send the body as application/json.")),
    428: ("version_required", _('Say in If-Match which version you read, as in "v3".')),
    500: ("failed", _("Something went wrong here. Nothing was changed.")),
    503: ("unavailable", _("The service cannot answer now. Try again in a moment.")),
}

logger = logging.getLogger(__name__)


class Malformed(APIException):
    """The body is not the JSON that is expected."""

    status_code = 400

    def __init__(self, detail: Text) -> None:
        super().__init__(code="malformed")
        self.words = detail


class VersionRequired(APIException):
    """A change of something that has versions needs If-Match (RFC 6585)."""

    status_code = 428


def problem(
    status: int, code: str | None = None, detail: Text | None = None, **more: Any
) -> HttpResponse:
    """A problem document. Without words of its own it says what its status means."""
    usual_code, usual_detail = WORDS.get(status, WORDS[400])
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code or usual_code,
        "detail": str(detail if detail is not None else usual_detail),
        **more,
    }
    return HttpResponse(
        orjson.dumps(document),
        status=status,
        content_type=MEDIA_TYPE,
        headers=HEADERS.get(status, {}),
    )


def handle(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The answer to what a view raised; None for what nobody foresaw, which is a plain 500."""
    match exc:
        case Invalid():
            return _invalid([_error(exc.field, exc.code, exc.message)])
        case Stale():
            return problem(exc.status, exc.code, exc.message, current=exc.current)
        case Unconfirmed():
            return problem(exc.status, exc.code, exc.message, confirm=CONFIRM)
        case Refused():
            return problem(exc.status, exc.code, exc.message)
        case ValidationError():
            return _invalid(list(_errors(exc.detail)))
        case Malformed():
            return problem(400, detail=exc.words)
        case RequestDataTooBig():
            return problem(413)
        case UnreadablePostError():
            return problem(400)
        case Http404():
            return problem(404)
        case PermissionDenied():
            return problem(403)
        case APIException():
            return problem(exc.status_code)
        case OperationalError() | InterfaceError() | RedisError():
            logger.error("a service is out of reach: %s", type(exc).__name__)
            return problem(503)
    return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's own refusal of a request, before any view."""
    if not _ours(request):
        return defaults.bad_request(request, exception)
    return problem(413 if isinstance(exception, RequestDataTooBig) else 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(403) if _ours(request) else defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such route: under /api/ the same answer as for what is hidden."""
    return problem(404) if _ours(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(500) if _ours(request) else defaults.server_error(request)


def _ours(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _invalid(errors: list[dict[str, str]]) -> HttpResponse:
    return problem(400, "invalid", _("Some of what was sent cannot be accepted."), errors=errors)


def _error(field: str, code: str, detail: Text) -> dict[str, str]:
    return {"field": field, "code": code, "detail": str(detail)}


def _errors(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """The serializers' nested errors as a flat list; `themes.2` is the third theme."""
    match detail:
        case ErrorDetail():
            yield _error(field, detail.code or "invalid", detail)
        case dict():
            for name, inner in detail.items():
                own = "" if name == "non_field_errors" else str(name)
                yield from _errors(inner, ".".join(filter(None, [field, own])))
        case list():
            for inner in detail:
                yield from _errors(inner, field)
