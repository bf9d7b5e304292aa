"""Backups that cannot bring back what was destroyed, and restoring from them.

Two files, apart:

* **the data**: everything but what the master key opens; `pg_dump`'s custom format, in
  BACKUP_DIRECTORY. It holds sealed text and no key, so alone it is worth nothing, to a thief and to
  us. It lives BACKUP_HORIZON_DAYS.
* **the keys**: every client's data key, wrapped by the master key, and the sealed secrets of second
  factors, in KEY_BACKUP_DIRECTORY, which has to be another place. It lives KEY_BACKUP_DAYS, and
  only the newest is ever needed: keys do not change, so the keys of today open the data of a month
  ago – all but the files that were destroyed meanwhile, whose keys it does not have. So an old
  backup of the data brings no destroyed file back, even before `reconcile`.

The master key is in neither. Each file has a manifest beside it (when, of which size and SHA-256,
how far the erasure ledger was), signed by AUDIT_SIGNING_KEY. Files are for their owner alone
(0600), whole or not there at all (written beside, then renamed), and expired ones are deleted after
each backup, never the newest. What let somebody in at the time (sessions, logins, links) is not in
the data: nobody is logged in after a restore who was logged out since.

**What may linger, and until when.** The wrapped key of a destroyed file is in no table's file after
the run (`vault.scrub`). It may be in the backups of the keys for KEY_BACKUP_DAYS; in write-ahead
log for WAL_HORIZON_DAYS; and in base backups of the whole cluster, if somebody makes them, as long
as they keep those. Against the last there is an end that needs no file to be found: change the
master key (`keys rotate`), back the keys up (`backup --keys-only`), then destroy the old master
key. From that moment on no image of the key table from before opens any more, wherever it lies,
while every backup of the data can be restored with the keys of today. After a rotation with each
purge run, or each month, that is the horizon of all images: what a thief has from before is dead,
and whoever is honest has lost nothing.

Restoring goes into an empty database, as the owner of the tables, all or nothing. It leaves a
database older than the erasure ledger, since each backup ends with a line there: web, worker and
beat refuse it until `manage.py reconcile` has run.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import psycopg
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model
from psycopg import pq, sql

from clients_app import audit, erasures, owner, seals, signed_lines, wall
from clients_app.erasures import Deed
from clients_app.models import Client, ClientKey, Invitation, KnownDevice, Login, User

MANIFEST = "usaldus backup 1"
DATA, KEYS = "data", "keys"
ENDINGS = {DATA: ".dump", KEYS: ".keys"}
# What the master key opens, and whose row each needs to have something to belong to.
OPENED: tuple[tuple[type[Model], type[Model], str], ...] = (
    (ClientKey, Client, "client_id"),
    (Authenticator, User, "user_id"),
)
LETS_IN: tuple[type[Model], ...] = (Session, Login, KnownDevice, Invitation)
BLOCK = 1 << 20


class Failed(Exception):
    """A backup or restore that did not happen: the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A file with its manifest. `line`: how far the erasure ledger was."""

    path: Path
    kind: str
    made_at: datetime
    size: int
    sha256: str
    line: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: rows that the master key opens, and clients that stay without a key."""

    opened: int
    keyless: int
    rebased: bool


def make(*, now: datetime, keys_only: bool = False) -> list[Backup]:
    """Back up the data, then the keys. Raises Failed, OutOfStep.

    A backup has its name only when the erasure ledger tells of it, so that whatever is restored is
    older than the ledger.
    """
    _apart()
    erasures.settle()
    # The keys after the data: so every client of the data has theirs, or was destroyed.
    made = [_backup(kind, now) for kind in ((KEYS,) if keys_only else (DATA, KEYS))]
    with wall.system("backup"), transaction.atomic():
        names: dict[str, Any] = {one.kind: one.sha256 for one in made}
        audit.record("backup.made", by=None, **names)
        erasures.write(Deed.BACKED_UP, **names)
    for one in made:
        _manifest(one)
        _unfinished(one.path).rename(one.path)
    return made


def expire(*, now: datetime) -> list[Path]:
    """Delete the files whose time is over, never the newest; and what interrupted backups left."""
    gone = []
    for kind, days in ((DATA, settings.BACKUP_HORIZON_DAYS), (KEYS, settings.KEY_BACKUP_DAYS)):
        for old in known(kind)[1:]:
            if old.made_at < now - timedelta(days=days):
                gone.append(old.path)
        gone += [
            path
            for path in _directory(kind).glob(f"usaldus-*{ENDINGS[kind]}.unfinished")
            if path.stat().st_mtime < (now - timedelta(days=1)).timestamp()
        ]
    for path in gone:
        path.unlink(missing_ok=True)
        _manifest_of(path).unlink(missing_ok=True)
    return gone


