"""Compare, then measure in turns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench import load
from tests.bench.contestants import Contestant, Door
from tests.bench.data import Caseload
from tests.bench.load import Line, Request, Slot

AT_ONCE = (1, 4)
WARM_UP = 0.4


class Differs(Exception):
    """A contestant answers otherwise than it should; the message says what."""


@dataclass
class Entrant:
    """A contestant on its port, with what to ask it; counts what it has answered."""

    contestant: Contestant
    port: int
    doors: Sequence[Door]
    requests: list[Request] = field(default_factory=list)
    answers: int = 0
    slots: dict[int, list[Slot]] = field(default_factory=lambda: {n: [] for n in AT_ONCE})

    def request(self, door: Door, authorization: str) -> Request:
        path = self.contestant.route.format(client=door.client)
        return load.request(self.port, path, authorization)

    def requests_per_second(self, at_once: int) -> list[float]:
        return [slot.answers / slot.elapsed for slot in self.slots[at_once]]

    def p50(self, at_once: int) -> list[float]:
        return [1000 * median(slot.latencies) for slot in self.slots[at_once]]

    def p99(self, at_once: int) -> float:
        pooled = sorted(x for slot in self.slots[at_once] for x in slot.latencies)
        return 1000 * pooled[int(0.99 * (len(pooled) - 1))]

    @property
    def answer_bytes(self) -> int:
        return round(sum(r.length for r in self.requests) / len(self.requests))


def compare(entrants: Sequence[Entrant], caseload: Caseload) -> None:
    """Every contestant shows every client's notes, word for word and in order, to the counsellor;
    and if it guards them, to nobody else. Raises Differs."""
    for entrant in entrants:
        line = Line(entrant.port)
        for (number, wanted), door in zip(caseload.entries(), entrant.doors, strict=True):
            where = f"{entrant.contestant.title}, client {number}"
            asked = entrant.request(door, door.insider)
            status, body = line.ask(asked.raw)
            if status != 200:
                raise Differs(f"{where}: status {status}: {bytes(body[:300])!r}")
            entrant.answers += 1
            shown = entrant.contestant.read(bytes(body))
            if shown != wanted:
                raise Differs(f"{where}: {_difference(shown, wanted)}")
            entrant.requests.append(Request(asked.raw, len(body)))
        if entrant.contestant.guarded:
            _refuses_outsiders(entrant, line)
        line.close()


def _refuses_outsiders(entrant: Entrant, line: Line) -> None:
    door = entrant.doors[0]
    for somebody in (door.outsider, ""):
        status, body = line.ask(entrant.request(door, somebody).raw)
        if status == 200 and entrant.contestant.read(bytes(body)):
            raise Differs(f"{entrant.contestant.title} shows a record to an outsider.")


def _difference(shown: Sequence[object], wanted: Sequence[object]) -> str:
    if len(shown) != len(wanted):
        return f"{len(shown)} notes instead of {len(wanted)}"
    at = next(n for n, pair in enumerate(zip(shown, wanted, strict=True)) if pair[0] != pair[1])
    return f"note {at} is {str(shown[at])[:200]}, not {str(wanted[at])[:200]}"


def rounds(
    entrants: Sequence[Entrant], *, count: int, seconds: float, tell: Callable[[str], None]
) -> None:
    """Everybody in turn in each round, in an order that moves on from round to round."""
    for entrant in entrants:
        _slot(entrant, max(AT_ONCE), min(WARM_UP, seconds), seed=-1)
    for number in range(count):
        tell(f"round {number + 1} of {count}")
        turn = number % len(entrants)
        for at_once in AT_ONCE:
            for entrant in [*entrants[turn:], *entrants[:turn]]:
                slot = _slot(entrant, at_once, seconds, seed=number)
                entrant.slots[at_once].append(slot)


def _slot(entrant: Entrant, at_once: int, seconds: float, seed: int) -> Slot:
    slot = load.run(entrant.port, entrant.requests, at_once=at_once, seconds=seconds, seed=seed)
    entrant.answers += slot.answers
    return slot


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median over the rounds of a ratio inside each round, and its range."""

    middle: float
    least: float
    most: float


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    each = [a / b for a, b in zip(above, below, strict=True)]
    return Ratio(median(each), min(each), max(each))


def by_name(entrants: Sequence[Entrant]) -> Mapping[str, Entrant]:
    return {entrant.contestant.name: entrant for entrant in entrants}
