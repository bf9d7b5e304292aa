"""The register of destroyed files: what a certificate says, that it cannot be rewritten unnoticed,
and how it leaves the house."""

import csv
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone, translation
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from reportlab.pdfbase.ttfonts import TTFontFile

from clients_app import approvals, certificates, crypto, printing, seals, wall
from clients_app.errors import Denied, Hidden, Invalid
from clients_app.models import AuditEvent, Client, DestructionRecord, RetentionRule, User
from tests.admin.conftest import page
from tests.clients_app.test_erasures import approve
from tests.clients_app.test_purges import due as due
from tests.clients_app.test_purges import execute
from tests.conftest import Cast, officer_elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = DestructionRecord._meta.db_table


@pytest.fixture
def register(cast: Cast, due: list[Client]) -> list[DestructionRecord]:
    """Three files, destroyed and certified."""
    approve(cast)
    assert execute() == 3
    return list(DestructionRecord.objects.order_by("number"))


def test_what_a_certificate_says(cast: Cast, register: list[DestructionRecord]) -> None:
    """What, how many, of which period; under which rule and since when; due, approved, destroyed;
    how, how verified, and what may linger. And nobody's name but the approver's."""
    first = register[0]
    rule = RetentionRule.objects.get()
    assert (first.rule_id, first.rule_decided_on) == (rule.pk, timezone.localdate())
    assert (first.covers_from, first.covers_until) == (date(2014, 2, 1), timezone.localdate())
    assert first.due_on == first.retain_until + timedelta(days=1)
    assert first.verification == "key-absent+rows-absent"
    assert first.method == "cryptographic-erase+deletion"
    said = dict(printing.facts(certificates.read(first.pk, by=cast.piret)))
    assert said["Rows destroyed"] == (
        "care assignments: 1; clients: 1; disclosures: 1; session notes: 1; sessions: 1"
    )
    assert "NIST SP 800-88" in said["Method"]
    assert "neither the key nor a row was left" in said["Verified"]
    assert said["Approved by"] == "Piret"
    assert said["Key destroyed"] == str(first.key_id)
    assert "in force since" in said["Rule"]
    assert "Europe/Tallinn" in said["Destroyed"]
    assert "Somebody" not in str(said)


def test_it_names_the_second_person_too(cast: Cast, due: list[Client], settings: Any) -> None:
    settings.PURGE_SECOND_PERSON_ABOVE = 2
    run = approve(cast)
    approvals.second(run.pk, by=cast.mattias, files=3)
    assert execute() == 3
    record = DestructionRecord.objects.earliest("number")
    said = dict(printing.facts(certificates.read(record.pk, by=cast.piret)))
    assert said["Approved by"] == "Piret, Mattias"
    assert certificates.verify().findings == []


def test_an_older_certificate_says_what_was_not_written_down(cast: Cast) -> None:
    old = certificates.issue(**a_certificate(cast), verification="", method="shredded")
    said = dict(printing.facts(certificates.read(old.pk, by=cast.piret)))
    unknown = "not recorded by the version that destroyed it"
    assert [said[n] for n in ("Period of the file", "Verified", "Method")] == [
        unknown,
        unknown,
        "shredded",
    ]


def a_certificate(cast: Cast, **more: Any) -> dict[str, Any]:
    day = timezone.localdate()
    return {
        "practice": cast.practice,
        "run_id": cast.practice.pk,
        "client_id": crypto.new_data_key(cast.practice.pk).derive_id("client", str(more)),
        "client_code": "C-2014-0009",
        "counts": {"clients_app.Client": 1, "gone.Model": 2},
        "rule": "7 years",
        "retain_until": day,
        "approved_by": cast.piret,
        "destroyed_at": timezone.now(),
        "wal_horizon": day,
        "backup_horizon": day,
        **more,
    }


# The chain.


def test_each_is_chained_to_the_one_before(register: list[DestructionRecord]) -> None:
    assert [record.number for record in register] == [1, 2, 3]
    assert bytes(register[0].previous) == seals.NOTHING_BEFORE
    for before, record in pairwise(register):
        assert bytes(record.previous) == bytes(before.head)
    assert certificates.verify() == certificates.Report(1, 3, [])


def test_every_column_is_in_the_head() -> None:
    """A new column needs another form of the bytes."""
    columns = {field.attname for field in DestructionRecord._meta.concrete_fields}
    assert columns == {*certificates.COLUMNS, *certificates.CHAIN}
    assert columns == {*EDITS, "previous", "head", "key", "signature"}


