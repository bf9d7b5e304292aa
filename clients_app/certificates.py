"""Destruction records: what was destroyed, proved to whoever asks, without a name.

A certificate says which file (code and id), which classes of rows and how many of each, the period
that the file covers, the id of the destroyed key, the rule and since when it is in force, the last
day of keeping, who approved, when, how, how it was verified, and until when copies may linger. The
terms are those of NIST SP 800-88: cryptographic erase counts where the data never lay there
unencrypted, the key is destroyed with every copy of it, and the erasure is verified.

The certificates of one practice are its register: a chain. Each has the next number and the head of
the one before; its own head is SHA-256 over both and over every column, and is signed
(AUDIT_SIGNING_KEY). The database refuses to change or delete one. Whoever owns the database can
take that refusal off; what they change, take out, put in or reorder then shows in `verify`, and so
does an end that was cut off, by the heads in the erasure ledger (`erasures`).

One certificate is issued at a time, whatever the practice, until the end of its transaction.
"""

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, crypto, seals, wall
from clients_app.errors import Invalid
from clients_app.models import DestructionRecord, Practice, User
from clients_app.pipeline import ask
from clients_app.roles import Permission

FORM = b"usaldus destruction record 1\0"
SIGNED = b"usaldus destruction signature 1\0"
# Every column that the head is over, in alphabetical order. Another column is another form.
COLUMNS = (
    "approved_by_id",
    "backup_horizon",
    "client_code",
    "client_id",
    "counts",
    "covers_from",
    "covers_until",
    "destroyed_at",
    "id",
    "key_id",
    "method",
    "number",
    "practice_id",
    "retain_until",
    "rule",
    "rule_decided_on",
    "rule_id",
    "run_id",
    "seconded_by_id",
    "verification",
    "wal_horizon",
)
# Certificates in one file of the register.
LARGEST = 10_000
HASHES = ("previous", "head", "signature")
DECIDED_BY = ("approved_by", "seconded_by")
CHAIN = (*HASHES, "key")
METHOD = "cryptographic-erase+deletion"
VERIFICATION = "key-absent+rows-absent"
# One certificate at a time: the number of an advisory lock.
REGISTRAR = 0x7573616C6B75


@dataclass(slots=True)
class Report:
    """What verifying the registers has found: places that are not as they were written."""

    registers: int = 0
    certificates: int = 0
    findings: list[str] = field(default_factory=list)


def issue(**facts: Any) -> DestructionRecord:
    """Write the next certificate of a practice's register: its columns but those of the chain. In
    the transaction of the destruction."""
    ask("SELECT pg_advisory_xact_lock(%s)", (REGISTRAR,))
    record = DestructionRecord(**facts)
    last = DestructionRecord.objects.filter(practice_id=record.practice_id).order_by("-number")
    number, head = last.values_list("number", "head").first() or (0, seals.NOTHING_BEFORE)
    link(record, number=number + 1, previous=bytes(head))
    record.save(force_insert=True)
    return record


def link(record: Any, *, number: int, previous: bytes) -> None:
    """Give a certificate its place in the chain: number, head and signature."""
    record.number, record.previous = number, previous
    record.head = head_of(record)
    key = seals.signer()
    record.key = crypto.public_fingerprint(key.public)
    record.signature = key.sign(SIGNED + record.head)


def head_of(record: Any) -> bytes:
    """The hash that the next certificate is chained to."""
    # A certificate that is older than a column is chained as if it were empty (migration 0015).
    said = {name: _plain(getattr(record, name, None)) for name in COLUMNS}
    return sha256(
        FORM + bytes(record.previous) + orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    ).digest()


def written(record: DestructionRecord) -> dict[str, Any]:
    """A certificate as the erasure ledger has it."""
    return {name: _plain(getattr(record, name)) for name in (*COLUMNS, *CHAIN)}


def rewrite(said: dict[str, Any]) -> DestructionRecord:
    """Put a certificate that a restore has lost back, as the ledger has it."""
    fields = {f.attname: f for f in DestructionRecord._meta.concrete_fields}
    values = {
        name: bytes.fromhex(value) if name in HASHES else fields[name].to_python(value)
        for name, value in said.items()
    }
    record = DestructionRecord(**values)
    record.save(force_insert=True)
    return record


