"""The canary scanner: a random word for every field, looked for in every store and every spelling.

The words of one run begin with the same ten letters, their stem, which occurs nowhere else. A store
is searched for the stem, which takes one look a spelling however many words there are; where it is
found, the rest of the word says which field leaked. A word that was cut short is a leak, too.
"""

import base64
import binascii
import json
import quopri
import random
import re
import string
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

STEM_LETTERS = 10
CUT_SHORT = "(cut short)"
# Beyond this a store is no mail, page or message, and its lines are not unfolded.
LONGEST_TEXT = 8 * 1024 * 1024
LONGEST_STREAM = 256 * 1024
DEPTH = 3
STREAM = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")
# How base64 begins of what begins like a zlib or gzip stream.
BASE64_STREAM = re.compile(rb"eJ|eN|eA|eF|H4sI")
PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")


class Sighting(NamedTuple):
    """A field whose word was seen, and how it was spelled."""

    field: str
    spelling: str


def _each(form: str) -> Callable[[str], bytes]:
    return lambda text: "".join(form.format(ord(c)) for c in text).encode()


def _other(form: str) -> Callable[[str], bytes]:
    """Only what is not ASCII."""
    return lambda text: "".join(c if c.isascii() else form.format(ord(c)) for c in text).encode()


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "raw": str.encode,
    "JSON": lambda text: json.dumps(text)[1:-1].encode(),
    "JSON, capitals": _other("\\u{:04X}"),
    "URL": lambda text: urllib.parse.quote(text).encode(),
    "URL, small": lambda text: urllib.parse.quote(text).lower().encode(),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).strip(),
    "HTML, decimal": _other("&#{};"),
    "HTML, hex": _other("&#x{:x};"),
    "HTML, HEX": _other("&#x{:X};"),
    "escaped bytes": lambda text: repr(text.encode())[2:-1].encode(),
    "Latin": lambda text: text.encode("iso-8859-15"),
    "UTF-16LE": lambda text: text.encode("utf-16-le"),
    "UTF-16BE": lambda text: text.encode("utf-16-be"),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "JSON, every letter": _each("\\u{:04x}"),
    "URL, every letter": lambda text: b"".join(b"%%%02x" % byte for byte in text.encode()),
    "HTML, every letter": _each("&#{};"),
    "HTML, every letter, hex": _each("&#x{:x};"),
}


def _base64(text: str, offset: int, encode: Callable[[bytes], bytes]) -> bytes:
    """The letters that stand for nothing but the text: the first and the last of the whole share
    bits with their neighbours."""
    raw = bytes(offset) + text.encode()
    return encode(raw)[-(-8 * offset // 6) : 8 * len(raw) // 6]


for _offset in range(3):
    SPELLINGS[f"base64, offset {_offset}"] = lambda text, o=_offset: _base64(  # type: ignore[misc]
        text, o, base64.b64encode
    )
    SPELLINGS[f"base64url, offset {_offset}"] = lambda text, o=_offset: _base64(  # type: ignore[misc]
        text, o, base64.urlsafe_b64encode
    )


class Canaries:
    """The words of one run by field, and the search for them."""

    def __init__(self) -> None:
        self.stem = _letters(STEM_LETTERS)
        self.words: dict[str, str] = {}
        self._watched: dict[str, bytes] = {}
        # Spellings in which the stem looks the same are looked for once.
        self._stems: dict[bytes, list[str]] = {}
        for name, spell in SPELLINGS.items():
            self._stems.setdefault(spell(self.stem), []).append(name)

    def new(self, field: str) -> str:
        """A word of 24 letters, two of them not ASCII, so that the spellings differ."""
        tail = _letters(12)
        self.words[field] = f"{self.stem}{tail[:4]}õ{tail[4:9]}š{tail[9:]}"
        return self.words[field]

    def new_ascii(self, field: str) -> str:
        """A word for where nothing else is accepted."""
        self.words[field] = self.stem + _letters(14)
        return self.words[field]

    def watch(self, name: str, secret: str) -> None:
        """Look for a secret that is no word of ours."""
        self._watched[name] = secret.encode()

    def seen_in(self, data: bytes) -> set[Sighting]:
        """What this store shows, its streams, escapes and base64 opened."""
        seen: set[Sighting] = set()
        for way, text in opened(data):
            seen |= {
                Sighting(field, f"{way}{spelling}") for field, spelling in self._seen_as_is(text)
            }
        # One order of UTF-16 sees a stump of what is whole in the other.
        whole = {sighting for sighting in seen if sighting.field != CUT_SHORT}
        return whole or seen

    def seen_in_files(self, directory: Path, *, since: float = 0) -> dict[str, set[Sighting]]:
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

    def _seen_as_is(self, data: bytes) -> Iterator[Sighting]:
        for name, secret in self._watched.items():
            if secret in data:
                yield Sighting(name, "raw")
        for stem, spellings in self._stems.items():
            if stem in data:
                yield from self._told_apart(data, stem, spellings)

    def _told_apart(self, data: bytes, stem: bytes, spellings: list[str]) -> Iterator[Sighting]:
        whole = {
            SPELLINGS[spelling](word): Sighting(field, spelling)
            for spelling in reversed(spellings)
            for field, word in self.words.items()
        }
        longest = max(map(len, whole), default=0)
        starts = re.finditer(re.escape(stem), data)
        for found in {data[start.start() : start.start() + longest] for start in starts}:
            yield next(
                (sighting for text, sighting in whole.items() if found.startswith(text)),
                Sighting(CUT_SHORT, spellings[0]),
            )


def opened(data: bytes, depth: int = DEPTH) -> Iterator[tuple[str, bytes]]:
    """The data, and what is packed in it, each with the way to it."""
    yield "", data
    if not depth:
        return
    for way, inner in _unpacked(data):
        for further, text in opened(inner, depth - 1):
            yield f"{way}: {further}", text


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in STREAM.finditer(data):
        if stream := _inflated(data[match.start() : match.start() + LONGEST_STREAM], 47):
            yield "zlib or gzip", stream
    for run in BASE64_RUN.findall(data):
        # A stream may begin later than the run, when what stands before it looks like base64.
        starts = {0, *(m.start() for m in BASE64_STREAM.finditer(run))}
        for start in sorted(starts)[:8]:
            raw = _debased(run[start:])
            yield "base64", raw
            if start == 0 and (stream := _inflated(raw, -15)):
                yield "base64 of deflate", stream
    if len(data) <= LONGEST_TEXT:
        if PERCENT.search(data):
            yield "URL", urllib.parse.unquote_to_bytes(data)
        if b"=\n" in data or b"=\r\n" in data:
            yield "unfolded", data.replace(b"=\r\n", b"").replace(b"=\n", b"")
        if b"\n" in data:
            yield "lines joined", data.translate(None, b"\r\n")


def _inflated(data: bytes, wbits: int) -> bytes:
    try:
        stream = zlib.decompressobj(wbits=wbits).decompress(data, 1 << 20)
    except zlib.error:
        return b""
    return stream if len(stream) > 20 else b""


def _debased(run: bytes) -> bytes:
    whole = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(whole[: len(whole) - (len(whole) % 4 == 1)] + b"==")
    except binascii.Error:
        return b""


def _letters(count: int) -> str:
    return "".join(random.choices(string.ascii_lowercase, k=count))
