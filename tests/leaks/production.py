"""Production settings for the processes of the leak scan: those of `base`, over the test's own
database, hashes and queue. Mail is written to files, to the administrators too, if anything were
to write to them."""

import os

from config.settings.base import *  # noqa: F403
from config.settings.test import (
    CACHES,
    CELERY_TASK_DEFAULT_QUEUE,
    PASSWORD_HASHERS,
    STATIC_ROOT,
    STORAGES,
    WHITENOISE_USE_FINDERS,
)

__all__ = [
    "CACHES",
    "CELERY_TASK_DEFAULT_QUEUE",
    "PASSWORD_HASHERS",
    "STATIC_ROOT",
    "STORAGES",
    "WHITENOISE_USE_FINDERS",
]

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
PUBLIC_URL = "https://notes.example"
EMAIL_FILE_PATH = os.environ["LEAKS_MAILS"]
ADMINS = MANAGERS = [("The server", "server@server.example")]
