"""Who owns the tables, and what the application's own role may do with each.

Web, worker and beat connect as a role that owns nothing (`DATABASE_URL`), so that neither a bug nor
an injected statement takes the second wall down or rewrites the trail. `migrate` connects as the
owner (`DATABASE_OWNER_URL`) and at its end says table by table what the application may do; what
is not said is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from environ import Env

from clients_app.models import AuditEvent, DestructionRecord, ErasureMark, TrailSeal

APPEND_ONLY = {
    kept._meta.db_table for kept in (AuditEvent, TrailSeal, DestructionRecord, ErasureMark)
}
READ_ONLY = {"django_migrations"}


def connect_as_owner() -> None:
    """From now on this connection is the owner's, where an owner is named."""
    if settings.DATABASE_OWNER_URL:
        _reconnect(Env.db_url_config(settings.DATABASE_OWNER_URL))


def connect_as_application() -> None:
    """From now on this connection is the application's again."""
    if settings.DATABASE_OWNER_URL:
        _reconnect(Env.db_url_config(settings.DATABASE_URL))


@contextmanager
def as_owner() -> Iterator[None]:
    """Connect as the owner for a while."""
    connect_as_owner()
    try:
        yield
    finally:
        connect_as_application()


def grant() -> tuple[str, int]:
    """Give the application's role what it needs and nothing else: which role, how many tables."""
    role = Env.db_url_config(settings.DATABASE_URL)["USER"]
    tables = _tables()
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(role)
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}")
        for table in tables:
            rights = "SELECT, INSERT, UPDATE, DELETE"
            if table in APPEND_ONLY:
                rights = "SELECT, INSERT"
            elif table in READ_ONLY:
                rights = "SELECT"
            cursor.execute(f"GRANT {rights} ON {connection.ops.quote_name(table)} TO {name}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
        cursor.execute(f"GRANT EXECUTE ON FUNCTION usaldus_scrub_keys() TO {name}")
    return role, len(tables)


def _tables() -> list[str]:
    """Every table of the installed apps that is there, and Django's list of migrations."""
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return sorted((known | READ_ONLY) & set(connection.introspection.table_names()))


def _reconnect(address: dict[str, Any]) -> None:
    connection.close()
    connection.settings_dict.update({name: address[name] for name in ("USER", "PASSWORD")})
