"""What goes along when a client goes from one counsellor to another.

`sessions_app` knows `clients_app`, never the other way. So `care` moves the line of care, and
whoever keeps more of the counsellor's work with a client (meetings that are planned, notes that
are not signed) says here how that follows, and what of it cannot.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from clients_app import wall
from clients_app.models import User


class Mover(Protocol):
    """Moves what follows these clients, in the transaction that moves the line of care. The
    clients' rows are locked."""

    def __call__(
        self, client_ids: Sequence[UUID], *, old: User, new: User, by: User | None, reason: str
    ) -> None: ...


class Counter(Protocol):
    """How many pieces of work a counsellor would leave behind, of these clients or of all."""

    def __call__(self, counsellor: User, client_ids: Sequence[UUID] | None) -> int: ...


_movers: list[Mover] = []
_counters: list[Counter] = []


def follows(mover: Mover) -> None:
    _movers.append(mover)


def stays_behind(counter: Counter) -> None:
    _counters.append(counter)


def go_along(
    client_ids: Sequence[UUID], *, old: User, new: User, by: User | None, reason: str
) -> None:
    for mover in _movers:
        mover(client_ids, old=old, new=new, by=by, reason=reason)


@wall.system("following")
def unsigned(counsellor: User, client_ids: Sequence[UUID] | None = None) -> int:
    """How many notes nobody but the counsellor can sign: a number, never which or whose."""
    return sum(counter(counsellor, client_ids) for counter in _counters)
