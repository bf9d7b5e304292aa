"""The erasure ledger: what it says, in which order, and what a crash at any moment leaves.

A process that destroys is killed before the line, in the midst of it, between line and commit, and
after. Each time the next one starts by itself, and each file is destroyed once, with one
certificate.
"""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError, connection, transaction
from django.test import Client as Browser

from clients_app import (
    approvals,
    certificates,
    checks,
    clients,
    destruction,
    erasures,
    holds,
    purges,
    reconciliation,
    rules,
    users,
    wall,
)
from clients_app.erasures import Deed, OutOfStep
from clients_app.models import (
    AuditEvent,
    Client,
    ClientKey,
    DestructionRecord,
    ErasureMark,
    LegalHold,
    PurgeItem,
    PurgeRun,
)
from tests.clients_app.test_purges import a_file_that_ended, execute
from tests.conftest import PASSWORD, Cast, trail
from tests.faults.processes import environment
from tests.test_stolen_database import superuser_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def due(cast: Cast) -> list[Client]:
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    return [a_file_that_ended(cast, on=date(2014, 2, day)) for day in (1, 2, 3)]


@pytest.fixture
def approved(cast: Cast, due: list[Client]) -> PurgeRun:
    return approve(cast)


def approve(cast: Cast) -> PurgeRun:
    run = purges.propose(by=cast.piret)
    assert run is not None
    return approvals.approve(
        run.pk, by=cast.piret, files=run.items.filter(status="pending").count()
    )


def deeds() -> list[str]:
    return [line.deed for line in erasures.read()]


def refused() -> list[str]:
    """What web, worker and beat would say instead of starting."""
    return [str(error.id) for error in checks.what_was_destroyed_stays_so(databases=["default"])]


def whole() -> bool:
    """Ledger, register and marks agree."""
    report = certificates.verify()
    erasures.compare(report)
    assert report.findings == []
    return True


@contextmanager
def lost() -> Iterator[None]:
    """What happens here the ledger knows and the database forgets, as after a restore."""
    with suppress(InterruptedError), transaction.atomic():
        yield
        connection.before_commit()  # type: ignore[attr-defined]  # of config.postgresql
        raise InterruptedError


def test_a_new_installation_starts_without_fuss(db: None) -> None:
    assert not erasures.path().exists()
    assert refused() == []
    assert execute() == 0
    assert deeds() == ["begun"]
    assert stat.S_IMODE(erasures.path().stat().st_mode) == 0o600
    assert refused() == []
    assert execute() == 0
    assert deeds() == ["begun"], "a sweep that finds nothing writes nothing"


def test_what_is_taken_back_is_not_said(cast: Cast, due: list[Client]) -> None:
    """The line is written with the commit of the whole, whatever is nested in it: so neither an
    error after a hold nor an interrupted `make run` leaves a line that nobody can explain."""
    erasures.settle()
    for outer in (True, False):
        with suppress(InterruptedError), transaction.atomic():
            with suppress(InterruptedError), transaction.atomic():
                holds.place(due[0].pk, by=cast.piret, matter="m", reason="r")
                raise InterruptedError
            kept = holds.place(due[1].pk, by=cast.piret, matter="m", reason="r")
            if outer:
                raise InterruptedError
    assert deeds() == ["begun", "held"]
    assert LegalHold.objects.get() == kept
    assert whole()


def test_beneath_a_running_process(cast: Cast, approved: PurgeRun) -> None:
    """Somebody restores the database without stopping the web: its proxy is told to send nobody."""
    erasures.settle()
    assert Browser().get("/health/ready").status_code == 200
    with lost():
        execute()
    answer = Browser().get("/health/ready")
    assert (answer.status_code, answer.json()["for"]) == (503, ["erasure ledger"])
    reconciliation.reconcile()
    assert Browser().get("/health/ready").status_code == 200


