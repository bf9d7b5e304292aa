"""Behind a pooler that hands one server connection from transaction to transaction, everybody still
sees what is theirs and nothing else (pgbouncer, `pool_mode = transaction`).

Liis, Mark and Olga work at once, each on a connection of their own to a pgbouncer that has a single
connection to PostgreSQL: whatever one of them left behind there, the next would find.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection, connections

from clients_app import keys, verification, wall
from clients_app.clients import register
from clients_app.errors import Hidden
from clients_app.models import Client, User
from sessions_app import records
from sessions_app.models import SessionNote
from tests.conftest import Cast, app_of, seal_everything

POOLER = shutil.which("pgbouncer")
pytestmark = [
    pytest.mark.skipif(POOLER is None, reason="no pgbouncer here"),
    pytest.mark.skipif("EMBEDDED_SUPERUSER_URL" not in os.environ, reason="another's PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]
SETTINGS = """\
[databases]
usaldus = host={host} port={port} dbname={name} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {pooler}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
max_prepared_statements = 200
"""
KEEPS_PREPARED = (1, 21)
TURNS = 30
Behind = Callable[[], None]


@pytest.fixture
def behind(settings: Any) -> Iterator[Behind]:
    """A pgbouncer before the database of the test; puts the connection of a thread behind it."""
    version = tuple(map(int, re.findall(r"\d+", _told("--version"))[:2]))
    settings.DATABASE_PREPARES = version >= KEEPS_PREPARED
    server = connection.settings_dict
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = Path(server["HOST"] or server["OPTIONS"]["host"])
    text = SETTINGS.format(
        host=host,
        port=server["PORT"] or server["OPTIONS"]["port"],
        name=server["NAME"],
        user=server["USER"],
        pooler=port,
    )
    if version < KEEPS_PREPARED:
        text = re.sub("max_prepared.*\n", "", text)
    process = _run(text, as_owner_of=host)

    def put() -> None:
        through = connections.create_connection("default")
        through.settings_dict = {**server, "NAME": "usaldus", "HOST": "127.0.0.1", "PORT": port}
        through.settings_dict["OPTIONS"] = {
            name: value for name, value in server["OPTIONS"].items() if name not in ("host", "port")
        }
        connections["default"] = through

    try:
        yield put
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _told(*arguments: str) -> str:
    return subprocess.run([str(POOLER), *arguments], capture_output=True, text=True).stdout


def _run(text: str, *, as_owner_of: Path) -> subprocess.Popen[bytes]:
    """It refuses to be root, and the embedded server knows only its own account."""
    account = as_owner_of.stat()
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": account.st_uid, "group": account.st_gid, "extra_groups": []}
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as settings:
        settings.write(text)
        settings.flush()
        Path(settings.name).chmod(0o644)
        process = subprocess.Popen(
            [str(POOLER), settings.name], cwd="/", stderr=subprocess.PIPE, **who
        )
        _wait_for(int(re.findall(r"listen_port = (\d+)", text)[0]), process)
    return process


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            pytest.fail(f"pgbouncer does not start: {process.communicate()[1].decode()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("pgbouncer does not answer")


def in_turns(behind: Behind, deeds: list[Callable[[], Any]]) -> list[Any]:
    """Everybody at once, each in a thread with a connection of its own through the pooler."""

    def work(deed: Callable[[], Any]) -> list[Any]:
        behind()
        try:
            return [deed() for _ in range(TURNS)]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [
            answers
            for running in [pool.submit(work, deed) for deed in deeds]
            for answers in [running.result()]
        ]


def server_of() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def seen_by(user: User) -> Callable[[], set[Any]]:
    """What the database shows to somebody whose application forgot to ask `access`."""

    def look() -> set[Any]:
        with wall.nobody():
            wall.enter(user.pk)
            return set(SessionNote.objects.values_list("client_id", flat=True)) | set(
                Client.objects.values_list("pk", flat=True)
            )

    return look


@pytest.fixture
def file(note: SessionNote) -> SessionNote:
    return note


def test_one_connection_and_three_people_who_see_their_own(
    behind: Behind, cast: Cast, mari: Client, file: SessionNote
) -> None:
    with wall.system("tests"):
        marks = register(by=cast.mark, identity={"full_name": "Toomas Tamm"})
        olgas = register(by=cast.olga, identity={"full_name": "Kadri Kask"})
    people = [cast.liis, cast.mark, cast.olga]
    liis, mark, olga = in_turns(behind, [seen_by(user) for user in people])
    assert all(shown == {mari.pk} for shown in liis)
    assert all(shown == {marks.pk} for shown in mark)
    assert all(shown == {olgas.pk} for shown in olga)
    servers = in_turns(behind, [server_of, server_of])
    assert len({pid for answers in servers for pid in answers}) == 1


def test_whoever_says_nothing_finds_nothing_of_those_before(
    behind: Behind, cast: Cast, mari: Client
) -> None:
    def says_nothing() -> int:
        with wall.nobody():
            return Client.objects.count()

    shown, nothing = in_turns(behind, [seen_by(cast.liis), says_nothing])
    assert all(client == {mari.pk} for client in shown)
    assert set(nothing) == {0}


def test_the_control_a_word_left_on_the_connection_is_found(
    behind: Behind, cast: Cast, mari: Client
) -> None:
    """Told for the session and not for the transaction, it would tell the next one too."""

    def careless() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('usaldus.purpose', 'careless', false)")

    def says_nothing() -> int:
        with wall.nobody():
            return Client.objects.count()

    _left, found = in_turns(behind, [careless, says_nothing])
    assert 1 in found


def test_the_short_way_reads_and_refuses_as_ever(
    behind: Behind, cast: Cast, mari: Client, file: SessionNote
) -> None:
    def read(user: User) -> Callable[[], Any]:
        def look() -> Any:
            with wall.nobody():
                wall.enter(user.pk)
                try:
                    return len(records.read(mari.pk, by=user).entries)
                except Hidden:
                    return "hidden"

        return look

    liis, mark = in_turns(behind, [read(cast.liis), read(cast.mark)])
    assert set(liis) == {1}
    assert set(mark) == {"hidden"}


def test_what_reads_in_portions_reads_to_the_end(
    behind: Behind, cast: Cast, mari: Client, tmp_path: Path, settings: Any
) -> None:
    """A cursor on the server lives, and knows who asks, as long as its transaction."""
    app_of(cast.liis)
    seal_everything()
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

    def whole() -> tuple[int, int]:
        with wall.system("tests"):
            report = verification.verify(tmp_path / "anchors.jsonl")
            return report.seals, len(keys.broken())

    (answers,) = in_turns(behind, [whole])
    assert answers == [(1, 3)] * TURNS
