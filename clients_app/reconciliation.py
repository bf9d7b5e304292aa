"""After a restore: what was destroyed is destroyed again, what was held is held again.

A restored database is older than the erasure ledger (`erasures`). Line by line, in the order in
which it happened, what the ledger says is done again:

* destroyed: key and rows go once more, and the certificate comes back as it was written, so that
  the register and whoever printed it agree. Nobody is asked again: it was approved, and it
  happened;
* held: the file is held again, by whoever held it. The ledger has no words, so the hold says that
  matter and reason were lost, and its own id, by which whoever placed it can tell which it was;
* released: a hold that was lifted since is lifted again.

Two things are taken back before that, since a restored database cannot know what else has happened
since the backup: files that wait in runs approved before it leave those runs, to be proposed and
approved anew (one of them may have been reopened meanwhile); and every login and every link to
choose a password ends (one of them may have been closed meanwhile). A colleague whose login was
disabled, or whose role was changed, since the backup has their old access again: nothing tells of
that but the people. The command says so.

A line that a crash kept from being committed is no restore: where the database lacks it alone and
its file still waits in an approved run, it is declared void, as the worker would do, and the worker
looks at the file anew. At the end of more that is lacking it counts as carried out: it was approved
and due.

Each line is a transaction of its own, with its mark at the end: interrupted, it goes on where it
stopped, and until it is through nothing is served. At the end every line of the ledger is looked at
once more, those too that the database knew: of no file that was destroyed may a row or a key be
there, as after rows were copied back by hand. Then the key table is rewritten.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from clients_app import (
    audit,
    certificates,
    destruction,
    erasures,
    holds,
    logins,
    users,
    vault,
    wall,
)
from clients_app.erasures import Deed, Line, OutOfStep
from clients_app.models import (
    Client,
    ClientKey,
    DestructionRecord,
    ErasureMark,
    LegalHold,
    Practice,
    PurgeItem,
    PurgeRun,
)

CHUNK = 500


@dataclass(slots=True)
class Report:
    """What was done. `strays`: lines of files or practices that this database does not have.
    `keyless`: files without their key that the ledger does not call destroyed."""

    lines: int = 0
    destroyed: int = 0
    certificates: int = 0
    held: int = 0
    released: int = 0
    strays: int = 0
    taken_back: int = 0
    logins: int = 0
    keyless: int = 0
    scrubbed: bool = True


@wall.system("reconcile")
def reconcile(*, progress: Callable[[int], object] = lambda _lines: None) -> Report:
    """Bring a restored database to what the erasure ledger says. Where nothing is missing, it looks
    and changes nothing. Raises OutOfStep where the ledger is not the one that this database knows,
    LedgerBroken, OSError."""
    if erasures.standing().left_over is not None:
        # A crash, and no restore: the worker would declare the line void, too, and look anew.
        erasures.settle()
    lines, known = _compared()
    report = Report(lines=len(lines) - known)
    taken_back = erasures.void(lines)
    if report.lines:
        _take_back(report)
    for line in lines[known:]:
        with transaction.atomic():
            if line.number not in taken_back:
                _do_again(line, report)
            erasures.mark(line)
        progress(1)
    gone = [line for line in lines if line.deed == Deed.ERASED and line.number not in taken_back]
    _look_once_more(gone, report)
    if report.lines or report.destroyed:
        _close(report)
        report.scrubbed = vault.scrub()
    report.keyless = Client.objects.filter(key=None).count()
    return report


def _compared() -> tuple[list[Line], int]:
    """Every line of the ledger, and how many of them the database knows."""
    try:
        lines = list(erasures.read())
    except FileNotFoundError:
        lines = []
    # A ledger that was begun anew goes on where the one that was lost ended.
    marks = ErasureMark.objects.order_by("number")
    if lines:
        marks = marks.filter(number__gte=lines[0].number)
    heads = [bytes(head) for head in marks.values_list("head", flat=True)]
    if heads != [line.head for line in lines[: len(heads)]]:
        raise OutOfStep(
            f"{erasures.path()} has {len(lines)} lines, and they are not the {len(heads)} that this"
            " database knows: it is another ledger, or was cut off. Bring back the one that belongs"
            " to this database"
        )
    return lines, len(heads)


def _take_back(report: Report) -> None:
    """Approvals of before the backup, for files that still wait; and everybody's logins."""
    with transaction.atomic():
        waiting = PurgeItem.objects.filter(
            run__status__in=(PurgeRun.Status.AWAITING, PurgeRun.Status.APPROVED),
            status=PurgeItem.Status.PENDING,
        )
        report.taken_back = waiting.update(
            status=PurgeItem.Status.EXCLUDED, settled_at=timezone.now()
        )
        report.logins = logins.end_everybodys()


