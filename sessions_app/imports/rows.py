"""From bytes to checked rows: a caseload's CSV, read as a stream, one row in memory at a time.

What is wrong with a row is said by line, column and reason. No cell is ever repeated, not even a
short one: which cell holds a client's words is exactly what a broken file gets wrong.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.views.decorators.debug import sensitive_variables

from clients_app import retention
from clients_app.facts import CODE
from clients_app.models import Practice
from clients_app.texts import LONGEST_TEXT
from sessions_app.models import ListeningIntent, Modality

NOTE, DISCLOSURE = "note", "disclosure"
# A cell beyond this is no row that could be refused but a file that cannot be read: most often a
# quotation mark that was never closed.
LONGEST_CELL = 4 * LONGEST_TEXT
QUOTES = (
    "From this row on, rows cannot be told apart: its quotation marks do not match, or a cell is "
    f"longer than {LONGEST_CELL // 2**20} MiB. A cell with commas, quotes or line breaks stands "
    "in quotes, and quotes within it are doubled."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be imported. `column` is empty where it is the row as a whole."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One note or disclosure and its place, checked as far as the row itself tells."""

    line: int
    client_code: str
    birth_date: date | None
    counsellor_email: str
    session_started_at: datetime
    duration_minutes: int
    modality: str
    kind: str
    themes: tuple[str, ...]
    listening_intent: str
    discharged_on: date | None
    text: str

    @property
    def session_ended_at(self) -> datetime:
        return self.session_started_at + timedelta(minutes=self.duration_minutes)


class Unreadable(Exception):
    """From here on the file is no caseload at all."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(line, "", reason)


class Unfit(Exception):
    """A cell cannot be what its column asks for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(file: BinaryIO, practice: Practice, *, now: datetime) -> Iterator[Row | list[Problem]]:
    """Each row of the file, or what is wrong with it. Raises Unreadable."""
    records = _records(file)
    line, header = next(records, (1, []))
    _check_header(line, header)
    for line, cells in records:
        if len(cells) != len(header):
            reason = f"This row has {len(cells)} cells, the header has {len(header)}."
            yield [Problem(line, "", reason)]
            continue
        yield _row(line, dict(zip(header, cells, strict=True)), practice, now)


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins in; empty lines are passed over."""
    # Line breaks stay as they are (newline=""), and bytes that are not UTF-8 come through as
    # surrogates, to be reported in their column.
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(_lines(text), strict=True)
    line = 1
    try:
        with _cells_up_to(LONGEST_CELL):
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
    except csv.Error:
        raise Unreadable(line, QUOTES) from None
    finally:
        text.detach()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LONGEST_CELL):
        if len(line) == LONGEST_CELL:
            raise csv.Error
        yield line


@contextmanager
def _cells_up_to(length: int) -> Iterator[None]:
    before = csv.field_size_limit(length)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _check_header(line: int, header: list[str]) -> None:
    """Refuse a wrong first line. It may be no header but somebody's words: then none is named."""
    missing = [name for name in CELLS if name not in header]
    if len(missing) > len(CELLS) / 2:
        semicolons = len(header) == 1 and header[0].count(";") >= len(CELLS) / 2
        hint = " Its cells seem to be separated by semicolons." if semicolons else ""
        raise Unreadable(
            line,
            f"The first line has to name the columns, separated by commas: {','.join(CELLS)}."
            + hint,
        )
    wrong = [f"The column {name} is missing." for name in missing]
    for position, name in enumerate(header, 1):
        if name not in CELLS:
            called = f" ({name})" if re.fullmatch(r"[A-Za-z_]{1,32}", name) else ""
            wrong.append(f"Column {position}{called} is unknown.")
        elif name in header[: position - 1]:
            wrong.append(f"The column {name} is there twice.")
    if wrong:
        raise Unreadable(line, " ".join(wrong))


