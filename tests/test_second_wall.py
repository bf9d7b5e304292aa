"""The database shows only what somebody may see, even to an application that forgot to ask.

Each check of `access` is taken away here, and Mark, a colleague, and Olga, from elsewhere, still
see nothing of Mari, who is in Liis's care.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from psycopg import sql
from rest_framework.test import APIClient

from clients_app import (
    access,
    break_glass,
    care,
    checks,
    clients,
    exceptions,
    owner,
    vault,
    wall,
)
from clients_app.errors import Hidden
from clients_app.models import (
    AuditEvent,
    BreakGlass,
    CareAssignment,
    Client,
    ClientKey,
    ClientTold,
    ConfidentialityException,
    LegalHold,
    Practice,
    User,
)
from clients_app.roles import Permission, Scope
from sessions_app import disclosures, notes
from sessions_app.models import Disclosure, NoteVersion, SessionNote, TherapySession
from tests.conftest import Cast
from tests.test_stolen_database import superuser_url

CONTENT: list[type[models.Model]] = [SessionNote, NoteVersion, Disclosure]
IDENTITY: list[type[models.Model]] = [Client, ClientKey, CareAssignment, TherapySession]
EVERYBODY = ["liis", "mark", "sofia", "frida", "mattias", "piret", "olga", "root"]


@contextmanager
def asking(user: User) -> Iterator[None]:
    with wall.nobody():
        wall.enter(user.pk)
        yield


def walled() -> set[type[models.Model]]:
    """The models that hold something of a client."""
    return {
        model
        for model in apps.get_models()
        if model._meta.app_label in ("clients_app", "sessions_app")
        and (model is Client or any(f.attname == "client_id" for f in model._meta.concrete_fields))
    }


def columns_of(model: type[models.Model]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields}


def one(sql: str, *params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]


def check_now() -> None:
    """What foreign keys say at the end of a transaction, now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture
def file(cast: Cast, mari: Client, note: SessionNote, confided: Disclosure) -> Client:
    """Mari's file with a row in every table that has been said something in."""
    draft = notes.write(note.session_id, by=cast.liis, body={"text": "A first thought."})
    notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "A second thought."})
    return mari


def test_every_table_with_a_clients_data_is_walled(db: None) -> None:
    """A new table without a policy fails here."""
    for model in walled():
        table = model._meta.db_table
        forced = one(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
            table,
        )
        assert forced, f"{table} needs a wall: see clients_app/migrations/_policies.py"


def test_no_foreign_key_can_point_across(db: None) -> None:
    """Where both rows belong to a practice or a client, the key says that it is the same one."""
    for model in walled():
        for field in model._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey) or field.name == "practice":
                continue
            other: Any = field.related_model
            shared = {"practice_id", "client_id"} & columns_of(model) & columns_of(other)
            if not shared:
                continue
            columns = one(
                """SELECT array_agg(DISTINCT a.attname::text) FROM pg_constraint k
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                WHERE k.contype = 'f' AND k.convalidated AND k.conrelid = %s::regclass
                    AND k.confrelid = %s::regclass AND cardinality(k.conkey) = 2
                    AND EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = k.conrelid
                        AND b.attnum = ANY (k.conkey) AND b.attname = %s)""",
                model._meta.db_table,
                other._meta.db_table,
                field.column,
            )
            within = set(columns or ()) - {field.column}
            assert within & {"practice_id", "client_id"}, f"{model.__name__}.{field.name}"


def test_nobody_sees_nothing(file: Client) -> None:
    assert all(model._default_manager.exists() for model in CONTENT + IDENTITY)  # the control
    with wall.nobody():
        for model in walled():
            assert not model._default_manager.exists(), model


SEES = {
    #           identity, content
    "liis": (True, True),
    "mark": (False, False),
    "sofia": (False, False),
    "frida": (True, False),
    "mattias": (True, False),
    "piret": (True, False),
    "olga": (False, False),
    "root": (False, False),
}


@pytest.mark.parametrize("who", EVERYBODY)
def test_what_each_may_see_at_most(cast: Cast, file: Client, who: str) -> None:
    with asking(getattr(cast, who)):
        assert [m._default_manager.exists() for m in IDENTITY] == [SEES[who][0]] * len(IDENTITY)
        assert [m._default_manager.exists() for m in CONTENT] == [SEES[who][1]] * len(CONTENT)


