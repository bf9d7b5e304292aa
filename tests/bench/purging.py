"""python -m tests.bench.purging: the end of a whole caseload, on a filled database (promise S5).

The same rows are deleted twice. First a copy of them with the same indexes, by SQL alone: all at
once, then in portions of fifty files, which is what the product is compared with. Then the files
themselves, as the worker does it: each with its last look, its certificate, its lines on the trail
and in the ledger. Somebody reads another client's record all the while, as before. One line of
JSON.
"""

import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import django
import orjson

IDLE = 5.0
PORTION = 50
COPIED = {
    "clients_app_client": "id",
    "clients_app_clientkey": "client_id",
    "clients_app_careassignment": "client_id",
    "sessions_app_therapysession": "client_id",
    "sessions_app_sessionnote": "client_id",
}


def main() -> int:
    django.setup()
    from django.db import connection
    from django.utils import timezone

    from clients_app import approvals, destruction, owner, purges, rules, users, wall
    from clients_app.models import Client, DestructionRecord, Practice, User

    with wall.system("bench"):
        practice = Practice.objects.get()
        officer = users.create(
            by=None,
            email="officer@bench.example",
            name="Officer",
            role="privacy_officer",
            password="seven quiet herons at dawn",
            practice=practice,
        )
        living = Client.objects.latest("code")
        counsellor = User.objects.get(care__client=living)
        rule, _later = rules.decide(by=officer, trigger="discharge", years=7, source="policy")
        ended = Client.objects.exclude(pk=living.pk)
        files = ended.update(
            discharged_on=date(2014, 2, 1), retain_until=date(2021, 2, 1), governing_rule_id=rule.pk
        )
        with owner.as_owner():
            rows, at_once, in_portions = _by_sql(living.pk)
        run = purges.propose(by=officer)
        assert run is not None
        approvals.approve(run.pk, by=officer, files=files)
        with _reading(living.pk, counsellor) as idle:
            time.sleep(IDLE)
        before = _memory()
        with _reading(living.pk, counsellor) as meanwhile:
            began = time.monotonic()
            settled = destruction.execute(until=timezone.now() + timedelta(hours=10))
            ours = time.monotonic() - began
        assert settled == files
        assert DestructionRecord.objects.count() == files
        assert list(Client.objects.values_list("pk", flat=True)) == [living.pk]
    connection.close()
    found = {
        "files": files,
        "rows": rows,
        "sql_at_once_s": at_once,
        "sql_in_portions_s": in_portions,
        "product_s": ours,
        "of_sql_in_portions": in_portions / ours,
        "reads_idle_p99_ms": _p99(idle),
        "reads_meanwhile_p99_ms": _p99(meanwhile),
        "memory_grew_mb": (_memory() - before) / 1024,
    }
    sys.stdout.write(orjson.dumps({k: round(v, 3) for k, v in found.items()}).decode() + "\n")
    return 0


def _by_sql(living: Any) -> tuple[int, float, float]:
    """How many rows there are, and how long SQL takes for copies of them: in one transaction, and
    in portions of some files, each a transaction."""
    at_once = _timed(living, _everything)
    return (_counted(living), at_once, _timed(living, _portions))


def _timed(living: Any, delete: Callable[[Any, list[Any]], None]) -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        for table in COPIED:
            cursor.execute(f"DROP TABLE IF EXISTS copy_of_{table}")
            cursor.execute(f"CREATE TABLE copy_of_{table} (LIKE {table} INCLUDING ALL)")
            cursor.execute(f"INSERT INTO copy_of_{table} SELECT * FROM {table}")
            cursor.execute(f"ANALYZE copy_of_{table}")
        cursor.execute("SELECT id FROM copy_of_clients_app_client WHERE id <> %s", [living])
        ids = [row[0] for row in cursor.fetchall()]
        began = time.monotonic()
        delete(cursor, ids)
        took = time.monotonic() - began
        for table in COPIED:
            cursor.execute(f"DROP TABLE copy_of_{table}")
    return took


def _counted(living: Any) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        total = 0
        for table, column in COPIED.items():
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} <> %s", [living])
            total += cursor.fetchone()[0]
    return total


def _everything(cursor: Any, ids: list[Any]) -> None:
    from django.db import transaction

    with transaction.atomic():
        _delete(cursor, ids)


def _portions(cursor: Any, ids: list[Any]) -> None:
    from django.db import transaction

    for first in range(0, len(ids), PORTION):
        with transaction.atomic():
            _delete(cursor, ids[first : first + PORTION])


def _delete(cursor: Any, ids: list[Any]) -> None:
    for table, column in reversed(COPIED.items()):
        cursor.execute(f"DELETE FROM copy_of_{table} WHERE {column} = ANY(%s)", [ids])


@contextmanager
def _reading(client_id: Any, by: Any) -> Iterator[list[float]]:
    """Somebody reads this record again and again; how long each time took, in seconds."""
    from django.db import connection

    from clients_app import wall
    from sessions_app import records

    took: list[float] = []
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.01):
            with wall.nobody():
                wall.enter(by.pk)
                began = time.monotonic()
                records.read(client_id, by=by)
                took.append(time.monotonic() - began)
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield took
    finally:
        over.set()
        reader.join()


def _p99(took: list[float]) -> float:
    return statistics.quantiles(took, n=100)[98] * 1000


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
