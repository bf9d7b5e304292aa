"""The load client: closed loop, keep-alive, as little Python as possible between two requests.

An answer counts if its status is 200 and its length is the one it had when it was compared. Each
request goes to another client than the one before. Connections are renewed every tenth of a second:
which worker of a server gets a connection is drawn once, by the kernel, and one lucky draw must not
decide a whole slot. Connecting is not part of a latency.
"""

import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

HOST = "127.0.0.1"
PATIENCE = 20
RENEWED_EVERY = 0.1
HEADERS = 64 * 1024


class WrongAnswer(Exception):
    """Not the answer that was compared before, or none."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as its bytes, and how long the right answer to it is."""

    raw: bytes
    length: int = -1


@dataclass(frozen=True, slots=True)
class Slot:
    """What one contestant did in its turn. Latencies in seconds."""

    latencies: list[float]
    elapsed: float

    @property
    def answers(self) -> int:
        return len(self.latencies)


def request(port: int, path: str, authorization: str) -> Request:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {HOST}:{port}",
        "Accept: application/json",
        f"Authorization: {authorization}",
    ]
    return Request("\r\n".join([*lines, "", ""]).encode("ascii"))


class Line:
    """A connection, blocking, with its buffer."""

    def __init__(self, port: int) -> None:
        self._buffer = bytearray(1 << 20)
        self._port = port
        self._socket = self._connected()

    def renew(self) -> None:
        self.close()
        self._socket = self._connected()

    def close(self) -> None:
        self._socket.close()

    def ask(self, raw: bytes) -> tuple[int, memoryview]:
        """Status and body; the body is valid until the next question."""
        self._socket.sendall(raw)
        got, end = 0, -1
        while end < 0:
            got += self._received(got, HEADERS, 0)
            end = self._buffer.find(b"\r\n\r\n", 0, got)
        head = bytes(self._buffer[:end]).lower()
        before, found, after = head.partition(b"\r\ncontent-length:")
        if not found:
            raise WrongAnswer(f"an answer without Content-Length: {before[:200]!r}")
        whole = end + 4 + int(after.split(b"\r\n", 1)[0])
        if whole > len(self._buffer):
            self._buffer.extend(bytes(whole - len(self._buffer)))
        while got < whole:
            got += self._received(got, whole - got, socket.MSG_WAITALL)
        return int(head[9:12]), memoryview(self._buffer)[end + 4 : whole]

    def _received(self, start: int, most: int, flags: int) -> int:
        with memoryview(self._buffer) as buffer:
            try:
                count = self._socket.recv_into(buffer[start : start + most], 0, flags)
            except BlockingIOError:
                count = 0
        if not count:
            raise WrongAnswer("the connection was closed or silent in the middle of an answer")
        return count

    def _connected(self) -> socket.socket:
        made = socket.create_connection((HOST, self._port), PATIENCE)
        # With Python's own timeout the socket would not really block, and MSG_WAITALL not wait.
        made.settimeout(None)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


def run(port: int, requests: Sequence[Request], *, at_once: int, seconds: float, seed: int) -> Slot:
    """Ask for `seconds`, `at_once` at a time. Raises WrongAnswer."""
    callers = [_Caller(port, requests, Random(f"{seed} {n}")) for n in range(at_once)]
    started = time.perf_counter()
    for caller in callers:
        caller.until = started + seconds
        caller.start()
    for caller in callers:
        caller.join()
    elapsed = time.perf_counter() - started
    for caller in callers:
        if caller.failure:
            raise caller.failure
    return Slot([latency for caller in callers for latency in caller.latencies], elapsed)


class _Caller(threading.Thread):
    def __init__(self, port: int, requests: Sequence[Request], draw: Random) -> None:
        super().__init__(daemon=True)
        self.until = 0.0
        self.latencies: list[float] = []
        self.failure: Exception | None = None
        self._line = Line(port)
        self._requests = draw.sample(requests, len(requests))

    def run(self) -> None:
        try:
            self._ask_until()
        except (OSError, ValueError, WrongAnswer) as error:
            self.failure = WrongAnswer(str(error))
        finally:
            self._line.close()

    def _ask_until(self) -> None:
        clock, line, keep = time.perf_counter, self._line, self.latencies.append
        done, now = 0, clock()
        renew = now + RENEWED_EVERY
        while now < self.until:
            wanted = self._requests[done % len(self._requests)]
            done += 1
            if now > renew:
                line.renew()
                renew = now + RENEWED_EVERY
            asked = clock()
            status, body = line.ask(wanted.raw)
            now = clock()
            keep(now - asked)
            if status != 200 or len(body) != wanted.length:
                raise WrongAnswer(f"status {status}, {len(body)} bytes, not {wanted.length}")
            body.release()
