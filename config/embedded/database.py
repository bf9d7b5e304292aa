"""The embedded PostgreSQL: a cluster of our own behind a socket nobody else can use.

Who may connect is decided twice. The socket lies in a directory that only the server's account can
enter (and root, who started it when the two differ). And the server asks the kernel who is at the
other end (peer authentication) and lets in no one but that account and the user who started it. So
there is no password to keep, to leak or to guess, and no TCP port.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from config.embedded.place import ENVIRONMENT, EmbeddedError, Place
from config.embedded.processes import Server, end_leftover, spawn

MAJOR_VERSION = "18"
PORT = 5432
SUPERUSER = "postgres"
ROLE = DATABASE = "usaldus"
OWNER = "usaldus_owner"
BACKUP = "usaldus_backup"
START_TIMEOUT = 60.0

# Nothing a statement says may reach the log: not its text (log_min_error_statement), not its values
# (log_parameter_*), not the row an error quotes in its DETAIL (log_error_verbosity), not the value
# an error quotes in its message (log_min_messages: above ERROR are only LOG, FATAL and PANIC).
SETTINGS = """\
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
hba_file = '{hba}'
ident_file = '{ident}'
max_connections = 100
log_timezone = 'UTC'
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""

# A crash of the machine may lose or tear everything: only for a database that is thrown away.
FAST_SETTINGS = """\
fsync = off
synchronous_commit = off
full_page_writes = off
"""


@contextmanager
def running(
    place: Place, sockets: Path, *, for_tests: bool, fast: bool
) -> Iterator[tuple[Server, dict[str, str]]]:
    """Run the server; yield it and the environment that leads to it."""
    end_leftover_server(place)
    _make_cluster(place, disposable=for_tests, fast=fast)
    settings = _write_settings(place, sockets, fast=fast)
    server = _start(place, sockets, settings)
    try:
        _make_roles(sockets, may_create_databases=for_tests)
        yield (
            server,
            {
                "DATABASE_URL": url(sockets, user=ROLE, database=DATABASE),
                "EMBEDDED_OWNER_URL": url(sockets, user=OWNER, database=DATABASE),
                "EMBEDDED_BACKUP_URL": url(sockets, user=BACKUP, database=DATABASE),
                "EMBEDDED_SUPERUSER_URL": url(sockets, user=SUPERUSER, database=DATABASE),
                "EMBEDDED_POSTGRES_DATA": str(place.postgres_data),
                "EMBEDDED_POSTGRES_LOG": str(place.postgres_log),
                "EMBEDDED_POSTGRES_PROGRAMS": str(place.client_programs),
            },
        )
    finally:
        # SIGINT is PostgreSQL's fast shutdown: roll back, checkpoint, leave. SIGQUIT just leaves.
        server.stop(signal.SIGINT, signal.SIGQUIT)


def end_leftover_server(place: Place) -> None:
    pid_file = place.postgres_data / "postmaster.pid"
    end_leftover(pid_file, program="postgres", wanted=signal.SIGINT)


def url(sockets: Path, *, user: str, database: str) -> str:
    """One form that libpq and django-environ both read: the socket's directory as a parameter.

    Percent-encoded into the host part, django-environ would not decode it. The port is given lest a
    PGPORT in somebody's shell decide.
    """
    return f"postgres://{user}@/{database}?{urlencode({'host': sockets, 'port': PORT}, safe='/')}"