@sensitive_variables()
def _row(
    line: int, cells: Mapping[str, str], practice: Practice, now: datetime
) -> Row | list[Problem]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, parse in CELLS.items():
        cell = cells[column]
        try:
            _check_characters(cell)
            values[column] = parse(cell if column == "text" else cell.strip())
        except Unfit as unfit:
            problems.append(Problem(line, column, unfit.reason))
    if problems:
        return problems
    row = Row(line=line, **values)
    return [Problem(line, *wrong) for wrong in _contradictions(row, practice, now)] or row


def _contradictions(row: Row, practice: Practice, now: datetime) -> Iterator[tuple[str, str]]:
    """What cannot be true of the row as a whole: column and reason."""
    met_on = retention.local_day(practice, row.session_started_at)
    today = retention.local_day(practice, now)
    if row.session_started_at > now:
        yield "session_started_at", "This session lies in the future."
    elif row.session_ended_at > now:
        yield "duration_minutes", "This session has not ended yet."
    if row.birth_date is not None and row.birth_date > met_on:
        yield "birth_date", "The session was before this birth date."
    if row.discharged_on is not None and row.discharged_on > today:
        yield "discharged_on", "The day of discharge lies in the future."
    if row.discharged_on is not None and row.discharged_on < met_on:
        yield "session_started_at", "The session was after the day of discharge."
    if row.kind == NOTE and row.listening_intent:
        yield "listening_intent", "Only a disclosure has a listening intent: leave it empty."


def _check_characters(cell: str) -> None:
    if "\0" in cell:
        raise Unfit("This contains the character NUL (U+0000).")
    try:
        cell.encode()
    except UnicodeEncodeError:
        raise Unfit("This is not UTF-8. Save the file as UTF-8.") from None


def _code(cell: str) -> str:
    if not CODE.fullmatch(cell):
        raise Unfit("A code has 1 to 32 letters, digits, dots and hyphens.")
    return cell


def _day(cell: str) -> date | None:
    if not cell:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
            raise ValueError
        day = date.fromisoformat(cell)
    except ValueError:
        raise Unfit("Give the date as in 1984-05-17, or nothing.") from None
    if day.year < 1880:
        raise Unfit("Check the year.")
    return day


def _email(cell: str) -> str:
    try:
        validate_email(cell)
        if len(cell) > 254:
            raise ValidationError("longer than its column")
    except ValidationError:
        raise Unfit("This is not an e-mail address.") from None
    return cell.lower()


def _moment(cell: str) -> datetime:
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        raise Unfit("Give the time as in 2026-03-01T14:00+02:00.") from None
    if moment.tzinfo is None:
        raise Unfit("Give the time with its zone, as in 2026-03-01T14:00+02:00.")
    if not 1950 <= moment.year <= 2200:
        raise Unfit("Check the year.")
    return moment.astimezone(UTC)


def _minutes(cell: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", cell) or not 5 <= int(cell) <= 24 * 60:
        raise Unfit("Give the length in minutes, from 5 to 1440.")
    return int(cell)


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(cell: str) -> str:
        if cell not in allowed:
            raise Unfit(f"Give one of: {', '.join(name or '(nothing)' for name in allowed)}.")
        return cell

    return parse


def _themes(cell: str) -> tuple[str, ...]:
    return tuple(theme for part in cell.split(";") if (theme := part.strip()))


def _text(cell: str) -> str:
    if not cell.strip():
        raise Unfit("There is no text.")
    if len(cell.encode()) > LONGEST_TEXT:
        raise Unfit(f"This is longer than {LONGEST_TEXT // 2**20} MiB. Divide it.")
    return cell


CELLS: Mapping[str, Callable[[str], Any]] = {
    "client_code": _code,
    "birth_date": _day,
    "counsellor_email": _email,
    "session_started_at": _moment,
    "duration_minutes": _minutes,
    "modality": _one_of(*Modality.values),
    "kind": _one_of(NOTE, DISCLOSURE),
    "themes": _themes,
    "listening_intent": _one_of("", *ListeningIntent.values),
    "discharged_on": _day,
    "text": _text,
}
