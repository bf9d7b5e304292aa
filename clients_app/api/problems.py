"""Errors as problem documents (RFC 9457)."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Placeholder until the API's shape of problems is in."""
    return exception_handler(exc, context)