def test_what_the_ledger_says(cast: Cast, due: list[Client]) -> None:
    """Ids, dates and the certificate, which names the file by its code; and no word of the hold."""
    hold = holds.place(due[0].pk, by=cast.piret, matter="Kask v. Kalda", reason="a summons")
    approve(cast)
    execute()
    holds.lift(hold.pk, by=cast.piret)
    begun, held, *erased, released = erasures.read()
    assert (begun.deed, held.deed, released.deed) == (Deed.BEGUN, Deed.HELD, Deed.RELEASED)
    assert held.said == {
        "kind": erasures.KIND,
        "key": held.said["key"],
        "hold": str(hold.pk),
        "client": str(due[0].pk),
        "practice": str(cast.practice.pk),
        "placed_by": str(cast.piret.pk),
        "placed_at": hold.placed_at.isoformat().replace("+00:00", "+00:00"),
    }
    assert [line.deed for line in erased] == ["erased", "erased"]
    for line, record in zip(erased, DestructionRecord.objects.order_by("number"), strict=True):
        assert line.said["record"] == certificates.written(record)
        assert line.said["record"]["head"] == bytes(record.head).hex()
    text = erasures.path().read_text()
    assert not any(word in text for word in ("Kask", "summons", "Somebody", "Piret"))
    marks = ErasureMark.objects.order_by("number").values_list("number", "head")
    assert [(n, bytes(h)) for n, h in marks] == [(x.number, x.head) for x in erasures.read()]
    assert whole()


KILL = """
import os, signal, sys, django
django.setup()
from datetime import timedelta
from django.utils import timezone
from clients_app import {module} as patched
real = patched.{name}
def die(*a, **k):
    {before}
    os.kill(os.getpid(), signal.SIGKILL)
patched.{name} = die
from clients_app import destruction
destruction.execute(until=timezone.now() + timedelta(minutes=1))
"""
# Where the process dies, and what the ledger says when the work is done after all.
ONCE = ["begun", "erased", "erased", "erased"]
CRASHES = {
    "before the key is destroyed": (("vault", "destroy", "pass"), ONCE),
    "before the certificate": (("certificates", "issue", "pass"), ONCE),
    "before the line": (("signed_lines", "append", "pass"), ONCE),
    "in the midst of the line": (
        ("signed_lines", "append", "a[0].write(a[1][:100])"),
        ONCE,
    ),
    "between line and commit": (
        ("signed_lines", "append", "real(*a)"),
        ["begun", "erased", "void", "erased", "erased", "erased"],
    ),
    "after the commit": (("destruction", "_finish", "pass"), ONCE),
}


@pytest.mark.parametrize("moment", CRASHES)
def test_killed_at_any_moment(cast: Cast, approved: PurgeRun, moment: str) -> None:
    (module, name, before), said = CRASHES[moment]
    erasures.settle()
    code = KILL.format(module=module, name=name, before=before)
    died = subprocess.run([sys.executable, "-c", code], env=os.environ | environment(), check=False)
    assert died.returncode == -signal.SIGKILL
    assert refused() == [], "the next worker starts"
    there = 0 if moment == "after the commit" else 3
    assert Client.objects.count() == ClientKey.objects.count() == there
    execute()
    assert deeds() == said
    assert not Client.objects.exists()
    assert DestructionRecord.objects.count() == len(trail(event="client.purged")) == 3
    assert PurgeRun.objects.get().status == "done"
    assert whole()
    assert refused() == []


def test_after_a_crash_a_hold_still_wins(cast: Cast, approved: PurgeRun) -> None:
    """The line says destroyed, the commit never came, and before the worker is back a court asks:
    the file stays, now and in every restore."""
    first = PurgeItem.objects.order_by("client_code")[0].client_id
    erasures.settle()
    with lost():
        destruction._settle_next()
    assert deeds() == ["begun", "erased"]
    assert refused() == []
    holds.place(first, by=cast.piret, matter="m", reason="r")
    assert deeds() == ["begun", "erased", "void", "held"]
    execute()
    assert Client.objects.get().pk == first
    assert reconciliation.reconcile().destroyed == 0
    assert Client.objects.get().pk == first


