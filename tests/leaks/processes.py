"""The web and the worker of the scan: real processes, their output, mails and temporary files."""

import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from tests.bench.servers import GRANIAN
from tests.conftest import until
from tests.faults.processes import environment


class Grounds:
    """A directory for what the processes leave behind, and the lever that makes them fail."""

    def __init__(self, directory: Path, *, careless: bool) -> None:
        self.directory = directory
        self.fault = directory / "fault"
        self.mails = directory / "mails"
        self.anchors = directory / "anchors.jsonl"
        self.careless = careless
        self.mails.mkdir()

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def written(self, name: str) -> Path:
        return self.directory / f"{name}.written"

    def temporary(self, name: str) -> Path:
        return self.directory / f"{name}.tmp"

    def environment(self, name: str) -> dict[str, str]:
        ours = {
            "DJANGO_SETTINGS_MODULE": "tests.leaks.production",
            "ALLOWED_HOSTS": "127.0.0.1",
            "BEHIND_TLS_PROXY": "true",
            "TRUSTED_PROXIES": "127.0.0.1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.temporary(name)),
            "AUDIT_ANCHOR_FILE": str(self.anchors),
            "LEAKS_MAILS": str(self.mails),
            "LEAKS_FAULT": str(self.fault),
            "LEAKS_WRITTEN": str(self.written(name)),
            "LEAKS_CARELESS": "1" if self.careless else "",
        }
        return os.environ | environment() | ours


class Process:
    """One of them, in a process group of its own, allowed to dump its memory if it does not forbid
    that itself."""

    def __init__(self, grounds: Grounds, name: str, command: list[str]) -> None:
        grounds.temporary(name).mkdir()
        self.log = grounds.log(name)
        with self.log.open("wb") as log:
            self._child = self._started(command, grounds.environment(name), log)

    @staticmethod
    def _started(
        command: list[str], environment: dict[str, str], log: IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        _soft, hard = before = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        try:
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, before)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def tells(self, text: str) -> None:
        """Wait until its output has this in it."""
        until(lambda: text in self.said or self._child.poll() is not None, seconds=30)
        assert text in self.said, self.said[-4000:]

    def members(self) -> list[int]:
        """The ids of its children, which do the work."""
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                pid = int(directory.name)
                if pid != self._child.pid and os.getpgid(pid) == self._child.pid:
                    found.append(pid)
        return found

    def stop(self) -> None:
        self._child.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait(5)


def web(grounds: Grounds) -> tuple[Process, int]:
    """Granian as `make run` starts it, and with its access log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*GRANIAN, "--workers=1", f"--port={port}", "--access-log", "--log-level=info"]
    process = Process(grounds, "web", [*command, "tests.leaks.build:application"])
    return process, port


def answers(port: int) -> bool:
    """Whether the web takes connections."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def worker(grounds: Grounds) -> Process:
    """Celery as the compose file starts it."""
    command = ["celery", "-A", "tests.leaks.build", "worker", "-c", "1", "-l", "INFO"]
    return Process(grounds, "worker", [sys.executable, "-m", *command])