def known(kind: str) -> list[Backup]:
    """The backups of a kind that are whole, newest first."""
    found = []
    for path in _directory(kind).glob(f"usaldus-*{ENDINGS[kind]}"):
        try:
            found.append(opened(path))
        except Failed:
            continue
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def living_keys(*, now: datetime) -> Backup | None:
    """The newest backup of the keys, if its time is not over."""
    newest = next(iter(known(KEYS)), None)
    if newest is None or newest.made_at < now - timedelta(days=settings.KEY_BACKUP_DAYS):
        return None
    return newest


def opened(path: Path, kind: str | None = None) -> Backup:
    """A backup by its manifest, signature checked. Raises Failed."""
    try:
        raw = _manifest_of(path).read_bytes()
        said = signed_lines.opened(MANIFEST, raw.strip(), seals.public_keys())
        size = path.stat().st_size
    except FileNotFoundError as missing:
        raise Failed(f"{missing.filename} is not there.") from None
    except signed_lines.NotSigned:
        raise Failed(f"The manifest of {path} was not signed by AUDIT_SIGNING_KEY.") from None
    if kind is not None and said["holds"] != kind:
        raise Failed(f"{path} holds the {said['holds']}, not the {kind}.")
    if size != said["size"]:
        raise Failed(f"{path} has {size} bytes and should have {said['size']}.")
    made_at = datetime.fromisoformat(said["at"])
    return Backup(path, said["holds"], made_at, size, said["sha256"], said["line"])


def restore(data: Backup | None, keys: Backup | None) -> Restored:
    """Put a backup into the empty database of DATABASE_URL, as its owner: data, then keys; without
    data the keys alone take the place of those that are there. Raises Failed."""
    for one in (data, keys):
        if one is not None and _hash(one.path) != one.sha256:
            raise Failed(f"{one.path} is damaged: its SHA-256 is not that of its manifest.")
    with owner.as_owner():
        if data is not None:
            _load(data)
        with wall.system("restore"):
            count = _load_keys(keys) if keys else 0
            rebased = seals.clock().behind
            if rebased:
                seals.rebase()
            keyless = Client.objects.filter(key=None).count()
            with transaction.atomic():
                audit.record("backup.restored", by=None, keyless=keyless)
        owner.grant()
    return Restored(count, keyless, rebased)


def _backup(kind: str, now: datetime) -> Backup:
    directory = _directory(kind)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"usaldus-{now:%Y%m%dT%H%M%SZ}{ENDINGS[kind]}"
    if path.exists():
        raise Failed(f"{path} is there already: one backup a second is enough.")
    line, unfinished = erasures.standing().mark, _unfinished(path)
    with _private(unfinished) as file:
        _dump(file) if kind == DATA else _copy_keys(file)
    return Backup(path, kind, now, unfinished.stat().st_size, _hash(unfinished), line)


def _manifest(made: Backup) -> None:
    said = {
        "holds": made.kind,
        "at": made.made_at.isoformat(timespec="seconds"),
        "size": made.size,
        "sha256": made.sha256,
        "line": made.line,
    }
    with _private(_manifest_of(made.path)) as file:
        file.write(signed_lines.signed(MANIFEST, said) + b"\n")


def _dump(file: IO[bytes]) -> None:
    """The data: without the rows that the master key opens, and without what lets somebody in."""
    left_out = [model for model, _owner, _column in OPENED] + list(LETS_IN)
    excluded = [f"--exclude-table-data={model._meta.db_table}" for model in left_out]
    _run(
        "pg_dump",
        ["--format=custom", *excluded],
        _backup_url(),
        stdout=file,
    )


def _copy_keys(file: IO[bytes]) -> None:
    """What the master key opens: a line that names table and columns, then its rows as COPY has
    them, and an empty line; all tables as they are at one moment."""
    with psycopg.connect(_backup_url(), dbname=_database()) as raw:
        raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for model, _owner, _column in OPENED:
            columns = [field.column for field in model._meta.concrete_fields]
            file.write(" ".join([model._meta.db_table, *columns]).encode() + b"\n")
            query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.Identifier(model._meta.db_table),
            )
            with raw.cursor().copy(query) as rows:
                for row in rows:
                    file.write(row)
            file.write(b"\n")


