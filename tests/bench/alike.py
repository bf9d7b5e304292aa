"""N12: whether time tells who has a login here.

The product as in production – its hasher, a durable PostgreSQL, one worker – is asked over HTTP by
one caller, for accounts that do not exist, that do and get a wrong password, that are locked out,
and that are invited and have no password yet: in turns, in another order each round. No account is
tried more often than is checked, and each try comes from an address of its own, so every one is
looked at. Afterwards the same accounts once more, when all are exhausted. Each is compared with the
account that does not exist.

The control is the product without its cares (`tests.bench.careless`): there the measurement has to
see a difference, or it sees nothing. It does not see everything: what is less than the interval, as
one commit beside a hash on a busy machine, drowns. That the work is the same, statement by
statement, shows `tests/test_alike.py`.

As a module: python -m tests.bench.alike TRIES fills in the accounts.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import redis

from tests.bench.chance import difference, rank_sum
from tests.bench.contestants import PRODUCT
from tests.bench.load import HOST, Line, WrongAnswer
from tests.bench.servers import ROOT

UNKNOWN, WRONG, LOCKED_OUT, INVITED = "unknown", "wrong password", "locked out", "invited"
KINDS = (UNKNOWN, WRONG, LOCKED_OUT, INVITED)
# So many tries of an account are looked at.
CHECKED = 5
WARM_UP = 5
ALIKE = 0.01
CARELESS = replace(
    PRODUCT, name="careless", title="Without care", application="tests.bench.careless:application"
)
# Of the control; who is locked out is mailed nothing, and who is exhausted is not looked at.
EXPECTED = {("api", kind) for kind in KINDS[1:]} | {
    ("forgotten", kind) for kind in (WRONG, INVITED)
}
ENVIRONMENT = {
    "TRUSTED_PROXIES": HOST,
    "PUBLIC_URL": "https://bench.example",
    # Whoever forgot their password is given a link by the worker, which is not running.
    "EMAIL_URL": "consolemail://",
}
# What the worker is not there to take must not wait for another one.
REDIS_DATABASE = "/15"
QUEUE = "celery"
CSRF = "c" * 32


@dataclass(frozen=True, slots=True)
class Door:
    """Where an account can be named by anybody, and what it answers while it looks."""

    name: str
    status: int
    path: str
    body: Callable[[str], bytes]
    head: tuple[str, ...] = ()
    # Whether the control goes by it too; two of the three do the same there.
    careless: bool = True


def _json(email: str) -> bytes:
    return orjson.dumps({"email": email, "password": "a guess", "code": "000000"})


def _form(field: str, **more: str) -> Callable[[str], bytes]:
    beside = {**more, "csrfmiddlewaretoken": CSRF}
    return lambda email: urlencode({field: email, **beside}).encode()


FORM = ("Content-Type: application/x-www-form-urlencoded", f"Cookie: csrftoken={CSRF}")
DOORS = (
    Door("api", 401, "/api/v1/tokens", _json, ("Content-Type: application/json",)),
    Door(
        "admin", 200, "/admin/login/", _form("username", password="a guess"), FORM, careless=False
    ),
    Door("forgotten", 200, "/admin/login/forgotten/", _form("email"), FORM),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Tries for one kind of account beside as many for accounts that do not exist, in ms."""

    door: str
    kind: str
    unknown: Sequence[float]
    kind_of: Sequence[float]

    @property
    def alike(self) -> bool:
        return self.p > ALIKE

    @property
    def p(self) -> float:
        return rank_sum(self.kind_of, self.unknown)


def environment(product: Mapping[str, str]) -> dict[str, str]:
    address = urlsplit(product["REDIS_URL"])._replace(path=REDIS_DATABASE)
    return {**product, **ENVIRONMENT, "REDIS_URL": address.geturl()}


def measured(
    port: int, *, tries: int, doors: Sequence[Door], tell: Callable[[str], None]
) -> list[Compared]:
    """Every kind against the unknown, at every door, before and after the last try that is checked.
    Raises WrongAnswer where an answer is not the one that is to be measured."""
    line, found, addresses = Line(port), [], _addresses()
    for door in doors:
        tell(f"{door.name}: {tries} tries for each kind of account")
        _warm_up(line, port, door, addresses)
        once = _tries(line, port, door, tries, addresses, door.status)
        found += _compared(door.name, once)
        spent = _tries(line, port, door, tries, addresses, 429)
        found += _compared(f"{door.name}, exhausted", spent)
    line.close()
    return found


def forget(environment: Mapping[str, str]) -> None:
    """Take away what was given to the worker."""
    redis.Redis.from_url(environment["REDIS_URL"]).delete(QUEUE)


def fill(environment: Mapping[str, str], tries: int) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.bench.alike", str(tries)],
        cwd=ROOT,
        env=environment,
        check=True,
    )


