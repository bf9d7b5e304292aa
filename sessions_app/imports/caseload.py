"""From checked rows to the verbs: what an import remembers between its rows, none of it words."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from uuid import UUID

import orjson
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, care, clients, users, vault
from clients_app.errors import Conflict, Invalid, Refused
from clients_app.models import Client, DestructionRecord, Practice, User
from clients_app.roles import Role
from sessions_app import disclosures, notes, sessions
from sessions_app.imports.rows import NOTE, Problem, Row
from sessions_app.models import Disclosure, ListeningIntent, SessionNote, TherapySession

# Where an id of version 7 has no time, version or variant: 74 bits.
MARK = 0xFFF << 64 | (1 << 62) - 1
# The verbs' names of what the file's columns hold.
COLUMN_OF = {
    "code": "client_code",
    "starts_at": "session_started_at",
    "minutes": "duration_minutes",
    "body": "text",
    "on": "discharged_on",
}


class Rejected(Exception):
    """A row that is well-formed, but not true of this practice."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


@dataclass(slots=True, repr=False)
class File:
    """A client of the caseload, as far as the rows have told. Holds no word."""

    line: int
    client: Client
    key: vault.DataKey
    fresh: bool
    birth_date: date | None
    discharged_on: date | None
    confidants: set[UUID]
    # The marks of the notes and disclosures that are there.
    entries: set[int]
    # Length and modality of each session, by its start.
    sessions: dict[datetime, tuple[int, str]] = field(default_factory=dict)
    writer: User | None = None