def _do_again(line: Line, report: Report) -> None:
    match line.deed:
        case Deed.ERASED:
            _destroy_again(line, report)
        case Deed.HELD:
            _hold_again(line, report)
        case Deed.RELEASED:
            _release_again(line, report)


def _destroy_again(line: Line, report: Report) -> None:
    said = line.said["record"]
    client_id = UUID(said["client_id"])
    key_id, was_there = _erase(client_id)
    report.destroyed += was_there
    if not Practice.objects.filter(pk=said["practice_id"]).exists():
        report.strays += 1
        return
    if not DestructionRecord.objects.filter(client_id=client_id).exists():
        for decider in filter(None, (said["approved_by_id"], said["seconded_by_id"])):
            users.stand_in(UUID(decider), UUID(said["practice_id"]))
        certificates.rewrite(said)
        report.certificates += 1
    PurgeItem.objects.filter(client_id=client_id, run_id=said["run_id"]).update(
        status=PurgeItem.Status.PURGED, settled_at=parse_datetime(said["destroyed_at"])
    )
    audit.record(
        "client.purged_again",
        by=None,
        practice_id=UUID(said["practice_id"]),
        client_id=client_id,
        subject_id=UUID(said["id"]),
        line=line.number,
        was_there=was_there,
        key=key_id,
    )


def _erase(client_id: UUID) -> tuple[UUID | None, bool]:
    """Destroy what there is of a file; the id of its key, and whether there was anything."""
    client = Client.objects.select_for_update().filter(pk=client_id).first()
    if client is not None:
        key_id, _counts = destruction.destroy(client)
        return key_id, True
    key_id = vault.destroy(client_id)
    return key_id, key_id is not None


def _hold_again(line: Line, report: Report) -> None:
    said = line.said
    client = Client.objects.select_for_update().filter(pk=said["client"]).first()
    if client is None:
        report.strays += 1
        return
    if LegalHold.objects.filter(pk=said["hold"]).exists():
        return
    holds.place_again(
        UUID(said["hold"]),
        client,
        placed_by=users.stand_in(UUID(said["placed_by"]), client.practice_id),
        placed_at=_moment(said["placed_at"]),
    )
    report.held += 1


def _release_again(line: Line, report: Report) -> None:
    said = line.said
    hold = LegalHold.objects.select_for_update().filter(pk=said["hold"], lifted_at=None).first()
    if hold is None:
        return
    holds.lift_again(
        hold,
        lifted_by=users.stand_in(UUID(said["lifted_by"]), hold.practice_id),
        lifted_at=_moment(said["lifted_at"]),
    )
    report.released += 1


def _look_once_more(gone: Iterable[Line], report: Report) -> None:
    """Of no file that was destroyed may anything be there, whatever the marks say."""
    by_client = {UUID(line.said["record"]["client_id"]): line for line in gone}
    for some in _portions(by_client):
        left = {*Client.objects.filter(pk__in=some).values_list("pk", flat=True)}
        left |= {*ClientKey.objects.filter(client_id__in=some).values_list("client_id", flat=True)}
        for client_id in left:
            with transaction.atomic():
                _destroy_again(by_client[client_id], report)


def _close(report: Report) -> None:
    """The trail and the ledger have the last word."""
    with transaction.atomic():
        audit.record(
            "reconciled",
            by=None,
            lines=report.lines,
            destroyed=report.destroyed,
            held=report.held,
            released=report.released,
            taken_back=report.taken_back,
        )
        erasures.write(Deed.RECONCILED, lines=report.lines, destroyed=report.destroyed)


def _portions(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    following = iter(ids)
    while some := list(islice(following, CHUNK)):
        yield some


def _moment(text: str) -> Any:
    return parse_datetime(text)
