"""Production. `dev` and `test` only loosen what is said here.

Every secret comes from the environment or, with the suffix `_FILE`, from a file (Docker and
systemd secrets). There are no defaults for secrets: a missing one stops the process.
"""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from environ import FileAwareEnv

env = FileAwareEnv()
BASE_DIR = Path(__file__).resolve().parent.parent.parent

SECRET_KEY: str = env.str("SECRET_KEY").strip()
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
# The master keys that wrap every client's data key, newest first. See README, "Keys".
FIELD_ENCRYPTION_KEY: list[str] = [key.strip() for key in env.list("FIELD_ENCRYPTION_KEY")]
# What signs the trail, newest first (README, "The trail"); and the public halves of keys that sign
# no more, so that the seals they signed still verify.
AUDIT_SIGNING_KEY: list[str] = [key.strip() for key in env.list("AUDIT_SIGNING_KEY")]
AUDIT_RETIRED_PUBLIC_KEYS: list[str] = [
    key.strip() for key in env.list("AUDIT_RETIRED_PUBLIC_KEYS", default=[])
]
# Where the trail's head goes every hour, beside the log: a file that only grows, and a command
# (words separated by commas) that gets the line on its standard input.
AUDIT_ANCHOR_FILE: str = env.str(
    "AUDIT_ANCHOR_FILE", default=str(BASE_DIR / "var" / "trail-anchors.jsonl")
)
AUDIT_ANCHOR_COMMAND: list[str] = env.list("AUDIT_ANCHOR_COMMAND", default=[])
# What was destroyed and what is held, outside the database: a file that only grows, and that has to
# outlive every backup. Web, worker and beat read it before they start.
ERASURE_LEDGER_FILE: str = env.str(
    "ERASURE_LEDGER_FILE", default=str(BASE_DIR / "var" / "erasure-ledger.jsonl")
)
DEMONSTRATION = False
DEBUG = False

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Who is believed about from where and how a request came: addresses, networks, or `unix:` for a
# proxy that comes through a socket file. By default nobody.
TRUSTED_PROXIES: list[str] = [name.strip() for name in env.list("TRUSTED_PROXIES", default=[])]
# How many checks of passwords, codes and links one address gets in fifteen minutes.
TRIES_PER_ADDRESS: int = env.int("TRIES_PER_ADDRESS", default=100)

INSTALLED_APPS = [
    "clients_app",
    "sessions_app",
    "config.admin.UsaldusAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
]