EDITS = {
    "approved_by_id": "(SELECT id FROM clients_app_user WHERE name = 'Mark')",
    "backup_horizon": "backup_horizon + 1",
    "client_code": "'C-1'",
    "client_id": "gen_random_uuid()",
    "counts": "counts || '{\"x\": 1}'",
    "covers_from": "NULL",
    "covers_until": "covers_until - 1",
    "destroyed_at": "destroyed_at + interval '1 microsecond'",
    "id": "gen_random_uuid()",
    "key_id": "gen_random_uuid()",
    "method": "'shredded'",
    "number": "number + 100",
    "practice_id": "practice_id",
    "retain_until": "retain_until + 1",
    "rule": "'none'",
    "rule_decided_on": "rule_decided_on - 1",
    "rule_id": "NULL",
    "run_id": "gen_random_uuid()",
    "seconded_by_id": "(SELECT id FROM clients_app_user WHERE name = 'Mattias')",
    "verification": "''",
    "wal_horizon": "wal_horizon + 1",
}
CHAIN_EDITS = dict.fromkeys(("head", "previous", "signature"), "decode('00', 'hex')")
CHAIN_EDITS["key"] = "'0'"


@contextmanager
def thief() -> Iterator[Callable[..., None]]:
    """Whoever owns the database takes the refusal off; undone afterwards."""
    from clients_app import owner

    owner.connect_as_owner()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
            yield cursor.execute
            transaction.set_rollback(True)
    finally:
        owner.connect_as_application()


def findings() -> str:
    return " ".join(certificates.verify().findings)


@pytest.mark.parametrize("column", [*EDITS, *CHAIN_EDITS])
def test_an_edit_anywhere_shows_where(register: list[DestructionRecord], column: str) -> None:
    for record in register:
        value = (EDITS | CHAIN_EDITS)[column]
        with thief() as sql:
            sql(f"UPDATE {TABLE} SET {column} = {value} WHERE id = %s", [record.pk])
            if column == "practice_id":
                assert findings() == "", "control: set to what it was"
            else:
                number = record.number + 100 if column == "number" else record.number
                assert f"ertificate {number} " in findings()


def test_deleted_inserted_exchanged(register: list[DestructionRecord]) -> None:
    first, second, _third = register
    with thief() as sql:
        sql(f"DELETE FROM {TABLE} WHERE id = %s", [second.pk])
        assert "Certificate 2 is missing before certificate 3" in findings()
        sql(f"DELETE FROM {TABLE} WHERE id = %s", [first.pk])
        assert "Certificate 1 to 2 are missing before certificate 3" in findings()
    with thief() as sql:
        for number, record in ((99, first), (1, second), (2, first)):
            sql(f"UPDATE {TABLE} SET number = %s WHERE id = %s", [number, record.pk])
        assert "Certificate 1 is not chained" in findings()
    with thief() as sql:
        columns = ", ".join(f'"{f.column}"' for f in DestructionRecord._meta.concrete_fields)
        copied = (
            columns.replace('"id"', "gen_random_uuid()")
            .replace('"client_id"', "gen_random_uuid()")
            .replace('"number"', "4")
            .replace('"previous"', "head")
        )
        sql(f"INSERT INTO {TABLE} ({columns}) SELECT {copied} FROM {TABLE} WHERE number = 3")
        assert "Certificate 4 was edited" in findings()
    assert findings() == "", "control"


def test_made_anew_without_the_key(register: list[DestructionRecord], settings: Any) -> None:
    """The thief chains everything anew, and signs with a key of his own."""
    ours = settings.AUDIT_SIGNING_KEY
    with thief() as sql:
        head = seals.NOTHING_BEFORE
        settings.AUDIT_SIGNING_KEY = ["A" * 43 + "="]
        for record in register:
            record.rule = "none"
            certificates.link(record, number=record.number, previous=head)
            head = bytes(record.head)
            sql(
                f"UPDATE {TABLE} SET rule = 'none', previous = %s, head = %s, key = %s,"
                " signature = %s WHERE id = %s",
                [record.previous, record.head, record.key, record.signature, record.pk],
            )
        assert findings() == "", "control: with his key it looks whole"
        settings.AUDIT_SIGNING_KEY = ours
        assert findings().count("signed by a key that is not configured") == 3


