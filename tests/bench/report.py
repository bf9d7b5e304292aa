"""The figures as a table for people and as JSON for machines."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from statistics import median
from typing import Any

import psycopg

from tests.bench.data import Caseload
from tests.bench.measure import AT_ONCE, Entrant, Ratio, by_name, ratio

PACKAGES = ("django", "djangorestframework", "psycopg", "cryptography", "orjson", "granian")


@dataclass(frozen=True, slots=True)
class Goal:
    """A promised ratio between two contestants."""

    title: str
    above: str
    below: str
    figure: float
    at_least: bool

    def value(self, entrants: Mapping[str, Entrant], at_once: int) -> Ratio:
        above, below = entrants[self.above], entrants[self.below]
        if self.at_least:
            return ratio(above.requests_per_second(at_once), below.requests_per_second(at_once))
        return ratio(above.p50(at_once), below.p50(at_once))

    def reached(self, value: Ratio) -> bool:
        return value.middle >= self.figure if self.at_least else value.middle <= self.figure


S1 = (
    Goal("requests/s, as a multiple of Stock's", "product", "stock", 5.0, at_least=True),
    Goal("requests/s, of Stock's with a trail", "product", "recorded", 5.0, at_least=True),
    Goal("p50, as a multiple of the floor's", "product", "floor", 1.8, at_least=False),
)


def machine(address: str) -> dict[str, Any]:
    """Where it was measured, and whether the database kept what it acknowledged."""
    with psycopg.connect(address) as connection:
        settings = {
            name: _one(connection, f"SHOW {name}")
            for name in ("server_version", "fsync", "synchronous_commit", "full_page_writes")
        }
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": settings.pop("server_version"),
        **{name: version(name) for name in PACKAGES},
        **settings,
    }


def durable(where: Mapping[str, Any]) -> bool:
    return {where["fsync"], where["synchronous_commit"]} == {"on"}


def lines_on_trail(address: str, query: str) -> int:
    with psycopg.connect(address) as connection:
        # The product shows its trail to whoever says a purpose; the others take no notice.
        connection.execute("SET usaldus.purpose = 'bench'")
        return int(_one(connection, query))


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def table(entrants: Sequence[Entrant], caseload: Caseload, where: Mapping[str, Any]) -> str:
    """What a person wants to see."""
    width = max(len(entrant.contestant.title) for entrant in entrants)
    head = "   ".join(f"{'req/s':>7} {'p50 ms':>7} {'p99 ms':>7}" for _ in AT_ONCE)
    over = "   ".join(f"{f'{n} at a time':>23}" for n in AT_ONCE)
    lines = [
        f"A client's record of {caseload.notes} entries of {caseload.bytes} bytes over HTTP;"
        f" {caseload.clients} clients in turn",
        ", ".join(f"{name} {value}" for name, value in where.items()),
        "",
        f"{'':{width}}   {over}   {'answer':>9}",
        f"{'':{width}}   {head}   {'bytes':>9}",
    ]
    for entrant in entrants:
        cells = "   ".join(
            f"{median(entrant.requests_per_second(n)):7.0f} {median(entrant.p50(n)):7.2f}"
            f" {entrant.p99(n):7.2f}"
            for n in AT_ONCE
        )
        lines.append(f"{entrant.contestant.title:{width}}   {cells}   {entrant.answer_bytes:9,}")
    return "\n".join([*lines, "", *_verdicts(entrants)])


def _verdicts(entrants: Sequence[Entrant]) -> list[str]:
    known, lines = by_name(entrants), []
    for goal in S1:
        if not {goal.above, goal.below} <= known.keys():
            continue
        bound = "at least" if goal.at_least else "at most"
        for at_once in AT_ONCE:
            value = goal.value(known, at_once)
            verdict = "reached" if goal.reached(value) else "falls short"
            lines.append(
                f"{goal.title}, {at_once} at a time: {value.middle:.2f}"
                f" ({value.least:.2f} to {value.most:.2f}); goal {bound} {goal.figure}: {verdict}"
            )
    return lines


def figures(
    entrants: Sequence[Entrant], caseload: Caseload, where: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything, round by round."""
    known = by_name(entrants)
    return {
        "machine": dict(where),
        "caseload": asdict(caseload),
        "contestants": {
            name: {
                "answers": entrant.answers,
                "answer_bytes": entrant.answer_bytes,
                "at_once": {
                    str(n): {
                        "requests_per_second": entrant.requests_per_second(n),
                        "p50_ms": entrant.p50(n),
                        "p99_ms": entrant.p99(n),
                    }
                    for n in AT_ONCE
                },
            }
            for name, entrant in known.items()
        },
        "goals": [
            {
                "title": goal.title,
                "at_once": at_once,
                "goal": goal.figure,
                **asdict(value),
                "reached": goal.reached(value),
            }
            for goal in S1
            if {goal.above, goal.below} <= known.keys()
            for at_once in AT_ONCE
            for value in [goal.value(known, at_once)]
        ],
    }
