"""Is the trail what was sealed and anchored? Says in sentences what is not, and where.

Reads the seals in order beside one stream of the lines, so it needs the memory of one batch. Writes
nothing: a connection that may only read will do. Whatever it finds, it goes on, so that the report
names every place.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from django.db import transaction

from clients_app import anchors, audit, crypto, seals, wall
from clients_app.anchors import Anchor
from clients_app.merkle import Tree, leaf
from clients_app.models import AuditEvent, TrailSeal

# Seals read beside one stream of lines.
CHUNK = 50
NAMED = 20
PROGRESS = 1_000
# Longer stretches that differ are named by their ends alone.
COMPARED = 20_000
# How far a line's time may lie before the seal before its own, or after its own: a transaction may
# stay open for a while, and a clock may be set.
ODD = timedelta(days=1)


@dataclass(slots=True)
class Report:
    """`findings`: what is not as it was sealed. `unchecked`: what could not be looked at."""

    seals: int = 0
    events: int = 0
    unsealed: int = 0
    anchors: int = 0
    last: int = 0
    findings: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Lines:
    """What lies in a seal's span now."""

    tree: Tree = field(default_factory=Tree)
    marks: bytearray = field(default_factory=bytearray)
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    odd: "array[int]" = field(default_factory=lambda: array("q"))


@wall.system("trail.verify")
def verify(
    anchor_file: Path,
    *,
    since: datetime | None = None,
    progress: Callable[[int], object] = lambda _events: None,
) -> Report:
    """Compare every line with its seal, the seals with each other, and their heads with the
    anchors. `since`: only seals made from then on; anchors are all compared."""
    report = Report()
    with transaction.atomic():
        _chain(report, since, progress)
        _ends(report)
        _anchored(report, anchor_file)
    return report


@wall.system("trail.verify")
def record(report: Report) -> None:
    """Put the result on the trail, where `seals.state` finds it."""
    with transaction.atomic():
        audit.record(
            "trail.verified",
            by=None,
            number=report.last,
            events=report.events,
            findings=len(report.findings),
            unchecked=len(report.unchecked),
        )


def _chain(report: Report, since: datetime | None, progress: Callable[[int], object]) -> None:
    rows = TrailSeal.objects.order_by("number")
    before: TrailSeal | None = None
    if since is not None:
        before = rows.filter(sealed_at__lt=since).defer("marks").last()
        rows = rows.filter(number__gt=before.number if before else 0)
    public = seals.public_keys()
    following = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(following, CHUNK)):
        for seal, lines in _spans(chunk, before, progress):
            report.findings += _broken_links(seal, before, public)
            if (lines.tree.count, lines.tree.root()) != (seal.count, bytes(seal.root)):
                where = _where(seal, before)
                report.findings += [f"{text} {where}." for text in _differences(seal, lines)]
            if lines.odd:
                report.findings.append(
                    f"{_events(lines.odd, verb=False)}: of another time than what was sealed"
                    f" together {_where(seal, before)}. Inserted by hand, or the clock was wrong."
                )
            report.seals, report.events = report.seals + 1, report.events + lines.tree.count
            before = seal
    report.last = before.number if before else 0


def _spans(
    chunk: Sequence[TrailSeal], before: TrailSeal | None, progress: Callable[[int], object]
) -> Iterator[tuple[TrailSeal, _Lines]]:
    """Each seal with the lines that lie in its span, out of one stream."""
    stream = seals.lines(before.to_tx if before else 0, max(seal.to_tx for seal in chunk))
    line = next(stream, None)
    for seal in chunk:
        found = _Lines()
        # As the lines have it: in this form what is earlier is smaller.
        earliest = _as_written(before.sealed_at - ODD) if before else b""
        latest = _as_written(seal.sealed_at + ODD)
        while line is not None:
            tx, pk, at, _rest = line.split(b"\t", 3)
            if int(tx) >= seal.to_tx:
                break
            if not earliest <= at <= latest:
                found.odd.append(int(pk))
            hashed = leaf(line)
            found.tree.add(hashed)
            found.marks += hashed[: seals.MARK]
            found.ids.append(int(pk))
            if found.tree.count % PROGRESS == 0:
                progress(PROGRESS)
            line = next(stream, None)
        progress(found.tree.count % PROGRESS)
        yield seal, found
        before = seal


