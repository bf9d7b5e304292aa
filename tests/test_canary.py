"""The scanner sees what it is said to see: each spelling, each packing, and a word cut short."""

import base64
import gzip
import quopri
import urllib.parse
import zlib
from collections.abc import Callable

import pytest

from tests.canary import CUT_SHORT, SPELLINGS, Canaries

BEFORE = "something before it, "


def deflated(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "base64 of zlib": lambda raw: base64.b64encode(zlib.compress(raw)),
    "a signed cookie": lambda raw: b"." + base64.urlsafe_b64encode(zlib.compress(raw)) + b":x:y",
    "base64 of gzip, after a path": lambda raw: b"a/b/" + base64.b64encode(gzip.compress(raw)),
    "base64 of deflate": lambda raw: base64.b64encode(deflated(raw)),
    "base64 of base64": lambda raw: base64.b64encode(base64.b64encode(raw)),
    "a folded mail": lambda raw: quopri.encodestring(b"y" * (70 - len(BEFORE)) + raw),
    "a mail in base64": lambda raw: base64.encodebytes(b"y" * 40 + raw),
    "a form with base64 in it": lambda raw: urllib.parse.quote(base64.b64encode(raw)).encode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling(spelling: str) -> None:
    """And which field it was, of two with the same stem."""
    canaries = Canaries()
    word = canaries.new("one field")
    canaries.new("another field")
    seen = canaries.seen_in(b"before " + SPELLINGS[spelling](word) + b" after")
    assert {sighting.field for sighting in seen} == {"one field"}


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing(packing: str) -> None:
    canaries = Canaries()
    raw = f"{BEFORE}{canaries.new('one field')}, and more after it".encode()
    assert {s.field for s in canaries.seen_in(b"!" + PACKINGS[packing](raw))} == {"one field"}


def test_a_word_cut_short_and_a_secret() -> None:
    canaries = Canaries()
    word = canaries.new("one field")
    canaries.watch("a key", "gK7xPq1ZtR2vUw4Y")
    assert {s.field for s in canaries.seen_in(word[:15].encode())} == {CUT_SHORT}
    assert {s.field for s in canaries.seen_in(b"key=gK7xPq1ZtR2vUw4Y;")} == {"a key"}


def test_nothing_where_nothing_is() -> None:
    canaries = Canaries()
    canaries.new("one field")
    assert canaries.seen_in(b"nothing of the kind" * 50) == set()
    assert canaries.seen_in(Canaries().new("of another run").encode()) == set()
