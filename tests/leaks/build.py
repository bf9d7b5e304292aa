"""The product as its processes run it: the web's application and the worker's.

Two levers for the test. While the file FAULT is there, every seal fails, and so does the worker's
task, with an exception that carries the words in its text, as exceptions do. And every path that a
process opens for writing is noted in the file WRITTEN, but for the mails that it sends, which are
files here.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

FAULT = Path(os.environ["LEAKS_FAULT"])
MAILS = os.environ["LEAKS_MAILS"]
_written = os.open(os.environ["LEAKS_WRITTEN"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
# The worker's locks, which lose their names at once, and Python's try whether TMPDIR can be used.
_LOCKS = re.compile(r"/pymp-[^/]+(/pym-[^/]+)?$|/[a-z0-9_]{8}$")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(args[0], str | bytes) and (args[2] or 0) & _WRITING:
        path = os.fsdecode(args[0])
        if path != os.devnull and not path.startswith(MAILS) and not _LOCKS.search(path):
            os.write(_written, f"{path}\n".encode())


from config import celery, wsgi  # noqa: E402 the lines above note nothing of what loading does

sys.addaudithook(_note)

from clients_app import crypto, destruction  # noqa: E402 needs the loaded app registry
from tests.leaks import careless  # noqa: E402 likewise

app = celery.app
application: careless.Application = wsgi.application
sealed, unsealed, executed = crypto.DataKey.seal, crypto.DataKey.unseal, destruction.execute


class WordsInHand(Exception):
    """What was wrong, and with which words."""


def _fail(words: object) -> NoReturn:
    raise WordsInHand(f"cannot use {words!r}")


def _seal(key: crypto.DataKey, plaintext: bytes, **more: Any) -> bytes:
    return _fail(plaintext.decode()) if FAULT.exists() else sealed(key, plaintext, **more)


def _unseal(key: crypto.DataKey, seal: bytes, **more: Any) -> bytes:
    plaintext = unsealed(key, seal, **more)
    return _fail(plaintext.decode()) if FAULT.exists() else plaintext


def _execute(**more: Any) -> Any:
    return _fail(FAULT.read_text()) if FAULT.exists() else executed(**more)


if os.environ.get("LEAKS_CARELESS"):
    careless.without_sealing()
    sealed, unsealed = careless.seal, careless.unseal
    application = careless.spilling(application)
    careless.spilling_task(app)
    app.conf.update(result_backend=app.conf.broker_url)

crypto.DataKey.seal = _seal  # type: ignore[method-assign,assignment]
crypto.DataKey.unseal = _unseal  # type: ignore[method-assign,assignment]
destruction.execute = _execute
