"""A database for each store, a web server for each contestant; gone when the run is over."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.bench.contestants import Contestant
from tests.bench.load import HOST

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 60.0
# As `make run` starts the product.
WORKERS = 2
GRANIAN = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST, "--no-ws"]
GRANIAN += ["--blocking-threads", "1", "--workers-kill-timeout", "3", "--log-level", "warning"]


NOT_OURS = {"DJANGO_SETTINGS_MODULE", "DATABASE_OWNER_URL"}


class NoServer(Exception):
    """A server did not start; the message says why."""


@contextmanager
def database(address: str, store: str) -> Iterator[str]:
    """Make a database beside the one that `address` names; yield its address, then drop it."""
    name = f"bench_{store}_{secrets.token_hex(4)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(address)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


@contextmanager
def serving(
    contestants: Mapping[Contestant, Mapping[str, str]], logs: Path, *, workers: int
) -> Iterator[dict[Contestant, int]]:
    """Start all of them, each with its environment; yield their ports once all answer."""
    with ExitStack() as stack:
        started = {
            contestant: stack.enter_context(_started(contestant, environment, logs, workers))
            for contestant, environment in contestants.items()
        }
        deadline = time.monotonic() + START_TIMEOUT
        for contestant, (port, child) in started.items():
            _wait(port, child, deadline, logs / contestant.name)
        yield {contestant: port for contestant, (port, _child) in started.items()}


def environment(contestant: Contestant, address: str, secret: Mapping[str, str]) -> dict[str, str]:
    """Ours, without a setting of Django that is meant for somebody else."""
    inherited = {k: v for k, v in os.environ.items() if k not in NOT_OURS}
    return inherited | {"DATABASE_URL": address} | {**secret} | {**contestant.environment}


@contextmanager
def _started(
    contestant: Contestant, environment: Mapping[str, str], logs: Path, workers: int
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = _free_port()
    with (logs / contestant.name).open("wb") as log:
        child = subprocess.Popen(
            [*GRANIAN, f"--workers={workers}", f"--port={port}", contestant.application],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield port, child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(port: int, child: subprocess.Popen[bytes], deadline: float, log: Path) -> None:
    """Its socket takes connections only when a worker has loaded the application."""
    while child.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NoServer(f"{log.name} did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