def test_after_a_crash_a_file_may_be_reopened(cast: Cast, approved: PurgeRun) -> None:
    """Whether the worker comes first or somebody runs `reconcile`: it is no restore, and what is in
    care again stays."""
    first = PurgeItem.objects.order_by("client_code")[0].client_id
    erasures.settle()
    with lost():
        destruction._settle_next()
    kept_until = Client.objects.get(pk=first).retain_until
    clients.reopen(first, by=cast.liis, kept_until=kept_until)
    report = reconciliation.reconcile()
    assert (report.lines, report.destroyed, report.taken_back) == (0, 0, 0)
    assert execute() == 3
    assert Client.objects.get().pk == first


def test_a_restore_that_lost_one_file_is_no_crash(cast: Cast, approved: PurgeRun) -> None:
    """The same line, but the file waits in no approved run: then nobody starts, and nobody else
    declares it void."""
    erasures.settle()
    with lost():
        destruction._settle_next()
    PurgeRun.objects.update(status="proposed")
    assert refused() == ["usaldus.E017"]
    with pytest.raises(OutOfStep, match="older than the ledger"):
        holds.place(Client.objects.all()[0].pk, by=cast.piret, matter="m", reason="r")
    assert execute() == 0
    assert not LegalHold.objects.exists()
    assert reconciliation.reconcile().destroyed == 1
    assert refused() == []
    assert Client.objects.count() == 2


def test_a_hold_that_was_lost_is_placed_again(cast: Cast, due: list[Client]) -> None:
    """By whoever placed it, even if the restore has lost them too; its words are lost."""
    erasures.settle()
    with lost():
        new = users.create(
            by=None, email="uus@kalda.example", name="Uus", role="privacy_officer",
            password=PASSWORD, practice=cast.practice,
        )  # fmt: skip
        hold = holds.place(due[0].pk, by=new, matter="Kask v. Kalda", reason="r")
        lifted = holds.place(due[1].pk, by=cast.piret, matter="m", reason="r")
        holds.lift(lifted.pk, by=new)
    assert refused() == ["usaldus.E017"]
    call_command("reconcile")
    assert refused() == []
    assert holds.in_force(due[0].pk)
    assert not holds.in_force(due[1].pk)
    back = LegalHold.objects.select_related("placed_by").get(pk=hold.pk)
    assert (back.placed_at, back.placed_by_id) == (hold.placed_at, new.pk)
    assert (back.placed_by.is_active, back.placed_by.has_usable_password()) == (False, False)
    said = holds.read(hold.pk, by=cast.piret)
    assert str(hold.pk) in said.matter
    assert "Kask" not in said.matter + said.reason
    approve(cast)
    assert execute() == 2


def test_what_was_approved_before_is_asked_again(cast: Cast, approved: PurgeRun) -> None:
    """A backup knows nothing of what happened to those files since: one may have been reopened."""
    erasures.settle()
    with lost():
        destruction._settle_next()
        destruction._settle_next()
    assert reconciliation.reconcile().taken_back == 3
    assert execute() == 0
    assert Client.objects.count() == 1
    found = PurgeItem.objects.order_by("client_code").values_list("status", flat=True)
    assert list(found) == ["purged", "purged", "excluded"]
    assert approve(cast).items.count() == 1
    assert execute() == 1


