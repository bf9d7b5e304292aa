"""The suite: real PostgreSQL and Redis, cheap password hashing, throwaway secrets."""

import base64
import os
import secrets
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
os.environ.setdefault("FIELD_ENCRYPTION_KEY", base64.urlsafe_b64encode(os.urandom(32)).decode())
os.environ.setdefault("AUDIT_SIGNING_KEY", base64.urlsafe_b64encode(os.urandom(32)).decode())
os.environ.setdefault(
    "AUDIT_ANCHOR_FILE", str(Path(tempfile.gettempdir()) / f"anchors-{secrets.token_hex(8)}.jsonl")
)
os.environ.setdefault(
    "ERASURE_LEDGER_FILE", str(Path(tempfile.gettempdir()) / f"erased-{secrets.token_hex(8)}.jsonl")
)

from config.settings.base import *  # noqa: F403
from config.settings.base import DATABASE_OWNER_URL, INSTALLED_APPS, REDIS_URL

# The suite makes its databases as their owner and then connects as the application's role.
DATABASE_OWNER_URL = DATABASE_OWNER_URL or os.environ.get("EMBEDDED_OWNER_URL", "")

INSTALLED_APPS = [*INSTALLED_APPS, "tests.stock"]
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": os.environ.get("PYTEST_XDIST_WORKER", "main"),
    }
}
# Two test processes share one Redis: neither takes the other's messages.
CELERY_TASK_DEFAULT_QUEUE = f"celery-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
# What waits a week in a practice is destroyed at once here; tests of the wait set their own.
PURGE_COOLING_OFF_DAYS = 0
PURGE_SECOND_PERSON_ABOVE = 1000
