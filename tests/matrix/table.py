"""The rows of `access.txt`, and what they say of each cell.

A row: method, address, the scope of each role, the status where the door opens, exceptions.

Scopes
    no        403, whatever is there
    care      the client's confidants
    author    who wrote it, and is still in the client's care
    named     whom it was addressed to
    practice  everything of the own practice
    server    every practice of this server
    all       everybody who is logged in; no file is involved
    public    everybody
    hidden    404, recorded: there is such a page, and nothing on it
    nowhere   404 for everybody: there is no such page

`{note=draft}` names a thing other than the usual one. Exceptions: `discharged=409` in that
relation, `officer=200` for that role; `reads` marks a POST that writes nothing (here), `lists` a
list in which the files themselves are to be found, `empty` a filter by an id: what is not theirs is
not refused, the list is empty. `asked` marks what shows ids that were asked for, whosever they are.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WHERE = Path(__file__).parent / "access.txt"
ROLES = ("counsellor", "supervisor", "desk", "manager", "officer", "superuser")
# Relations of a file to the counsellor who asks; the others' follow from the practice.
OWN, SHARED, COLLEAGUE, ENDED, DISCHARGED = "own", "shared", "colleague", "ended", "discharged"
ELSEWHERE, PURGED, NEVER, MALFORMED = "elsewhere", "purged", "never", "malformed"
HERE = frozenset({OWN, SHARED, COLLEAGUE, ENDED, DISCHARGED})
RELATIONS = (*sorted(HERE), ELSEWHERE, PURGED, NEVER, MALFORMED)
SCOPES: dict[str, frozenset[str]] = {
    "no": frozenset(),
    "hidden": frozenset(),
    "nowhere": frozenset(),
    "care": frozenset({OWN, SHARED, DISCHARGED}),
    "author": frozenset({OWN, DISCHARGED}),
    "named": frozenset({OWN}),
    "practice": HERE,
    "server": HERE | {ELSEWHERE},
    "all": frozenset(RELATIONS),
    "public": frozenset(RELATIONS),
}


# What is no id in an address, and one of the values that it has.
FIXED = {
    "app": "clients_app",
    "anything": "auth/group/",
    "secret": "x",
    "factor": "0",
    "name": "us-az",
}


@dataclass(frozen=True)
class Row:
    """One route and method."""

    method: str
    address: str
    scopes: dict[str, str]
    status: int
    exceptions: dict[str, int]
    marks: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.address}"

    @property
    def route(self) -> str:
        """The address as the URL conf has it."""
        return re.sub(r"{(\w+)=\w+}", r"{\1}", self.address.partition("?")[0])

    @property
    def things(self) -> list[str]:
        """What its ids stand for."""
        return [name for name in re.findall(r"{([\w=]+)}", self.address) if name not in FIXED]

    @property
    def api(self) -> bool:
        return self.address.startswith("api/v1/")

    @property
    def relations(self) -> tuple[str, ...]:
        if not self.things:
            return (OWN,)
        # An id in the query that is none is a mistake to be told, or none at all.
        return tuple(r for r in RELATIONS if r != MALFORMED or "{" in self.route)

    def opens(self, role: str, relation: str) -> bool:
        return relation in SCOPES[self.scopes[role]] and relation != MALFORMED

    def opens_to(self, role: str) -> bool:
        """Whether somebody of this role, logged in or not, gets in at all."""
        return role in self.scopes and self.opens(role, OWN)

    def expected(self, role: str, relation: str) -> int:
        """The status of a cell of somebody who is logged in."""
        filtered = "empty" in self.marks and self.scopes[role] != "no"
        if self.opens(role, relation) or filtered:
            return self.exceptions.get(role, self.exceptions.get(relation, self.status))
        if self.scopes[role] == "no" and relation != MALFORMED:
            return 403
        return 404

    def recorded(self, role: str, relation: str) -> int:
        """How many lines of a denial a cell leaves."""
        unrouted = relation == MALFORMED or self.scopes[role] in ("nowhere", "public")
        return int(self.expected(role, relation) in (403, 404) and not unrouted)


@cache
def rows() -> tuple[Row, ...]:
    """The table. Raises ValueError for a line that is none."""
    return tuple(
        _row(line)
        for line in WHERE.read_text().splitlines()
        if line.strip() and not line.startswith("#")
    )


def _row(line: str) -> Row:
    method, address, *rest = line.split()
    scopes, status, words = rest[: len(ROLES)], rest[len(ROLES)], rest[len(ROLES) + 1 :]
    if not set(scopes) <= SCOPES.keys():
        raise ValueError(line)
    said = dict(word.split("=") for word in words if "=" in word)
    if not said.keys() <= {*ROLES, *RELATIONS, "anonymous"}:
        raise ValueError(line)
    return Row(
        method,
        address,
        dict(zip(ROLES, scopes, strict=True)),
        int(status),
        {name: int(value) for name, value in said.items()},
        frozenset(word for word in words if "=" not in word),
    )
