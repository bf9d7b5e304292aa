"""Refuse to start when unsafe.

`insist` runs where a process begins to serve (web, worker, beat); the same findings come out of
`manage.py check`.
"""

import base64
import binascii
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import Model

from clients_app import caller, erasures, guesses, seals, wall
from clients_app.models import ErasureMark, TrailSeal

# Each is a key of the cache that is asked for with every check.
MOST_TRIES = 1000
DEMONSTRATION_MARK = "demonstration-"
DEMONSTRATION_KEY = b"USALDUS-DEMO"
# A member of a role could take its place (SET ROLE), so membership counts.
MIGHTY = """
    SELECT count(*) FROM pg_roles
    WHERE (rolsuper OR rolbypassrls) AND pg_has_role(current_user, oid, 'MEMBER')
"""
OWNED = """
    SELECT count(*) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND pg_has_role(current_user, relowner, 'MEMBER')
"""
KEY_HINTS = {
    "FIELD_ENCRYPTION_KEY": "Generate one: python manage.py keys generate",
    "AUDIT_SIGNING_KEY": "Generate one: python manage.py audit key",
}


@register(Tags.security)
def settings_are_safe(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Secrets present, well-formed and not those of the demonstration; DEBUG off."""
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(Error("DEBUG is on: error pages would show content.", id="usaldus.E001"))
    if settings.DATABASES["default"].get("ATOMIC_REQUESTS"):
        found.append(
            Error("ATOMIC_REQUESTS is on: denials would not stay recorded.", id="usaldus.E002")
        )
    for name in KEY_HINTS:
        keys = getattr(settings, name)
        if not keys:
            found.append(Error(f"{name} is empty.", id="usaldus.E003"))
        for position, key in enumerate(keys, 1):
            found.extend(_key_is_safe(name, position, key))
    if settings.SECRET_KEY.startswith(DEMONSTRATION_MARK) and not settings.DEMONSTRATION:
        found.append(
            Error(
                "SECRET_KEY is the demonstration's.",
                hint="Generate one: python -c 'import secrets; print(secrets.token_urlsafe(64))'",
                id="usaldus.E005",
            )
        )
    return found


@register(Tags.security)
def callers_are_told_apart(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """The proxies named are some, nobody else is believed about HTTPS, and the limit is one."""
    found: list[CheckMessage] = []
    for name in settings.TRUSTED_PROXIES:
        try:
            caller.proxies([name])
        except ValueError as nonsense:
            found.append(
                Error(
                    f"TRUSTED_PROXIES: {nonsense}.",
                    hint="Name each proxy by its address, its network or, for one that comes"
                    " through a socket file, as unix:",
                    id="usaldus.E011",
                )
            )
    if settings.SECURE_PROXY_SSL_HEADER and not settings.TRUSTED_PROXIES:
        found.append(
            Error(
                "BEHIND_TLS_PROXY is set and TRUSTED_PROXIES names none: anybody could say that"
                " the way was HTTPS, so nobody is believed.",
                hint="Name the address by which the proxy comes, for example 127.0.0.1",
                id="usaldus.E012",
            )
        )
    if not guesses.TRIES <= settings.TRIES_PER_ADDRESS <= MOST_TRIES:
        found.append(
            Error(
                f"TRIES_PER_ADDRESS is not between {guesses.TRIES} and {MOST_TRIES}.",
                hint="A whole practice may be behind one address; 100 is enough for most.",
                id="usaldus.E013",
            )
        )
    return found


@register(Tags.database)
def database_role_is_safe(
    app_configs: Any = None, databases: Any = None, **_kwargs: Any
) -> list[CheckMessage]:
    """The database role is no superuser, not exempt from row-level security, and owns nothing."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute(MIGHTY)
        (mighty,) = cursor.fetchone()
        cursor.execute(OWNED)
        (owned,) = cursor.fetchone()
    found: list[CheckMessage] = []
    if mighty:
        found.append(
            Error(
                "The database role of DATABASE_URL is a superuser or bypasses row-level security,"
                " or is a member of a role that does.",
                hint="Make the role with CREATE ROLE usaldus LOGIN NOSUPERUSER NOBYPASSRLS;",
                id="usaldus.E006",
            )
        )
    elif owned:
        found.append(
            Error(
                f"The database role of DATABASE_URL owns {owned} tables, or the role that does.",
                hint="Let another role own them (DATABASE_OWNER_URL, for `migrate` alone). On an"
                " older database: REASSIGN OWNED BY usaldus TO usaldus_owner; then migrate.",
                id="usaldus.E010",
            )
        )
    return found


def no_owner_at_hand() -> list[CheckMessage]:
    """The ways to the tables' owner and past row-level security are for commands, not for what
    serves requests."""
    return [
        Error(
            f"{name} is set where requests are served or jobs are done.",
            hint=f"Give it to {command} alone.",
            id="usaldus.E009",
        )
        for name, command in (
            ("DATABASE_OWNER_URL", "`manage.py migrate` and `restore`"),
            ("DATABASE_BACKUP_URL", "`manage.py backup`"),
        )
        if getattr(settings, name)
    ]


@register(Tags.database)
def trail_counts_on(
    app_configs: Any = None, databases: Any = None, **_kwargs: Any
) -> list[CheckMessage]:
    """The transaction numbers have not fallen behind those on the trail, as after a restore into a
    new cluster: what is written then would lie among what is sealed."""
    if not databases:
        return []
    if not _is_there(TrailSeal):
        return []
    with wall.system("checks"):
        behind = seals.clock().behind
    if not behind:
        return []
    return [Error(str(seals.ClockBehind()), id="usaldus.E008")]


@register(Tags.database)
def what_was_destroyed_stays_so(
    app_configs: Any = None, databases: Any = None, **_kwargs: Any
) -> list[CheckMessage]:
    """The database is no older than the erasure ledger, and the ledger is the one it knows: else
    what was destroyed might be served again."""
    if not databases or not _is_there(ErasureMark):
        return []
    where = f"ERASURE_LEDGER_FILE ({settings.ERASURE_LEDGER_FILE})"
    bring_back = (
        "Bring the ledger back from its copy: without it nobody can say what must not return, and"
        " nothing is served. README, Backups, says what to do if there is none."
    )
    try:
        with wall.system("checks"):
            found = erasures.standing()
            restored = found.behind > 0 and found.left_over is None
    except OSError as failed:
        problem = f"{where} cannot be read ({type(failed).__name__})."
        return [Error(problem, hint="Let this process read it.", id="usaldus.E014")]
    except erasures.LedgerBroken as broken:
        return [Error(f"{where} is not whole: {broken}.", hint=bring_back, id="usaldus.E015")]
    if found.behind < 0 or found.exchanged:
        state = "is missing or empty" if found.last is None else f"ends at line {found.last.number}"
        if found.exchanged:
            state = "is another one"
        return [
            Error(
                f"{where} {state}, and this database knows {found.mark} lines of it.",
                hint=bring_back,
                id="usaldus.E016",
            )
        ]
    if restored:
        return [
            Error(
                f"The database is older than {where}, by {found.behind} lines: it was restored from"
                " a backup, and what was destroyed or held since then is not so in it.",
                hint="Run `manage.py reconcile`, then start again.",
                id="usaldus.E017",
            )
        ]
    return []


def insist() -> None:
    """Raise ImproperlyConfigured with every finding, or return."""
    found = [
        *settings_are_safe(),
        *callers_are_told_apart(),
        *no_owner_at_hand(),
        *database_role_is_safe(databases=["default"]),
        *trail_counts_on(databases=["default"]),
        *what_was_destroyed_stays_so(databases=["default"]),
    ]
    if found:
        raise ImproperlyConfigured(
            "Refusing to start:\n" + "\n".join(f"- {e.msg} {e.hint or ''}".rstrip() for e in found)
        )


def _is_there(model: type[Model]) -> bool:
    """Whether the database has its table: before the first `migrate` it has none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [model._meta.db_table])
        return bool(cursor.fetchone() != (None,))


def _key_is_safe(name: str, position: int, key: str) -> list[CheckMessage]:
    hint = KEY_HINTS[name]
    try:
        raw = base64.urlsafe_b64decode(key)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        return [
            Error(
                f"Key {position} of {name} is not 32 bytes in URL-safe base64.",
                hint=hint,
                id="usaldus.E004",
            )
        ]
    if raw.startswith(DEMONSTRATION_KEY) and not settings.DEMONSTRATION:
        return [
            Error(
                f"Key {position} of {name} is the demonstration's.",
                hint=hint,
                id="usaldus.E007",
            )
        ]
    return []
