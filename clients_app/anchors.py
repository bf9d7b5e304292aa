"""Anchors: heads of the trail's chain kept where whoever rewrites the database does not reach.

Every hour the newest head goes to three places: a file that only grows (AUDIT_ANCHOR_FILE), the
log, and a command of the operator's choice (AUDIT_ANCHOR_COMMAND) that gets the line on its
standard input, to mail it, print it or hand it to a notary. A line holds numbers, hashes, a time
and a signature, nothing of any practice. That an anchor was made is on the trail too, so a line
missing from the file shows.

A restored backup is an older trail, and the anchors say so. After restoring on purpose, keep the
report of `audit verify`, lay the file aside and let a new one begin.
"""

import logging
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from clients_app import audit, seals, signed_lines, wall
from clients_app.models import TrailSeal

KIND = "usaldus trail anchor 1"
COMMAND_SECONDS = 30.0

logger = logging.getLogger(__name__)


class CommandFailed(Exception):
    """AUDIT_ANCHOR_COMMAND did not take the anchor; the file and the log have it."""


class NotAnAnchor(ValueError):
    """A line that was not written by `anchor`, or not as it is now."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a line of the file says."""

    number: int
    head: bytes
    to_tx: int
    events: int
    at: str


@wall.system("trail.anchor")
def anchor() -> Anchor | None:
    """Write down the newest head; None if nothing is sealed yet. Raises OSError, CommandFailed."""
    last = TrailSeal.objects.order_by("-number").defer("marks").first()
    if last is None:
        return None
    events = TrailSeal.objects.aggregate(sum=Sum("count"))["sum"]
    made = Anchor(
        number=last.number,
        head=bytes(last.head),
        to_tx=last.to_tx,
        events=events,
        at=timezone.now().isoformat(timespec="seconds"),
    )
    line = _signed(made)
    with transaction.atomic():
        audit.record("trail.anchored", by=None, number=made.number, head=made.head.hex())
        _append(Path(settings.AUDIT_ANCHOR_FILE), line)
    logger.info("trail anchor %s", line.decode())
    _hand_over(line)
    return made


def read(path: Path) -> Iterator[Anchor | NotAnAnchor]:
    """The anchors of a file, oldest first. Raises OSError."""
    public = seals.public_keys()
    with path.open("rb") as file:
        for position, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield _opened(line, public)
            except (ValueError, KeyError, TypeError):
                yield NotAnAnchor(f"Line {position} of {path} is not an anchor of this trail")


def _signed(made: Anchor) -> bytes:
    said = {
        "number": made.number,
        "head": made.head.hex(),
        "to_tx": made.to_tx,
        "events": made.events,
        "at": made.at,
    }
    return signed_lines.signed(KIND, said)


def _opened(line: bytes, public: dict[str, bytes]) -> Anchor:
    said = signed_lines.opened(KIND, line, public)
    head = bytes.fromhex(said["head"])
    return Anchor(said["number"], head, said["to_tx"], said["events"], said["at"])


def _append(path: Path, line: bytes) -> None:
    with signed_lines.held(path) as file:
        signed_lines.append(file, line)


def _hand_over(line: bytes) -> None:
    command = settings.AUDIT_ANCHOR_COMMAND
    if not command:
        return
    try:
        subprocess.run(
            command, input=line + b"\n", timeout=COMMAND_SECONDS, check=True, capture_output=True
        )
    except (OSError, subprocess.SubprocessError) as failure:
        raise CommandFailed(
            f"AUDIT_ANCHOR_COMMAND failed ({type(failure).__name__}); the anchor of seal"
            f" {orjson.loads(line)['number']} is in the file and in the log."
        ) from None
