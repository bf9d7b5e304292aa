"""The product's data: files are opened by its verb; sessions and notes are sealed as its verbs do
it and stored in bulk, for 10,000 of them one by one would take minutes."""

from collections.abc import Iterator
from uuid import UUID

from django.core.management import call_command
from django.db import connection, transaction

from clients_app import clients, logins, owner, users, vault, wall
from clients_app.models import Client, Practice, User
from sessions_app.models import Format, Modality, SessionNote, TherapySession
from tests.bench.contestants import Door
from tests.bench.data import Caseload, Entry

PASSWORD = "seven quiet herons at dawn"


def fill(caseload: Caseload) -> Iterator[Door]:
    """Fill the migrated database; one door for each client, by number."""
    call_command("migrate", verbosity=0)
    with wall.system("bench"):
        yield from _fill(caseload)
    with owner.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _fill(caseload: Caseload) -> Iterator[Door]:
    practice = Practice.objects.create(name="Bench", slug="bench")
    counsellors = [_counsellor(n, practice) for n in range(caseload.counsellors)]
    with transaction.atomic():
        for number, entries in caseload.entries():
            mine = caseload.counsellor_of(number)
            user, token = counsellors[mine]
            _other, outsider = counsellors[mine - 1]
            client = clients.register(by=user, identity={"full_name": f"Client {number}"})
            _write(client, user, entries)
            yield Door(str(client.pk), f"Bearer {token}", f"Bearer {outsider}")


def _counsellor(number: int, practice: Practice) -> tuple[User, str]:
    user = users.create(
        by=None,
        email=f"counsellor{number}@bench.example",
        name=f"Counsellor {number}",
        role="counsellor",
        password=PASSWORD,
        practice=practice,
    )
    _login, secret = logins.open_device(user, device="bench")
    return user, secret


def _write(client: Client, user: User, entries: list[Entry]) -> None:
    key = vault.open_key(client.pk)
    sessions = [_session(client, user, entry, key) for entry in entries]
    notes = [
        _note(client, user, entry, session.pk, key)
        for entry, session in zip(entries, sessions, strict=True)
    ]
    TherapySession.objects.bulk_create(sessions)
    SessionNote.objects.bulk_create(notes)


def _session(client: Client, user: User, entry: Entry, key: vault.DataKey) -> TherapySession:
    session = TherapySession(
        practice_id=client.practice_id,
        client=client,
        counsellor=user,
        starts_at=entry.session_at,
        modality=Modality.IN_PERSON,
        status=TherapySession.Status.HELD,
    )
    vault.seal(session, key, place="Room 2")
    return session


def _note(
    client: Client, user: User, entry: Entry, session_id: UUID, key: vault.DataKey
) -> SessionNote:
    note = SessionNote(
        id=entry.id,
        practice_id=client.practice_id,
        client=client,
        session_id=session_id,
        session_at=entry.session_at,
        author=user,
        written_at=entry.session_at,
        revised_at=entry.session_at,
        signed_at=entry.session_at,
    )
    vault.seal(note, key, format=Format.NARRATIVE.value, body={"text": entry.text})
    return note
