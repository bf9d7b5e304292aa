"""The restore drill: promises P4 (nothing comes back) and R8 (from backup to serving in an hour).

A backup is taken on Monday. On Tuesday one file is destroyed, one is held, one is reopened, a hold
is lifted. On Wednesday the database is lost, and Monday's backup goes into a new one. The
application refuses to serve it, until the erasure ledger has been followed.

Everything is real: `manage.py backup` and `restore` in processes of their own, pg_dump, pg_restore,
a database that was never there, and the web and the worker trying to start on it.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from clients_app import (
    approvals,
    backups,
    checks,
    clients,
    destruction,
    erasures,
    holds,
    keys,
    purges,
    rules,
    vault,
    verification,
    wall,
)
from clients_app.models import (
    Client,
    ClientKey,
    DestructionRecord,
    LegalHold,
    Login,
    PurgeItem,
    PurgeRun,
)
from sessions_app import disclosures, notes
from sessions_app.models import Disclosure, SessionNote
from tests.clients_app.test_purges import a_file_that_ended
from tests.conftest import Cast, app_of, seal_everything
from tests.faults.processes import environment
from tests.test_production import SERVE, WORK
from tests.test_stolen_database import data_directory, plant, superuser_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("EMBEDDED_BACKUP_URL" not in os.environ, reason="needs pg_dump"),
]
HOUR = 3600.0


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    """Data, keys and ledger, each in a place of its own; and the way past the second wall."""
    settings.BACKUP_DIRECTORY = str(tmp_path / "data")
    settings.KEY_BACKUP_DIRECTORY = str(tmp_path / "keys")
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    settings.DATABASE_BACKUP_URL = os.environ["EMBEDDED_BACKUP_URL"]


@dataclass
class Monday:
    """What there is when the backup is taken. `burning`: due, destroyed on Tuesday; `sued`: due,
    held on Tuesday; `back`: in a run that was approved before, reopened on Tuesday; `freed`: held,
    and lifted on Tuesday."""

    burning: Client
    sued: Client
    back: Client
    freed: LegalHold
    words: dict[str, str]


@pytest.fixture
def monday(cast: Cast) -> Monday:
    planted = plant(cast)
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    gone, burning, sued, back, freed = (
        a_file_that_ended(cast, on=date(2014, 2, day)) for day in range(1, 6)
    )
    only(cast, gone)
    destruction.execute(until=soon())
    hold = holds.place(freed.pk, by=cast.piret, matter="m", reason="r")
    only(cast, back)
    app_of(cast.liis)
    return Monday(burning, sued, back, hold, planted.words)


def only(cast: Cast, client: Client) -> PurgeRun:
    """Approve a run of this file alone."""
    run = purges.propose(by=cast.piret)
    assert run is not None
    for item in run.items.exclude(client_id=client.pk):
        approvals.take_out(run.pk, item.pk, by=cast.piret)
    return approvals.approve(run.pk, by=cast.piret, files=1)


def tuesday(cast: Cast, monday: Monday) -> LegalHold:
    """What happens after the backup; the new hold."""
    monday.back.refresh_from_db()
    clients.reopen(monday.back.pk, by=cast.liis, kept_until=monday.back.retain_until)
    destruction.execute(until=soon())
    only(cast, monday.burning)
    assert destruction.execute(until=soon()) == 1
    holds.lift(monday.freed.pk, by=cast.piret)
    return holds.place(monday.sued.pk, by=cast.piret, matter="Kask v. Kalda", reason="summons")


def soon() -> datetime:
    return timezone.now() + timedelta(minutes=1)


@pytest.fixture
def new_database() -> Iterator[str]:
    """An empty one of the same owner, beside the one that is lost."""
    name = f"restored_{secrets.token_hex(4)}"
    with psycopg.connect(superuser_url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name} OWNER usaldus_owner".encode())
        yield name
        superuser.execute(f"DROP DATABASE {name} (FORCE)".encode())


@contextmanager
def inside(database: str) -> Iterator[None]:
    """The same verbs on the other database."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@pytest.fixture
