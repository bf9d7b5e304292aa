"""Real processes beside the tests: a Celery worker on the database of the test."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection


class Worker:
    """A worker with one child, in a process group of its own so that it can die as a whole."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", "worker", "-c", "1", "-l", "WARNING"],
            env=os.environ | environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        """SIGKILL, parent and child at once: nobody tidies up."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate(timeout=10)

    def stop(self) -> str:
        """SIGTERM, and what it said."""
        self._process.terminate()
        try:
            _out, said = self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return str(said)


def environment() -> dict[str, str]:
    """The settings of this test for another process: its database, its keys, its broker."""
    address = urlsplit(os.environ["DATABASE_URL"])
    database = address._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": database,
        "EMBEDDED_OWNER_URL": "",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        "AUDIT_SIGNING_KEY": ",".join(settings.AUDIT_SIGNING_KEY),
        "ERASURE_LEDGER_FILE": settings.ERASURE_LEDGER_FILE,
    }
