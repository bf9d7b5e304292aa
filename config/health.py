"""Is the process alive; can it serve. Says nothing else to strangers."""

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from clients_app import checks


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "live"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when PostgreSQL and Redis answer, else 503 with which of them does not. An older database
    that was put back beneath a running process waits to be reconciled, as it would at the start."""
    missing = []
    try:
        if checks.what_was_destroyed_stays_so(databases=["default"]):
            missing.append("erasure ledger")
    except DatabaseError:
        missing.append("database")
    try:
        cache.get("ready")
    except RedisError:
        missing.append("redis")
    status = 503 if missing else 200
    return JsonResponse(
        {"status": "ready" if not missing else "waits", "for": missing}, status=status
    )
