"""python -m tests.bench [WHAT...]: see the package. Needs the servers of `make bench`."""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.fernet import Fernet

from config.embedded import command
from tests.bench import alike, measure, report, servers, trail
from tests.bench.contestants import ALL, PRODUCT, Contestant, Door, floor
from tests.bench.data import Caseload
from tests.bench.load import WrongAnswer
from tests.bench.measure import Differs, Entrant


class CannotMeasure(Exception):
    """What has to be so before or after a measurement is not; the message says what."""


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if not RUNS.keys() >= set(options.what):
        parser.error(f"one of {', '.join(RUNS)}")
    if options.tries % alike.CHECKED:
        parser.error(f"--tries takes a multiple of {alike.CHECKED}")
    try:
        with command.stoppable():
            if options.profile:
                return _profile(options)
            return max(RUNS[what](options) for what in options.what or ["s1", "s7"])
    except (CannotMeasure, Differs, WrongAnswer, servers.NoServer, trail.Broken) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except command.Stopped as stopped:
        return stopped.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    add = parser.add_argument
    add(
        "what",
        nargs="*",
        help="s1: read a client's record; s7: the trail; by default these two."
        " s5: the end of a whole caseload; n12: whether time tells who has a login;"
        " races: holds against purges",
    )
    add("--rounds", type=int, default=7)
    add("--seconds", type=float, default=2.0, help="of each contestant's turn in a round")
    add("--clients", type=int, default=200)
    add("--notes", type=int, choices=range(1, 51), metavar="1..50", default=50)
    add("--bytes", type=int, default=4096, help="of each note's text")
    add("--workers", type=int, default=servers.WORKERS, help="of each web server")
    add("--only", nargs="+", choices=[c.name for c in ALL], default=[c.name for c in ALL])
    add("--events", type=int, default=1_000_000, help="s7: lines to verify")
    doors = [door.name for door in alike.DOORS]
    add("--doors", nargs="+", choices=doors, default=doors, help="n12: by default all")
    add("--tries", type=int, default=200, help="n12: for each kind of account, by fives")
    add("--races", type=int, default=10_000, help="races: how many")
    add("--json", type=Path, help="also write every figure there")
    add("--profile", action="store_true", help="instead show where the product's time goes")
    add("--falsify", choices=[c.store for c in ALL], help="control: change one word, be found out")
    add("--undurable", action="store_true", help="for the suite: figures that mean nothing")
    return parser


def _s1(options: argparse.Namespace) -> int:
    contestants = [c for c in ALL if c.name in options.only]
    caseload = _caseload(options)
    where = report.machine(_server())
    if not (report.durable(where) or options.undurable):
        raise CannotMeasure("fsync or synchronous_commit is off: nothing there is durable.")
    with _filled(contestants, caseload, options.falsify) as (environments, doors):
        with (
            tempfile.TemporaryDirectory() as logs,
            servers.serving(environments, Path(logs), workers=options.workers) as ports,
        ):
            entrants = [Entrant(c, ports[c], doors[c.store]) for c in contestants]
            tell("comparing all answers")
            measure.compare(entrants, caseload)
            measure.rounds(entrants, count=options.rounds, seconds=options.seconds, tell=tell)
        addresses = {c: environment["DATABASE_URL"] for c, environment in environments.items()}
        trails = _trails(entrants, addresses)
    print(report.table(entrants, caseload, where))
    print(*trails, sep="\n")
    _write(options, "s1", report.figures(entrants, caseload, where))
    return 0


