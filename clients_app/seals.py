"""The seals of the trail: what makes a change to it show.

Lines are written freely: no writer waits for another, none computes a hash. Every ten seconds the
sealer takes the lines of all transactions that are over and were not sealed yet, in the order of
their transaction and id, makes one Merkle root of them (RFC 6962), chains it to the head of the
seal before, and signs. "Over" is exact: `pg_snapshot_xmin` is the number below which every
transaction is committed and visible, or gone for good, so a batch is a span of transaction numbers
[from_tx, to_tx) to which nothing can ever be added. A transaction that stays open holds the
horizon, and so the sealing, up: `state` tells since when a line waits.

The bytes of a line are those of PostgreSQL's `COPY (SELECT tx, id, ...) TO STDOUT` in text format
(columns in the order of `COLUMNS`, one tab between them, the line end included) with TimeZone UTC,
DateStyle ISO and client_encoding UTF8. Anybody can make them again with psql and hash them with
sha256sum.

What the seals do not show by themselves: lines of the last seconds that no seal covers yet; the end
of the chain cut off, or the whole of it made anew by somebody who also has the signing key. The
last two show in the anchors (`anchors`).

Keys: AUDIT_SIGNING_KEY holds Ed25519 seeds, newest first; the newest signs, all of them verify.
When an old seed is dropped, its seals no longer verify unless its public half is named in
AUDIT_RETIRED_PUBLIC_KEYS (`manage.py audit key --public` prints them).
"""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from django.conf import settings
from django.db import connection, transaction

from clients_app import audit, crypto, wall
from clients_app.crypto import Signer
from clients_app.merkle import Tree, leaf
from clients_app.models import AuditEvent, TrailSeal
from clients_app.pipeline import ask

# Lines in one batch, unless a single transaction wrote more.
BATCH = 10_000
MARK = 8
NOTHING_BEFORE = bytes(32)
# One sealer at a time, whatever the process: the number of an advisory lock.
SEALER = 0x7573616C647573
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TRAIL = AuditEvent._meta.db_table
SEALS = TrailSeal._meta.db_table
COLUMNS = (
    "tx, id, at, practice_id, actor_id, role, event, denied, client_id, subject_id, reason, door,"
    " request_id, detail"
)
COPY = (
    f"COPY (SELECT {COLUMNS} FROM {TRAIL}"  # noqa: S608 names, not values
    " WHERE tx >= %s AND tx < %s ORDER BY tx, id) TO STDOUT"
)
# One snapshot answers all of it, so a line that it shows has a number below its end.
CLOCK = f"""
    SELECT clock_timestamp(),
        clients_app_trail_tx(pg_snapshot_xmin(now)), clients_app_trail_tx(pg_snapshot_xmax(now)),
        (SELECT max(tx) FROM {TRAIL}), (SELECT max(to_tx) FROM {SEALS})
    FROM pg_current_snapshot() now
"""  # noqa: S608 names, not values
BOUNDARY = f"""
    SELECT tx FROM {TRAIL} WHERE tx >= %s AND tx < %s ORDER BY tx, id LIMIT 1 OFFSET %s
"""  # noqa: S608 names, not values
OLDEST = f"""
    SELECT at FROM {TRAIL} WHERE tx >= %s ORDER BY tx, id LIMIT 1
"""  # noqa: S608 names, not values
REBASED = """
    CREATE OR REPLACE FUNCTION clients_app_trail_tx(xid8) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1::text::bigint + {offset}'
"""


class ClockBehind(Exception):
    """The transaction numbers of this cluster are lower than those on the trail."""

    def __init__(self) -> None:
        super().__init__(
            "The trail knows higher transaction numbers than this database cluster has reached:"
            " the database was restored into a new cluster. Nothing can be sealed until its owner"
            " runs `manage.py audit rebase`."
        )


class NotBehind(Exception):
    """There is nothing to rebase."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The database's time; all transactions below `horizon` are over, none has reached `end`."""

    now: datetime
    horizon: int
    end: int
    highest: int
    sealed_to: int

    @property
    def behind(self) -> bool:
        return self.highest >= self.end or self.sealed_to > self.horizon


@dataclass(frozen=True, slots=True)
class State:
    """How far the trail is sealed, anchored, verified. Holds nothing of any practice."""

    number: int | None
    sealed_at: datetime | None
    waits_since: datetime | None
    anchored: AuditEvent | None
    verified: AuditEvent | None


def seal_all() -> Iterator[TrailSeal]:
    """Seal until nothing is left that can be sealed, or somebody else seals already."""
    while (made := seal()) is not None:
        yield made


@wall.system("trail.seal")
def seal(*, batch: int = BATCH) -> TrailSeal | None:
    """Seal the next batch; None if there is nothing to seal or another sealer is at it. Raises
    ClockBehind."""
    with transaction.atomic():
        if ask("SELECT pg_try_advisory_xact_lock(%s)", (SEALER,)) != (True,):
            return None
        now = clock()
        if now.behind:
            raise ClockBehind
        span = _next_span(now, batch)
        return _seal(*span, now.now) if span else None


@wall.system("trail.seal")
def state() -> State:
    """For whoever looks after the trail."""
    last = TrailSeal.objects.order_by("-number").values("number", "sealed_at", "to_tx").first()
    waiting = ask(OLDEST, (last["to_tx"] if last else 0,))
    return State(
        number=last["number"] if last else None,
        sealed_at=last["sealed_at"] if last else None,
        waits_since=waiting[0] if waiting else None,
        anchored=_latest("trail.anchored"),
        verified=_latest("trail.verified"),
    )


