"""Log lines without content: of an exception the type and the places, never its message.

An exception raised while a disclosure is in hand may carry the words in its text, so the text of
exceptions is not written anywhere (`ValueError: <what the client said>`).
"""

import logging
import traceback
from types import TracebackType


class ContentFreeFormatter(logging.Formatter):
    """One line a record; a traceback shrinks to file, line and function of each frame."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

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
