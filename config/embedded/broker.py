"""The embedded Redis: Celery's broker and the cache.

It listens on a loopback port, not on a socket: Celery and Django spell the URL of a socket
differently, and one REDIS_URL has to serve both. A loopback port is open to every user of the
machine, so it asks for a password: made anew at each start, kept in files only we and the server's
account can read, never on a command line.
"""

import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.place import EmbeddedError, Place
from config.embedded.processes import Server, end_leftover, spawn

START_TIMEOUT = 20.0

SETTINGS = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
daemonize no
pidfile redis.pid
logfile ""
loglevel warning
save ""
appendonly {append_only}
appendfsync everysec
"""


@contextmanager
def running(place: Place, *, keep: bool) -> Iterator[tuple[Server, dict[str, str]]]:
    """Run the server; yield it and the environment that leads to it.

    Kept data survive a restart, so that no task is lost between two runs; tests start empty.
    """
    end_leftover_server(place)
    place.make_private(place.redis_data)
    server, url = _start(place, keep=keep)
    try:
        yield server, {"REDIS_URL": url}
    finally:
        server.stop(signal.SIGTERM)


def end_leftover_server(place: Place) -> None:
    pid_file = place.redis_data / "redis.pid"
    end_leftover(pid_file, program=place.redis_program.name, wanted=signal.SIGTERM)


def _start(place: Place, *, keep: bool) -> tuple[Server, str]:
    """A free port may be taken between our look and the server's: then look again."""
    log = place.directory / "redis.log"
    for _ in range(5):
        port, password = _free_port(), secrets.token_urlsafe(32)
        settings = place.write_setting(
            "redis.conf",
            SETTINGS.format(port=port, password=password, append_only="yes" if keep else "no"),
        )
        server = spawn(place, [place.redis_program, settings], cwd=place.redis_data, log=log)
        client = redis.Redis(
            host="127.0.0.1",
            port=port,
            password=password,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            if _answers(server, client):
                return server, f"redis://:{password}@127.0.0.1:{port}/0"
        finally:
            client.close()
        server.stop(signal.SIGTERM)
    raise EmbeddedError(f"Redis did not start: {log} says why.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: Server, client: redis.Redis) -> bool:
    deadline = time.monotonic() + START_TIMEOUT
    while server.running and time.monotonic() < deadline:
        try:
            client.ping()
        except redis.ConnectionError:  # also while it reads its file
            time.sleep(0.05)
        else:
            return True
    return False