MIDDLEWARE = [
    "clients_app.middleware.arrival",
    "django.middleware.security.SecurityMiddleware",
    "clients_app.middleware.no_store",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "clients_app.middleware.doorway",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL: str = env.str("DATABASE_URL")
# A denial is recorded and then answered with an error: with ATOMIC_REQUESTS the error would
# roll the record back. Verbs open their own transactions.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db_url("DATABASE_URL"),
        "ENGINE": "config.postgresql",
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
# Behind a transaction-mode pooler that cannot keep prepared statements (pgbouncer before 1.21).
DATABASE_PREPARES: bool = env.bool("DATABASE_PREPARES", default=True)
# Who owns the tables; for `migrate` alone. Web, worker and beat refuse to start where it is set.
DATABASE_OWNER_URL: str = env.str("DATABASE_OWNER_URL", default="")
# Who reads everything, past row-level security; for `backup` alone. Refused likewise.
DATABASE_BACKUP_URL: str = env.str("DATABASE_BACKUP_URL", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = env.str("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

AUTH_USER_MODEL = "clients_app.User"
AUTHENTICATION_BACKENDS = ["clients_app.logins.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "clients_app.passwords.ReadilyGuessedValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]
LOGIN_URL = "admin:login"

# Of allauth the rows and the mathematics of the second factor are used, and none of its addresses.
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "clients_app.second_factor.Adapter"
MFA_TOTP_ISSUER = "Usaldus"
# A clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1

# How long a login lives: left alone, and at most.
BROWSER_IDLE_MINUTES: int = env.int("BROWSER_IDLE_MINUTES", default=15)
BROWSER_ABSOLUTE_HOURS: int = env.int("BROWSER_ABSOLUTE_HOURS", default=12)
DEVICE_IDLE_DAYS: int = env.int("DEVICE_IDLE_DAYS", default=14)
DEVICE_ABSOLUTE_DAYS: int = env.int("DEVICE_ABSOLUTE_DAYS", default=90)

SESSION_ENGINE = "clients_app.browser_sessions"
SESSION_COOKIE_AGE = BROWSER_ABSOLUTE_HOURS * 60 * 60
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_SAMESITE = "Strict"
# The default store keeps messages in a cookie that anybody can decode.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

SECURE_SSL_REDIRECT: bool = env.bool("SECURE_SSL_REDIRECT", default=True)
# Believed of TRUSTED_PROXIES only: `arrival` takes it away from everybody else.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", default=False) else None
)
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
# Nothing leaves for other sites. With "no-referrer" browsers send `Origin: null` with forms, which
# the check against forged requests rightly refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
# One disclosure may be 1 MiB of text; JSON escaping and the other fields need some room.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# Mail says that something waits, never what: no name, no word of a client is ever sent. Without an
# address nothing is sent, and whoever has to know finds it in the admin.
_mail = env.email_url("EMAIL_URL", default="dummymail://")
EMAIL_BACKEND: str = _mail["EMAIL_BACKEND"]
EMAIL_HOST: str = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT: int = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER: str = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD: str = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS: bool = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="usaldus@localhost")
# The address of this installation, for the links in mails.
PUBLIC_URL: str = env.str("PUBLIC_URL", default="").rstrip("/")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("et", _("Estonian"))]
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["clients_app.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["clients_app.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["clients_app.api.parsing.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "clients_app.api.problems.handle",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Usaldus",
    "DESCRIPTION": (
        "The session notes of a counselling practice. Log in with `POST /api/v1/tokens`: e-mail,"
        " password and the code of the second factor. Then send the token as `Authorization:"
        " Bearer`. Where a deed answers `second_factor_required`, send a code to"
        " `/api/v1/me/confirm` and ask again. What is not yours and what is not there are the same"
        " 404. Errors are problem documents (RFC 9457). Lists come in pages: send `next` as"
        " `cursor`. What has a `version` is changed with its ETag in `If-Match`."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # The badge of a foreign validator, which our Content-Security-Policy would refuse.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    # Without the hook that gathers enums by value: each field names its own words.
    "POSTPROCESSING_HOOKS": ["clients_app.api.schema.close_bodies"],
}

CELERY_BROKER_URL = REDIS_URL
# Days for which a backup of the database is kept. Named on every destruction record as the day
# by which the last copy of a destroyed key has gone.
BACKUP_HORIZON_DAYS: int = env.int("BACKUP_HORIZON_DAYS", default=35)
# Where `manage.py backup` puts the data, and apart from it, for so many days, what the master key
# opens.
BACKUP_DIRECTORY: str = env.str("BACKUP_DIRECTORY", default=str(BASE_DIR / "var" / "backups"))
KEY_BACKUP_DIRECTORY: str = env.str(
    "KEY_BACKUP_DIRECTORY", default=str(BASE_DIR / "var" / "key-backups")
)
KEY_BACKUP_DAYS: int = env.int("KEY_BACKUP_DAYS", default=7)
# Where pg_dump and pg_restore are; by default on the PATH.
POSTGRES_PROGRAMS: str = env.str(
    "POSTGRES_PROGRAMS", default=env.str("EMBEDDED_POSTGRES_PROGRAMS", default="")
)
# Days for which PostgreSQL may keep write-ahead log (archive included).
WAL_HORIZON_DAYS: int = env.int("WAL_HORIZON_DAYS", default=7)

# How long an approved purge run waits before its first file is destroyed, and how many files it may
# have before a second person has to confirm it.
PURGE_COOLING_OFF_DAYS: int = env.int("PURGE_COOLING_OFF_DAYS", default=7)
PURGE_SECOND_PERSON_ABOVE: int = env.int("PURGE_SECOND_PERSON_ABOVE", default=20)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.ContentFreeFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # Django's own configuration mails administrators the body of a failed request. Never.
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
