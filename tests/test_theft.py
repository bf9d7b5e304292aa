"""Promise C6: whoever can write into the database still cannot make it say anything.

The thief here has superuser SQL. Every seal of one client is swapped, moved, replayed, flipped
and put under another client; each time the reader gets an error and never a wrong word. The
control at the end shows that the untouched rows do read.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from clients_app import clients, holds, vault
from clients_app.crypto import KeyBroken, SealBroken
from clients_app.models import Client, ClientKey
from sessions_app import disclosures, notes, records, sessions
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.conftest import Cast, yesterday


@pytest.fixture
def juhan(cast: Cast) -> Client:
    """Another client of Liis, with a file of the same shape."""
    client = clients.register(by=cast.liis, identity={"full_name": "Juhan Tamm"})
    meeting = sessions.plan(client.pk, by=cast.liis, starts_at=yesterday(), status="held")
    disclosures.write(meeting.pk, by=cast.liis, text="Juhan's words", themes=["debt"])
    notes.write(meeting.pk, by=cast.liis, body={"text": "Juhan's note"})
    return client


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def read_all(client: Client, cast: Cast) -> None:
    """Open everything of a client through the verbs; raises at the first thing that is wrong."""
    clients.read(client.pk, by=cast.liis)
    records.read(client.pk, by=cast.liis)
    for session in TherapySession.objects.filter(client=client):
        sessions.read(session.pk, by=cast.liis)
    for note in SessionNote.objects.filter(client=client):
        notes.read(note.pk, by=cast.liis)
    for disclosure in Disclosure.objects.filter(client=client):
        disclosures.read(disclosure.pk, by=cast.liis)


def test_control_untouched_files_read(
    cast: Cast, mari: Client, juhan: Client, note: SessionNote, confided: Disclosure
) -> None:
    read_all(mari, cast)
    read_all(juhan, cast)


TABLES: dict[str, list[str]] = {
    model._meta.db_table: [field.column for field in model.sealed_fields()]
    for model in (Client, TherapySession, SessionNote, Disclosure)
}
COLUMNS = [(table, column) for table, columns in TABLES.items() for column in columns]


def owner(table: str) -> str:
    return "id" if table == Client._meta.db_table else "client_id"


@pytest.mark.parametrize(("table", "column"), COLUMNS)
class TestEveryColumn:
    def test_anothers_seal(
        self,
        table: str,
        column: str,
        cast: Cast,
        mari: Client,
        juhan: Client,
        note: SessionNote,
        confided: Disclosure,
    ) -> None:
        """Mari's column gets Juhan's seal, and both of them each other's keys and client ids."""
        sql(
            f"UPDATE {table} SET {column} = (SELECT {column} FROM {table}"
            f" WHERE {owner(table)} = %s LIMIT 1) WHERE {owner(table)} = %s",
            juhan.pk,
            mari.pk,
        )
        with pytest.raises(SealBroken):
            read_all(mari, cast)

    def test_another_columns_seal(
        self,
        table: str,
        column: str,
        cast: Cast,
        mari: Client,
        note: SessionNote,
        confided: Disclosure,
    ) -> None:
        others = [name for name in TABLES[table] if name != column]
        if not others:
            sql(
                f"UPDATE {table} SET {column} = (SELECT full_name FROM clients_app_client"
                " WHERE id = client_id)"
            )
        else:
            sql(f"UPDATE {table} SET {column} = {others[0]}")
        with pytest.raises(SealBroken):
            read_all(mari, cast)

    def test_a_flipped_bit(
        self,
        table: str,
        column: str,
        cast: Cast,
        mari: Client,
        note: SessionNote,
        confided: Disclosure,
    ) -> None:
        for byte in (5, 20, 40, -1):
            at = f"octet_length({column}) - 1" if byte < 0 else str(byte)
            flip = f"set_byte({column}, {at}, get_byte({column}, {at}) # 1)"
            sql(f"UPDATE {table} SET {column} = {flip}")
            with pytest.raises(SealBroken):
                read_all(mari, cast)
            sql(f"UPDATE {table} SET {column} = {flip}")
        read_all(mari, cast)


def test_an_older_version_replayed(cast: Cast, mari: Client, meeting: TherapySession) -> None:
    """A draft, the client's identity and a session's place: an earlier seal of the same column
    of the same row is refused."""
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "first"})
    session = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday())
    rewrites: list[tuple[str, str, Any, Callable[[], object]]] = [
        (
            "sessions_app_sessionnote",
            "body",
            draft.pk,
            lambda: notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "second"}),
        ),
        (
            "clients_app_client",
            "phone",
            mari.pk,
            lambda: clients.change(mari.pk, by=cast.liis, version=1, phone="+372 5550 9999"),
        ),
        (
            "sessions_app_therapysession",
            "place",
            session.pk,
            lambda: sessions.move(session.pk, by=cast.liis, version=1, place="Room 3"),
        ),
    ]
    for table, column, row_id, rewrite in rewrites:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [row_id])
            old = bytes(cursor.fetchone()[0])
        rewrite()
        read_all(mari, cast)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [row_id])
            new = bytes(cursor.fetchone()[0])
        sql(f"UPDATE {table} SET {column} = %s WHERE id = %s", old, row_id)
        with pytest.raises(SealBroken):
            read_all(mari, cast)
        sql(f"UPDATE {table} SET {column} = %s WHERE id = %s", new, row_id)


def test_a_row_moved_into_anothers_file(
    cast: Cast, mari: Client, juhan: Client, confided: Disclosure
) -> None:
    sql("UPDATE sessions_app_disclosure SET client_id = %s WHERE id = %s", juhan.pk, confided.pk)
    with pytest.raises(SealBroken):
        disclosures.read(confided.pk, by=cast.liis)
    # A foreign key would refuse it at the end; a thief who owns the server drops that first.
    sql("UPDATE sessions_app_disclosure SET client_id = %s WHERE id = %s", mari.pk, confided.pk)


def test_wrapped_keys_swapped(cast: Cast, mari: Client, juhan: Client) -> None:
    """The wrapped keys of two clients exchanged, alone and together with their ids."""
    ours, theirs = (ClientKey.objects.get(client=c) for c in (mari, juhan))
    for key, other in ((ours, theirs), (theirs, ours)):
        sql(
            "UPDATE clients_app_clientkey SET wrapped = %s WHERE id = %s",
            other.wrapped.token,
            key.pk,
        )
    for client in (mari, juhan):
        with pytest.raises(KeyBroken):
            read_all(client, cast)


def test_a_key_given_to_another_client(cast: Cast, mari: Client, juhan: Client) -> None:
    sql("DELETE FROM clients_app_clientkey WHERE client_id = %s", juhan.pk)
    sql("UPDATE clients_app_clientkey SET client_id = %s WHERE client_id = %s", juhan.pk, mari.pk)
    with pytest.raises(KeyBroken):
        read_all(juhan, cast)


def test_a_hold_too(cast: Cast, mari: Client) -> None:
    one = holds.place(mari.pk, by=cast.piret, matter="one", reason="because")
    other = holds.place(mari.pk, by=cast.piret, matter="other", reason="because")
    sql(
        "UPDATE clients_app_legalhold SET matter ="
        " (SELECT matter FROM clients_app_legalhold WHERE id = %s) WHERE id = %s",
        one.pk,
        other.pk,
    )
    with pytest.raises(vault.SealBroken):
        holds.read(other.pk, by=cast.piret)
