"""S7: what sealing costs the writers of the trail, and how long verifying a million lines takes.

Four writers, each a process with a connection of its own, write durable lines, alone or together
with a note of 4 KB in one transaction: in turn free, and with the product's own sealer running
every second. The ratio is taken inside each round. Afterwards every line must lie under one seal.
Then the trail is filled up, sealed, and verified by `manage.py audit verify` in a process that is
measured.

As a module: python -m tests.bench.trail write|seal|fill (what the measuring process starts).
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from select import select
from statistics import median
from typing import Any

import psycopg

from tests.bench.measure import Ratio, ratio
from tests.bench.servers import ROOT

WRITERS = 4
KINDS = ("line", "note and line")
GOAL, VERIFY_SECONDS, FLAT = 0.8, 60.0, 1.2
PER_TRANSACTION = 1_000


class Broken(Exception):
    """A helper process failed, or a line is not sealed once; the message says which."""


@dataclass(slots=True)
class Rates:
    """Transactions a second by kind, round by round."""

    free: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    sealed: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def ratio(self, kind: str) -> Ratio:
        return ratio(self.sealed[kind], self.free[kind])


@dataclass(frozen=True, slots=True)
class Verified:
    """One run of `manage.py audit verify`."""

    events: int
    seconds: float
    megabytes: float


def writing(environment: Mapping[str, str], *, rounds: int, seconds: float) -> Rates:
    """Everything in turn in each round, in an order that turns round."""
    rates = Rates()
    with ExitStack() as stack:
        writers = [stack.enter_context(_helper("write", environment)) for _ in range(WRITERS)]
        sealer = stack.enter_context(_helper("seal", environment))
        for number in range(rounds):
            for kind in KINDS:
                for sealing in (False, True) if number % 2 else (True, False):
                    if sealing:
                        _say(sealer, "on")
                    rate = _slot(writers, kind, seconds)
                    _say(sealer, "off")
                    (rates.sealed if sealing else rates.free)[kind].append(rate)
    return rates


def verifying(environment: Mapping[str, str], sizes: Sequence[int]) -> list[Verified]:
    """Fill the trail up to each size, seal it, verify it."""
    found = []
    for size in sizes:
        _run([sys.executable, "-m", "tests.bench.trail", "fill", str(size)], environment)
        started = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "manage.py", "audit", "verify"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert child.stdout is not None
        said = child.stdout.read().decode()
        _pid, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise Broken(f"The trail does not verify:\n{said}")
        if f"{size} events in" not in said:
            raise Broken(f"Not every line was sealed once:\n{said}")
        found.append(Verified(size, seconds, usage.ru_maxrss / 1024))
    return found


# The database shows its rows to whoever says a purpose (`clients_app.wall`).
PURPOSE = "SET usaldus.purpose = 'bench'"


def lines_sealed(address: str) -> tuple[int, int]:
    """How many lines there are, and how many the seals count."""
    with psycopg.connect(address) as connection:
        connection.execute(PURPOSE)
        row = connection.execute(
            "SELECT (SELECT count(*) FROM clients_app_auditevent),"
            " (SELECT coalesce(sum(count), 0) FROM clients_app_trailseal)"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def table(rates: Rates, verified: Sequence[Verified], where: Mapping[str, Any]) -> str:
    lines = [
        f"The trail: {WRITERS} writers, free and with the sealer running every second",
        ", ".join(f"{name} {value}" for name, value in where.items()),
        "",
        f"{'transactions/s':16}{'free':>10}{'sealed':>10}",
    ]
    for kind in KINDS:
        free, sealed = median(rates.free[kind]), median(rates.sealed[kind])
        lines.append(f"{kind:16}{free:10.0f}{sealed:10.0f}")
    for kind in KINDS:
        value = rates.ratio(kind)
        verdict = "reached" if value.middle >= GOAL else "falls short"
        lines.append(
            f"{kind}, sealed as a share of free: {value.middle:.2f}"
            f" ({value.least:.2f} to {value.most:.2f}); goal at least {GOAL}: {verdict}"
        )
    for one in verified:
        lines.append(
            f"verifying {one.events:,} events: {one.seconds:.1f} s, {one.megabytes:.0f} MB at most"
        )
    last, first = verified[-1], verified[0]
    in_time = "reached" if last.seconds < VERIFY_SECONDS else "falls short"
    flat = "reached" if last.megabytes <= FLAT * first.megabytes else "falls short"
    lines.append(f"goal under {VERIFY_SECONDS:.0f} s: {in_time}; memory flat: {flat}")
    return "\n".join(lines)


def figures(rates: Rates, verified: Sequence[Verified], where: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "machine": dict(where),
        "free": rates.free,
        "sealed": rates.sealed,
        "verified": [
            {"events": v.events, "seconds": v.seconds, "megabytes": v.megabytes} for v in verified
        ],
    }


Helper = subprocess.Popen[str]


@contextmanager
def _helper(role: str, environment: Mapping[str, str]) -> Iterator[Helper]:
    """A process that does as it is told on its standard input, and answers each time."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.trail", role],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _answer(child)
        yield child
    finally:
        child.kill()
        child.communicate()


