"""Running one command in the foreground, as a shell would."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

from config.embedded.place import EmbeddedError


class Stopped(BaseException):
    """Asked to stop by a signal: unwinds what was started on the way, and is no error."""

    def __init__(self, received: int) -> None:
        super().__init__(received)
        self.exit_code = 128 + received


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn the signals that end a program into an exception, once; later ones are ignored, for
    they find us tidying up."""

    def stop(received: int, _frame: FrameType | None) -> None:
        for wanted in _SIGNALS:
            signal.signal(wanted, signal.SIG_IGN)
        raise Stopped(received)

    for wanted in _SIGNALS:
        signal.signal(wanted, stop)
    yield


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run it to its end and return its exit code; a signal sent to us is passed on to it.

    It stays in our process group, so that it may use the terminal. A Ctrl-C therefore reaches it
    without us, and passing it on would make two of one.
    """
    try:
        child = subprocess.Popen(command, env={**os.environ, **environment})
    except OSError as error:
        raise EmbeddedError(f"{command[0]}: {error.strerror}") from None

    def pass_on(received: int, _frame: FrameType | None) -> None:
        if received == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty():
            return
        child.send_signal(received)

    before = {wanted: signal.signal(wanted, pass_on) for wanted in _SIGNALS}
    try:
        code = child.wait()
    finally:
        for wanted, handler in before.items():
            signal.signal(wanted, handler)
    return code if code >= 0 else 128 - code
