"""The erasure ledger: what was destroyed stays destroyed, whatever is restored.

A backup brings back what has been destroyed since it was taken, and forgets the legal holds that
were placed since. So both are also written to a file outside the database (ERASURE_LEDGER_FILE):
signed lines, each with its number and the hash of the line before, of ids, numbers and dates, and
the certificates, without a name. Of each line the database keeps number and hash (`ErasureMark`).
Web, worker and beat compare the two before they serve:

* the ledger goes on beyond the database: an older copy was restored, `manage.py reconcile` has to
  do again what the ledger says (`reconciliation`);
* the database knows lines that the ledger does not have: it was lost, cut off or exchanged. It has
  to be brought back, for nobody could say what must not return;
* neither knows anything: a new installation. The ledger begins by itself.

Which order is safe. The line is on the disk (fsync) before the transaction that destroys is
committed, as the very last thing before (`before_commit`), never the other way round; where the
transaction is rolled back, nothing is said. Whatever is killed, and wherever:

1. before the line is written: nothing is destroyed, nothing is said;
2. in the midst of writing: the torn line is none, the transaction is gone, nothing is destroyed;
3. after the line, before the commit: the ledger says one thing more than was done. It can only be
   its last line, for whoever writes is alone (an advisory lock, until the commit) and first looks
   at what the one before left. Where the line is of a file that still waits in an approved run,
   nothing was restored: web and worker start, and the worker declares the line void and looks at
   the file anew. Anything else that the database lacks, a hold in this state too, waits for
   `reconcile`;
4. after the commit: line, mark, certificate and trail agree.

Were the line written after the commit, a crash in between would leave a destroyed file of which the
ledger knows nothing, and a restored backup would bring it back. A line too many destroys nothing
that was not going to be destroyed in the next minute. In a restore, a last line that nobody has
settled counts as carried out.

What this does not show: the end of the ledger cut off together with the database restored to before
it. Keep a copy of the ledger where whoever rewrites the backups does not reach, or make the file
append-only (`chattr +a`). It has to outlive every backup; it holds nothing that a certificate does
not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import audit, certificates, ledger_file, signed_lines, wall
from clients_app.errors import Unavailable
from clients_app.ledger_file import (
    BEFORE_THE_FIRST,
    KIND,
    Deed,
    LedgerBroken,
    Line,
    last_line,
    void,
)
from clients_app.models import DestructionRecord, ErasureMark, LegalHold, PurgeItem, PurgeRun
from clients_app.pipeline import ask

__all__ = ["KIND", "Deed", "LedgerBroken", "Line", "void"]

# One writer at a time, whatever the process: the number of an advisory lock.
WRITER = 0x7573616C6572


class OutOfStep(Unavailable):
    """The ledger is not the one that this database knows, or cannot be written: nothing can be
    destroyed, held or released until it is."""

    def __init__(self, why: str) -> None:
        super().__init__(
            _("The erasure ledger is not at hand. Ask whoever runs the server to look at its log."),
            code="ledger_out_of_step",
        )
        self.why = why

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class Said:
    """A line that waits for the commit of its transaction."""

    deed: Deed
    said: dict[str, Any]

    @staticmethod
    def before_commit(together: "list[Said]") -> None:
        """All lines of a transaction, in its order."""
        # What could still refuse at the commit refuses now.
        connection.check_constraints()
        with wall.system("erasures"):
            _write([(one.deed, one.said) for one in together])

    def __call__(self) -> None:
        """It is said already."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where ledger and database stand: the last line, and the number and hash of the last line that
    the database knows, 0 for none."""

    last: Line | None
    mark: int
    head: bytes

    @property
    def behind(self) -> int:
        """How many lines the database lacks; negative: how many the ledger lacks."""
        return (self.last.number if self.last else 0) - self.mark

    @property
    def exchanged(self) -> bool:
        """Both end at the same number, and not with the same line."""
        return self.behind == 0 and self.last is not None and self.last.head != self.head

    @property
    def left_over(self) -> Line | None:
        """The line of a file that a crash kept from being destroyed: it still waits for it, in an
        approved run."""
        last = self.last
        if last is None or self.behind != 1 or last.previous != (self.head or BEFORE_THE_FIRST):
            return None
        if last.deed != Deed.ERASED:
            return None
        waiting = PurgeItem.objects.filter(
            run_id=last.said["record"]["run_id"],
            client_id=last.said["record"]["client_id"],
            status=PurgeItem.Status.PENDING,
            run__status=PurgeRun.Status.APPROVED,
        )
        return last if waiting.exists() else None


def path() -> Path:
    return Path(settings.ERASURE_LEDGER_FILE)


def write(deed: Deed, **said: Any) -> None:
    """Say it in the ledger when the current transaction is about to commit, as the last thing
    before: where it is rolled back, nothing is said. The commit raises OutOfStep, and undoes all,
    where the ledger cannot be written."""
    if not connection.in_atomic_block:
        raise RuntimeError("a deed and its line in the ledger share one transaction")
    transaction.on_commit(Said(deed, said))


@wall.system("erasures")
def settle() -> None:
    """Begin the ledger of a new installation; declare a line void whose transaction was lost in a
    crash. Raises OutOfStep."""
    with transaction.atomic():
        _write([])


@wall.system("erasures")
def begin_anew() -> int:
    """Where the ledger is lost and the database is not a restored one: go on in a new file with
    what the database knows to be destroyed or held; how many lines. Raises OutOfStep where there is
    a ledger still."""
    with transaction.atomic():
        alone()
        number, head = _last_mark()
        try:
            with signed_lines.held(path()) as file:
                if last_line(file) is not None:
                    raise OutOfStep(f"{path()} has lines: it is not lost")
                opening = _opening()
                audit.record("ledger.begun_anew", by=None, after=number, lines=len(opening))
                _append(file, opening, number, head)
        except OSError as refused:
            raise OutOfStep(f"{path()} cannot be written ({type(refused).__name__})") from None
    return len(opening)


def standing() -> Standing:
    """Compare the ends of the two, without reading more. Raises OSError, LedgerBroken."""
    number, head = _last_mark()
    try:
        with path().open("rb", buffering=0) as file:
            last = last_line(file)
    except FileNotFoundError:
        last = None
    return Standing(last, number, head)


def read() -> Iterator[Line]:
    """The lines of the ledger in order, each checked. Raises OSError, LedgerBroken."""
    return ledger_file.read(path())


def mark(line: Line) -> None:
    """Let the database know a line that it lacked."""
    ErasureMark.objects.create(number=line.number, head=line.head)


def alone() -> None:
    """Nobody else writes until the current transaction ends."""
    ask("SELECT pg_advisory_xact_lock(%s)", (WRITER,))


@wall.system("register.verify")
def compare(report: certificates.Report) -> None:
    """Add to what verifying the registers found: certificates of the ledger that they lack, or have
    otherwise. Reads the whole ledger."""
    try:
        lines = list(read())
    except FileNotFoundError:
        if ErasureMark.objects.exists():
            report.findings.append(f"The erasure ledger is missing: there is no file {path()}.")
        return
    except LedgerBroken as broken:
        report.findings.append(f"The erasure ledger is broken: {broken}.")
        return
    marks = dict(ErasureMark.objects.values_list("number", "head"))
    last = lines[-1].number if lines else 0
    if marks and max(marks) > last:
        report.findings.append(
            f"The erasure ledger ends at line {last}, and the database knows {max(marks)}: it was"
            " cut off."
        )
    taken_back = void(lines)
    for line in lines:
        if bytes(marks.get(line.number, b"")) != line.head:
            report.findings.append(
                f"Line {line.number} of the erasure ledger is not known here: the database is older"
                " than it, or was changed."
            )
        if line.deed != Deed.ERASED or line.number in taken_back:
            continue
        said = line.said["record"]
        kept = DestructionRecord.objects.filter(pk=said["id"]).values_list("head", flat=True)
        head = kept.first()
        if head is None or bytes(head).hex() != said["head"]:
            state = "missing" if head is None else "not the one that was written"
            report.findings.append(
                f"The certificate of line {line.number} of the erasure ledger is {state}:"
                f" number {said['number']} of its register."
            )


def _write(deeds: list[tuple[Deed, dict[str, Any]]]) -> None:
    alone()
    number, head = _last_mark()
    try:
        with signed_lines.held(path()) as file:
            found = Standing(last_line(file), number, head)
            if found.last is None and number == 0:
                # What is destroyed or held now is among what is already.
                told = (Deed.ERASED, Deed.HELD, Deed.RELEASED)
                deeds = [*_opening(), *(more for more in deeds if more[0] not in told)]
            elif (left := found.left_over) is not None:
                mark(left)
                number, head = left.number, left.head
                deeds = [(Deed.VOID, {"line": number}), *deeds]
            elif found.behind > 0:
                raise OutOfStep("the database is older than the ledger: run `manage.py reconcile`")
            elif found.behind < 0 or found.exchanged:
                raise OutOfStep(f"{path()} lacks lines that the database knows, or has others")
            if deeds:
                _append(file, deeds, number, head)
    except OSError as refused:
        raise OutOfStep(f"{path()} cannot be written ({type(refused).__name__})") from None
    except LedgerBroken as broken:
        raise OutOfStep(str(broken)) from None


def _append(
    file: FileIO, deeds: list[tuple[Deed, dict[str, Any]]], number: int, head: bytes
) -> None:
    at, raw, marks = timezone.now(), [], []
    for deed, said in deeds:
        number += 1
        place = {"number": number, "previous": head.hex()}
        line = place | {"deed": deed, "at": at.isoformat(timespec="seconds"), **_plain(said)}
        raw.append(signed_lines.signed(KIND, line))
        head = sha256(raw[-1]).digest()
        marks.append(ErasureMark(number=number, head=head))
    signed_lines.append(file, b"\n".join(raw))
    ErasureMark.objects.bulk_create(marks, batch_size=1000)


def _opening() -> list[tuple[Deed, dict[str, Any]]]:
    """What a new ledger begins with: what was destroyed and what is held already."""
    records = DestructionRecord.objects.order_by("destroyed_at", "practice_id", "number")
    holds = LegalHold.objects.filter(lifted_at=None).order_by("placed_at")
    return [
        (Deed.BEGUN, {}),
        *((Deed.ERASED, {"record": certificates.written(record)}) for record in records),
        *((Deed.HELD, held(hold)) for hold in holds),
    ]


def held(hold: LegalHold) -> dict[str, Any]:
    """A hold as the ledger has it: ids and a time. Its matter and reason stay sealed where they
    are."""
    return {
        "hold": hold.pk,
        "client": hold.client_id,
        "practice": hold.practice_id,
        "placed_by": hold.placed_by_id,
        "placed_at": hold.placed_at,
    }


def released(hold: LegalHold) -> dict[str, Any]:
    """A hold that was lifted, as the ledger has it."""
    return {
        "hold": hold.pk,
        "client": hold.client_id,
        "practice": hold.practice_id,
        "lifted_by": hold.lifted_by_id,
        "lifted_at": hold.lifted_at,
    }


def _last_mark() -> tuple[int, bytes]:
    newest = ErasureMark.objects.order_by("-number").values_list("number", "head").first()
    return (newest[0], bytes(newest[1])) if newest else (0, b"")


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it: ids and times as text."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(said))
    return plain