def _s7(options: argparse.Namespace) -> int:
    where = report.machine(_server())
    if not (report.durable(where) or options.undurable):
        raise CannotMeasure("fsync or synchronous_commit is off: nothing there is durable.")
    small = Caseload(1, 1, options.bytes)
    with _filled([PRODUCT], small, None) as (environments, _doors), ExitStack() as stack:
        anchors = stack.enter_context(tempfile.TemporaryDirectory())
        environment = environments[PRODUCT] | {"AUDIT_ANCHOR_FILE": f"{anchors}/anchors.jsonl"}
        tell("writing on the trail, free and sealed in turn")
        rates = trail.writing(environment, rounds=options.rounds, seconds=options.seconds)
        lines, sealed = trail.lines_sealed(environment["DATABASE_URL"])
        if lines != sealed:
            raise CannotMeasure(f"{lines} lines were written and {sealed} are sealed.")
        sizes = [max(options.events // 4, lines + 1), options.events]
        tell("filling the trail up, sealing and verifying it")
        verified = trail.verifying(environment, [size for size in sizes if size > lines])
    print(trail.table(rates, verified, where))
    _write(options, "s7", trail.figures(rates, verified, where))
    return 0


def _n12(options: argparse.Namespace) -> int:
    where = report.machine(_server())
    if not (report.durable(where) or options.undurable):
        raise CannotMeasure("fsync or synchronous_commit is off: no commit takes its time.")
    small = Caseload(1, 1, options.bytes)
    found = {}
    wanted = [door for door in alike.DOORS if door.name in options.doors]
    # One after the other: nothing else runs beside what is measured.
    for contestant in (PRODUCT, alike.CARELESS):
        with _filled([PRODUCT], small, None) as (environments, _doors):
            environment = alike.environment(environments[PRODUCT])
            alike.fill(environment, options.tries)
            with (
                tempfile.TemporaryDirectory() as logs,
                servers.serving({contestant: environment}, Path(logs), workers=1) as ports,
            ):
                tell(contestant.title)
                port = ports[contestant]
                doors = [door for door in wanted if contestant is PRODUCT or door.careless]
                found[contestant] = alike.measured(
                    port, tries=options.tries, doors=doors, tell=tell
                )
            alike.forget(environment)
    both = found[PRODUCT], found[alike.CARELESS]
    print(alike.table(*both, where))
    _write(options, "n12", alike.figures(*both, where))
    return 0


def _s5(options: argparse.Namespace) -> int:
    where = report.machine(_server())
    if not (report.durable(where) or options.undurable):
        raise CannotMeasure("fsync or synchronous_commit is off: nothing there is durable.")
    return _in_a_process(options, "s5", ["tests.bench.purging"], _caseload(options))


def _races(options: argparse.Namespace) -> int:
    small = Caseload(1, 1, options.bytes)
    return _in_a_process(options, "races", ["tests.bench.race", str(options.races)], small)


def _in_a_process(
    options: argparse.Namespace, what: str, program: Sequence[str], caseload: Caseload
) -> int:
    """One that ends files, on the product's own database: at once, and by one person's word."""
    with (
        _filled([PRODUCT], caseload, None) as (environments, _doors),
        tempfile.TemporaryDirectory() as outside,
    ):
        tell(f"{what}: ending files")
        done = subprocess.run(
            [sys.executable, "-m", *program],
            cwd=servers.ROOT,
            env=environments[PRODUCT]
            | {"PURGE_COOLING_OFF_DAYS": "0", "PURGE_SECOND_PERSON_ABOVE": "1000000"}
            | {"DATABASE_OWNER_URL": _owners(environments[PRODUCT]["DATABASE_URL"])}
            | {"ERASURE_LEDGER_FILE": f"{outside}/ledger.jsonl"},
            stdout=subprocess.PIPE,
            check=False,
        )
    print(done.stdout.decode(), end="")
    if done.stdout:
        _write(options, what, orjson.loads(done.stdout))
    return done.returncode


RUNS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "s1": _s1,
    "s5": _s5,
    "s7": _s7,
    "n12": _n12,
    "races": _races,
}


def _write(options: argparse.Namespace, what: str, found: Mapping[str, Any]) -> None:
    """Every figure as JSON; where both are measured, each in a file of its own."""
    if options.json:
        path: Path = options.json
        if len(options.what) != 1:
            path = path.with_stem(f"{path.stem}-{what}")
        path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def _trails(entrants: Sequence[Entrant], addresses: Mapping[Contestant, str]) -> list[str]:
    """One line for each answer, no more and no less, or the figures are worth nothing."""
    counted = []
    for entrant in entrants:
        contestant = entrant.contestant
        if not contestant.trail:
            continue
        lines = report.lines_on_trail(addresses[contestant], contestant.trail)
        counted.append(f"trail of {contestant.title}: {entrant.answers} answers, {lines} lines")
        if lines != entrant.answers:
            raise CannotMeasure(f"Not every answer is on the trail once: {counted[-1]}")
    return counted


def _profile(options: argparse.Namespace) -> int:
    with _filled([PRODUCT], _caseload(options), None) as (environments, doors):
        asked = orjson.dumps(
            [
                [PRODUCT.route.format(client=door.client), door.insider]
                for door in doors[PRODUCT.store]
            ]
        )
        tell("reading records in one process")
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.breakdown"],
            cwd=servers.ROOT,
            env=environments[PRODUCT],
            input=asked,
            check=False,
        )
    return done.returncode