def browse(*, by: User) -> QuerySet[DestructionRecord]:
    """The practice's register of destroyed files, newest first."""
    access.require(by, Permission.PURGE_READ)
    rows = access.visible_to(by, Permission.PURGE_READ, DestructionRecord.objects.all())
    return rows.select_related(*DECIDED_BY).order_by("-number")


def read(record_id: UUID, *, by: User) -> DestructionRecord:
    """One certificate of the register."""
    return access.find(
        DestructionRecord.objects.select_related(*DECIDED_BY, "practice"),
        record_id,
        by,
        Permission.PURGE_READ,
        client="",
    )


def printed(record_id: UUID, *, by: User) -> DestructionRecord:
    """A certificate to be printed; that it was is on the trail."""
    record = read(record_id, by=by)
    with transaction.atomic():
        audit.record("certificate.printed", by=by, client_id=record.client_id, subject_id=record.pk)
    return record


def export(
    *, by: User, since: date, until: date, largest: int = LARGEST
) -> list[DestructionRecord]:
    """The register of these days, both included, in its order; that it was taken out is on the
    trail. Raises Invalid where there are more than `largest`."""
    access.require(by, Permission.PURGE_READ)
    practice = access.practice_of(by)
    if until < since:
        raise Invalid("until", _("The last day is before the first."))
    zone = zoneinfo.ZoneInfo(practice.time_zone)
    first = datetime.combine(since, time(), zone)
    end = datetime.combine(until, time(), zone) + timedelta(days=1)
    rows = browse(by=by).filter(destroyed_at__gte=first, destroyed_at__lt=end)
    records = list(rows.select_related("practice").reverse()[: largest + 1])
    if len(records) > largest:
        raise Invalid(
            "until",
            _("More than %(n)d files were destroyed then. Take fewer days.") % {"n": largest},
        )
    with transaction.atomic():
        audit.record("register.exported", by=by, records=len(records), since=since, until=until)
    return records


@wall.system("register.verify")
def verify() -> Report:
    """Compare every certificate with its head, signature and neighbours. Reads in order, keeps one.
    That nothing is cut off at the end `erasures.compare` tells."""
    report, public = Report(), seals.public_keys()
    # Without a transaction a portion after the first would not know who asks, and be empty.
    with transaction.atomic():
        for practice_id, slug in Practice.objects.order_by("slug").values_list("pk", "slug"):
            before: DestructionRecord | None = None
            rows = DestructionRecord.objects.filter(practice_id=practice_id).order_by("number")
            for record in rows.iterator(chunk_size=500):
                report.findings += [f"{slug}: {text}" for text in _broken(record, before, public)]
                report.certificates += 1
                before = record
            report.registers += before is not None
    return report


def _broken(
    record: DestructionRecord, before: DestructionRecord | None, public: dict[str, bytes]
) -> Iterator[str]:
    """What is wrong with a certificate itself, and between it and the one before."""
    number, wanted = record.number, before.number + 1 if before else 1
    if number != wanted:
        gone = f"{wanted} is" if number - wanted == 1 else f"{wanted} to {number - 1} are"
        yield f"Certificate {gone} missing before certificate {number}: deleted."
    elif bytes(record.previous) != (bytes(before.head) if before else seals.NOTHING_BEFORE):
        yield f"Certificate {number} is not chained to the one before it: one was exchanged."
    if bytes(record.head) != head_of(record):
        yield f"Certificate {number} was edited: its columns do not give its head."
    if record.key not in public:
        yield (
            f"Certificate {number} is signed by a key that is not configured ({record.key}): it is"
            " forged, or AUDIT_RETIRED_PUBLIC_KEYS lacks a key."
        )
    elif not crypto.is_signed(
        SIGNED + bytes(record.head), bytes(record.signature), public=public[record.key]
    ):
        yield f"The signature of certificate {number} is forged."


def _plain(value: Any) -> Any:
    """As JSON has it, one form for each value."""
    if isinstance(value, bytes | memoryview | bytearray):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value