def _broken_links(
    seal: TrailSeal, before: TrailSeal | None, public: dict[str, bytes]
) -> Iterator[str]:
    """What is wrong with a seal itself, and between it and the one before."""
    where = _where(seal, before)
    wanted = before.number + 1 if before else 1
    if seal.number != wanted:
        gone = f"Seal {wanted} is" if seal.number - wanted == 1 else f"Seals from {wanted} on are"
        yield f"{gone} missing before seal {seal.number}: deleted {where}."
    elif bytes(seal.previous) != (bytes(before.head) if before else seals.NOTHING_BEFORE):
        yield (
            f"Seal {seal.number} is not chained to the seal before it: one of them was exchanged"
            f" {where}."
        )
    elif seal.from_tx != (before.to_tx if before else 0):
        yield f"Seal {seal.number} does not begin where the seal before it ends {where}."
    head = seals.head_of(seal)
    if bytes(seal.head) != head:
        yield f"Seal {seal.number} was edited: its columns do not give its head {where}."
    if seal.key not in public:
        yield (
            f"Seal {seal.number} is signed by a key that is not configured ({seal.key}): it is"
            f" forged, or AUDIT_RETIRED_PUBLIC_KEYS lacks a key {where}."
        )
    elif not crypto.is_signed(
        seals.signed_part(bytes(seal.head)), bytes(seal.signature), public=public[seal.key]
    ):
        yield f"The signature of seal {seal.number} is forged {where}."


def _differences(seal: TrailSeal, lines: _Lines) -> Iterator[str]:
    """Which lines are not those that were sealed."""
    sealed, found, ids = _marks(bytes(seal.marks)), _marks(bytes(lines.marks)), lines.ids
    if sealed == found:
        yield f"The root of seal {seal.number} is not that of its lines"
        return
    start = 0
    while start < min(len(sealed), len(found)) and sealed[start] == found[start]:
        start += 1
    end = 0
    while end < min(len(sealed), len(found)) - start and sealed[-1 - end] == found[-1 - end]:
        end += 1
    was, now = sealed[start : len(sealed) - end], found[start : len(found) - end]
    if max(len(was), len(now)) > COMPARED:
        yield (
            f"{len(was)} lines were sealed and {len(now)} are there now"
            f" {_between(ids, start, len(ids) - end)}: edited, deleted or inserted"
        )
        return
    for what, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        named = ids[start + c : start + d]
        if what == "insert":
            yield f"{_events(named)} inserted"
        elif what == "delete":
            yield f"{_many(b - a, 'event')} deleted {_between(ids, start + c, start + c)}"
        elif what == "replace" and b - a == d - c:
            yield f"{_events(named)} edited"
        elif what == "replace":
            yield f"{_many(b - a, 'event')} replaced by {_events(named, verb=False)}"


def _ends(report: Report) -> None:
    """What lies outside every seal."""
    last = TrailSeal.objects.order_by("-number").defer("marks").first()
    outside = AuditEvent.objects.order_by("tx", "id").values_list("id", flat=True)
    if last is None:
        report.unchecked.append("No seal is there: nothing can be compared.")
    if inserted := list(outside.filter(tx__lt=0)[: NAMED + 1]):
        report.findings.append(f"{_events(inserted)} inserted before the first seal.")
    clock = seals.clock()
    if clock.behind:
        ahead = list(outside.filter(tx__gte=clock.end)[: NAMED + 1])
        named = _events(ahead, verb=False) if ahead else "The last seal"
        report.findings.append(
            f"{named}: the number of a transaction that this cluster has not reached. Inserted by"
            " hand; or the database was restored into a new cluster and `manage.py audit rebase`"
            " waits to be run."
        )
    report.unsealed = outside.filter(tx__gte=clock.sealed_to).count()


