"""Where the product's time goes: its own WSGI application in this process, with stopwatches on.

Reads pairs of path and authorization as JSON from stdin. Each stage is shown without the stages
inside it, and apart from its waiting for PostgreSQL.
"""

import functools
import io
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

import orjson

from config.wsgi import application

REQUESTS = 400
WARM_UP = 50
OUTSIDE = "Django: request, answer"
# A stage may be more than one function. A name that is no longer there is said, not raised: this
# shows the way, it promises nothing.
STAGES = {
    "middleware": [
        "django.utils.deprecation:MiddlewareMixin.__call__",
        "whitenoise.middleware:WhiteNoiseMiddleware.__call__",
    ],
    "routing": ["django.urls.resolvers:URLResolver.resolve"],
    "DRF": ["rest_framework.views:APIView.dispatch"],
    "is the connection alive": [
        "django.db.backends.postgresql.base:DatabaseWrapper.is_usable",
    ],
    "who: the token": ["clients_app.api.authentication:TokenAuthentication.authenticate"],
    "may they: access": ["clients_app.access:require"],
    "the verb": ["sessions_app.records:read"],
    "transaction": [
        "django.db.transaction:Atomic.__enter__",
        "django.db.transaction:Atomic.__exit__",
    ],
    "open the key": ["clients_app.vault:opened"],
    "unseal": ["clients_app.crypto:DataKey.unseal"],
    "shape of the answer": ["sessions_app.api.records:_line"],
    "render": ["clients_app.api.rendering:JSONRenderer.render"],
}
POSTGRESQL = [
    "psycopg:Cursor.execute",
    "psycopg:Connection.execute",
    "psycopg:ClientCursor.execute",
    "psycopg:Pipeline.__exit__",
    "psycopg:Connection.commit",
    "psycopg:Connection.rollback",
]


class Stopwatch:
    """Seconds by stage and whether spent in PostgreSQL; a stage within a stage stops the outer."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, bool], float] = defaultdict(float)
        self._stack = [(OUTSIDE, False)]
        self._since = time.perf_counter()

    def _turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    def enter(self, stage: str | None) -> None:
        self._turn()
        outer, _waiting = self._stack[-1]
        self._stack.append((stage or outer, stage is None))

    def leave(self) -> None:
        self._turn()
        self._stack.pop()

    def on(self, name: str, stage: str | None) -> None:
        """Replace the function of that name by itself with this watch."""
        try:
            function: Callable[..., Any] = resolve_name(name)
        except (AttributeError, ImportError):
            print(f"{name} is not there any more: its time counts for what is around it.")
            return

        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.enter(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self.leave()

        module, _colon, path = name.partition(":")
        owner, _dot, attribute = path.rpartition(".")
        setattr(resolve_name(f"{module}:{owner}" if owner else module), attribute, watched)


def main() -> int:
    doors = orjson.loads(sys.stdin.buffer.read())
    _ask(doors, WARM_UP)
    plain = _ask(doors, REQUESTS)
    watch = Stopwatch()
    for stage, names in STAGES.items():
        for name in names:
            watch.on(name, stage)
    for name in POSTGRESQL:
        watch.on(name, None)
    _ask(doors, WARM_UP)
    watch.seconds.clear()
    watched = _ask(doors, REQUESTS)
    print(f"{1000 * plain:.2f} ms a request, {1000 * watched:.2f} ms with the stopwatches on")
    print(f"{'':34}{'ms':>8}{'share':>8}")
    for (stage, waiting), seconds in sorted(watch.seconds.items(), key=lambda pair: -pair[1]):
        name = f"{stage}: PostgreSQL" if waiting else stage
        each = seconds / REQUESTS
        print(f"{name:34}{1000 * each:8.3f}{each / watched:8.1%}")
    return 0


def _ask(doors: list[tuple[str, str]], times: int) -> float:
    """Seconds a request."""
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return bytes

    started = time.perf_counter()
    for number in range(times):
        path, authorization = doors[number % len(doors)]
        answer = application(_environ(path, authorization), start_response)
        body = b"".join(answer)
        answer.close()
        assert statuses[-1].startswith("200"), (statuses[-1], body[:300])
    return (time.perf_counter() - started) / times


def _environ(path: str, authorization: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_ACCEPT": "application/json",
        "HTTP_AUTHORIZATION": authorization,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }


if __name__ == "__main__":
    sys.exit(main())
