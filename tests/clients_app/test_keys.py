"""Changing the master key: every data key is wrapped anew, reading goes on."""

from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from clients_app import clients, keys, vault
from clients_app.models import Client, ClientKey
from tests.conftest import Cast, trail
from tests.test_stolen_database import superuser_url


def new_key() -> str:
    return Fernet.generate_key().decode()


def test_rotation_end_to_end(cast: Cast, mari: Client, settings: Any) -> None:
    """A new key in front, rotate, the old one removed: everything still reads."""
    old = settings.FIELD_ENCRYPTION_KEY[0]
    new = new_key()
    settings.FIELD_ENCRYPTION_KEY = [new, old]
    assert [(m.newest, m.wraps) for m in keys.usage()] == [(True, 0), (False, 1)]
    assert clients.read(mari.pk, by=cast.liis).identity["full_name"] == "Mari Maasikas"
    assert sum(keys.rotate()) == 1
    assert clients.read(mari.pk, by=cast.liis).identity["full_name"] == "Mari Maasikas"
    settings.FIELD_ENCRYPTION_KEY = [new]
    assert clients.read(mari.pk, by=cast.liis).identity["full_name"] == "Mari Maasikas"
    settings.FIELD_ENCRYPTION_KEY = [old]
    with pytest.raises(vault.MasterKeyMissing):
        clients.read(mari.pk, by=cast.liis)
    assert trail(event="keys.rotated") == ["keys.rotated"]


def test_an_interrupted_rotation_goes_on_where_it_stopped(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        clients.register(by=cast.liis)
    settings.FIELD_ENCRYPTION_KEY = [new_key(), *settings.FIELD_ENCRYPTION_KEY]
    monkeypatch.setattr(keys, "BATCH", 2)
    batches = keys.rotate()
    assert next(batches) == 2
    batches.close()
    assert [m.wraps for m in keys.usage()] == [2, 3]
    assert sum(keys.rotate()) == 3
    assert [m.wraps for m in keys.usage()] == [5, 0]


def test_check_names_a_missing_master_key(
    mari: Client, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("keys", "check", "--open")
    assert "under the newest master key" in capsys.readouterr().out
    settings.FIELD_ENCRYPTION_KEY = [new_key()]
    with pytest.raises(CommandError, match="does not hold"):
        call_command("keys", "check")
    assert "MISSING" in capsys.readouterr().out


def test_check_finds_a_key_that_does_not_open(mari: Client) -> None:
    key = ClientKey.objects.get()
    flipped = key.wrapped.token[:-5] + ("A" if key.wrapped.token[-5] != "A" else "B") + "aaa="
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE clients_app_clientkey SET wrapped = %s", [flipped])
    with pytest.raises(CommandError, match=str(key.pk)):
        call_command("keys", "check", "--open")


def test_generate_prints_a_usable_key(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("keys", "generate")
    Fernet(capsys.readouterr().out.strip().encode())


@pytest.mark.django_db(transaction=True)
def test_the_planner_keeps_no_sample_of_keys(cast: Cast) -> None:
    """ANALYZE would copy wrapped keys into pg_statistic, where they outlive their destruction. The
    control: of the column beside it, it keeps one."""
    for _ in range(5):
        clients.register(by=cast.liis)
    table = ClientKey._meta.db_table
    with psycopg.connect(superuser_url(), autocommit=True) as superuser:
        superuser.execute(f"ANALYZE {table}")
        sampled = superuser.execute(
            "SELECT attname FROM pg_stats WHERE tablename = %s", [table]
        ).fetchall()
    assert ("master_key",) in sampled
    assert ("wrapped",) not in sampled