LEDGER: list[type[models.Model]] = [ConfidentialityException, ClientTold]
SEES_OF_CUSTODY = {
    #           what was told, emergencies, others' lines on the trail
    "liis": (True, True, True),
    "mark": (True, True, True),  # while he has the file open in an emergency
    "sofia": (False, False, False),
    "frida": (False, False, False),
    "mattias": (False, False, False),
    "piret": (True, True, True),
    "olga": (False, False, False),
    "root": (False, False, False),
}


@pytest.mark.parametrize("who", EVERYBODY)
def test_what_was_told_of_a_client_is_not_the_whole_offices(
    cast: Cast, file: Client, told: ConfidentialityException, who: str
) -> None:
    """To whom the confidence was broken, who opened the file in an emergency and who read it."""
    exceptions.tell(told.pk, by=cast.liis)
    break_glass.request(
        file.code, by=cast.mark, reason_code="other", text="She called and said goodbye."
    )
    with asking(getattr(cast, who)):
        of_others = AuditEvent.objects.filter(client_id=file.pk).exclude(
            actor_id=getattr(cast, who).pk
        )
        seen = (*(m._default_manager.exists() for m in LEDGER), BreakGlass.objects.exists())
        told_of, emergencies, trail = SEES_OF_CUSTODY[who]
        assert (*seen, of_others.exists()) == (told_of, told_of, emergencies, trail)


def test_a_disabled_user_sees_nothing(cast: Cast, file: Client) -> None:
    User.objects.filter(pk=cast.liis.pk).update(is_active=False)
    with asking(cast.liis):
        assert not Client.objects.exists()


def test_what_is_seen_ends_with_care_in_the_middle_of_a_transaction(
    cast: Cast, file: Client
) -> None:
    with asking(cast.liis):
        care.hand_over(file.pk, cast.mark.pk, by=cast.liis)
        assert not SessionNote.objects.exists()
    with asking(cast.mark):
        assert SessionNote.objects.exists()


