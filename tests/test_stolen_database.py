"""Promise C1: a stolen database is useless.

Words are planted in every sealed column of one client through the ordinary verbs. Then the thief
comes: the data directory with its write-ahead log, a `pg_dump`, superuser SQL. He finds none. The
control is the same with sealing switched off: there he finds them everywhere, so the scanner sees
what there is to see.
"""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.db import connection

from clients_app import clients, crypto, exceptions, facts, holds
from clients_app.models import Client
from sessions_app import disclosures, notes, records, sessions, supervision
from tests.canary import Canaries
from tests.conftest import Cast, yesterday
from tests.leaks import careless

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "EMBEDDED_POSTGRES_DATA" not in os.environ,
        reason="plays the thief on the embedded PostgreSQL, which is not the one in use",
    ),
]


def plant(cast: Cast) -> Canaries:
    """One word in every sealed column that takes text; by the name of its column."""
    canaries = Canaries()
    new, planted = canaries.new, canaries.words
    names = [
        name
        for name in facts.IDENTITY
        if name not in ("birth_date", "category", "death_date", "email")
    ]
    mari = clients.register(by=cast.liis, identity={name: new(name) for name in names})

    meeting = sessions.plan(
        mari.pk, by=cast.liis, starts_at=yesterday(), status="held", place=new("place")
    )
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": new("earlier version")})
    soap = {part: new(part) for part in ("subjective", "objective", "assessment", "plan")}
    notes.revise(draft.pk, by=cast.liis, version=1, body=soap, format="soap")
    notes.sign(draft.pk, by=cast.liis, version=2)
    notes.add(draft.pk, by=cast.liis, text=new("addendum"))
    confided = disclosures.write(
        meeting.pk,
        by=cast.liis,
        text=f"{new('disclosure')} " * 100,
        themes=[new("theme")],
    )
    disclosures.amend(confided.pk, by=cast.liis, text=new("amendment"))
    holds.place(mari.pk, by=cast.piret, matter=new("matter"), reason=new("reason"))
    kept = exceptions.record(
        mari.pk,
        by=cast.liis,
        ground="legal_duty",
        recipient=new("recipient"),
        content=new("told outside"),
        told="no",
        why_not_told=new("why not told"),
    )
    supervision.release(
        mari.pk,
        by=cast.liis,
        disclosure=confided.pk,
        text=new("excerpt"),
        pseudonym=new("pseudonym"),
        supervisor=cast.sofia.pk,
        consent_how="paper",
        exception=kept.pk,
    )
    old = planted["phone"]
    clients.change(mari.pk, by=cast.liis, version=1, phone=new("phone"))
    planted["former phone"] = old

    clients.search(planted["full_name"], by=cast.liis)
    assert records.read(mari.pk, by=cast.liis).entries
    assert disclosures.read(confided.pk, by=cast.liis).themes == [planted["theme"]]
    assert Client.objects.count() == 1
    return canaries


def loot(canaries: Canaries, since: float) -> dict[str, set[str]]:
    """What the thief finds, by place: the fields that each file, dump or table shows."""
    with psycopg.connect(superuser_url(), autocommit=True) as thief:
        thief.execute("CHECKPOINT")
        tables = [
            name
            for (name,) in thief.execute(
                "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
            )
        ]
        copies = {f"sql {table}": _copy(thief, table) for table in tables}
        statistics = "\n".join(
            str(row)
            for row in thief.execute(
                "SELECT tablename, attname, most_common_vals, histogram_bounds FROM pg_stats"
            )
        )
    found = {
        f"file {k}": v for k, v in canaries.seen_in_files(data_directory(), since=since).items()
    }
    copies["dump"] = dump()
    copies["pg_stats"] = statistics.encode()
    found |= {place: canaries.seen_in(copy) for place, copy in copies.items()}
    return {place: {s.field for s in seen} for place, seen in found.items() if seen}


def _copy(thief: "psycopg.Connection[Any]", table: str) -> bytes:
    with thief.cursor().copy(f"COPY {table} TO STDOUT") as out:
        copied = b"".join(bytes(part) for part in out)
    # COPY writes bytea as hex: read it as the bytes that it stands for, too.
    return copied + b"\n" + b"".join(_unhex(part) for part in copied.split(b"\\\\x")[1:])


def _unhex(part: bytes) -> bytes:
    digits = part.split(b"\t")[0].split(b"\n")[0]
    return bytes.fromhex(digits.decode()) if len(digits) % 2 == 0 else b""


def dump(form: str = "plain") -> bytes:
    address = urlsplit(superuser_url())
    query = parse_qs(address.query)
    return subprocess.run(
        [
            Path(os.environ["EMBEDDED_POSTGRES_PROGRAMS"]) / "pg_dump",
            "--host",
            query["host"][0],
            "--port",
            query["port"][0],
            "--username",
            "postgres",
            "--format",
            form,
            connection.settings_dict["NAME"],
        ],
        check=True,
        capture_output=True,
    ).stdout


def data_directory() -> Path:
    return Path(os.environ["EMBEDDED_POSTGRES_DATA"])


def superuser_url() -> str:
    address = urlsplit(os.environ["EMBEDDED_SUPERUSER_URL"])
    return address._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@pytest.fixture
def sealing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control build: seals in form, plaintext in substance."""

    monkeypatch.setattr(crypto.DataKey, "seal", careless.seal)
    monkeypatch.setattr(crypto.DataKey, "unseal", careless.unseal)


def test_the_thief_finds_nothing(cast: Cast) -> None:
    since = time.time() - 1
    planted = plant(cast)
    assert len(planted.words) >= 23
    assert loot(planted, since) == {}


def test_control_with_sealing_off_he_finds_everything(cast: Cast, sealing_off: None) -> None:
    since = time.time() - 1
    planted = plant(cast)
    found = loot(planted, since)
    lit = sum(len(seen) for seen in found.values())
    assert lit >= 20
    assert set().union(*found.values()) == planted.words.keys()
    places: list[Callable[[str], bool]] = [
        lambda place: place.startswith("file base"),
        lambda place: place.startswith("file pg_wal"),
        lambda place: place.startswith("sql"),
        lambda place: place == "dump",
    ]
    for is_place in places:
        assert any(is_place(place) for place in found)