def table(
    careful: Sequence[Compared], control: Sequence[Compared], where: Mapping[str, Any]
) -> str:
    lines = [
        "Does time tell who has a login? Against an account that does not exist, in ms",
        ", ".join(f"{name} {value}" for name, value in where.items()),
        "",
        f"{'':40}{'tries':>6}{'median':>9}{'differs by':>12}{'95 % interval':>20}{'p':>9}",
    ]
    lines += [_row(one) for one in careful]
    lines += ["", f"The control, without these cares: p at most {ALIKE} where it shows"]
    lines += [_row(one) for one in control]
    told = [one for one in careful if not one.alike]
    seen = [one for one in control if not one.alike]
    lines += [
        "",
        f"goal p above {ALIKE} everywhere: "
        + (f"falls short at {len(told)} of {len(careful)}" if told else "reached"),
        f"the control shows at {len(seen)} of {len(control)}: "
        + ("as it should" if {(one.door, one.kind) for one in seen} >= EXPECTED else "falls short"),
    ]
    return "\n".join(lines)


def figures(
    careful: Sequence[Compared], control: Sequence[Compared], where: Mapping[str, Any]
) -> dict[str, Any]:
    def plain(one: Compared) -> dict[str, Any]:
        by, low, high = difference(one.kind_of, one.unknown)
        return {
            "door": one.door,
            "kind": one.kind,
            "difference_ms": by,
            "interval_ms": [low, high],
            "p": one.p,
            "unknown_ms": list(one.unknown),
            "kind_ms": list(one.kind_of),
        }

    return {
        "machine": dict(where),
        "careful": [plain(one) for one in careful],
        "control": [plain(one) for one in control],
    }


def _row(one: Compared) -> str:
    by, low, high = difference(one.kind_of, one.unknown)
    what = f"{one.door}, {one.kind}"
    return (
        f"{what:40}{len(one.kind_of):6}{median(one.kind_of):9.2f}{by:+12.2f}"
        f"{f'{low:+.2f} to {high:+.2f}':>20}{one.p:9.3f}"
    )


def _compared(door: str, times: Mapping[str, Sequence[float]]) -> list[Compared]:
    return [Compared(door, kind, times[UNKNOWN], times[kind]) for kind in KINDS[1:]]


def _tries(
    line: Line, port: int, door: Door, tries: int, addresses: Iterator[str], status: int
) -> dict[str, list[float]]:
    draw, times = Random(door.name), {kind: [] for kind in KINDS}  # type: ignore[var-annotated]
    for number in range(tries):
        for kind in draw.sample(KINDS, len(KINDS)):
            asked = _request(port, door, email(door, kind, number // CHECKED), next(addresses))
            times[kind].append(_timed(line, asked, status))
    return times


def _warm_up(line: Line, port: int, door: Door, addresses: Iterator[str]) -> None:
    for _try in range(WARM_UP):
        _timed(
            line, _request(port, door, f"{door.name}@warm.example", next(addresses)), door.status
        )


def _timed(line: Line, asked: bytes, status: int) -> float:
    started = time.perf_counter()
    answered, body = line.ask(asked)
    took = time.perf_counter() - started
    said = bytes(body[:300])
    body.release()
    if answered != status:
        raise WrongAnswer(f"status {answered}, not {status}: {said!r}")
    return 1000 * took


def _request(port: int, door: Door, account: str, address: str) -> bytes:
    body = door.body(account)
    head = [
        f"POST {door.path} HTTP/1.1",
        f"Host: {HOST}:{port}",
        f"X-Forwarded-For: {address}",
        f"Content-Length: {len(body)}",
        *door.head,
    ]
    return "\r\n".join([*head, "", ""]).encode("ascii") + body


def _addresses() -> Iterator[str]:
    for number in count():
        yield f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def email(door: Door, kind: str, number: int) -> str:
    """All of one length."""
    return f"{DOORS.index(door)}{KINDS.index(kind)}{number:06}@bench.example"


def _fill(tries: int) -> None:
    from django.contrib.auth.hashers import make_password
    from django.core.management import call_command

    from clients_app import wall
    from clients_app.models import Practice, User

    # The pages of the door have styles.
    call_command("collectstatic", interactive=False, verbosity=0)
    right = make_password("seven quiet herons at dawn")
    with wall.system("bench"):
        practice = Practice.objects.get()
        User.objects.bulk_create(
            User(
                email=email(door, kind, number),
                name="Bench",
                role="counsellor",
                practice=practice,
                is_active=kind != LOCKED_OUT,
                password=make_password(None) if kind == INVITED else right,
            )
            for door in DOORS
            for kind in KINDS[1:]
            for number in range(-(-tries // CHECKED))
        )


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    django.setup()
    _fill(int(sys.argv[1]))