@given(st.data())
@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_done_shows(register: list[DestructionRecord], data: st.DataObject) -> None:
    """Any few edits and deletions, but for a clean cut of the end, which the ledger shows."""
    with thief() as sql:
        edited = False
        for _ in range(data.draw(st.integers(1, 3))):
            record = data.draw(st.sampled_from(register[:2]))
            column = data.draw(
                st.sampled_from([c for c in EDITS if c not in ("id", "practice_id")])
            )
            if column == "number":
                sql(f"DELETE FROM {TABLE} WHERE id = %s", [record.pk])
            else:
                sql(f"UPDATE {TABLE} SET {column} = {EDITS[column]} WHERE id = %s", [record.pk])
            edited = True
        assert edited == bool(findings())


def test_the_command(register: list[DestructionRecord], capsys: Any) -> None:
    call_command("register", "verify")
    assert "3 certificates in 1 registers" in capsys.readouterr().out
    with thief() as sql:
        sql(f"UPDATE {TABLE} SET rule = 'none' WHERE number = 2")
        with pytest.raises(CommandError) as refused:
            call_command("register", "verify")
        assert refused.value.returncode == 1
        assert "kalda: Certificate 2 was edited" in capsys.readouterr().out


def test_practices_have_registers_of_their_own(cast: Cast, register: Any) -> None:
    ove = officer_elsewhere(cast)
    made = certificates.issue(
        **a_certificate(cast) | {"practice": ove.practice, "approved_by": ove}, method="m"
    )
    assert made.number == 1
    assert certificates.verify().registers == 2
    assert [record.number for record in certificates.browse(by=ove)] == [1]
    with pytest.raises(Hidden):
        certificates.printed(register[0].pk, by=ove)


def test_records_of_an_earlier_version_are_chained(cast: Cast) -> None:
    """By the migration, in the order of their destruction; what they did not say stays empty."""
    with wall.nobody():
        call_command("migrate", "clients_app", "0019_erasure_ledger", verbosity=0)
    try:
        with connection.cursor() as cursor:
            for n in (2, 3, 1):
                cursor.execute(
                    f"INSERT INTO {TABLE} (id, practice_id, run_id, client_id, client_code, counts,"
                    " rule, retain_until, approved_by_id, method, destroyed_at, wal_horizon,"
                    " backup_horizon) VALUES (gen_random_uuid(), %s, gen_random_uuid(),"
                    " gen_random_uuid(), %s, '{}', '7 years', '2020-01-01', %s, 'm', %s, now(),"
                    " now())",
                    [cast.practice.pk, f"C-{n}", cast.piret.pk, f"2021-01-0{n} 12:00Z"],
                )
    finally:
        with wall.nobody():
            call_command("migrate", verbosity=0)
    found = list(DestructionRecord.objects.order_by("number"))
    assert [(record.number, record.client_code) for record in found] == [
        (1, "C-1"),
        (2, "C-2"),
        (3, "C-3"),
    ]
    assert certificates.verify() == certificates.Report(1, 3, [])
    made = certificates.issue(**a_certificate(cast), method="m")
    assert (made.number, bytes(made.previous)) == (4, bytes(found[2].head))


# How it leaves the house.


def test_exported_and_printed_by_whom_it_concerns(cast: Cast, register: Any) -> None:
    today = timezone.localdate()
    for who in (cast.liis, cast.frida, cast.sofia, cast.root):
        with pytest.raises(Denied):
            certificates.export(by=who, since=today, until=today)
        with pytest.raises(Denied):
            certificates.printed(register[0].pk, by=who)
    found = certificates.export(by=cast.mattias, since=today, until=today)
    assert [record.number for record in found] == [1, 2, 3]
    line = AuditEvent.objects.get(event="register.exported")
    assert (line.actor_id, line.detail["records"]) == (cast.mattias.pk, 3)
    certificates.printed(register[0].pk, by=cast.piret)
    line = AuditEvent.objects.get(event="certificate.printed")
    assert (line.actor_id, line.client_id) == (cast.piret.pk, register[0].client_id)


def test_the_days_are_the_practices(cast: Cast, register: Any) -> None:
    """From midnight to midnight in its own zone, both days included."""
    day = date(2026, 3, 1)
    for moment in ("2026-02-28T21:59:59Z", "2026-02-28T22:00:00Z", "2026-03-01T21:59:59Z"):
        at = datetime.fromisoformat(moment)
        certificates.issue(**a_certificate(cast, destroyed_at=at), method="m")
    found = certificates.export(by=cast.piret, since=day, until=day)
    assert [record.destroyed_at.isoformat()[:19] for record in found] == [
        "2026-02-28T22:00:00",
        "2026-03-01T21:59:59",
    ]
    with pytest.raises(Invalid, match="invalid"):
        certificates.export(by=cast.piret, since=day, until=day - timedelta(days=1))
    with pytest.raises(Invalid):
        certificates.export(by=cast.piret, since=day, until=day, largest=1)


