"""Files of signed lines that only grow: how one is signed, opened, and put on the disk.

A line is a JSON object of one kind. Its signature (Ed25519, AUDIT_SIGNING_KEY) is over the kind and
over the object without it, with sorted keys, so that anybody who has the public half can check it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from clients_app import crypto, seals


class NotSigned(ValueError):
    """A line that is not of this kind, or was not signed by a key of ours."""


def signed(kind: str, said: dict[str, Any]) -> bytes:
    """The line that says this, without its line end."""
    key = seals.signer()
    said = {"kind": kind, **said, "key": crypto.public_fingerprint(key.public)}
    return orjson.dumps(said | {"signature": key.sign(_message(kind, said)).hex()})


def opened(kind: str, line: bytes, public: dict[str, bytes]) -> dict[str, Any]:
    """What a line says. `public`: `seals.public_keys()`. Raises NotSigned."""
    try:
        said: dict[str, Any] = orjson.loads(line)
        signature = bytes.fromhex(said.pop("signature"))
        ours = said["kind"] == kind and crypto.is_signed(
            _message(kind, said), signature, public=public[said["key"]]
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotSigned from None
    if not ours:
        raise NotSigned
    return said


@contextmanager
def held(path: Path) -> Iterator[FileIO]:
    """The file, made where it is missing, and to ourselves until we are done. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        if new:
            _keep_name(path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield file


def append(file: FileIO, lines: bytes) -> None:
    """One write at the end, on the disk before we go on. What a crash tore off stays a line of its
    own."""
    length = os.fstat(file.fileno()).st_size
    torn = length > 0 and os.pread(file.fileno(), 1, length - 1) != b"\n"
    written = memoryview(b"\n" * torn + lines + b"\n")
    while written:
        written = written[file.write(written) :]
    os.fsync(file.fileno())


def _keep_name(path: Path) -> None:
    """A new file survives a crash once its directory is on the disk, too."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _message(kind: str, said: dict[str, Any]) -> bytes:
    return kind.encode() + b"\0" + orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
