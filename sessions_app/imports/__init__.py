"""A caseload from elsewhere, once: clients, sessions, notes and disclosures out of a CSV file.

Every row is written as its counsellor, through the same verbs as at the desk, so what an import
may do is what that counsellor may do. The operator only carries it in: nothing is read back, and
no cell of the file is ever repeated, in no report, log or line of the trail.

It is one transaction. If a single row is bad nothing is written, unless the operator asks for the
good rows alone; an import that is interrupted leaves nothing and is simply run again. The ids of
what is written are derived from its content under the client's own key, so a second import of the
same file finds everything there already, while the database holds no fingerprint of a word. They
begin with the time of the session and then keep the file's order, as ids made at the desk do.

A file once destroyed does not come back by this door: a row of such a client is refused, and so
is a new row of a client who is discharged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from clients_app import audit, wall
from clients_app.models import Practice
from sessions_app.imports.caseload import Caseload
from sessions_app.imports.rows import CELLS, Problem, Unreadable, read

__all__ = ["COLUMNS", "Problem", "Report", "load"]

COLUMNS = tuple(CELLS)


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or would have done where nothing was `written`.

    `refused` because of its bad rows, or because it is `unreadable` from some line on.
    `counts`: rows, known (rows that were there already), counsellors, clients, sessions, notes,
    disclosures, discharged.
    """

    written: bool
    refused: bool
    unreadable: bool
    counts: Mapping[str, int]
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]

    @property
    def bad_rows(self) -> int:
        return len({problem.line for problem in self.problems})


@wall.system("import")
@sensitive_variables()
def load(
    file: BinaryIO,
    *,
    practice: Practice,
    dry_run: bool = False,
    skip_bad: bool = False,
    create_counsellors: bool = False,
    progress: Callable[[], None] = lambda: None,
    now: datetime | None = None,
) -> Report:
    """Bring a caseload into the practice. For the operator's command line: it has no actor.

    `progress` is called after each row. A dry run does everything and then takes it back.
    """
    caseload = Caseload(practice, create_counsellors, now or timezone.now())
    door = audit.doorway.set(audit.Doorway("import"))
    unreadable = False
    try:
        with transaction.atomic():
            try:
                for row in read(file, practice, now=caseload.now):
                    caseload.take(row)
                    progress()
            except Unreadable as end:
                unreadable = True
                caseload.problems.append(end.problem)
            caseload.discharge()
            refused = unreadable or (bool(caseload.problems) and not skip_bad)
            if refused or dry_run:
                transaction.set_rollback(True)
            else:
                caseload.record()
    finally:
        audit.doorway.reset(door)
    return Report(
        written=not (refused or dry_run),
        refused=refused,
        unreadable=unreadable,
        counts=caseload.counts,
        problems=tuple(caseload.problems),
        remarks=tuple(caseload.remarks),
    )