class Caseload:
    """What the import knows between rows: clients, counsellors, counts."""

    def __init__(self, practice: Practice, create_counsellors: bool, now: datetime) -> None:
        self.practice = practice
        self.create_counsellors = create_counsellors
        self.now = now
        self.files: dict[str, File] = {}
        self.counsellors = {
            user.email.lower(): user
            for user in care.takers().filter(practice=practice).select_related("practice")
        }
        self.counts: Counter[str] = Counter()
        self.problems: list[Problem] = []
        self.remarks: list[Problem] = []

    @sensitive_variables()
    def take(self, row: Row | list[Problem]) -> None:
        """Write one row, or note why not. A row that is refused leaves nothing behind."""
        self.counts["rows"] += 1
        if not isinstance(row, Row):
            self.problems.extend(row)
            return
        try:
            with transaction.atomic():
                counsellor = self._counsellor(row)
                file = self._file(row, counsellor)
                mark, added = self._write(row, file, counsellor)
        except Rejected as rejected:
            self.problems.append(Problem(row.line, rejected.column, rejected.reason))
            return
        except Refused as refused:
            self.problems.append(_translated(row.line, refused))
            return
        # Only now, so that nothing is remembered of a row that was taken back.
        if row.counsellor_email not in self.counsellors:
            self.counsellors[row.counsellor_email] = counsellor
            self.counts["counsellors"] += 1
        if row.client_code not in self.files:
            self.files[row.client_code] = file
            self.counts["clients"] += file.fresh
        self.counts.update(added)
        if "known" not in added:
            file.entries.add(mark)
            file.writer = counsellor
            file.confidants.add(counsellor.pk)
            file.sessions[row.session_started_at] = (row.duration_minutes, row.modality)

    def discharge(self) -> None:
        """Last of all, once nothing can be added to a file any more."""
        for file in self.files.values():
            if file.discharged_on is None or file.client.discharged_on is not None:
                continue
            if file.writer is None:
                reason = "This client is in care and nothing is new: not discharged."
                self.remarks.append(Problem(file.line, "discharged_on", reason))
                continue
            try:
                clients.discharge(file.client.pk, by=file.writer, on=file.discharged_on)
                self.counts["discharged"] += 1
            except Refused as refused:
                self.problems.append(_translated(file.line, refused))

    def record(self) -> None:
        """One line for the whole, beside those of the verbs."""
        audit.record(
            "caseload.imported",
            by=None,
            practice_id=self.practice.pk,
            bad=len({problem.line for problem in self.problems}),
            counts=dict(self.counts),
        )

    def _counsellor(self, row: Row) -> User:
        known = self.counsellors.get(row.counsellor_email)
        if known is not None:
            return known
        if not self.create_counsellors:
            raise Rejected(
                "counsellor_email",
                "No active counsellor of this practice has this e-mail. Create the user first, "
                "or import with --create-counsellors.",
            )
        words = row.counsellor_email.partition("@")[0].replace(".", " ").replace("_", " ")
        try:
            return users.create(
                by=None,
                email=row.counsellor_email,
                name=words.title().strip() or row.counsellor_email,
                role=Role.COUNSELLOR,
                password=None,
                practice=self.practice,
            )
        except Conflict:
            raise Rejected(
                "counsellor_email",
                "This e-mail has a login already, but not of an active counsellor here.",
            ) from None

    def _file(self, row: Row, counsellor: User) -> File:
        """The client's file as the import knows it, as the database has it, or a new one."""
        file = self.files.get(row.client_code)
        if file is not None:
            for column in ("birth_date", "discharged_on"):
                if getattr(row, column) != getattr(file, column):
                    raise Rejected(column, f"Line {file.line} says otherwise of this client.")
            return file
        client = Client.objects.filter(practice=self.practice, code=row.client_code).first()
        fresh = client is None
        if client is None:
            client = self._register(row, counsellor)
        known = (
            model._default_manager.filter(client=client).values_list("pk", flat=True)
            for model in (SessionNote, Disclosure)
        )
        return File(
            line=row.line,
            client=client,
            key=vault.open_key(client.pk),
            fresh=fresh,
            birth_date=row.birth_date,
            discharged_on=row.discharged_on,
            confidants={counsellor.pk} if fresh else set(),
            entries={pk.int & MARK for pk in chain(*known)},
        )

    def _register(self, row: Row, counsellor: User) -> Client:
        if DestructionRecord.objects.filter(
            practice=self.practice, client_code=row.client_code
        ).exists():
            raise Rejected("client_code", "This client's file was destroyed and stays so.")
        born = row.birth_date.isoformat() if row.birth_date else None
        return clients.register(
            by=counsellor,
            code=row.client_code,
            identity={"birth_date": born},
            now=row.session_started_at,
        )

    @sensitive_variables()
    def _write(self, row: Row, file: File, counsellor: User) -> tuple[int, Counter[str]]:
        """The session, if it is new, and the note or disclosure: its mark and what was added."""
        session_id = file.key.derive_id("import", "session", row.session_started_at.isoformat())
        mark = _mark(row, file.key, session_id, counsellor)
        if mark in file.entries:
            return mark, Counter(known=1)
        if not file.fresh:
            self._check_against(row, file)
        self._confide(row, file, counsellor)
        added: Counter[str] = Counter()
        facts = self._session_facts(row, file, session_id)
        if facts is None:
            sessions.plan(
                file.client.pk,
                by=counsellor,
                starts_at=row.session_started_at,
                minutes=row.duration_minutes,
                modality=row.modality,
                status=TherapySession.Status.HELD,
                id=session_id,
            )
            added["sessions"] += 1
        elif facts != (row.duration_minutes, row.modality):
            column = "modality" if facts[0] == row.duration_minutes else "duration_minutes"
            raise Rejected(column, "An earlier row of this session says otherwise.")
        ended_at = row.session_ended_at
        entry_id = _dated(mark, ended_at, position=len(file.entries))
        if row.kind == NOTE:
            note = notes.write(
                session_id, by=counsellor, body={"text": row.text}, id=entry_id, now=ended_at
            )
            notes.sign(note.pk, by=counsellor, version=note.version, now=ended_at)
            added["notes"] += 1
            added["notes_with_themes"] += bool(row.themes)
        else:
            disclosures.write(
                session_id,
                by=counsellor,
                text=row.text,
                themes=row.themes,
                listening_intent=row.listening_intent or ListeningIntent.UNSURE,
                id=entry_id,
                now=ended_at,
            )
            added["disclosures"] += 1
        return mark, added

    def _check_against(self, row: Row, file: File) -> None:
        """A new row of a client who was there before this import."""
        client = file.client
        if client.discharged_on is not None:
            raise Rejected(
                "client_code",
                "This client is discharged, so nothing can be added. Reopen the file first.",
            )
        born = vault.unseal(client, file.key, "birth_date")
        if row.birth_date is not None and row.birth_date.isoformat() != born:
            raise Rejected("birth_date", "The client's file says otherwise.")
        last = client.last_contact_on
        if row.discharged_on is not None and last is not None and row.discharged_on < last:
            raise Rejected("discharged_on", "The client's last session was after this day.")

    def _confide(self, row: Row, file: File, counsellor: User) -> None:
        """See to it that the counsellor is in care of the client, or refuse the row."""
        if counsellor.pk in file.confidants:
            return
        if file.fresh:
            care.carry_over(file.client.pk, counsellor.pk, now=row.session_started_at)
        elif not access.open_care().filter(client=file.client, user=counsellor).exists():
            raise Rejected(
                "counsellor_email",
                "This client is not in this counsellor's care. Let the manager assign them first.",
            )

    def _session_facts(self, row: Row, file: File, session_id: UUID) -> tuple[int, str] | None:
        known = file.sessions.get(row.session_started_at)
        if known is not None or file.fresh:
            return known
        return (
            TherapySession.objects.filter(pk=session_id).values_list("minutes", "modality").first()
        )


@sensitive_variables()
def _mark(row: Row, key: vault.DataKey, session_id: UUID, counsellor: User) -> int:
    """The same for the same content, and computable by nobody without the client's key."""
    parts = ["import", row.kind, str(session_id), str(counsellor.pk)]
    if row.kind != NOTE:
        parts += [orjson.dumps(row.themes).decode(), row.listening_intent]
    return key.derive_id(*parts, row.text).int & MARK


def _dated(mark: int, moment: datetime, *, position: int) -> UUID:
    """An id of version 7 that sorts by the moment, then by position, and ends in the mark."""
    milliseconds = max(0, int(moment.timestamp() * 1000) + position)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | mark)


def _translated(line: int, refused: Refused) -> Problem:
    """A verb's refusal in the words of the file. Verbs never repeat the input."""
    column = "client_code"
    if isinstance(refused, Invalid):
        column = COLUMN_OF.get(refused.field, refused.field)
    return Problem(line, column, str(refused.message))