def _server() -> str:
    """The way to the server as a role that may make databases."""
    names = ("DATABASE_OWNER_URL", "EMBEDDED_OWNER_URL", "DATABASE_URL")
    for address in filter(None, map(os.environ.get, names)):
        return address
    raise CannotMeasure("DATABASE_URL names no server. `make bench` starts one.")


def _owners(address: str) -> str:
    """The same database by the role that owns its tables."""
    return urlsplit(_server())._replace(path=urlsplit(address).path).geturl()


def _as_application(address: str) -> str:
    """The same database by the role that owns nothing, as the product's web server connects."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=urlsplit(address).path).geturl()


def _caseload(options: argparse.Namespace) -> Caseload:
    return Caseload(options.clients, options.notes, options.bytes)


@contextmanager
def _filled(
    contestants: Sequence[Contestant], caseload: Caseload, falsify: str | None
) -> Iterator[tuple[dict[Contestant, dict[str, str]], dict[str, list[Door]]]]:
    """Each contestant's environment, its database filled, and the doors to it by store."""
    address = _server()
    secret = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "AUDIT_SIGNING_KEY": Fernet.generate_key().decode(),
        floor.KEY: secrets.token_hex(32),
    }
    stores = list(dict.fromkeys(c.store for c in contestants))
    with ExitStack() as stack, tempfile.TemporaryDirectory() as static:
        secret["STATIC_ROOT"] = static
        made = {store: stack.enter_context(servers.database(address, store)) for store in stores}
        environments = {c: servers.environment(c, made[c.store], secret) for c in contestants}
        if PRODUCT in environments:
            environments[PRODUCT]["DATABASE_URL"] = _as_application(made[PRODUCT.store])
        tell(f"filling {', '.join(stores)}")
        first = {c.store: environments[c] for c in reversed(contestants)}

        def fill(store: str) -> list[Door]:
            environment = first[store] | {"DATABASE_OWNER_URL": made[store]}
            return _fill(store, environment, caseload, altered=store == falsify)

        with ThreadPoolExecutor(len(stores)) as pool:
            doors = dict(zip(stores, pool.map(fill, stores), strict=True))
        yield environments, doors


def _fill(
    store: str, environment: Mapping[str, str], caseload: Caseload, *, altered: bool
) -> list[Door]:
    sizes = {"clients": caseload.clients, "notes": caseload.notes, "bytes": caseload.bytes}
    arguments = [f"--{name}={size}" for name, size in sizes.items()]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.fill", store, *arguments, *["--altered"] * altered],
        cwd=servers.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise CannotMeasure(f"{store} could not be filled:\n{done.stderr.decode()[-4000:]}")
    return [Door(**door) for door in orjson.loads(done.stdout)]


def tell(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
