"""Starting, stopping and finding processes, always by their id.

Never by name: another checkout, another user or the machine itself may run a PostgreSQL too.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from config.embedded.place import ENVIRONMENT, Place

LOG_LIMIT = 5_000_000


def spawn(place: Place, command: Sequence[Path | str], *, cwd: Path, log: Path) -> "Server":
    """Start a server in a session of its own, so that a Ctrl-C reaches it last, through us."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.rename(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        log.chmod(0o600)
        child = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(ENVIRONMENT),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **place.account.identity,
        )
    return Server(cwd.name, child)


class Server:
    """A server we started and will stop."""

    def __init__(self, name: str, child: subprocess.Popen[bytes]) -> None:
        self.name = name
        self._child = child

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def stop(self, *signals: signal.Signals) -> None:
        """Each signal in turn with time to obey it, then SIGKILL."""
        for wanted, patience in zip((*signals, signal.SIGKILL), (20, 5, 5), strict=False):
            if not self.running:
                return
            self._child.send_signal(wanted)
            try:
                self._child.wait(patience)
            except subprocess.TimeoutExpired:
                continue


def end_leftover(pid_file: Path, *, program: str, wanted: signal.Signals) -> None:
    """Stop the server a crash of ours left behind, if the file's id is still that server's.

    The id may meanwhile be a stranger's. But a server writes its file after it has begun, and
    whoever got the id next began after that.
    """
    try:
        written = pid_file.stat().st_mtime
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if process.name() == program and process.create_time() < written + 1:
            _end([process], wanted)
    except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        return


def end_marked(variable: str, value: str) -> None:
    """Stop what ran under a starter that was killed: everything that inherited its mark."""
    marked = [one for one in psutil.process_iter() if _mark(one, variable) == value]
    _end([one for one in marked if one.pid != os.getpid()], signal.SIGTERM)


def _mark(process: psutil.Process, variable: str) -> str | None:
    try:
        return process.environ().get(variable)
    except (psutil.Error, OSError):
        return None


def _end(processes: Sequence[psutil.Process], wanted: signal.Signals) -> None:
    for process in processes:
        _send(process, wanted)
    _, alive = psutil.wait_procs(processes, timeout=10)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _send(process: psutil.Process, wanted: signal.Signals) -> None:
    try:
        process.send_signal(wanted)
    except psutil.NoSuchProcess:
        return
