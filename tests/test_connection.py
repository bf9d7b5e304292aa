"""A kept connection that has died is replaced before a request notices."""

import os
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.signals import request_started
from django.db import connection


def backend() -> int:
    """The server process behind this connection; looks after it as a request does."""
    request_started.send(sender=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_living_connection_is_kept() -> None:
    assert backend() == backend()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("EMBEDDED_SUPERUSER_URL" not in os.environ, reason="needs a superuser's URL")
def test_a_dead_connection_is_replaced() -> None:
    """As after a restart of PostgreSQL: the server has closed it, nobody has told us."""
    first = backend()
    address = urlsplit(os.environ["EMBEDDED_SUPERUSER_URL"]).geturl()
    with psycopg.connect(address, autocommit=True) as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    assert backend() != first