def _anchored(report: Report, path: Path) -> None:
    """Whether the chain still is the one whose heads were written down."""
    made = AuditEvent.objects.filter(event="trail.anchored", practice_id=None).order_by("id")
    try:
        entries = anchors.read(path)
        seen = _compared(report, entries)
    except FileNotFoundError:
        if made.exists():
            report.findings.append(f"The anchors are missing: there is no file {path}.")
        else:
            report.unchecked.append(
                "Never anchored: a roll-back to an older copy would not show. Run `audit anchor`."
            )
        return
    first = min((number for number, _head in seen), default=0)
    gone = [
        (event.detail["number"], event.at)
        for event in made.iterator(chunk_size=1000)
        if event.detail["number"] >= first
        and (event.detail["number"], event.detail["head"]) not in seen
    ]
    for number, at in gone[:NAMED]:
        report.findings.append(
            f"The anchor of seal {number}, made {_utc(at)}, is missing from {path}."
        )
    if len(gone) > NAMED:
        report.findings.append(f"{len(gone) - NAMED} more anchors are missing from {path}.")


def _compared(
    report: Report, entries: Iterator[Anchor | anchors.NotAnAnchor]
) -> set[tuple[int, str]]:
    seen: set[tuple[int, str]] = set()
    newest = TrailSeal.objects.order_by("-number").values_list("number", flat=True).first() or 0
    beyond: list[Anchor] = []
    while some := list(islice(entries, 500)):
        good = [anchor for anchor in some if isinstance(anchor, Anchor)]
        report.findings += [f"{one}." for one in some if isinstance(one, anchors.NotAnAnchor)]
        report.anchors += len(good)
        heads = dict(
            TrailSeal.objects.filter(number__in={a.number for a in good}).values_list(
                "number", "head"
            )
        )
        for anchor in good:
            seen.add((anchor.number, anchor.head.hex()))
            if anchor.number > newest:
                beyond.append(anchor)
            elif anchor.number not in heads:
                report.findings.append(f"Seal {anchor.number}, anchored {anchor.at}, is missing.")
            elif bytes(heads[anchor.number]) != anchor.head:
                report.findings.append(
                    f"Seal {anchor.number} is not the one that was anchored {anchor.at}: the chain"
                    " was made anew at or before it."
                )
    if beyond:
        report.findings.append(
            f"Seal {beyond[-1].number} was anchored {beyond[-1].at}, and the last seal there is"
            f" {newest}: the end was cut off, or an older copy of the database was put back."
        )
    return seen


def _marks(joined: bytes) -> list[bytes]:
    return [joined[at : at + seals.MARK] for at in range(0, len(joined), seals.MARK)]


def _where(seal: TrailSeal, before: TrailSeal | None) -> str:
    since = f"sealed after {_utc(before.sealed_at)}" if before else "the first"
    return f"(seal {seal.number}, {since} until {_utc(seal.sealed_at)})"


def _between(ids: "array[int]", start: int, end: int) -> str:
    """Where a gap lies, by the events on its sides."""
    left = f"after event {ids[start - 1]}" if 0 < start <= len(ids) else ""
    right = f"before event {ids[end]}" if end < len(ids) else ""
    return " and ".join(side for side in (left, right) if side) or "and none is left"


def _events(ids: Sequence[int], *, verb: bool = True) -> str:
    named = ", ".join(str(pk) for pk in ids[:NAMED])
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    be = (" was" if len(ids) == 1 else " were") if verb else ""
    return f"{'Event' if len(ids) == 1 else 'Events'} {named}{more}{be}"


def _many(count: int, noun: str) -> str:
    return f"1 {noun} was" if count == 1 else f"{count} {noun}s were"


def _as_written(moment: datetime) -> bytes:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}".encode()


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
