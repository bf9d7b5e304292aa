"""The floor: what is left without a framework. psycopg, AES-256-GCM and orjson, nothing else.

`application` keeps the conditions of the promise: it looks the token up, asks whether the client is
in this reader's care, and leaves a durable line on its trail, all in one batch that PostgreSQL
runs as one transaction: a shorter way to keep them is not known to us. `bare` only fetches,
decrypts and renders.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.bench.contestants import Door
from tests.bench.data import Caseload

TABLES = """
    CREATE TABLE token (
        digest bytea PRIMARY KEY, reader bigint NOT NULL, expires_at timestamptz NOT NULL);
    CREATE TABLE care (reader bigint, client uuid, PRIMARY KEY (reader, client));
    CREATE TABLE note (
        id uuid PRIMARY KEY, client uuid NOT NULL, author bigint NOT NULL,
        session_at timestamptz NOT NULL, written_at timestamptz NOT NULL, body bytea NOT NULL);
    ALTER TABLE note ALTER body SET STORAGE EXTERNAL;
    CREATE INDEX ON note (client, session_at DESC, id DESC);
    CREATE TABLE trail (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(),
        reader bigint NOT NULL, client uuid NOT NULL, event text NOT NULL);
    CREATE INDEX ON trail (client, id DESC);
"""
LINE = """
    INSERT INTO trail (reader, client, event)
    SELECT reader, client, 'read' FROM token JOIN care USING (reader)
    WHERE digest = %s AND expires_at > now() AND client = %s
    RETURNING reader
"""
NOTES = """
    SELECT id, author, session_at, written_at, body FROM note
    WHERE client = %s ORDER BY session_at DESC, id DESC LIMIT 50
"""
KEY = "BENCH_FLOOR_KEY"

StartResponse = Callable[[str, list[tuple[str, str]]], object]


@cache
def _connection() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


@cache
def _cipher() -> AESGCM:
    return AESGCM(bytes.fromhex(os.environ[KEY]))


def application(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """The record, for whoever's token has the client in care."""
    client = UUID(environ["PATH_INFO"][1:])
    token = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1")
    with _connection().pipeline():
        line = _send(LINE, (hashlib.sha256(token).digest(), client))
        notes = _send(NOTES, (client,))
    if line.fetchone() is None:
        return _answer(start_response, "403 Forbidden", b"{}")
    return _answer(start_response, "200 OK", _render(notes))


def bare(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """The record, for anybody."""
    notes = _send(NOTES, (UUID(environ["PATH_INFO"][1:]),))
    return _answer(start_response, "200 OK", _render(notes))


def _send(sql: str, params: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    return _connection().cursor().execute(sql, params, prepare=True, binary=True)


def _render(notes: psycopg.Cursor[Any]) -> bytes:
    cipher = _cipher()
    return orjson.dumps(
        [
            {
                "id": note_id,
                "author": author,
                "session_at": session_at,
                "written_at": written_at,
                "body": cipher.decrypt(seal[:12], seal[12:], note_id.bytes).decode(),
            }
            for note_id, author, session_at, written_at, seal in notes
        ]
    )


def _answer(start_response: StartResponse, status: str, body: bytes) -> list[bytes]:
    length = ("Content-Length", str(len(body)))
    start_response(status, [("Content-Type", "application/json"), length])
    return [body]


def _seal(cipher: AESGCM, note_id: UUID, text: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + cipher.encrypt(nonce, text.encode(), note_id.bytes)


def fill(caseload: Caseload) -> Iterator[Door]:
    """Make the tables and fill them; one door for each client, by number."""
    connection, cipher = _connection(), _cipher()
    connection.execute(TABLES)
    tokens = [f"Bearer {secrets.token_urlsafe(32)}" for _ in range(caseload.counsellors)]
    with connection.transaction(), connection.cursor() as cursor:
        until = datetime.now(UTC) + timedelta(days=1)
        cursor.executemany(
            "INSERT INTO token VALUES (%s, %s, %s)",
            [(hashlib.sha256(t.encode()).digest(), n, until) for n, t in enumerate(tokens)],
        )
        for number, entries in caseload.entries():
            mine, client = caseload.counsellor_of(number), uuid4()
            cursor.execute("INSERT INTO care VALUES (%s, %s)", (mine, client))
            cursor.executemany(
                "INSERT INTO note VALUES (%s, %s, %s, %s, %s, %s)",
                [
                    (e.id, client, mine, e.session_at, e.session_at,
                     _seal(cipher, e.id, e.text))
                    for e in entries
                ],
            )  # fmt: skip
            yield Door(str(client), tokens[mine], tokens[mine - 1])
    connection.execute("VACUUM ANALYZE")
