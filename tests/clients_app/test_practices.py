"""Practices and the operator's two commands that begin one."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from clients_app import logins, practices
from clients_app.errors import Conflict, Denied, Invalid
from clients_app.models import AuditEvent, Practice, User
from tests.conftest import PASSWORD, Cast, trail


def test_the_superuser_founds_and_changes_a_practice(cast: Cast) -> None:
    practice = practices.create(by=cast.root, name="Meri", slug="meri")
    assert (practice.time_zone, practice.jurisdiction) == ("Europe/Tallinn", "EE")
    practices.change(
        practice.pk,
        by=cast.root,
        name="Meri ja mets",
        slug="meri-mets",
        time_zone="UTC",
        jurisdiction="US-CA",
    )
    practice.refresh_from_db()
    assert (practice.name, practice.slug) == ("Meri ja mets", "meri-mets")
    assert (practice.time_zone, practice.jurisdiction) == ("UTC", "US-CA")
    assert trail(practice_id=practice.pk, role="superuser") == [
        "practice.created",
        "practice.changed",
    ]
    assert practice in practices.browse(by=cast.root)


def test_no_role_of_a_practice_does(cast: Cast) -> None:
    for user in (cast.liis, cast.sofia, cast.frida, cast.mattias, cast.piret):
        with pytest.raises(Denied):
            practices.create(by=user, name="Meri", slug="meri")
        with pytest.raises(Denied):
            practices.browse(by=user)
        with pytest.raises(Denied):
            practices.change(
                cast.practice.pk,
                by=user,
                name="x",
                slug="x",
                time_zone="UTC",
                jurisdiction="EE",
            )
    assert trail(denied=True) == ["practice.manage"] * 15
    assert Practice.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 201),
        ("slug", ""),
        ("slug", "two words"),
        ("slug", "x" * 51),
        ("time_zone", "Europe/Atlantis"),
        ("jurisdiction", "Estonia"),
    ],
)
def test_a_practice_that_cannot_be_is_refused(db: None, field: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        practices.create(by=None, **({"name": "Meri", "slug": "meri"} | {field: value}))
    assert refused.value.field == field
    assert not Practice.objects.exists()


def test_a_short_name_is_taken_once(cast: Cast) -> None:
    with pytest.raises(Conflict):
        practices.create(by=None, name="Another", slug="kalda")
    assert not AuditEvent.objects.filter(event="practice.created").exists()


def operator(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


MANAGER = ["mia@meri.example", "--practice", "meri", "--role", "practice_manager", "--name", "Mia"]


@pytest.fixture
def meri(db: None) -> Practice:
    assert "founded" in operator("createpractice", "meri", "--name", "Meri")
    return Practice.objects.get(slug="meri")


def answers(monkeypatch: pytest.MonkeyPatch, *passwords: str) -> None:
    """Somebody at a terminal who types these."""
    typed = iter(passwords)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))


def test_the_operator_makes_a_practice_and_its_first_login(
    meri: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, PASSWORD, PASSWORD)
    assert "mia@meri.example can log in as practice manager." in operator(
        "createuser", *MANAGER, "--password"
    )
    mia = logins.identify("mia@meri.example", PASSWORD)
    assert (mia.practice, mia.role, mia.name) == (meri, "practice_manager", "Mia")
    assert trail(practice_id=meri.pk, role="system") == ["practice.created", "user.created"]


def test_a_password_comes_from_standard_input_too(
    meri: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\r\nnext line\n"))
    operator("createuser", *MANAGER, "--password-stdin")
    assert logins.identify("mia@meri.example", PASSWORD)


def test_two_different_passwords_make_nobody(
    meri: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, PASSWORD, PASSWORD + "!")
    with pytest.raises(CommandError, match="differ"):
        operator("createuser", *MANAGER, "--password")
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["heron", "", "mia@meri.example"])
def test_a_password_that_will_not_do_makes_nobody(
    meri: Practice, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password))
    with pytest.raises(CommandError) as refused:
        operator("createuser", *MANAGER, "--password-stdin")
    assert not password or password not in str(refused.value)
    assert not User.objects.exists()


def test_without_a_terminal_nothing_is_asked(
    meri: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    with pytest.raises(CommandError, match="--password-stdin"):
        operator("createuser", *MANAGER, "--password")


def test_mistakes_are_said(meri: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="short name"):
        operator("createpractice", "meri", "--name", "Again")
    with pytest.raises(CommandError, match="invalid choice"):
        operator("createuser", *MANAGER, "--role", "owner")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    nowhere = [argument.replace("meri", "nowhere") for argument in MANAGER]
    with pytest.raises(CommandError, match="createpractice"):
        operator("createuser", *nowhere, "--password-stdin")
