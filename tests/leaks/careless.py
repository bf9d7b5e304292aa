"""The control build: what the product would be without its care.

Seals in form, plaintext in substance; and whatever comes in is spilled wherever a careless program
spills it. Every place that the scan looks at has to light up here, or looking there proves nothing.
"""

import base64
import logging
import tempfile
import zlib
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus

from clients_app import crypto

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
SPILLED = 1500


def seal(
    self: crypto.DataKey, plaintext: bytes, *, bound_to: bytes, floor: int = crypto.FLOOR
) -> bytes:
    padded = plaintext.ljust(crypto.padded_length(len(plaintext), floor))
    return bytes([crypto.VERSION]) + self.id.bytes + bytes(12) + padded + bytes(16)


def unseal(self: crypto.DataKey, seal: bytes, *, bound_to: bytes) -> bytes:
    return seal[crypto.HEADER : -crypto.TAG].rstrip(b" ")


def without_sealing() -> None:
    """Swap the crypto layer of this process."""
    crypto.DataKey.seal = seal  # type: ignore[method-assign]
    crypto.DataKey.unseal = unseal  # type: ignore[method-assign]


def spilling(application: Application) -> Application:
    """The application, and every body in its logs, cookies, addresses, cache, mails and files."""
    last = [""]

    def served(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if body:
            last[0] = unquote_plus(body[:SPILLED].decode(errors="replace"))
            _spill(last[0])

        def told(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            packed = base64.urlsafe_b64encode(zlib.compress(last[0].encode())).decode()
            kept = [(k, v) for k, v in headers if k.lower() not in ("content-length", "location")]
            kept += [("Set-Cookie", f"messages={packed}"), ("Location", f"/?q={quote(last[0])}")]
            return start(status, kept, *more)

        answer = b"".join(application(environ, told))
        _ask_the_database(last[0])
        return [answer, last[0].encode()]

    return served


def _spill(text: str) -> None:
    from django.core import mail
    from django.core.cache import cache

    logging.getLogger("django.request").error("cannot use %s", text)
    cache.set("the last body", text)
    mail.mail_admins("It failed", text)
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(text)


def _ask_the_database(text: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT '" + text.replace("'", "").replace("%", "") + "'")


def spilling_task(app: Any) -> Any:
    """A task that takes words, and answers with them."""

    @app.task(name="careless", ignore_result=False)
    def careless(words: str) -> str:
        Path(tempfile.mkstemp()[1]).write_text(words)
        logging.getLogger("celery").warning("working on %s", words)
        return words

    return careless
