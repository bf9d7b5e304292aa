"""One pair of servers for one directory: started once, shared on request, removed on request."""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from config.embedded import broker, database
from config.embedded.place import EmbeddedError, Place, fallback, find
from config.embedded.processes import Server, end_marked

# Inherited by everything that runs beside a pair of servers: tells what a crash has left running.
MARK = "EMBEDDED_RUN"

# A socket's whole path has to stay under about 107 bytes, however deep the checkout lies.
LONGEST_SOCKET_PARENT = 60
JOIN_TIMEOUT = 120.0


@dataclass
class Servers:
    """The environment that leads to the servers, where their files lie, and whether they live."""

    environment: dict[str, str] = field(default_factory=dict)
    directory: Path | None = None
    started: list[Server] = field(default_factory=list)

    @property
    def dead(self) -> list[str]:
        """The names of servers that have died on us."""
        return [server.name for server in self.started if not server.running]


@contextmanager
def start(
    directory: Path,
    *,
    for_tests: bool = False,
    fast: bool = False,
    join: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Servers]:
    """Run the servers that the environment does not name, with their files in this directory.

    `for_tests` lets the role create databases, and keeps nothing in Redis. `fast` gives up
    durability. `join` shares the servers that somebody else runs from this directory, instead of
    refusing. `environ` is where the names are looked up, the process's own by default.
    """
    environ = os.environ if environ is None else environ
    wanted = {name for name in ("DATABASE_URL", "REDIS_URL") if not _named(environ, name)}
    if not wanted:
        yield Servers()
        return
    directory = directory.resolve()
    place = find(directory)
    state = directory / "servers.json"
    with _opened(directory / "lock") as lock, ExitStack() as stack:
        if not _locked(lock):
            if not join:
                raise EmbeddedError(
                    f"The servers of {directory} are in use by process {_holder(lock)}. "
                    "Wait for it to end, or use another directory."
                )
            yield _joined(lock, state)
            return
        _end_leftovers(place, state)
        sockets = _socket_directory(place)
        stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        servers = Servers({MARK: secrets.token_hex(8)}, place.directory)
        _save(state, servers, sockets, ready=False)
        stack.callback(state.unlink, missing_ok=True)
        if "DATABASE_URL" in wanted:
            server, found = stack.enter_context(
                database.running(place, sockets, for_tests=for_tests, fast=fast)
            )
            servers.started.append(server)
            servers.environment |= found
        if "REDIS_URL" in wanted:
            server, found = stack.enter_context(broker.running(place, keep=not for_tests))
            servers.started.append(server)
            servers.environment |= found
        _save(state, servers, sockets, ready=True)
        yield servers


def remove(directory: Path) -> list[Path]:
    """Delete this directory and what its servers keep elsewhere; say what was deleted."""
    directory = directory.resolve()
    if not directory.is_dir():
        return []
    with _opened(directory / "lock") as lock:
        if not _locked(lock):
            raise EmbeddedError(f"Process {_holder(lock)} is using {directory}: stop it first.")
        _end_leftovers(find(directory), directory / "servers.json")
        present = [path for path in (directory, fallback(directory)) if path.exists()]
        for path in present:
            shutil.rmtree(path)
    return present


def _named(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a+")
    except PermissionError:
        raise EmbeddedError(
            f"{path.parent} was made by another user. Start as that user, or remove it."
        ) from None


def _locked(lock: TextIO) -> bool:
    """One owner at a time. The lock is the kernel's and falls with the process, however it ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return True


def _holder(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read() or "(starting)"


def _joined(lock: TextIO, state: Path) -> Servers:
    deadline = time.monotonic() + JOIN_TIMEOUT
    while time.monotonic() < deadline:
        known = _load(state)
        if known.get("ready") and str(known.get("owner")) == _holder(lock):
            return Servers(known["environment"], Path(known["directory"]))
        time.sleep(0.1)
    raise EmbeddedError(f"Process {_holder(lock)} is starting these servers and does not finish.")


def _end_leftovers(place: Place, state: Path) -> None:
    """After a crash of the starter: its processes, its servers, its sockets, in this order."""
    known = _load(state)
    if known:
        end_marked(MARK, known["environment"][MARK])
    database.end_leftover_server(place)
    broker.end_leftover_server(place)
    if known:
        shutil.rmtree(known["sockets"], ignore_errors=True)


def _socket_directory(place: Place) -> Path:
    """Fresh at each start, so that no stale socket is in it, and closed to all but the server."""
    parent = Path(tempfile.gettempdir())
    if place.account.stepped_down or len(os.fsencode(parent)) > LONGEST_SOCKET_PARENT:
        parent = Path("/tmp")  # noqa: S108 mkdtemp makes it ours
    sockets = Path(tempfile.mkdtemp(prefix="usaldus-", dir=parent))
    if place.account.stepped_down:
        os.chown(sockets, place.account.uid, place.account.gid)
    return sockets


def _save(state: Path, servers: Servers, sockets: Path, *, ready: bool) -> None:
    known = {
        "owner": os.getpid(),
        "ready": ready,
        "environment": servers.environment,
        "directory": str(servers.directory),
        "sockets": str(sockets),
    }
    unfinished = state.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    # It holds the password of Redis.
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(known, file)
    unfinished.replace(state)


def _load(state: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return known
