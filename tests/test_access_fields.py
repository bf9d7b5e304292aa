"""Which fields and which words each role gets: identity without content for the front desk, a trail
without either for the privacy officer, an excerpt and no file for the supervisor."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from clients_app.fields import SealedField
from tests.conftest import undone
from tests.matrix import world
from tests.matrix.sweep import Seat
from tests.matrix.table import OWN, ROLES, Row
from tests.test_access_matrix import DOORS, Sit, _quiet, matrix, sit

__all__ = ["_quiet", "matrix", "sit"]
WHERE = Path(__file__).parent / "matrix" / "keys.txt"
IDENTITY = {column for column in world.COLUMNS if column.startswith("Client.")}
EXCERPT = {"SupervisionExcerpt.pseudonym", "SupervisionExcerpt.text"}
TOLD = {column for column in world.COLUMNS if column.startswith("ConfidentialityException.")}
SAID = {"SessionNote.body", "Disclosure.text", "Disclosure.themes"}
# What each role reads somewhere, of a file that is open to it. Earlier versions of a draft nobody.
SEES = {
    "counsellor": IDENTITY | SAID | EXCERPT | TOLD | {"TherapySession.place"},
    "supervisor": EXCERPT,
    "desk": IDENTITY | {"TherapySession.place"},
    "manager": IDENTITY | {"TherapySession.place"},
    "officer": IDENTITY
    | {"LegalHold.matter", "LegalHold.reason", "LegalHold.notice_to"}
    | {"ClientRequest.details", "BreakGlass.reason", "BreakGlass.review"},
    "superuser": set(),
}
# Whoever reads these pages reads ids, codes, labels and numbers, and the names of colleagues.
CONTENT_FREE = (
    "trail",
    "access-log",
    "auditevent",
    "purge",
    "destruction",
    "rule",
    "user",
    "/care",
)


def opened(seat: Seat, door: str) -> Iterator[tuple[Row, Any]]:
    """The answers of everything that opens to somebody, of their own file."""
    for row in DOORS[door]:
        if row.opens_to(seat.role):
            with undone():
                yield row, seat.ask(row, OWN, of=row.address)


def test_every_sealed_column_has_its_word() -> None:
    """A new one is planted in `world.file`, or nobody could tell it in a page."""
    sealed = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealedField) and model.__module__.startswith(("clients_", "sessions_"))
    }
    assert sealed == {*world.COLUMNS, *world.NOT_WORDS}


@pytest.mark.parametrize("door", ["api", "admin"])
def test_who_reads_which_words(sit: Sit, door: str) -> None:
    for role in ROLES:
        seat = sit(role, door)
        words = seat.world.words
        seen: set[str] = set()
        for row, response in opened(seat, door):
            here = {column for column, word in words.items() if word.encode() in response.content}
            if any(part in row.route for part in CONTENT_FREE):
                assert not here, f"{row.name} | {role}"
            seen |= here
        assert seen == SEES[role], role


def keys(value: Any, path: str = "") -> Iterator[str]:
    """The names in an answer, with those they are in."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}{name}"
            if name not in ("detail", "counts"):
                yield from keys(inner, f"{path}{name}.")
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, path)


def test_each_answer_has_these_fields_and_no_others(sit: Sit) -> None:
    """`keys.txt` has a line for each answer, one more for a role that gets others (`@officer`)."""
    found: dict[str, dict[str, str]] = {}
    for role in ROLES:
        for row, response in opened(sit(role, "api"), "api"):
            if response.status_code < 300 and response.content:
                names = " ".join(sorted(set(keys(response.json()))))
                found.setdefault(row.name, {})[role] = names
    lines = []
    for name, by_role in found.items():
        # Whoever finds nothing in a list shows fewer names; the fullest answer is the usual one.
        usual = max(by_role.values(), key=len)
        lines.append(f"{name}: {usual}")
        for role, names in by_role.items():
            if names != usual:
                lines.append(f"{name} @{role}: {names}")
    written = [line for line in WHERE.read_text().splitlines() if line and line[0] != "#"]
    new = [line for line in lines if line not in written]
    gone = [line for line in written if line not in lines]
    told = [f"Answers have other fields than {WHERE} says.", "Now:", *new, "Written:", *gone]
    assert not new + gone, "\n".join(told)
