"""Several processes as one: their lines on one screen, and one end for all.

Ours instead of honcho because of how it ends them: honcho signals whole process groups, which tears
Celery's pool out from under a running task. Here only the process we started is asked to stop, and
it lets its own children finish; the group is for what is left when patience runs out.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# Together with the servers, which stop last, a Ctrl-C is to take less than ten seconds.
PATIENCE = 7.0
TICK = 0.25


@dataclass(frozen=True)
class Program:
    name: str
    command: Sequence[str]


def supervise(
    programs: Sequence[Program], environment: Mapping[str, str], *, tick: Callable[[], None]
) -> int:
    """Run them until one ends, or until `tick` or a signal raises; then stop them all.

    Returns the exit code of the one that ended, never 0: none is meant to end by itself.
    """
    width = max(len(program.name) for program in programs)
    started: list[_Started] = []
    try:
        for program in programs:
            started.append(_Started(program, environment, width))
        while True:
            tick()
            for one in started:
                code = one.child.poll()
                if code is not None:
                    say(f"{one.name} ended by itself (exit code {code}); stopping the others.")
                    return 128 - code if code < 0 else code or 1
            time.sleep(TICK)
    finally:
        _stop(started)


class _Started:
    def __init__(self, program: Program, environment: Mapping[str, str], width: int) -> None:
        self.name = program.name
        self._prefix = f"{program.name.ljust(width)} | "
        # A session of its own: a Ctrl-C at the terminal is ours to hand on, in our order.
        self.child = subprocess.Popen(
            program.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.relay = threading.Thread(target=self._relay, daemon=True)
        self.relay.start()

    def _relay(self) -> None:
        assert self.child.stdout is not None  # noqa: S101 - it is a pipe, see above
        for line in self.child.stdout:
            say(self._prefix + line.decode(errors="replace").rstrip())


def _stop(started: Sequence[_Started]) -> None:
    for one in started:
        if one.child.poll() is None:
            one.child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    for one in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            one.child.wait(max(0.0, deadline - time.monotonic()))
        # Whatever is left of its group: itself if it was too slow, its children if it crashed.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(one.child.pid, signal.SIGKILL)
        one.child.wait()
        one.relay.join(timeout=1)


_screen = threading.Lock()


def say(text: str) -> None:
    """One writer at a time; and when the terminal has gone, nobody to write to is no error."""
    with _screen, contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