def _answer(child: Helper) -> str:
    assert child.stdout is not None
    said = child.stdout.readline()
    if not said:
        raise Broken("A helper of the benchmark has died; see above.")
    return said.strip()


def _tell(child: Helper, text: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{text}\n")
    child.stdin.flush()


def _say(child: Helper, text: str) -> str:
    _tell(child, text)
    return _answer(child)


def _slot(writers: Sequence[Helper], kind: str, seconds: float) -> float:
    for writer in writers:
        _tell(writer, f"{KINDS.index(kind)} {seconds}")
    return sum(int(_answer(writer)) for writer in writers) / seconds


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise Broken(f"{command[-2]} failed:\n{done.stderr.decode()[-4000:]}")


def _answer_parent(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _write() -> None:
    """A writer: what a verb sends, without the verb."""
    from clients_app import audit
    from sessions_app.models import SessionNote

    columns = [f.column for f in SessionNote._meta.concrete_fields if f.column != "id"]
    names, table_name = ", ".join(columns), SessionNote._meta.db_table
    note = (
        f"INSERT INTO {table_name} (id, {names}) SELECT gen_random_uuid(), {names}"
        f" FROM {table_name} WHERE id = %s"
    ).encode()
    line = audit.INSERT.encode()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0) as out:
        out.execute(PURPOSE)
        some = out.execute(f"SELECT id, client_id FROM {table_name} LIMIT 1".encode()).fetchone()
        assert some is not None
        params = audit.params("note.written", by=None, client_id=some[1], subject_id=some[0])
        _answer_parent("ready")
        for order in sys.stdin:
            kind, seconds = order.split()
            end, done = time.perf_counter() + float(seconds), 0
            while time.perf_counter() < end:
                if kind == "0":
                    out.execute(line, params)
                else:
                    with out.transaction(), out.pipeline():
                        out.execute(note, some[:1])
                        out.execute(line, params)
                done += 1
            _answer_parent(done)


def _seal() -> None:
    """The sealer: every second while it is on; what is left over is sealed before it answers off,
    outside any timing."""
    from clients_app import seals

    on = False
    _answer_parent("ready")
    while True:
        if select([sys.stdin], [], [], 1.0 if on else None)[0]:
            order = sys.stdin.readline().strip()
            if not order:
                return
            on = order == "on"
            if not on:
                _seal_the_rest()
            _answer_parent(order)
        elif on:
            list(seals.seal_all())


def _fill(size: int) -> None:
    """Lines of the usual shape, a thousand a transaction, all of them sealed."""
    from django.db import connection

    from clients_app import anchors, seals, wall

    anchored = seals.state().anchored is not None
    with wall.system("bench"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM clients_app_auditevent")
        missing = size - cursor.fetchone()[0] - (not anchored)
        for start in range(0, missing, PER_TRANSACTION):
            cursor.execute(
                "INSERT INTO clients_app_auditevent (practice_id, actor_id, role, event, denied,"
                " client_id, subject_id, reason, door, request_id, detail)"
                " SELECT gen_random_uuid(), gen_random_uuid(), 'counsellor', 'note.read', false,"
                " gen_random_uuid(), gen_random_uuid(), '', 'api', gen_random_uuid(), '{}'"
                " FROM generate_series(1, %s)",
                [min(PER_TRANSACTION, missing - start)],
            )
    _seal_the_rest()
    if not anchored:
        anchors.anchor()
        _seal_the_rest()


def _seal_the_rest() -> None:
    """Until no line waits. A transaction that is open anywhere in the cluster, another test's
    perhaps, holds sealing up while it lasts."""
    from clients_app import seals

    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        list(seals.seal_all())
        if seals.state().waits_since is None:
            return
        time.sleep(0.2)


if __name__ == "__main__":
    import django

    django.setup()
    if sys.argv[1] == "fill":
        _fill(int(sys.argv[2]))
    else:
        {"write": _write, "seal": _seal}[sys.argv[1]]()