def manage(settings: Any) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """A manage.py command as the operator runs it on a database."""

    def run(database: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        more = {
            "BACKUP_DIRECTORY": settings.BACKUP_DIRECTORY,
            "KEY_BACKUP_DIRECTORY": settings.KEY_BACKUP_DIRECTORY,
            "DATABASE_BACKUP_URL": settings.DATABASE_BACKUP_URL,
        }
        if arguments[0] == "restore":
            more["DATABASE_OWNER_URL"] = os.environ["EMBEDDED_OWNER_URL"]
        return in_process([sys.executable, "manage.py", *arguments], database, more)

    return run


def in_process(
    command: list[str], database: str, more: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    here = environment()
    address = urlsplit(here["DATABASE_URL"])._replace(path=f"/{database}").geturl()
    return subprocess.run(
        command,
        env=os.environ | here | {"DATABASE_URL": address} | (more or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def start(program: str, database: str) -> "subprocess.CompletedProcess[str]":
    return in_process([sys.executable, "-c", program], database)


def rows() -> dict[str, set[bytes]]:
    """Every row of every table as COPY has it."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    found = {}
    url = urlsplit(superuser_url())._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    with psycopg.connect(url) as reader:
        for table in tables:
            with reader.cursor().copy(f"COPY {table} TO STDOUT".encode()) as out:
                found[table] = {bytes(row) for row in out}
    return found


def test_the_drill(
    cast: Cast, monday: Monday, new_database: str, manage: Any, settings: Any
) -> None:
    here = connection.settings_dict["NAME"]
    then, begun = rows(), time.monotonic()
    made = manage(here, "backup")
    assert made.returncode == 0, made.stderr
    new_hold = tuesday(cast, monday)
    live = rows()

    # Wednesday.
    done = manage(new_database, "restore")
    assert done.returncode == 0, done.stderr
    for program in (SERVE, WORK):
        refused = start(program, new_database)
        assert refused.returncode != 0
        assert "manage.py reconcile" in refused.stderr
    for state, ledger in without(Path(settings.ERASURE_LEDGER_FILE)):
        refused = start(SERVE, new_database)
        assert refused.returncode != 0, state
        assert str(ledger) in refused.stderr
        assert "Bring the ledger back" in refused.stderr
        assert manage(new_database, "reconcile").returncode == 1, state
    done = manage(new_database, "reconcile")
    assert done.returncode == 0, done.stderr
    for told in ("Files destroyed: 1", "put back: 1", "holds placed: 1, lifted: 1"):
        assert told in done.stdout
    for program in (SERVE, WORK):
        started = start(program, new_database)
        assert started.returncode == 0, started.stderr
    assert time.monotonic() - begun < HOUR

    with inside(new_database):
        now = rows()
        certificate = DestructionRecord.objects.get(client_id=monday.burning.pk)
        # Nothing is there that was not there on Monday, and nothing is missing but the one file.
        for table in sorted(then):
            model = next((m for m in MODELS if m._meta.db_table == table), None)
            if model is None or model._meta.label in CHANGED:
                continue
            assert now[table] <= then[table], table
            gone = certificate.counts.get(model._meta.label, 0) + (model is ClientKey)
            assert len(now[table]) == len(then[table]) - gone, table
        register = DestructionRecord._meta.db_table
        assert now[register] == live[register] > then[register], "as it was printed"
        assert destruction.execute(until=soon()) == 0
        assert not Client.objects.filter(pk=monday.burning.pk).exists()
        assert Client.objects.filter(pk=monday.back.pk).exists(), "approved before it was reopened"
        left = PurgeItem.objects.filter(client_id=monday.back.pk)
        assert set(left.values_list("status", flat=True)) == {"excluded"}
        assert set(LegalHold.objects.filter(lifted_at=None).values_list("client", "pk")) >= {
            (monday.sued.pk, new_hold.pk)
        }
        assert "Lost when a backup was restored" in holds.read(new_hold.pk, by=cast.piret).matter
        assert not holds.in_force(monday.freed.client_id)
        assert not Login.objects.exists()
        texts = [str(notes.read(n.pk, by=cast.liis).body) for n in SessionNote.objects.all()]
        texts += [disclosures.read(d.pk, by=cast.liis).text for d in Disclosure.objects.all()]
        for word in (monday.words["subjective"], monday.words["disclosure"], "a note", "words"):
            assert word in " ".join(texts)
        assert keys.broken() == []
        seal_everything()
        report = verification.verify(Path(settings.AUDIT_ANCHOR_FILE))
        assert report.findings == []
        assert erasures.standing().behind == 0

    # The old database still runs somewhere: what it does now would be lost, so it does nothing.
    with pytest.raises(erasures.OutOfStep, match="older than the ledger"):
        holds.place(monday.back.pk, by=cast.piret, matter="m", reason="r")
    assert "reconcile" in start(WORK, here).stderr


def without(ledger: Path) -> Iterator[tuple[str, Path]]:
    """The ledger as it should not be, in each way; and as it was."""
    whole = ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    for state, left in {
        "removed": None,
        "emptied": b"",
        "cut off": lines[0],
        "another": whole.replace(b'"at":"2', b'"at":"3'),
        "one line gone": b"".join([lines[0], *lines[2:]]),
    }.items():
        ledger.unlink(missing_ok=True)
        if left is not None:
            ledger.write_bytes(left)
        if state != "one line gone":
            yield state, ledger
        else:
            # In the midst, where only whoever reads all of it looks: `reconcile`.
            with pytest.raises(erasures.LedgerBroken, match="line 2"):
                list(erasures.read())
    ledger.write_bytes(whole)


def test_the_backup_alone_is_worth_nothing(cast: Cast, monday: Monday, settings: Any) -> None:
    """For their owner alone; no word, no master key, and the keys are not among the data. The
    control is the token of a key, which is where it should be."""
    assert DestructionRecord.objects.exists()
    for made in backups.make(now=timezone.now()):
        assert made.path.stat().st_mode & 0o777 == 0o600
        assert made.path.with_name(f"{made.path.name}.json").stat().st_mode & 0o777 == 0o600
    (data,), (keys_) = backups.known(backups.DATA), backups.known(backups.KEYS)[0]
    tokens = [key.wrapped.token.encode() for key in ClientKey.objects.all()]
    held = {"data": in_the_clear(data.path), "keys": keys_.path.read_bytes()}
    assert [sum(token in whole for token in tokens) for whole in held.values()] == [0, len(tokens)]
    for whole in held.values():
        assert not any(word.encode() in whole for word in monday.words.values())
        assert not any(master.encode() in whole for master in settings.FIELD_ENCRYPTION_KEY)


def in_the_clear(dump: Path) -> bytes:
    """What a dump holds, without its compression."""
    program = Path(os.environ["EMBEDDED_POSTGRES_PROGRAMS"]) / "pg_restore"
    return subprocess.run([program, "--file=-", dump], check=True, capture_output=True).stdout


def test_with_the_keys_of_today_an_old_backup_brings_nothing_back(
    cast: Cast, monday: Monday, new_database: str, settings: Any, capsys: Any
) -> None:
    """And with a new master key no image from before opens any more: neither the backup of Monday's
    keys, nor what the write-ahead log still has. Whoever is honest has lost nothing."""
    monday_keys = backups.make(now=timezone.now() - timedelta(hours=1))[1].path.read_bytes()
    burning = monday.burning.key
    tuesday(cast, monday)
    seen = burning.wrapped.token.encode()
    assert seen in monday_keys, "control: the copy is there"
    assert seen in b"".join(p.read_bytes() for p in (data_directory() / "pg_wal").glob("0*"))
    of_the_living = ClientKey.objects.exclude(client=monday.burning.pk)[0].wrapped.token.encode()

    old = settings.FIELD_ENCRYPTION_KEY[0]
    new = secrets.token_urlsafe(32) + "="
    settings.FIELD_ENCRYPTION_KEY = [new, old]
    list(keys.rotate())
    settings.FIELD_ENCRYPTION_KEY = [new]
    call_command("backup", "--keys-only")

    place = {"key_id": burning.pk, "client_id": monday.burning.pk}
    with pytest.raises(vault.MasterKeyMissing):
        vault.unwrap(burning.wrapped.token, burning.master_key, **place)
    with override(settings, FIELD_ENCRYPTION_KEY=[old]):
        vault.unwrap(
            burning.wrapped.token, burning.master_key, **place
        )  # control: with it, it would

    with inside(new_database):
        call_command("restore")
        assert "Files without a key: 1." in capsys.readouterr().out
        assert Client.objects.filter(pk=monday.burning.pk).exists()
        with pytest.raises(vault.KeyDestroyed):
            vault.open_key(monday.burning.pk)
        call_command("reconcile")
        assert not Client.objects.filter(key=None).exists()
        assert keys.broken() == []
        newest = backups.known(backups.KEYS)[0].path.read_bytes()
        kept = {key.wrapped.token.encode() for key in ClientKey.objects.all()}
        for token in (seen, of_the_living):
            assert token not in newest
            assert token not in kept


@contextmanager
def override(settings: Any, **values: Any) -> Iterator[None]:
    before = {name: getattr(settings, name) for name in values}
    for name, value in values.items():
        setattr(settings, name, value)
    yield
    for name, value in before.items():
        setattr(settings, name, value)


def test_backups_have_their_time(
    cast: Cast, monday: Monday, new_database: str, settings: Any, capsys: Any
) -> None:
    """The keys live a week, the data five weeks; the newest of each stays. Without living keys a
    restore says what that means, and does it only when told."""
    now = timezone.now()
    for days in (40, 20, 10):
        backups.make(now=now - timedelta(days=days))
    left_over = Path(settings.KEY_BACKUP_DIRECTORY) / "usaldus-20260101T000000Z.keys.unfinished"
    left_over.touch()
    os.utime(left_over, (0, 0))
    backups.expire(now=now)
    ages = {
        kind: [(now - b.made_at).days for b in backups.known(kind)] for kind in ("data", "keys")
    }
    assert ages == {"data": [10, 20], "keys": [10]}
    assert not left_over.exists()
    assert len(list(Path(settings.KEY_BACKUP_DIRECTORY).iterdir())) == 2, "a file and its manifest"
    with inside(new_database):
        with pytest.raises(CommandError, match="no name, note or disclosure can be read"):
            call_command("restore")
        with wall.nobody():
            assert connection.introspection.table_names() == []
        call_command("restore", "--without-keys")
        found = checks.what_was_destroyed_stays_so(databases=["default"])
        assert [error.id for error in found] == ["usaldus.E017"], "though nothing happened since"
        call_command("reconcile")
        assert "nothing sealed can be read" in capsys.readouterr().out
        with pytest.raises(CommandError, match="not empty"):
            call_command("restore", "--without-keys")
        # The old keys turned up after all.
        call_command("restore", "--keys-only", "--keys", str(backups.known("keys")[0].path))
        assert not Client.objects.filter(key=None).exists()
        call_command("reconcile")
        assert keys.broken() == []
        # With it come the keys of today, and those of ten days ago go.
        call_command("backup")
    assert "1 backup was deleted" in capsys.readouterr().out
    call_command("backup", "--list")
    listed = capsys.readouterr().out
    assert [listed.count(ending) for ending in (".dump", ".keys")] == [3, 1]


def test_what_is_refused(cast: Cast, settings: Any, tmp_path: Path) -> None:
    """Damaged, forged, of the other kind, in one place, without a role: each says so, and nothing
    is half done."""
    data, keys_ = backups.make(now=timezone.now() - timedelta(hours=1))
    with pytest.raises(backups.Failed, match="holds the keys, not the data"):
        backups.opened(keys_.path, backups.DATA)
    with pytest.raises(backups.Failed, match="is not there"):
        backups.opened(tmp_path / "nowhere.dump")
    whole = data.path.read_bytes()
    data.path.write_bytes(whole[:-1])
    with pytest.raises(backups.Failed, match="bytes and should have"):
        backups.opened(data.path)
    data.path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(backups.Failed, match="is damaged"):
        backups.restore(backups.opened(data.path), None)
    data.path.write_bytes(whole)
    manifest = data.path.with_name(f"{data.path.name}.json")
    manifest.write_bytes(orjson.dumps(orjson.loads(manifest.read_bytes()) | {"size": 1}))
    with pytest.raises(backups.Failed, match="not signed"):
        backups.opened(data.path)
    assert backups.known(backups.DATA) == []

    before = sorted(tmp_path.rglob("*"))
    for changed, says in (
        ({"DATABASE_BACKUP_URL": ""}, "bypasses row-level security"),
        ({"KEY_BACKUP_DIRECTORY": settings.BACKUP_DIRECTORY}, "apart from each other"),
        ({"KEY_BACKUP_DIRECTORY": f"{settings.BACKUP_DIRECTORY}/keys"}, "apart from each other"),
        ({"ERASURE_LEDGER_FILE": f"{settings.BACKUP_DIRECTORY}/erased"}, "apart from the backups"),
        ({"KEY_BACKUP_DAYS": 36}, "BACKUP_HORIZON_DAYS"),
        ({"POSTGRES_PROGRAMS": "/nowhere"}, "pg_dump is not here"),
        ({"DATABASE_BACKUP_URL": os.environ["EMBEDDED_OWNER_URL"]}, "row-level security"),
    ):
        with override(settings, **changed), pytest.raises(CommandError, match=says):
            call_command("backup")
        assert sorted(tmp_path.rglob("*")) == before, "nothing half done"


MODELS = [model for model in apps.get_models() if model._meta.app_label != "stock"]
# What goes on after a backup: the trail and its seals, the marks of the ledger, holds and runs as
# reconciled, who is logged in, and the register, which is looked at by itself.
CHANGED = {
    "clients_app.AuditEvent",
    "clients_app.TrailSeal",
    "clients_app.ErasureMark",
    "clients_app.LegalHold",
    "clients_app.PurgeItem",
    "clients_app.PurgeRun",
    "clients_app.DestructionRecord",
    "clients_app.Login",
    "clients_app.KnownDevice",
    "clients_app.Invitation",
    "sessions.Session",
}
