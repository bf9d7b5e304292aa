"""Holds against purges, at the same moment, on connections of their own (promise P2).

Each race is about one file that is approved for destruction. Two threads start at one signal: one
places a legal hold, the other settles the file as the worker does. Whoever was told that the hold
is placed must find the file; whoever was told that the file is gone must find no trace of it but
its certificate. Which of them comes first is left to chance, helped by a delay of some
milliseconds, so that both happen.

`make bench WHAT=races` runs ten thousand, the suite some hundreds.
"""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection

from clients_app import approvals, clients, destruction, holds, purges, rules, wall
from clients_app.errors import Hidden
from clients_app.models import Client, DestructionRecord, LegalHold, PurgeItem, User

ENDED = date(2014, 2, 1)
# Seconds. The worker looks for its file before it locks it, so whoever places a hold comes later.
HOLD_LATEST, SETTLE_LATEST = 0.025, 0.004
Item = PurgeItem.Status


@dataclass(frozen=True)
class Result:
    """How the races ended. `lost`: a hold was acknowledged and its file is gone, or a file is
    called destroyed and is there. `failed`: neither came to an end."""

    held: int
    destroyed: int
    lost: int
    failed: int


def run(races: int, *, counsellor: User, officer: User, seed: int = 1) -> Result:
    """So many races among the files of a new run."""
    ids = _due(races, counsellor, officer)
    chance = random.Random(seed)
    start = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(_hold_each, ids, officer, start, _delays(chance, races, HOLD_LATEST))
        pool.submit(_settle_each, races, start, _delays(chance, races, SETTLE_LATEST)).result()
        acknowledged = holding.result()
    there = set(Client.objects.filter(pk__in=ids).values_list("pk", flat=True))
    in_force = set(LegalHold.objects.filter(client_id__in=ids).values_list("client_id", flat=True))
    gone = set(
        DestructionRecord.objects.filter(client_id__in=ids).values_list("client_id", flat=True)
    )
    settled = dict(PurgeItem.objects.filter(client_id__in=ids).values_list("client_id", "status"))
    held = (acknowledged & there & in_force) - gone
    destroyed = gone - acknowledged - there - in_force
    failed = {pk for pk in ids if settled[pk] == Item.PENDING} - held
    lost = set(ids) - held - destroyed - failed
    return Result(len(held), len(destroyed), len(lost), len(failed))


def _due(races: int, counsellor: User, officer: User) -> list[UUID]:
    """So many files that were due years ago, in the order in which the worker takes them."""
    rules.decide(by=officer, trigger="discharge", years=7, source="policy")
    for _number in range(races):
        made = clients.register(by=counsellor)
        clients.discharge(made.pk, by=counsellor, on=ENDED)
    proposed = purges.propose(by=officer)
    assert proposed is not None
    approvals.approve(proposed.pk, by=officer, files=races)
    items = PurgeItem.objects.filter(run=proposed).order_by("client_code")
    return list(items.values_list("client_id", flat=True))


def _delays(chance: random.Random, races: int, latest: float) -> list[float]:
    return [chance.uniform(0, latest) for _number in range(races)]


def _hold_each(
    ids: list[UUID], officer: User, start: threading.Barrier, delays: list[float]
) -> set[UUID]:
    """The files on which the hold was acknowledged."""
    acknowledged = set()
    with _asking():
        for pk, delay in zip(ids, delays, strict=True):
            start.wait(60)
            time.sleep(delay)
            try:
                holds.place(pk, by=officer, matter="Case 7", reason="The court asked.")
            except Hidden:
                continue
            acknowledged.add(pk)
    return acknowledged


def _settle_each(races: int, start: threading.Barrier, delays: list[float]) -> None:
    with _asking():
        for _number, delay in zip(range(races), delays, strict=True):
            start.wait(60)
            time.sleep(delay)
            destruction._settle_next()


@contextmanager
def _asking() -> Iterator[None]:
    """A thread has a connection of its own, and asks as a command does."""
    try:
        with wall.system("races"):
            yield
    finally:
        connection.close()
