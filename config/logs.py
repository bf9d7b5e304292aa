"""Log lines without content: of an exception the type and the places, never its message.

An exception raised while a disclosure is in hand may carry the words in its text, so the text of
exceptions is not written anywhere (`ValueError: <what the client said>`): not below a line, not as
its message, not among its arguments. Nor are what a task was given and gave back, and addresses
that lead nowhere, for a name may have been typed there.
"""

import logging
import traceback
from collections.abc import Mapping
from copy import copy
from types import TracebackType
from typing import Any
from uuid import UUID

# What Celery may say of a task, by the names of its messages' arguments.
OF_A_TASK = {"name", "id", "description", "runtime", "hostname"}
NOT_WRITTEN = "(not written)"


class ContentFreeFormatter(logging.Formatter):
    """One line a record; a traceback shrinks to file, line and function of each frame."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        # Handlers share the record, and what one of them has made of its exception.
        record = copy(record)
        record.exc_text = None
        record.msg = _careful(record.msg)
        if isinstance(record.args, Mapping):
            record.args = {
                name: value if name in OF_A_TASK else NOT_WRITTEN
                for name, value in record.args.items()
            }
        elif record.args:
            nowhere = _address_of_nothing(record)
            record.args = tuple(
                NOT_WRITTEN if value == nowhere else _careful(value) for value in record.args
            )
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and (text := str(error)):
            kind = type(error).__name__
            record.msg, record.args = record.getMessage().replace(text, kind), ()
        return super().format(record)

    def formatException(
        self,
        ei: (
            tuple[type[BaseException], BaseException, TracebackType | None]
            | tuple[None, None, None]
        ),
    ) -> str:
        kind, _, trace = ei
        frames = traceback.extract_tb(trace)
        places = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))
        return f"{kind.__name__ if kind else 'exception'} at {places}"

    def formatStack(self, stack_info: str) -> str:
        return ""


def _careful(value: Any) -> Any:
    return type(value).__name__ if isinstance(value, BaseException) else value


def _address_of_nothing(record: logging.LogRecord) -> str | None:
    """The path of a request that no route takes, or only with something that is no id."""
    request = getattr(record, "request", None)
    path: str | None = getattr(request, "path", None)
    match = getattr(request, "resolver_match", None)
    if match is not None and all(isinstance(value, UUID) for value in match.kwargs.values()):
        return None
    return path
