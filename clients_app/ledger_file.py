"""The erasure ledger as a file: its lines, each signed and chained to the one before.

A line that a crash tore off is none. Any other that is not as it was signed, or does not follow
from the one before, breaks the ledger. Why there is one is told in `erasures`.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from clients_app import seals, signed_lines

KIND = "usaldus erasure ledger 1"
BEFORE_THE_FIRST = bytes(32)
# How much is read at once, looking for the last line from the end.
TAIL = 1 << 16


class Deed(StrEnum):
    """What a line says."""

    BEGUN = "begun"
    ERASED = "erased"
    HELD = "held"
    RELEASED = "released"
    BACKED_UP = "backed_up"
    RECONCILED = "reconciled"
    VOID = "void"


class LedgerBroken(Exception):
    """The ledger itself is not whole: the message says in which line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the ledger; `said` is what it says beside its place."""

    number: int
    deed: str
    at: str
    previous: bytes
    head: bytes
    said: dict[str, Any]


def read(path: Path) -> Iterator[Line]:
    """The lines in order, each checked. Raises OSError, LedgerBroken."""
    public = seals.public_keys()
    before: Line | None = None
    with path.open("rb") as file:
        for position, raw in enumerate(file, 1):
            if (line := _opened(raw, public, f"line {position}")) is None:
                continue
            follows = (
                line.deed == Deed.BEGUN
                if before is None
                else (line.number, line.previous) == (before.number + 1, before.head)
            )
            if not follows:
                raise LedgerBroken(
                    f"line {position} of the ledger does not follow from the one before it: a line"
                    " was taken out, put in or exchanged there"
                )
            yield line
            before = line


def void(lines: Iterable[Line]) -> set[int]:
    """The numbers of the lines that were declared void."""
    return {line.said["line"] for line in lines if line.deed == Deed.VOID}


def last_line(file: FileIO) -> Line | None:
    """The last whole line, looked for from the end. Raises LedgerBroken."""
    size, reach, public = os.fstat(file.fileno()).st_size, TAIL, seals.public_keys()
    while True:
        start = max(size - reach, 0)
        # What precedes the first line end is the rest of a line, unless the file begins there.
        raw = os.pread(file.fileno(), size - start, start).split(b"\n")[1 if start else 0 :]
        for piece in reversed(raw):
            if (line := _opened(piece, public, "the last line")) is not None:
                return line
        if not start:
            return None
        reach *= 4


def _opened(raw: bytes, public: dict[str, bytes], where: str) -> Line | None:
    """A line; None if it is empty or was torn off by a crash. Raises LedgerBroken."""
    raw = raw.rstrip(b"\n")
    try:
        orjson.loads(raw)
    except ValueError:
        return None
    try:
        said = signed_lines.opened(KIND, raw, public)
        return Line(
            number=said.pop("number"),
            deed=said.pop("deed"),
            at=said.pop("at"),
            previous=bytes.fromhex(said.pop("previous")),
            head=sha256(raw).digest(),
            said=said,
        )
    except (signed_lines.NotSigned, KeyError, ValueError, TypeError):
        raise LedgerBroken(
            f"{where} of the ledger is not as it was signed: edited, of another ledger, or"
            " AUDIT_RETIRED_PUBLIC_KEYS lacks a key"
        ) from None