@pytest.fixture
def _no_first_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application forgets to ask: whoever comes may do anything to anybody."""

    def all_rows(user: User, permission: Permission, rows: Any, **_: Any) -> Any:
        return rows

    def found(rows: Any, row_id: Any, user: User, permission: Permission, **_: Any) -> Any:
        row = rows.filter(pk=row_id).first()
        return row or access.hide(user, permission, client_id=None, subject_id=row_id)

    monkeypatch.setattr(access, "scope", lambda user, permission: Scope.PRACTICE)
    monkeypatch.setattr(access, "_stands_in", lambda *_: True)
    monkeypatch.setattr(access, "visible_to", all_rows)
    monkeypatch.setattr(access, "find", found)


@pytest.mark.usefixtures("_no_first_wall")
@pytest.mark.parametrize("who", ["mark", "olga", "sofia", "root"])
def test_without_the_first_wall_no_foreign_row_comes_through_the_api(
    cast: Cast,
    file: Client,
    note: SessionNote,
    confided: Disclosure,
    phone: Callable[[User], APIClient],
    who: str,
) -> None:
    stranger, liis = phone(getattr(cast, who)), phone(cast.liis)
    one_by_one = [
        f"/api/v1/clients/{file.pk}",
        f"/api/v1/notes/{note.pk}",
        f"/api/v1/disclosures/{confided.pk}",
        f"/api/v1/sessions/{note.session_id}",
    ]
    lists = ["clients", "notes", "disclosures", "sessions", f"clients/{file.pk}/record"]
    for address in one_by_one:
        assert liis.get(address).status_code == 200, address  # the control
        assert stranger.get(address).status_code == 404, address
    for name in lists:
        assert liis.get(f"/api/v1/{name}").json().get("results"), name  # the control
        answer = stranger.get(f"/api/v1/{name}")
        assert str(file.pk) not in answer.content.decode()
        assert not answer.json().get("results"), name


@pytest.mark.usefixtures("_no_first_wall")
@pytest.mark.parametrize("who", ["mark", "olga", "frida", "mattias", "piret"])
def test_without_the_first_wall_nobody_writes_into_a_foreign_file(
    cast: Cast, file: Client, meeting: TherapySession, who: str
) -> None:
    before = Disclosure.objects.count(), SessionNote.objects.count()
    with asking(getattr(cast, who)):
        for deed in (
            lambda: disclosures.write(meeting.pk, by=getattr(cast, who), text="Not my client."),
            lambda: notes.write(meeting.pk, by=getattr(cast, who), body={"text": "Nor mine."}),
        ):
            with pytest.raises((DatabaseError, Hidden)), transaction.atomic():
                deed()
    assert (Disclosure.objects.count(), SessionNote.objects.count()) == before


def test_rows_of_another_practice_cannot_be_pointed_at(cast: Cast, file: Client) -> None:
    """Not even by the system, which sees all of them (foreign keys look past the policies)."""
    row = LegalHold(
        practice=cast.olga.practice, client=file, placed_at=file.registered_at, placed_by=cast.olga
    )
    vault.seal(row, vault.open_key(file.pk), matter="m", reason="r")
    row.save(force_insert=True)
    with pytest.raises(IntegrityError, match="practice_id"), transaction.atomic():
        check_now()
    row.delete()


def test_a_note_belongs_to_a_session_of_the_same_client(
    cast: Cast, file: Client, note: SessionNote
) -> None:
    other = clients.register(by=cast.liis, identity={"full_name": "Jaan"})
    SessionNote.objects.filter(pk=note.pk).update(client=other)
    with pytest.raises(IntegrityError, match="client_id"), transaction.atomic():
        check_now()
    SessionNote.objects.filter(pk=note.pk).update(client=file)


@pytest.mark.django_db(transaction=True)
def test_who_asks_is_forgotten_with_the_transaction(cast: Cast, mari: Client) -> None:
    """What a pooler hands to the next knows nobody."""
    settings = "SELECT concat({})".format(
        ", ".join(
            f"current_setting('usaldus.{name}', true)"
            for name in ("user", "practice", "caseload", "purpose", "sees_practice")
        )
    )
    with asking(cast.liis):
        assert Client.objects.count() == 1
        with transaction.atomic():
            assert Client.objects.count() == 1
    with wall.nobody():
        assert one(settings) == ""
        assert Client.objects.count() == 0
    with asking(cast.liis), pytest.raises(IntegrityError), transaction.atomic():
        Practice.objects.create(name="again", slug=cast.practice.slug)
    with wall.nobody():
        assert one(settings) == ""


@pytest.mark.django_db
def test_a_part_that_is_taken_back_takes_the_asker_with_it(cast: Cast, mari: Client) -> None:
    with transaction.atomic(), asking(cast.mark):
        assert not Client.objects.exists()
        transaction.set_rollback(True)
    with asking(cast.liis):
        assert Client.objects.exists()


REFUSED = [
    "UPDATE clients_app_auditevent SET event = 'x'",
    "DELETE FROM clients_app_auditevent",
    "TRUNCATE clients_app_auditevent",
    "ALTER TABLE clients_app_auditevent DISABLE TRIGGER ALL",
    "ALTER TABLE sessions_app_sessionnote DISABLE ROW LEVEL SECURITY",
    "DROP POLICY reads ON sessions_app_sessionnote",
    "TRUNCATE sessions_app_sessionnote CASCADE",
    "CREATE TABLE mine (x int)",
    "UPDATE django_migrations SET name = 'x'",
    "CREATE OR REPLACE FUNCTION usaldus_is_system() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
]


@pytest.mark.skipif("not __import__('django.conf').conf.settings.DATABASE_OWNER_URL")
@pytest.mark.parametrize("statement", REFUSED)
def test_the_applications_role_owns_nothing(db: None, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("might", ["SUPERUSER", "BYPASSRLS"])
def test_membership_in_a_mighty_role_is_found(db: None, might: str) -> None:
    """`SET ROLE` would be all it takes."""
    assert checks.database_role_is_safe(databases=["default"]) == []
    mine = sql.Identifier(connection.settings_dict["USER"])
    mighty = sql.Identifier(f"mighty_{uuid4().hex}")
    with psycopg.connect(superuser_url(), autocommit=True) as boss:
        boss.execute(sql.SQL("CREATE ROLE {} NOLOGIN {}").format(mighty, sql.SQL(might)))
        try:
            boss.execute(sql.SQL("GRANT {} TO {}").format(mighty, mine))
            (found,) = checks.database_role_is_safe(databases=["default"])
        finally:
            boss.execute(sql.SQL("DROP ROLE {}").format(mighty))
    assert found.id == "usaldus.E006"


@pytest.mark.django_db(transaction=True)
def test_forced_on_the_owner_too(cast: Cast, mari: Client) -> None:
    with owner.as_owner(), wall.nobody():
        assert not Client.objects.exists()
    assert AuditEvent.objects.exists()


def test_an_id_that_never_was_is_no_asker(file: Client) -> None:
    with wall.nobody():
        wall.enter(uuid4())
        assert not Client.objects.exists()