@wall.system("trail.seal")
def held_up_since() -> datetime | None:
    """When the oldest transaction that has written, or is about to, began."""
    row = ask("SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid IS NOT NULL")
    return row[0] if row else None


def clock() -> Clock:
    """The numbers of transactions, as the trail counts them."""
    row = ask(CLOCK)
    assert row is not None  # noqa: S101 a query without FROM a table gives its row
    now, horizon, end, highest, sealed_to = row
    return Clock(now, horizon, end, highest or 0, sealed_to or 0)


@wall.system("trail.seal")
def rebase() -> tuple[int, int]:
    """After a restore into a new cluster: count on from above the highest number on the trail.
    For the owner of the tables. Returns the offset, and how many lines written since the restore
    (none, if web and worker were kept down as they insist) got a number above it.

    Such a line bears the number of a transaction long sealed, and a time after the last seal; no
    seal covers it. A line that a seal covers is never touched. Raises NotBehind.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {TRAIL}, {SEALS} IN EXCLUSIVE MODE")
        now = clock()
        if not now.behind:
            raise NotBehind("The transaction numbers run on from those on the trail.")
        offset = max(now.highest, now.sealed_to) + 1
        cursor.execute(REBASED.format(offset=offset))
        last = TrailSeal.objects.order_by("-number").values("to_tx", "sealed_at").first()
        late = 0
        if last:
            cursor.execute(f"ALTER TABLE {TRAIL} DISABLE TRIGGER trail_append_only")
            cursor.execute(
                f"UPDATE {TRAIL} SET tx = DEFAULT WHERE tx < %s AND at > %s",  # noqa: S608 a name
                (last["to_tx"], last["sealed_at"]),
            )
            late = cursor.rowcount
            cursor.execute(f"ALTER TABLE {TRAIL} ENABLE TRIGGER trail_append_only")
        audit.record("trail.rebased", by=None, offset=offset, lines=late)
    return offset, late


def lines(from_tx: int, to_tx: int) -> Iterator[bytes]:
    """The bytes of the lines of a span, in order, as they come. In a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        cursor.execute("SET LOCAL DateStyle = 'ISO, YMD'")
        with cursor.cursor.copy(COPY, (from_tx, to_tx)) as rows:
            for row in rows:
                yield bytes(row)


def head_of(seal: TrailSeal) -> bytes:
    """The hash that the next seal is chained to: over every column but itself and the signature."""
    at = (seal.sealed_at - EPOCH) // timedelta(microseconds=1)
    numbers = (seal.number, seal.from_tx, seal.to_tx, seal.first_id, seal.last_id, seal.count, at)
    hashes = (bytes(seal.root), bytes(seal.previous), sha256(seal.marks).digest())
    return sha256(
        b"usaldus trail head 1\0" + struct.pack(">7q", *numbers) + b"".join(hashes)
    ).digest()


def signed_part(head: bytes) -> bytes:
    return b"usaldus trail seal 1\0" + head


def signer() -> Signer:
    """The key that signs now."""
    return _signers(tuple(settings.AUDIT_SIGNING_KEY))[0]


def public_keys() -> dict[str, bytes]:
    """Every key that verifies, by fingerprint: those that sign or signed, and the retired."""
    public = [one.public for one in _signers(tuple(settings.AUDIT_SIGNING_KEY))]
    public += [base64.urlsafe_b64decode(key) for key in settings.AUDIT_RETIRED_PUBLIC_KEYS]
    return {crypto.public_fingerprint(key): key for key in public}


def _next_span(now: Clock, batch: int) -> tuple[int, int] | None:
    """From the last seal up to the horizon, cut where a batch is full: between transactions."""
    first = ask(BOUNDARY, (now.sealed_to, now.horizon, 0))
    if first is None:
        return None
    beyond = ask(BOUNDARY, (now.sealed_to, now.horizon, batch))
    if beyond is None:
        return now.sealed_to, now.horizon
    return now.sealed_to, max(beyond[0], first[0] + 1)


def _seal(from_tx: int, to_tx: int, at: datetime) -> TrailSeal:
    tree, marks = Tree(), bytearray()
    first = row = b""
    for row in lines(from_tx, to_tx):
        first = first or row
        hashed = leaf(row)
        tree.add(hashed)
        marks += hashed[:MARK]
    last = TrailSeal.objects.order_by("-number").values("number", "head").first()
    made = TrailSeal(
        number=last["number"] + 1 if last else 1,
        from_tx=from_tx,
        to_tx=to_tx,
        first_id=id_of(first),
        last_id=id_of(row),
        count=tree.count,
        root=tree.root(),
        previous=bytes(last["head"]) if last else NOTHING_BEFORE,
        sealed_at=at,
        marks=bytes(marks),
    )
    made.head = head_of(made)
    key = signer()
    made.key = crypto.public_fingerprint(key.public)
    made.signature = key.sign(signed_part(made.head))
    made.save(force_insert=True)
    return made


def id_of(line: bytes) -> int:
    return int(line.split(b"\t", 2)[1])


def _latest(event: str) -> AuditEvent | None:
    """The newest of the lines that the trail has about itself; they belong to no practice."""
    return AuditEvent.objects.filter(event=event, practice_id=None).order_by("-id").first()


@lru_cache(maxsize=4)
def _signers(configured: tuple[str, ...]) -> tuple[Signer, ...]:
    return tuple(Signer(base64.urlsafe_b64decode(key)) for key in configured)