def test_the_register_as_csv(cast: Cast, register: list[DestructionRecord]) -> None:
    """Every column, and no cell that a spreadsheet would run."""
    certificates.issue(
        **a_certificate(cast, client_code="-2+3", rule='=HYPERLINK("x")'), method="m"
    )
    today = timezone.localdate()
    made = printing.register_csv(certificates.export(by=cast.piret, since=today, until=today))
    assert made.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"), newline="")))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4"]
    for row, record in zip(rows, register, strict=False):
        assert row["head"] == bytes(record.head).hex()
        assert row["rows"].startswith("clients_app.CareAssignment=1 clients_app.Client=1")
        assert (row["due_on"], row["approved_by"]) == (record.due_on.isoformat(), "Piret")
    assert (rows[3]["client_code"], rows[3]["rule"]) == ("'-2+3", '\'=HYPERLINK("x")')


def test_on_paper(cast: Cast, register: Any) -> None:
    """A certificate and a register of several pages, in either language, whatever letters a name
    has; markup in a rule is text."""
    User.objects.filter(pk=cast.piret.pk).update(name="Пирет Šavel-Õun Ž.")
    odd = certificates.issue(**a_certificate(cast, rule="<b>7 & years</i> " * 20), method="m")
    for n in range(60):
        certificates.issue(**a_certificate(cast, client_code=f"C-{n}"), method="m")
    today = timezone.localdate()
    for language in ("en", "et"):
        with translation.override(language):
            one = printing.certificate_pdf(certificates.printed(odd.pk, by=cast.piret))
            found = certificates.export(by=cast.piret, since=today, until=today)
            many = printing.register_pdf(found, cast.practice, "2026")
            none = printing.register_pdf([], cast.practice, "1999")
        assert [pages(pdf) for pdf in (one, none)] == [1, 1]
        assert pages(many) > 2
        for pdf in (one, many, none):
            assert pdf.startswith(b"%PDF-")
            assert b"DejaVuSans" in pdf
            assert b"Helvetica" not in fonts_used(pdf)


def test_the_fonts_have_the_letters() -> None:
    """Of Estonian and its neighbours, of German, Polish, Russian, Ukrainian and Greek."""
    wanted = "õäöüšžÕÄÖÜŠŽåĀčēģīķļņūąęėįųłńóśźżß–“”’№€αβγδεζθλμξπφψω"
    wanted += "абвгдеёжзийклмнопрстуфхцчшщъыьэюяїієґ"
    for name in (printing.PLAIN, printing.BOLD):
        face = TTFontFile(str(printing.FONTS / f"{name}.ttf"))
        assert [letter for letter in wanted if ord(letter) not in face.charToGlyph] == []


def pages(pdf: bytes) -> int:
    return pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ")


def fonts_used(pdf: bytes) -> bytes:
    """What the pages draw with."""
    drawn = b""
    for part in pdf.split(b"stream\n")[1:]:
        body = part.split(b"endstream")[0]
        try:
            drawn += zlib.decompress(body)
        except zlib.error:
            continue
    return drawn


def test_in_the_admin(cast: Cast, register: list[DestructionRecord], desk: Any) -> None:
    piret: Browser = desk(cast.piret)
    first = register[0]
    listed = piret.get(page("clients_app_destructionrecord_changelist")).text
    assert "No. 3" in listed
    assert page("clients_app_destructionrecord_export") in listed
    shown = piret.get(page("clients_app_destructionrecord_change", first.pk)).text
    for text in (bytes(first.head).hex(), "NIST SP 800-88", "register verify"):
        assert text in shown
    printed = piret.get(page("clients_app_destructionrecord_pdf", first.pk))
    assert printed["Content-Type"] == "application/pdf"
    assert printed["Content-Disposition"] == 'attachment; filename="destruction-certificate-1.pdf"'
    assert printed["Cache-Control"] == "no-store"
    export = page("clients_app_destructionrecord_export")
    today = timezone.localdate().isoformat()
    for kind, begins in (("csv", b"\xef\xbb\xbfnumber,"), ("pdf", b"%PDF-")):
        made = piret.post(export, {"since": today, "until": today, "form": kind})
        assert made.content.startswith(begins)
        assert made["Content-Disposition"].endswith(f'{today}-{today}.{kind}"')
    wrong = piret.post(export, {"since": today, "until": "1999-01-01", "form": "csv"})
    assert "The last day is before the first." in wrong.text
    assert desk(cast.liis).get(export).status_code == 403