def _load(data: Backup) -> None:
    # An empty database has no function yet that could be told who asks.
    with wall.nobody(), connection.cursor() as cursor:
        if connection.introspection.table_names(cursor):
            raise Failed(
                "This database is not empty. Restore into a new one (CREATE DATABASE … OWNER …):"
                " what is there is not overwritten."
            )
    connection.close()
    _run(
        "pg_restore",
        ["--single-transaction", "--exit-on-error", "--no-owner", f"--dbname={_database()}"],
        settings.DATABASE_OWNER_URL or settings.DATABASE_URL,
        stdin=data.path,
    )


def _load_keys(keys: Backup) -> int:
    """Put the rows back whose client or user is there; how many. Those that are there go."""
    count = 0
    with transaction.atomic(), connection.cursor() as cursor, keys.path.open("rb") as file:
        for model, belongs_to, column in OPENED:
            table, *columns = file.readline().decode().split()
            wanted = [field.column for field in model._meta.concrete_fields]
            if table != model._meta.db_table or columns != wanted:
                raise Failed(
                    f"{keys.path} was made by another version of Usaldus. Restore with the version"
                    " that made it, then `migrate`."
                )
            cursor.execute(f"CREATE TEMPORARY TABLE restored (LIKE {table}) ON COMMIT DROP")
            into = f"COPY restored ({', '.join(columns)}) FROM STDIN"
            with connection.wrap_database_errors, cursor.cursor.copy(into) as rows:
                while (row := file.readline()) != b"\n":
                    if not row:
                        raise Failed(f"{keys.path} ends in the midst of a table.")
                    rows.write(row)
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 names, not values
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 names, not values
                f" SELECT {', '.join(f'r.{name}' for name in columns)} FROM restored r"
                f" JOIN {belongs_to._meta.db_table} o ON o.id = r.{column}"
            )
            count += cursor.rowcount
            cursor.execute("DROP TABLE restored")
            # The next number that the table gives is above those that came back.
            for reset in connection.ops.sequence_reset_sql(no_style(), [model]):
                cursor.execute(reset)
    return count


def _run(
    program: str,
    arguments: list[str],
    url: str,
    *,
    stdout: IO[bytes] | None = None,
    stdin: Path | None = None,
) -> None:
    """A program of PostgreSQL's. The way to the database goes by the environment: a password among
    the arguments would be in every list of processes. Of what it says on failing only its first
    line is told: the others may quote a row."""
    found = shutil.which(program, path=settings.POSTGRES_PROGRAMS or None)
    if found is None:
        raise Failed(
            f"{program} is not here. Install PostgreSQL's client programs, or name their directory"
            " in POSTGRES_PROGRAMS."
        )
    parsed = pq.Conninfo.parse(url.encode())
    options = {o.envvar.decode(): o.val.decode() for o in parsed if o.envvar and o.val}
    with (stdin or Path(os.devnull)).open("rb") as source:
        done = subprocess.run(
            [found, "--no-password", *arguments],
            env={"PATH": os.defpath, "LC_ALL": "C", **options, "PGDATABASE": _database()},
            stdin=source,
            stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise Failed(f"{program} failed: {said}")


def _database() -> str:
    """Each role comes to the database of DATABASE_URL, whichever its own address names."""
    return str(connection.settings_dict["NAME"])


def _backup_url() -> str:
    if not settings.DATABASE_BACKUP_URL:
        raise Failed(
            "DATABASE_BACKUP_URL is not set: a backup needs a role that bypasses row-level security"
            " and may read everything. README, Backups, says how to make it."
        )
    return settings.DATABASE_BACKUP_URL


def _apart() -> None:
    """Data, keys and ledger in one place would make one theft, or one fire, of three."""
    _backup_url()
    data, keys = (_directory(kind).resolve() for kind in (DATA, KEYS))
    if data.is_relative_to(keys) or keys.is_relative_to(data):
        raise Failed("KEY_BACKUP_DIRECTORY and BACKUP_DIRECTORY have to be apart from each other.")
    ledger = erasures.path().resolve()
    if ledger.is_relative_to(data) or ledger.is_relative_to(keys):
        raise Failed("ERASURE_LEDGER_FILE has to be apart from the backups: it outlives them.")
    if settings.KEY_BACKUP_DAYS > settings.BACKUP_HORIZON_DAYS:
        raise Failed(
            "KEY_BACKUP_DAYS is more than BACKUP_HORIZON_DAYS, the days that certificates promise."
        )


def _directory(kind: str) -> Path:
    return Path(settings.BACKUP_DIRECTORY if kind == DATA else settings.KEY_BACKUP_DIRECTORY)


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.unfinished")


def _manifest_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    """A new file for its owner alone, on the disk when we are done; gone if we fail."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
