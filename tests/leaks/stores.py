"""Every store that could keep a word: each function yields places by name, and what lies there."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.contrib.sessions.models import Session
from psycopg import sql

from tests.leaks.processes import Grounds
from tests.test_stolen_database import data_directory as data_of
from tests.test_stolen_database import dump, superuser_url

Place = tuple[str, bytes]
REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = {".venv", ".git", "var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
END = "the tour is over"


def postgres_log() -> Path:
    return Path(os.environ["EMBEDDED_POSTGRES_LOG"])


def data_directory(since: float) -> Iterator[Place]:
    """Tables, indexes and write-ahead log as they lie on disk, of what was written since."""
    with psycopg.connect(superuser_url(), autocommit=True) as superuser:
        superuser.execute("CHECKPOINT")
    root = data_of()
    for path in sorted(root.rglob("*")):
        try:
            if path.is_file() and path.stat().st_mtime >= since:
                yield f"data directory, {path.relative_to(root).parts[0]}", path.read_bytes()
        except FileNotFoundError:
            continue


def tables() -> Iterator[Place]:
    """Superuser SQL: every column of every table, and what the server knows of them."""
    with psycopg.connect(superuser_url(), autocommit=True) as superuser:
        superuser.execute("ANALYZE")
        columns = superuser.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema <> 'information_schema' AND table_type = 'BASE TABLE'"
            " AND table_schema <> 'pg_catalog'"
        ).fetchall()
        assert columns
        for schema, table, column in columns:
            asked = sql.SQL("SELECT {}::text FROM {}").format(
                sql.Identifier(column), sql.Identifier(schema, table)
            )
            rows = superuser.execute(asked).fetchall()
            yield f"column {table}.{column}", "\n".join(str(row[0]) for row in rows).encode()
        views = ["pg_stats", "pg_stat_activity", "pg_prepared_statements", "pg_settings"]
        known = "SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"
        if superuser.execute(known).fetchone():
            views.append("pg_stat_statements")
        for view in views:
            rows = superuser.execute(
                sql.SQL("SELECT v::text FROM {} v").format(sql.Identifier(view))
            ).fetchall()
            yield view, "\n".join(row[0] for row in rows).encode()


def dumps() -> Iterator[Place]:
    """What a backup holds, in two formats."""
    for form in ("plain", "custom"):
        yield f"pg_dump, {form}", dump(form)


def memory() -> Iterator[Place]:
    """What Redis holds: broker, cache, counters and results, by key and as its file."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    keys = list(client.scan_iter("*"))
    for key in keys:
        yield "Redis, keys", key + b"\n" + (client.dump(key) or b"") + _value(client, key)
    # Another test process may take its own picture at this moment, and remove it.
    where = client.config_get("*")
    file = Path(str(where["dir"])) / str(where["dbfilename"])
    for _attempt in range(5):
        client.save()
        try:
            yield "Redis, dump.rdb", file.read_bytes()
        except FileNotFoundError:
            continue
        file.unlink(missing_ok=True)
        return
    raise AssertionError("Redis did not write its file")


def _value(client: Any, key: bytes) -> bytes:
    match client.type(key):
        case b"list":
            items: list[bytes] = client.lrange(key, 0, -1)
            return b"\n".join(items)
        case b"hash":
            return b"\n".join(part for pair in client.hgetall(key).items() for part in pair)
        case b"string":
            value: bytes = client.get(key) or b""
            return value
    return b""


@contextmanager
def overheard() -> Iterator[list[bytes]]:
    """Every command that Redis gets meanwhile, of what is gone from its memory at once, too."""
    heard: list[bytes] = []
    client: Any = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None)
    ready = threading.Event()

    def listen() -> None:
        with client.monitor() as monitor:
            ready.set()
            for command in monitor.listen():
                heard.append(command["command"].encode())
                if END in command["command"]:
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(10)
    try:
        yield heard
    finally:
        redis.Redis.from_url(settings.REDIS_URL).echo(END)
        listener.join(10)
        assert not listener.is_alive(), "it was heard to the end"
        client.close()


def sessions() -> Iterator[Place]:
    """Browser sessions, decoded as the application does."""
    for row in Session.objects.all():
        yield "sessions", str(row.get_decoded()).encode()


def left_behind(grounds: Grounds) -> Iterator[Place]:
    """Logs, temporary files and mails of the processes."""
    for name in ("web", "worker"):
        yield f"{name}: output and logs", grounds.log(name).read_bytes()
        for path in sorted(grounds.temporary(name).rglob("*")):
            if path.is_file():
                yield f"{name}: temporary files", path.read_bytes()
    for path in sorted(grounds.mails.iterdir()):
        yield "mails", path.read_bytes()


def repository(since: float) -> Iterator[Place]:
    """What the run wrote into the checkout: fixtures, recordings, caches."""
    for directory, names, files in os.walk(REPOSITORY):
        names[:] = [name for name in names if name not in NOT_OURS]
        for path in (Path(directory) / name for name in files):
            if path.stat().st_mtime >= since:
                yield "the checkout", path.read_bytes()
