"""Production refuses to start when unsafe: a process of its own for each way to be unsafe."""

import base64
import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

GOOD = {
    "DJANGO_SETTINGS_MODULE": "config.settings.base",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "FIELD_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "AUDIT_SIGNING_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "ALLOWED_HOSTS": "notes.example",
}
DEMONSTRATION_KEY = base64.urlsafe_b64encode(b"USALDUS-DEMO" + os.urandom(20)).decode()
# Starting to serve: what the web server imports, what the worker and beat run first.
SERVE = "import config.wsgi"
WORK = "import django; django.setup(); from config.celery import refuse_when_unsafe as r; r()"


def start(program: str, **changed: str | None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | GOOD | {k: v for k, v in changed.items() if v is not None}
    for name, value in changed.items():
        if value is None:
            environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("program", [SERVE, WORK])
def test_control_good_settings_start(program: str) -> None:
    assert start(program).returncode == 0


@pytest.mark.parametrize("program", [SERVE, WORK])
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY"),
        ({"FIELD_ENCRYPTION_KEY": None}, "FIELD_ENCRYPTION_KEY"),
        ({"FIELD_ENCRYPTION_KEY": ""}, "FIELD_ENCRYPTION_KEY"),
        ({"FIELD_ENCRYPTION_KEY": "short"}, "FIELD_ENCRYPTION_KEY"),
        ({"AUDIT_SIGNING_KEY": None}, "AUDIT_SIGNING_KEY"),
        ({"AUDIT_SIGNING_KEY": ""}, "AUDIT_SIGNING_KEY"),
        ({"AUDIT_SIGNING_KEY": "short"}, "AUDIT_SIGNING_KEY"),
        ({"AUDIT_SIGNING_KEY": DEMONSTRATION_KEY}, "demonstration"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
        ({"REDIS_URL": None}, "REDIS_URL"),
        ({"SECRET_KEY": f"demonstration-{secrets.token_urlsafe(64)}"}, "demonstration"),
        ({"TRUSTED_PROXIES": "proxy.example"}, "TRUSTED_PROXIES"),
        ({"TRUSTED_PROXIES": "127.0.0.1,0.0.0.0/0"}, "TRUSTED_PROXIES"),
        ({"BEHIND_TLS_PROXY": "true"}, "TRUSTED_PROXIES"),
        ({"TRIES_PER_ADDRESS": "0"}, "TRIES_PER_ADDRESS"),
        ({"FIELD_ENCRYPTION_KEY": DEMONSTRATION_KEY}, "demonstration"),
        (
            {"FIELD_ENCRYPTION_KEY": f"{GOOD['FIELD_ENCRYPTION_KEY']},{DEMONSTRATION_KEY}"},
            "demonstration",
        ),
    ],
)
def test_unsafe_settings_do_not(program: str, changed: dict[str, str | None], says: str) -> None:
    process = start(program, **changed)
    assert process.returncode != 0
    assert says in process.stderr
    for secret in (GOOD["SECRET_KEY"], GOOD["FIELD_ENCRYPTION_KEY"], GOOD["AUDIT_SIGNING_KEY"]):
        assert secret not in process.stderr


@pytest.mark.parametrize("program", [SERVE, WORK])
def test_debug_does_not(program: str) -> None:
    debug = f"from config.settings import base; base.DEBUG = True; {program}"
    process = start(debug)
    assert process.returncode != 0
    assert "DEBUG" in process.stderr


@pytest.mark.parametrize("program", [SERVE, WORK])
@pytest.mark.skipif("EMBEDDED_SUPERUSER_URL" not in os.environ, reason="needs a superuser's URL")
def test_a_superuser_role_does_not(program: str) -> None:
    process = start(program, DATABASE_URL=os.environ["EMBEDDED_SUPERUSER_URL"])
    assert process.returncode != 0
    assert "superuser" in process.stderr
    assert urlsplit(os.environ["EMBEDDED_SUPERUSER_URL"]).query not in process.stderr


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(GOOD["FIELD_ENCRYPTION_KEY"] + "\n")
    process = start(SERVE, FIELD_ENCRYPTION_KEY=None, FIELD_ENCRYPTION_KEY_FILE=str(key))
    assert process.returncode == 0
