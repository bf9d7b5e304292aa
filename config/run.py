"""make run: the demonstration practice, whole, on this machine, until Ctrl-C.

python -m config.run                    web, worker and beat, with PostgreSQL and Redis
python -m config.run manage COMMAND...  one manage.py command on the same data, running or not

What it makes lies in var/: the data, and secrets made on the first run. The secrets say of
themselves that they are a demonstration's, and production settings refuse such secrets.
"""

import base64
import errno
import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from config import embedded
from config.embedded import command
from config.process import forbid_core_dumps
from config.supervisor import Program, say, supervise

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"
SECRETS = VAR / "secrets"
HOST = "127.0.0.1"
DEFAULT_PORT = 8000
READY_TIMEOUT = 90.0

# 12 of 32 bytes, so that the key's text begins with the same 16 letters whatever follows.
KEY_MARK = b"USALDUS-DEMO"


def main(arguments: list[str]) -> int:
    os.chdir(BASE_DIR)
    # What it starts inherits this.
    forbid_core_dumps()
    try:
        with command.stoppable():
            if not arguments:
                return _demonstration()
            if arguments[0] == "manage":
                return _manage(arguments[1:])
            print(__doc__, file=sys.stderr)
            return 2
    except embedded.EmbeddedError as error:
        say(f"usaldus: {error}")
        return 1
    except command.Stopped as stopped:
        return stopped.exit_code if arguments else 0


def _manage(arguments: list[str]) -> int:
    with embedded.start(VAR, join=True) as servers:
        environment = {**_surroundings(), **servers.environment}
        if arguments[:1] in (["migrate"], ["restore"]):
            environment |= _as_owner(environment)
        if arguments[:1] == ["backup"]:
            environment |= _past_the_wall(environment)
        return command.run([sys.executable, "manage.py", *arguments], environment)


def _demonstration() -> int:
    say("Starting PostgreSQL and Redis")
    with embedded.start(VAR) as servers:
        environment = {**os.environ, **_surroundings(), **servers.environment}
        say("Bringing the database up to date")
        _step(["migrate", "--verbosity", "0"], environment | _as_owner(environment))
        say("Looking after the demonstration practice")
        logins = _step(["demo"], environment)
        # Only now: a predecessor that was killed holds its port until the servers' start ends it.
        port = _free_port(os.environ.get("PORT"))
        say("Starting web, worker and beat")
        watch = _Watch(port, servers, _welcome(port, servers, logins))
        try:
            return supervise(_programs(port), environment, tick=watch.tick)
        finally:
            say("Stopping PostgreSQL and Redis")


def _as_owner(environment: Mapping[str, str]) -> dict[str, str]:
    """What only `migrate` and `restore` are given: the way to the role that owns the tables."""
    url = environment.get("EMBEDDED_OWNER_URL")
    return {"DATABASE_OWNER_URL": url} if url else {}


def _past_the_wall(environment: Mapping[str, str]) -> dict[str, str]:
    """What only `backup` is given: the way to the role that reads everything."""
    url = environment.get("EMBEDDED_BACKUP_URL")
    return {"DATABASE_BACKUP_URL": url} if url else {}


def _programs(port: int) -> list[Program]:
    python = [sys.executable, "-m"]
    web = ["granian", "--interface", "wsgi", "--host", HOST, "--port", str(port), "--no-ws"]
    web += ["--workers", "2", "--blocking-threads", "1", "--workers-kill-timeout", "3"]
    celery = ["celery", "--quiet", "--app", "config"]
    worker = [*celery, "worker", "--concurrency", "2", "--loglevel", "WARNING"]
    # One worker on one machine has nobody to gossip with.
    worker += ["--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]
    return [
        Program("web", [*python, *web, "config.wsgi:application"]),
        Program("worker", [*python, *worker]),
        Program("beat", [*python, *beat, "--schedule", str(VAR / "beat-schedule")]),
    ]


class _Watch:
    """What we look at while the processes run: is the web ready, do the servers live?"""

    def __init__(self, port: int, servers: embedded.Servers, welcome: str) -> None:
        self._port = port
        self._servers = servers
        self._welcome = welcome
        self._ready = False
        self._deadline = time.monotonic() + READY_TIMEOUT

    def tick(self) -> None:
        for name in self._servers.dead:
            raise embedded.EmbeddedError(f"{name} has stopped: its log in var/ says why.")
        if self._ready:
            return
        self._ready = self._answers()
        if self._ready:
            say(self._welcome)
        elif time.monotonic() > self._deadline:
            raise embedded.EmbeddedError(f"The web did not answer within {READY_TIMEOUT:.0f} s.")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=2)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _welcome(port: int, servers: embedded.Servers, logins: str) -> str:
    address = f"http://{HOST}:{port}"
    data = servers.directory or "where DATABASE_URL and REDIS_URL point"
    return f"""
Usaldus is ready.

  Admin     {address}/admin/
  API docs  {address}/api/docs/
  Data      {data}
  Secrets   {SECRETS}
  Stop      Ctrl-C; `make run` finds everything again, `make clean-data` deletes it

{logins}"""


def _step(arguments: list[str], environment: Mapping[str, str]) -> str:
    """A manage.py command before the rest; its stdout is returned, its stderr shown as it comes."""
    child = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        # Out of the way of a Ctrl-C, which we turn into one quiet end instead of its traceback.
        start_new_session=True,
    )
    try:
        output, _ = child.communicate()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    if child.returncode:
        say(output)
        raise embedded.EmbeddedError(f"manage.py {arguments[0]} failed, see above.")
    return output


def _surroundings() -> dict[str, str]:
    """Development settings, and the demonstration's secrets where none are given."""
    fresh = {
        "SECRET_KEY": f"demonstration-{secrets.token_urlsafe(48)}",
        "FIELD_ENCRYPTION_KEY": _demonstration_key(),
        "AUDIT_SIGNING_KEY": _demonstration_key(),
    }
    SECRETS.mkdir(mode=0o700, parents=True, exist_ok=True)
    surroundings = {"DJANGO_SETTINGS_MODULE": "config.settings.dev", "PYTHONUNBUFFERED": "1"}
    for name, text in fresh.items():
        if os.environ.get(name) or os.environ.get(f"{name}_FILE"):
            continue
        path = SECRETS / name.lower()
        if not path.exists():
            _write_whole(path, text)
        surroundings[f"{name}_FILE"] = str(path)
    return surroundings


def _demonstration_key() -> str:
    return base64.urlsafe_b64encode(KEY_MARK + secrets.token_bytes(20)).decode()


def _write_whole(path: Path, text: str) -> None:
    """All or nothing: half a key, kept, would be the key from then on."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)


def _free_port(wished: str | None) -> int:
    """The port that was asked for, or else 8000 or the next one that is free."""
    if wished:
        if not wished.isdecimal() or not 0 < int(wished) < 65536:
            raise embedded.EmbeddedError(f"PORT={wished} is not a port.")
        if not _is_free(int(wished)):
            raise embedded.EmbeddedError(f"Port {wished} is taken: name another with PORT=.")
        return int(wished)
    for port in range(DEFAULT_PORT, DEFAULT_PORT + 50):
        if _is_free(port):
            if port != DEFAULT_PORT:
                say(f"Port {DEFAULT_PORT} is taken; using {port}. PORT=... chooses another.")
            return port
    raise embedded.EmbeddedError(f"No port is free from {DEFAULT_PORT} on: name one with PORT=.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server will: a port just closed counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            return False
        return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