def _make_cluster(place: Place, *, disposable: bool, fast: bool) -> None:
    data = place.postgres_data
    if disposable and data.exists():
        torn = fast and (data / "postmaster.pid").exists()
        if torn or _version(data) != MAJOR_VERSION:
            shutil.rmtree(data)
    if data.exists():
        place.make_private(data)
        if _version(data) != MAJOR_VERSION:
            raise EmbeddedError(
                f"{data} was written by PostgreSQL {_version(data) or '(unknown)'}, this is "
                f"{MAJOR_VERSION}. Export what you need with the old version, then make clean-data."
            )
        return
    unfinished = data.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    place.make_private(unfinished)
    command = [str(place.postgres_programs / "initdb"), f"--pgdata={unfinished}"]
    command += [f"--username={SUPERUSER}", "--auth=peer", "--encoding=UTF8", "--locale=C"]
    # The provider built into the server sorts the same on every machine.
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    if fast:
        command.append("--no-sync")
    made = subprocess.run(
        command,
        cwd="/",
        env=dict(ENVIRONMENT),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **place.account.identity,
    )
    if made.returncode:
        raise EmbeddedError(f"initdb failed:\n{made.stdout}{made.stderr}")
    unfinished.rename(data)


def _version(data: Path) -> str:
    try:
        return (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return ""


def _write_settings(place: Place, sockets: Path, *, fast: bool) -> Path:
    ourselves = pwd.getpwuid(os.geteuid()).pw_name
    names = dict.fromkeys([ourselves, place.account.name])
    hba = place.write_setting("pg_hba.conf", "local all all peer map=embedded\n")
    ident = place.write_setting(
        "pg_ident.conf", "".join(f'embedded "{name}" all\n' for name in names)
    )
    text = SETTINGS.format(
        port=PORT, sockets=_quoted(sockets), hba=_quoted(hba), ident=_quoted(ident)
    )
    return place.write_setting("postgresql.conf", text + (FAST_SETTINGS if fast else ""))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _start(place: Place, sockets: Path, settings: Path) -> Server:
    """Start and wait. After a crash the old server's last children may still hold its memory for a
    moment, and PostgreSQL rightly refuses to start beside them: so a few attempts."""
    deadline = time.monotonic() + START_TIMEOUT
    attempts = 5
    while True:
        server = spawn(
            place,
            [
                place.postgres_programs / "postgres",
                "-D",
                place.postgres_data,
                "-c",
                f"config_file={settings}",
            ],
            cwd=place.postgres_data,
            log=place.postgres_log,
        )
        while server.running and time.monotonic() < deadline:
            if _answers(sockets):
                return server
            time.sleep(0.05)
        attempts -= 1
        if server.running or not attempts:
            server.stop(signal.SIGINT, signal.SIGQUIT)
            raise EmbeddedError(f"PostgreSQL did not start: {place.postgres_log} says why.")
        time.sleep(0.5)


def _answers(sockets: Path) -> bool:
    try:
        _connect(sockets).close()
    except psycopg.OperationalError:
        return False
    return True


def _connect(sockets: Path, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host=str(sockets),
        port=PORT,
        user=SUPERUSER,
        dbname=database,
        connect_timeout=5,
        autocommit=True,
    )


def _make_roles(sockets: Path, *, may_create_databases: bool) -> None:
    """Three roles, none a superuser, for whom no check would hold: one that owns the database and
    its tables, the application's, which owns nothing, and one for backups, which reads everything
    and changes nothing."""
    role, owner, database = map(sql.Identifier, (ROLE, OWNER, DATABASE))
    createdb = sql.SQL("CREATEDB" if may_create_databases else "NOCREATEDB")
    with _connect(sockets) as connection:
        for name, more in (
            (ROLE, sql.SQL("NOBYPASSRLS NOCREATEDB")),
            (OWNER, sql.SQL("NOBYPASSRLS ") + createdb),
            (BACKUP, sql.SQL("BYPASSRLS NOCREATEDB")),
        ):
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
            verb = sql.SQL("ALTER" if known.rowcount else "CREATE")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION {}").format(
                    verb, sql.Identifier(name), more
                )
            )
        connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(BACKUP)))
        exists = "SELECT FROM pg_database WHERE datname = %s"
        if not connection.execute(exists, [DATABASE]).rowcount:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    with _connect(sockets, DATABASE) as connection:
        # Data of a version in which one role was both.
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, owner))
