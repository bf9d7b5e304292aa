"""The canary scanner: random words planted in every column, searched for in every store.

A word has 22 letters and two that are not ASCII, so that the encodings differ. It is looked for
raw, in UTF-16, hex, base64 at each of its three offsets, JSON-, URL-, quoted-printable- and
HTML-escaped, and inside whatever zlib or gzip stream the store contains.
"""

import base64
import html
import json
import quopri
import random
import re
import string
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

STREAM = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
LONGEST_STREAM = 256 * 1024


def word() -> str:
    letters = random.choices(string.ascii_lowercase, k=22)
    letters.insert(6, "õ")
    letters.insert(15, "š")
    return "".join(letters)


def spellings(canary: str) -> set[bytes]:
    """Every way in which the word may lie somewhere."""
    raw = canary.encode()
    entities = "".join(c if c.isascii() else f"&#{ord(c)};" for c in canary)
    hex_entities = "".join(c if c.isascii() else f"&#x{ord(c):x};" for c in canary)
    found = {
        raw,
        canary.encode("utf-16-le"),
        canary.encode("utf-16-be"),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        json.dumps(canary)[1:-1].encode(),
        urllib.parse.quote(canary).encode(),
        quopri.encodestring(raw).strip(),
        entities.encode(),
        hex_entities.encode(),
        html.escape(canary).encode(),
    }
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw)
            # The first and last group share bits with their neighbours.
            found.add(encoded[4:-4] if offset else encoded[:-4])
    return found


class Scanner:
    """Looks for many words at once; says which of them a store shows."""

    def __init__(self, canaries: Iterable[str]) -> None:
        self.by_spelling = {s: canary for canary in canaries for s in spellings(canary)}
        self._any = re.compile(b"|".join(map(re.escape, self.by_spelling)))

    def seen_in(self, data: bytes) -> set[str]:
        seen = {self.by_spelling[match] for match in self._any.findall(data)}
        for stream in _streams(data):
            seen |= {self.by_spelling[match] for match in self._any.findall(stream)}
        return seen

    def seen_in_files(self, directory: Path, *, since: float) -> dict[str, set[str]]:
        """By file, relative to the directory, of those written since then (seconds of the epoch).
        A file that goes away meanwhile is passed over."""
        places = {}
        for path in sorted(directory.rglob("*")):
            try:
                if not path.is_file() or path.stat().st_mtime < since:
                    continue
                seen = self.seen_in(path.read_bytes())
            except FileNotFoundError:
                continue
            if seen:
                places[str(path.relative_to(directory))] = seen
        return places


def _streams(data: bytes) -> Iterator[bytes]:
    for match in STREAM.finditer(data):
        unpack = zlib.decompressobj(wbits=47)
        try:
            stream = unpack.decompress(
                data[match.start() : match.start() + LONGEST_STREAM], 1 << 20
            )
        except zlib.error:
            continue
        if len(stream) > 30:
            yield stream