def test_interrupted_it_goes_on(
    cast: Cast, approved: PurgeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the midst of reconciling: nothing is served, what is done is done once."""
    erasures.settle()
    with lost():
        execute()
    expected = [line.said["record"]["head"] for line in erasures.read() if line.deed == "erased"]
    code = """
import os, signal, django
django.setup()
from clients_app import reconciliation, wall
done = []
def progress(n):
    done.append(n)
    if len(done) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
reconciliation.reconcile(progress=progress)
"""
    died = subprocess.run([sys.executable, "-c", code], env=os.environ | environment(), check=False)
    assert died.returncode == -signal.SIGKILL
    assert Client.objects.count() == 1
    assert refused() == ["usaldus.E017"]
    report = reconciliation.reconcile()
    assert (report.lines, report.destroyed) == (1, 1)
    heads = DestructionRecord.objects.order_by("number").values_list("head", flat=True)
    assert [bytes(head).hex() for head in heads] == expected
    assert refused() == []
    assert whole()
    again = reconciliation.reconcile()
    assert (again.lines, again.destroyed) == (0, 0)


def test_rows_copied_back_by_hand_go_again(cast: Cast, approved: PurgeRun) -> None:
    """The marks agree, and yet a key is there: somebody helped themselves from a backup."""
    client = Client.objects.order_by("code")[0]
    key = client.key
    execute()
    with owner_of_marks() as sql:
        sql(
            "INSERT INTO clients_app_clientkey"
            " (id, practice_id, client_id, wrapped, master_key, wrapped_at)"
            " VALUES (%s, %s, %s, %s, %s, now())",
            key.pk, key.practice_id, client.pk, key.wrapped.token, key.master_key,
        )  # fmt: skip
    assert ClientKey.objects.exists()
    assert refused() == []
    report = reconciliation.reconcile()
    assert (report.lines, report.destroyed) == (0, 1)
    assert not ClientKey.objects.exists()
    assert trail(event="client.purged_again", client_id=client.pk) == ["client.purged_again"]
    assert whole()


def test_an_older_version_is_taken_over(cast: Cast, due: list[Client]) -> None:
    """The first line of a ledger that begins late is followed by all that was destroyed before."""
    holds.place(due[0].pk, by=cast.piret, matter="m", reason="r")
    approve(cast)
    execute()
    with owner_of_marks() as sql:
        sql("DELETE FROM clients_app_erasuremark")
    erasures.path().unlink()
    assert refused() == []
    erasures.settle()
    assert deeds() == ["begun", "erased", "erased", "held"]
    assert whole()


@contextmanager
def owner_of_marks() -> Iterator[Any]:
    """Whoever owns the database can take the refusals off."""
    with psycopg.connect(superuser_url(), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        yield lambda statement, *values: superuser.execute(statement.encode(), values)


def test_where_the_ledger_cannot_be_written(
    cast: Cast, approved: PurgeRun, settings: Any, tmp_path: Path, caplog: Any, phone: Any
) -> None:
    """Nothing is destroyed, nothing is held, nothing counts as failed, and who asks is told so."""
    client = Client.objects.all()[0]
    (tmp_path / "in the way").touch()
    settings.ERASURE_LEDGER_FILE = str(tmp_path / "in the way" / "ledger")
    assert execute() == 0
    assert "nothing is destroyed" in caplog.text
    assert set(PurgeItem.objects.values_list("status", "attempts")) == {("pending", 0)}
    answer = phone(cast.piret).post(
        "/api/v1/legal-holds",
        {"client": str(client.pk), "matter": "m", "reason": "r"},
        format="json",
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "ledger_out_of_step")
    assert not LegalHold.objects.exists()
    assert AuditEvent.objects.filter(event="hold.placed").count() == 0
    assert refused() == ["usaldus.E014"]
    settings.ERASURE_LEDGER_FILE = str(tmp_path / "ledger")
    assert execute() == 3


def test_the_ledger_shows_what_was_done_to_it(cast: Cast, approved: PurgeRun) -> None:
    """Every line edited, taken out, doubled, exchanged with the next; forged anew without the key;
    the end cut off; a bit flipped anywhere. Whoever starts or verifies sees it."""
    execute()
    path = erasures.path()
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)

    def shows() -> bool:
        report = certificates.Report()
        erasures.compare(report)
        return bool(report.findings or refused())

    assert not shows(), "control"
    for n, line in enumerate(lines):
        said = orjson.loads(line)
        late, void = ({"at": "2026-01-01T00:00:00+00:00"}, {"deed": "void", "line": 2})
        changed = [
            lines[:n] + lines[n + 1 :],
            lines[:n],
            lines[: n + 1] + lines[n:],
            [*lines[:n], orjson.dumps(said | late) + b"\n", *lines[n + 1:]],
            [*lines[:n], orjson.dumps(said | void) + b"\n", *lines[n + 1:]],
        ]  # fmt: skip
        if n + 1 < len(lines):
            changed.append([*lines[:n], lines[n + 1], line, *lines[n + 2 :]])
        for other in changed:
            path.write_bytes(b"".join(other))
            assert shows(), (n, len(other))
    for position in range(0, len(good) - 1, 97):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        assert shows(), position
    path.write_bytes(good)
    assert not shows()


def test_a_register_that_is_cut_off_shows_in_the_ledger(cast: Cast, approved: PurgeRun) -> None:
    execute()
    last = DestructionRecord.objects.order_by("-number")[0]
    with owner_of_marks() as sql:
        sql("DELETE FROM clients_app_destructionrecord WHERE id = %s", last.pk)
    report = certificates.verify()
    assert report.findings == [], "the chain by itself cannot tell"
    erasures.compare(report)
    assert len(report.findings) == 1
    assert "number 3 of its register" in report.findings[0]


def test_lost_for_good(cast: Cast, approved: PurgeRun) -> None:
    """A disk dies, and with it the ledger, but not the database: it begins anew, and goes on."""
    execute()
    erasures.path().unlink()
    assert refused() == ["usaldus.E016"]
    with pytest.raises(CommandError, match="Nothing is served"):
        call_command("reconcile")
    call_command("reconcile", "--begin-anew")
    assert refused() == []
    assert deeds() == ["begun", "erased", "erased", "erased"]
    assert next(erasures.read()).number == 5
    with pytest.raises(CommandError, match="not lost"):
        call_command("reconcile", "--begin-anew")
    assert trail(event="ledger.begun_anew") == ["ledger.begun_anew"]
    assert whole()
    a_file_that_ended(cast, on=date(2014, 3, 1))
    approve(cast)
    assert execute() == 1
    assert whole()


def test_nobody_writes_into_another_databases_ledger(
    db: None, cast: Cast, due: list[Client]
) -> None:
    """A new database with the ledger of an older one starts when that was followed."""
    erasures.settle()
    with owner_of_marks() as sql:
        sql("DELETE FROM clients_app_erasuremark")
    assert refused() == ["usaldus.E017"]
    assert execute() == 0
    assert deeds() == ["begun"]


def test_writers_at_the_same_time_make_one_chain(cast: Cast, due: list[Client]) -> None:
    failed: list[BaseException] = []

    def place(client: Client) -> None:
        try:
            with wall.system("tests"):
                for _ in range(10):
                    hold = holds.place(client.pk, by=cast.piret, matter="m", reason="r")
                    holds.lift(hold.pk, by=cast.piret)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=place, args=(client,)) for client in due]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    # The first hold is among what the ledger begins with.
    assert deeds().count("held") == deeds().count("released") == 10 * 3
    assert whole()


def test_the_database_refuses_to_forget(cast: Cast, approved: PurgeRun) -> None:
    execute()
    for table in ("clients_app_erasuremark", "clients_app_destructionrecord"):
        for statement in ("DELETE FROM {}", "UPDATE {} SET number = number", "TRUNCATE {}"):
            with pytest.raises(ProgrammingError), connection.cursor() as cursor:
                cursor.execute(statement.format(table))
    with psycopg.connect(superuser_url()) as superuser:
        for table in ("clients_app_erasuremark", "clients_app_destructionrecord"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                superuser.execute(f"DELETE FROM {table}".encode())
            superuser.rollback()
