"""A caseload from CSV: all of it or none, byte for byte, and no cell of it anywhere else.

The real file (AnnoMI: 476 rows, 53 clients, 133 sessions) lies beside the project, not in it.
"""

import csv
import gc
import io
import logging
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clients_app import approvals, clients, destruction, purges, rules, users
from clients_app.errors import Hidden
from clients_app.models import AuditEvent, CareAssignment, Client, Practice, User
from sessions_app import disclosures, imports, notes, sessions
from sessions_app.imports import rows
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.conftest import Cast, trail

ANNOMI = Path(settings.BASE_DIR).parent / "shared" / "data" / "annomi_caseload.csv"
MIB = 1024 * 1024
LIIS, MARK = "liis@kalda.example", "mark@kalda.example"

GOOD = {
    "client_code": "K-001",
    "birth_date": "1984-05-17",
    "counsellor_email": LIIS,
    "session_started_at": "2024-03-04T10:00:00+02:00",
    "duration_minutes": "50",
    "modality": "in_person",
    "kind": "disclosure",
    "themes": "work; shame",
    "listening_intent": "be_heard",
    "discharged_on": "",
    "text": "I have told nobody.",
}


def row(**cells: str) -> dict[str, str]:
    return GOOD | cells


def note(**cells: str) -> dict[str, str]:
    return GOOD | {"kind": "note", "themes": "", "listening_intent": ""} | cells


def table(*lines: dict[str, str], newline: str = "\r\n") -> bytes:
    """A CSV file with every cell in quotes, so that what a cell holds is not the writer's guess."""
    header = ",".join(imports.COLUMNS)
    quoted = [
        ",".join('"' + line[column].replace('"', '""') + '"' for column in imports.COLUMNS)
        for line in lines
    ]
    return newline.join([header, *quoted, ""]).encode()


def bring(cast: Cast, *lines: dict[str, str] | bytes, **options: Any) -> imports.Report:
    content = b"".join(line for line in lines if isinstance(line, bytes)) or table(
        *(line for line in lines if isinstance(line, dict))
    )
    return imports.load(io.BytesIO(content), practice=cast.practice, **options)


def everything() -> dict[str, int]:
    """How many rows each of our tables has, the trail included."""
    return {
        model._meta.label: model._default_manager.count()
        for app in ("clients_app", "sessions_app")
        for model in apps.get_app_config(app).get_models()
    }


def complaints(report: imports.Report) -> list[tuple[int, str]]:
    return [(problem.line, problem.column) for problem in report.problems]


def texts_of(user: User) -> list[str]:
    """Every word that this user reads through the verbs."""
    read = [notes.read(n.pk, by=user).body["text"] for n in notes.browse(by=user)]
    return read + [disclosures.read(d.pk, by=user).text for d in disclosures.browse(by=user)]


# The real file


@pytest.fixture
def annomi(db: None) -> Practice:
    if not ANNOMI.exists():
        pytest.skip("the AnnoMI caseload lies beside the project, and it is not there")
    return Practice.objects.create(name="AnnoMI", slug="annomi")


def command(*arguments: str | Path, **options: Any) -> str:
    out = io.StringIO()
    call_command("import_caseload", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def test_the_real_caseload_reads_back_byte_for_byte_by_its_counsellor_alone(
    annomi: Practice,
) -> None:
    said = command(ANNOMI, "--practice", "annomi", "--create-counsellors")
    assert "Rows read: 476, bad: 0, known: 0" in said
    assert "2 counsellors, 53 clients, 133 sessions, 133 notes, 343 disclosures" in said

    with ANNOMI.open(newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    wanted = Counter(
        (
            line["client_code"],
            datetime.fromisoformat(line["session_started_at"]),
            int(line["duration_minutes"]),
            line["modality"],
            line["counsellor_email"],
            line["kind"],
            line["listening_intent"],
            line["themes"] if line["kind"] == "disclosure" else "",
            line["text"],
        )
        for line in cells
    )
    high, low = (User.objects.get(email=f"{name}@annomi.example") for name in ("high", "low"))
    found: Counter[tuple[Any, ...]] = Counter()
    confidants = {client.pk: _confidants(client) for client in Client.objects.all()}
    refused = 0
    for author, other in ((high, low), (low, high)):
        for confided in _entries(Disclosure, author):
            opened = disclosures.read(confided.pk, by=author)
            themes = "; ".join(opened.themes)
            found[
                *_place(confided), "disclosure", opened.listening_intent, themes, opened.text
            ] += 1
            if other not in confidants[confided.client_id]:
                with pytest.raises(Hidden):
                    disclosures.read(confided.pk, by=other)
                refused += 1
        for written in _entries(SessionNote, author):
            body = notes.read(written.pk, by=author)
            assert body.format == "narrative"
            assert written.signed_at == written.written_at == _end(written.session)
            found[*_place(written), "note", "", "", body.body["text"]] += 1
            if other not in confidants[written.client_id]:
                with pytest.raises(Hidden):
                    notes.read(written.pk, by=other)
                refused += 1
    assert found == wanted
    emails: dict[str, set[str]] = {}
    for line in cells:
        emails.setdefault(line["client_code"], set()).add(line["counsellor_email"])
    assert refused == sum(len(emails[line["client_code"]]) == 1 for line in cells)
    assert sorted(map(len, confidants.values())) == [1] * 39 + [2] * 14

    told = {line["client_code"]: line for line in cells}
    for client in Client.objects.all():
        line = told[client.code]
        identity = clients.read(client.pk, by=confidants[client.pk].pop()).identity
        assert identity["birth_date"] == line["birth_date"]
        assert str(client.discharged_on or "") == line["discharged_on"]
    assert Client.objects.filter(discharged_on__isnull=False).count() == 48


def _confidants(client: Client) -> set[User]:
    return {care.user for care in CareAssignment.objects.filter(client=client, until=None)}


def _entries(model: type[SessionNote] | type[Disclosure], author: User) -> list[Any]:
    return list(model._default_manager.filter(author=author).select_related("session", "client"))


def _end(session: TherapySession) -> datetime:
    return session.starts_at + timedelta(minutes=session.minutes)


def _place(entry: SessionNote | Disclosure) -> tuple[Any, ...]:
    session = entry.session
    place = (entry.client.code, session.starts_at, session.minutes, session.modality)
    return (*place, entry.author.email)


def test_the_same_file_again_adds_nothing(annomi: Practice) -> None:
    command(ANNOMI, "--practice", "annomi", "--create-counsellors")
    before = everything()
    said = command(ANNOMI, "--practice", "annomi")
    assert "known: 476" in said
    assert "Nothing was written: every row was there already." in said
    after = everything()
    # That somebody tried is on the trail, once.
    assert after.pop("clients_app.AuditEvent") == before.pop("clients_app.AuditEvent") + 1
    assert after == before


# What a row becomes


def test_a_row_is_written_as_its_counsellor_at_the_time_of_the_session(cast: Cast) -> None:
    report = bring(cast, row(), note(text="Spoke."), row(discharged_on="", text="And more."))
    assert report.written
    assert report.counts == {
        "rows": 3,
        "clients": 1,
        "sessions": 1,
        "notes": 1,
        "disclosures": 2,
        "notes_with_themes": 0,
    }
    client = Client.objects.get()
    session = TherapySession.objects.get()
    started_at = datetime(2024, 3, 4, 8, 0, tzinfo=UTC)
    assert (client.code, client.registered_at) == ("K-001", started_at)
    assert client.last_contact_on == date(2024, 3, 4)
    assert (session.starts_at, session.minutes, session.status) == (started_at, 50, "held")
    assert session.counsellor == cast.liis
    first = disclosures.browse(by=cast.liis).last()
    assert first is not None
    opened = disclosures.read(first.pk, by=cast.liis)
    assert first.written_at == started_at + timedelta(minutes=50)
    assert (opened.text, opened.themes) == ("I have told nobody.", ["work", "shame"])
    assert opened.listening_intent == "be_heard"


def test_each_deed_is_on_the_trail_and_the_import_as_a_whole(cast: Cast) -> None:
    bring(cast, note(discharged_on="2024-09-30"), row(discharged_on="2024-09-30"))
    assert trail(door="import", role="counsellor", actor_id=cast.liis.pk) == [
        "client.registered",
        "session.held",
        "note.written",
        "note.signed",
        "disclosure.written",
        "client.discharged",
    ]
    line = AuditEvent.objects.get(event="caseload.imported")
    assert (line.practice_id, line.actor_id, line.role) == (cast.practice.pk, None, "system")
    assert line.detail["bad"] == 0
    assert line.detail["counts"]["disclosures"] == 1


def test_a_second_counsellor_of_a_new_client_becomes_a_confidant(cast: Cast) -> None:
    later = "2024-03-11T10:00:00+02:00"
    bring(cast, row(), row(counsellor_email=MARK, session_started_at=later, text="To Mark."))
    assert sorted(texts_of(cast.mark)) == ["I have told nobody.", "To Mark."]
    care = CareAssignment.objects.get(user=cast.mark)
    line = AuditEvent.objects.get(event="care.assigned")
    assert (line.role, line.actor_id, line.subject_id) == ("system", None, care.pk)
    assert line.practice_id == cast.practice.pk
    assert Disclosure.objects.get(author=cast.mark).session.counsellor == cast.mark


def test_nobody_else_reads_what_was_imported(cast: Cast) -> None:
    bring(cast, row(), note())
    confided, written = Disclosure.objects.get(), SessionNote.objects.get()
    with pytest.raises(Hidden):
        disclosures.read(confided.pk, by=cast.mark)
    with pytest.raises(Hidden):
        notes.read(written.pk, by=cast.mark)
    assert texts_of(cast.mark) == []


def test_identical_rows_are_one_and_the_ids_betray_nothing(cast: Cast) -> None:
    report = bring(cast, row(), row(), row(client_code="K-002"))
    assert (report.counts["disclosures"], report.counts["known"]) == (2, 1)
    first, second = Disclosure.objects.order_by("client__code")
    assert first.pk != second.pk
    assert first.session_id != second.session_id


def test_whatever_tells_two_rows_apart_keeps_them_apart(cast: Cast) -> None:
    variants = [
        row(),
        row(text="I have told nobody. "),
        row(themes="work"),
        row(themes="work; shame; "),
        row(listening_intent=""),
        row(listening_intent="advice"),
        note(text="I have told nobody."),
        row(counsellor_email=MARK),
        row(session_started_at="2024-03-05T10:00:00+02:00"),
    ]
    report = bring(cast, *variants)
    # An empty part of the themes is no theme.
    assert (report.counts["known"], report.bad_rows) == (1, 0)
    assert bring(cast, *variants).counts["known"] == len(variants)


def test_a_disclosure_without_an_intent_is_unsure(cast: Cast) -> None:
    bring(cast, row(listening_intent=""))
    confided = Disclosure.objects.get()
    assert disclosures.read(confided.pk, by=cast.liis).listening_intent == "unsure"


def test_columns_may_stand_in_any_order_and_a_bom_before_them(cast: Cast) -> None:
    names = sorted(imports.COLUMNS, reverse=True)
    lines = io.StringIO()
    writer = csv.DictWriter(lines, names)
    writer.writeheader()
    writer.writerow(row())
    report = bring(cast, b"\xef\xbb\xbf" + lines.getvalue().encode())
    assert report.problems == ()
    assert texts_of(cast.liis) == ["I have told nobody."]


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200
) | st.text(st.sampled_from("\",\r\n'; \t\u2028\x1f\x85éé🫂 \ufeffa"), min_size=1)


@given(
    words=st.lists(TEXTS.filter(str.strip), min_size=1, max_size=8, unique=True),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
)
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text_comes_back_as_it_was(cast: Cast, words: list[str], newline: str) -> None:
    with transaction.atomic():
        report = bring(cast, table(*(row(text=text) for text in words), newline=newline))
        assert report.problems == ()
        assert sorted(texts_of(cast.liis)) == sorted(words)
        transaction.set_rollback(True)


def test_a_text_may_have_a_mebibyte_and_not_a_byte_more(cast: Cast) -> None:
    long = "ö" * (MIB // 2)
    report = bring(cast, row(text=long), row(text=long + "!"), skip_bad=True)
    assert complaints(report) == [(3, "text")]
    assert texts_of(cast.liis) == [long]


def test_memory_holds_a_row_not_the_file(cast: Cast) -> None:
    def peak(work: Callable[[io.BytesIO], object], texts: int) -> int:
        file = io.BytesIO(table(*(row(text=f"{i:02}" * (MIB // 2)) for i in range(texts))))
        tracemalloc.start()
        try:
            work(file)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def stream(file: io.BytesIO) -> object:
        def collect() -> None:
            """What is still held counts, not when the collector happens to come by."""
            gc.collect()

        return imports.load(file, practice=cast.practice, dry_run=True, progress=collect)

    def hold(file: io.BytesIO) -> object:
        return list(rows.read(file, cast.practice, now=timezone.now()))

    assert peak(stream, 16) < peak(stream, 2) + MIB
    assert peak(hold, 16) > peak(hold, 2) + 10 * MIB


# Bad rows

CANARY = "xqcanaryqx"
BAD_CELLS = [
    ("client_code", "", "1 to 32 letters"),
    ("client_code", f"{CANARY} with spaces", "1 to 32 letters"),
    ("client_code", "K" * 33, "1 to 32 letters"),
    ("birth_date", CANARY, "1984-05-17"),
    ("birth_date", "19840517", "1984-05-17"),
    ("birth_date", "1984-02-30", "1984-05-17"),
    ("birth_date", "1684-05-17", "Check the year"),
    ("birth_date", "2024-03-05", "before this birth date"),
    ("counsellor_email", "", "not an e-mail"),
    ("counsellor_email", CANARY, "not an e-mail"),
    ("counsellor_email", f"{CANARY}@kalda.example", "Create the user first"),
    ("counsellor_email", "olga@elsewhere.example", "Create the user first"),
    ("counsellor_email", "sofia@kalda.example", "Create the user first"),
    ("session_started_at", "", "2026-03-01T14:00+02:00"),
    ("session_started_at", CANARY, "2026-03-01T14:00+02:00"),
    ("session_started_at", "2024-03-04T10:00:00", "with its zone"),
    ("session_started_at", "2024-03-04", "with its zone"),
    ("session_started_at", "0001-01-01T00:00+23:59", "Check the year"),
    ("session_started_at", "2199-03-04T10:00:00+02:00", "in the future"),
    ("duration_minutes", "", "from 5 to 1440"),
    ("duration_minutes", CANARY, "from 5 to 1440"),
    ("duration_minutes", "-50", "from 5 to 1440"),
    ("duration_minutes", "4", "from 5 to 1440"),
    ("duration_minutes", "1441", "from 5 to 1440"),
    ("duration_minutes", "\u0665\u0660", "from 5 to 1440"),
    ("modality", "", "in_person, video, phone"),
    ("modality", CANARY, "in_person, video, phone"),
    ("kind", "", "note, disclosure"),
    ("kind", CANARY, "note, disclosure"),
    ("themes", ";".join("abcdefghijklmnopqrstu"), "at most 20 themes"),
    ("themes", CANARY * 50, "too long"),
    ("listening_intent", CANARY, "be_heard"),
    ("discharged_on", CANARY, "1984-05-17"),
    ("discharged_on", "2199-01-01", "in the future"),
    ("text", "", "no text"),
    ("text", " \r\n\t", "no text"),
    ("text", f"{CANARY}\0", "NUL"),
]


@pytest.mark.parametrize(("column", "cell", "reason"), BAD_CELLS)
def test_a_bad_cell_is_named_by_line_and_column_and_nothing_is_written(
    cast: Cast, column: str, cell: str, reason: str
) -> None:
    before = everything()
    report = bring(cast, row(client_code="K-000"), row(**{column: cell}), row(text="More."))
    assert complaints(report) == [(3, column)]
    assert reason in report.problems[0].reason
    assert CANARY not in repr(report)
    assert report.refused
    assert not report.written
    assert everything() == before


def test_a_session_after_the_discharge_is_refused(cast: Cast) -> None:
    report = bring(cast, row(discharged_on="2024-03-03"))
    assert complaints(report) == [(2, "session_started_at")]
    # On the same day is right, the practice's day that is: 23:30 in Tallinn is 21:30 in London.
    late = row(session_started_at="2024-03-03T21:30:00+00:00", discharged_on="2024-03-03")
    assert bring(cast, late).written
    early = row(session_started_at="2024-03-03T22:30:00+00:00", discharged_on="2024-03-03")
    report = bring(cast, early | {"client_code": "K-002"})
    assert complaints(report) == [(2, "session_started_at")]


def test_a_session_that_has_not_ended_is_refused(cast: Cast) -> None:
    started_at = (timezone.now() - timedelta(minutes=10)).isoformat()
    report = bring(cast, row(session_started_at=started_at))
    assert complaints(report) == [(2, "duration_minutes")]


def test_a_note_has_no_listening_intent(cast: Cast) -> None:
    report = bring(cast, note(listening_intent="be_heard"))
    assert complaints(report) == [(2, "listening_intent")]


def test_every_bad_cell_of_a_row_is_named(cast: Cast) -> None:
    report = bring(cast, row(birth_date="x", modality="x", text=""))
    assert complaints(report) == [(2, "birth_date"), (2, "modality"), (2, "text")]
    assert report.bad_rows == 1


@pytest.mark.parametrize(
    ("column", "cell"),
    [("birth_date", "1984-05-18"), ("birth_date", ""), ("discharged_on", "2024-10-01")],
)
def test_two_rows_cannot_say_two_things_of_one_client(cast: Cast, column: str, cell: str) -> None:
    first = row(discharged_on="2024-09-30")
    report = bring(cast, first, row(client_code="K-002"), first | {column: cell, "text": "More."})
    assert complaints(report) == [(4, column)]
    assert report.problems[0].reason == "Line 2 says otherwise of this client."


@pytest.mark.parametrize(("column", "cell"), [("modality", "phone"), ("duration_minutes", "60")])
def test_two_rows_cannot_say_two_things_of_one_session(cast: Cast, column: str, cell: str) -> None:
    report = bring(cast, row(), note(**{column: cell}))
    assert complaints(report) == [(3, column)]
    bring(cast, row())
    report = bring(cast, note(**{column: cell}))
    assert complaints(report) == [(2, column)]


def test_what_a_bad_row_says_binds_no_other(cast: Cast) -> None:
    bad = row(birth_date="1990-01-01", themes=";".join("abcdefghijklmnopqrstu"), modality="phone")
    report = bring(cast, bad, row(), skip_bad=True)
    assert complaints(report) == [(2, "themes")]
    assert (report.counts["clients"], report.counts["disclosures"]) == (1, 1)
    client = Client.objects.get()
    assert clients.read(client.pk, by=cast.liis).identity["birth_date"] == "1984-05-17"
    assert TherapySession.objects.get().modality == "in_person"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_are_counted_as_an_editor_counts_them(cast: Cast, newline: str) -> None:
    long = row(text=f"one{newline}two{newline}{newline}four")
    content = table(long, row(modality="x"), long, row(kind="x"), newline=newline)
    content = content.replace(b'"x"', b"x")
    assert complaints(bring(cast, content)) == [(6, "modality"), (11, "kind")]
    lines = content.decode().split(newline)
    assert ",x," in lines[5]
    assert ",x," in lines[10]


def test_a_row_of_another_width_is_bad(cast: Cast) -> None:
    content = table(row()) + b"K-001,only,three\r\n\r\n" + b"," * 12 + b"\r\n"
    report = bring(cast, content, skip_bad=True)
    assert complaints(report) == [(3, ""), (5, "")]
    assert report.problems[0].reason == "This row has 3 cells, the header has 11."
    assert report.written


def test_bytes_that_are_not_utf8_are_bad_cells(cast: Cast) -> None:
    content = table(row(text="SÖNA"), row(text="sõna")).replace("SÖNA".encode(), b"S\xd6NA")
    report = bring(cast, content, skip_bad=True)
    assert complaints(report) == [(2, "text")]
    assert "UTF-8" in report.problems[0].reason
    assert texts_of(cast.liis) == ["sõna"]


@pytest.mark.parametrize(
    "broken",
    [
        table(row(text="end"))[:-3],
        table(row(text="mid")).replace(b'"mid"', b'"mid"dle'),
        table(row(text=CANARY * (4 * MIB // 10 + 1))),
        table(row(text="one line")).replace(b"one line", CANARY.encode() * (4 * MIB // 10 + 1)),
    ],
    ids=["open to the end", "words after the quote", "endless cell", "endless line"],
)
def test_rows_that_cannot_be_told_apart_stop_everything(cast: Cast, broken: bytes) -> None:
    before = everything()
    content = table(row(client_code="K-000")) + broken.partition(b"\r\n")[2]
    report = bring(cast, content, skip_bad=True)
    assert report.unreadable
    assert complaints(report) == [(3, "")]
    assert "cannot be told apart" in report.problems[0].reason
    assert CANARY not in repr(report)
    assert everything() == before


# The header


def test_a_wrong_header_says_which_columns(cast: Cast) -> None:
    header, rest = table(row()).split(b"\r\n", 1)
    wrong = header.replace(b"birth_date", b"born").replace(b"kind", b"themes")
    report = bring(cast, wrong + b"\r\n" + rest, skip_bad=True)
    assert report.unreadable
    assert complaints(report) == [(1, "")]
    assert report.problems[0].reason == (
        "The column birth_date is missing. The column kind is missing. "
        "Column 2 (born) is unknown. The column themes is there twice."
    )
    more = header + b",My words are 'private'\r\n"
    assert bring(cast, more).problems[0].reason == "Column 12 is unknown."


def test_a_first_line_that_is_no_header_is_not_repeated(cast: Cast) -> None:
    report = bring(cast, table(row(text=CANARY, themes=CANARY)).partition(b"\r\n")[2])
    assert report.unreadable
    assert CANARY not in repr(report)
    assert "client_code,birth_date" in report.problems[0].reason


def test_semicolons_are_noticed(cast: Cast) -> None:
    report = bring(cast, table(row()).replace(b",", b";"))
    assert "separated by semicolons" in report.problems[0].reason


def test_an_empty_file_has_no_header_and_a_header_alone_has_no_rows(cast: Cast) -> None:
    assert bring(cast, b"\xef\xbb\xbf").unreadable
    report = bring(cast, table())
    assert report.written
    assert report.counts == {}


# All or nothing


def test_skip_bad_writes_the_good_rows(cast: Cast) -> None:
    lines = row(), row(modality="x", text="Bad."), row(text="Good.")
    report = bring(cast, *lines, skip_bad=True)
    assert report.written
    assert report.bad_rows == 1
    assert sorted(texts_of(cast.liis)) == ["Good.", "I have told nobody."]
    assert AuditEvent.objects.get(event="caseload.imported").detail["bad"] == 1


def test_a_row_that_a_verb_refuses_leaves_nothing_behind(cast: Cast) -> None:
    """Its client, its session and its counsellor are taken back with it."""
    before = everything()
    bad = row(
        client_code="K-009", counsellor_email="new@kalda.example", themes=CANARY * 50, text="x"
    )
    report = bring(cast, bad, skip_bad=True, create_counsellors=True)
    assert complaints(report) == [(2, "themes")]
    assert report.written
    assert everything() == before | {"clients_app.AuditEvent": before["clients_app.AuditEvent"] + 1}


def test_a_dry_run_says_what_would_be_and_writes_nothing(cast: Cast) -> None:
    before = everything()
    lines = note(discharged_on="2024-09-30"), row(discharged_on="2024-09-30")
    dry = bring(cast, *lines, dry_run=True)
    assert not dry.written
    assert not dry.refused
    assert everything() == before
    assert bring(cast, *lines).counts == dry.counts


@pytest.mark.parametrize("cut", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_import_leaves_nothing_and_can_be_run_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, cut: type[BaseException]
) -> None:
    lines = [row(client_code=f"K-{number:03}") for number in range(6)]
    before = everything()
    write, calls = disclosures.write, iter(range(10))

    def until_the_fourth(*args: Any, **kwargs: Any) -> Disclosure:
        if next(calls) == 3:
            raise cut
        return write(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(disclosures, "write", until_the_fourth)
        with pytest.raises(cut):
            bring(cast, *lines, skip_bad=True)
    assert everything() == before
    assert bring(cast, *lines).counts["disclosures"] == 6


# Who writes


def test_unknown_counsellors_are_made_on_demand_and_cannot_log_in_yet(cast: Cast) -> None:
    lines = (
        row(counsellor_email="Anna.Maria@kalda.example"),
        row(counsellor_email="anna.maria@KALDA.example", text="More."),
    )
    assert complaints(bring(cast, *lines)) == [(2, "counsellor_email"), (3, "counsellor_email")]
    report = bring(cast, *lines, create_counsellors=True)
    assert report.counts["counsellors"] == 1
    anna = User.objects.get(email="anna.maria@kalda.example")
    assert (anna.name, anna.role, anna.practice) == ("Anna Maria", "counsellor", cast.practice)
    assert not anna.has_usable_password()
    assert len(texts_of(anna)) == 2
    users.reset_password(anna.pk, by=cast.mattias, password="a heron stands in the reeds")
    anna.refresh_from_db()
    assert anna.has_usable_password()


@pytest.mark.parametrize("email", ["olga@elsewhere.example", "sofia@kalda.example"])
def test_a_login_of_another_kind_is_not_turned_into_a_counsellor(cast: Cast, email: str) -> None:
    report = bring(cast, row(counsellor_email=email), create_counsellors=True)
    assert complaints(report) == [(2, "counsellor_email")]
    assert "has a login already" in report.problems[0].reason


def test_a_disabled_counsellor_writes_nothing(cast: Cast) -> None:
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)
    assert complaints(bring(cast, row())) == [(2, "counsellor_email")]


# Clients who are there already


def test_a_later_file_adds_to_a_client_in_care(cast: Cast) -> None:
    bring(cast, row())
    again = row(session_started_at="2024-03-11T10:00:00+02:00", text="Later.")
    report = bring(cast, row(), again)
    assert report.written
    assert report.counts == {"rows": 2, "known": 1, "clients": 0, "sessions": 1, "disclosures": 1}
    assert sorted(texts_of(cast.liis)) == ["I have told nobody.", "Later."]


def test_a_later_file_may_discharge(cast: Cast) -> None:
    bring(cast, row())
    report = bring(cast, row(text="Last.", discharged_on="2024-09-30"))
    assert report.counts["discharged"] == 1
    assert Client.objects.get().discharged_on == date(2024, 9, 30)


def test_nothing_is_added_to_a_discharged_client(cast: Cast) -> None:
    bring(cast, row(discharged_on="2024-09-30"))
    report = bring(cast, row(discharged_on="2024-09-30"), row(discharged_on="2024-09-30", text="x"))
    assert complaints(report) == [(3, "client_code")]
    assert "Reopen" in report.problems[0].reason


def test_a_reopened_client_is_not_discharged_by_the_old_file(cast: Cast) -> None:
    line = row(discharged_on="2024-09-30")
    bring(cast, line)
    client = Client.objects.get()
    clients.reopen(client.pk, by=cast.liis, kept_until=client.retain_until)
    report = bring(cast, line)
    assert report.written
    assert report.counts["discharged"] == 0
    assert [(r.line, r.column) for r in report.remarks] == [(2, "discharged_on")]
    client.refresh_from_db()
    assert client.discharged_on is None


def test_a_discharge_before_the_last_contact_is_refused(cast: Cast) -> None:
    bring(cast, row())
    earlier = row(
        session_started_at="2024-02-04T10:00:00+02:00", discharged_on="2024-03-01", text="x"
    )
    assert complaints(bring(cast, earlier)) == [(2, "discharged_on")]


def test_another_birth_date_than_the_file_has_is_refused(cast: Cast) -> None:
    bring(cast, row())
    assert complaints(bring(cast, row(birth_date="1984-05-18", text="x"))) == [(2, "birth_date")]
    assert bring(cast, row(birth_date="", text="x")).written


def test_a_client_of_a_colleague_is_not_written_to(cast: Cast) -> None:
    bring(cast, row())
    report = bring(cast, row(counsellor_email=MARK, text="x"))
    assert complaints(report) == [(2, "counsellor_email")]
    assert "assign them first" in report.problems[0].reason
    assert not CareAssignment.objects.filter(user=cast.mark).exists()


def test_codes_of_another_practice_are_other_clients(cast: Cast) -> None:
    theirs = clients.register(by=cast.olga, code="K-001")
    bring(cast, row())
    assert Client.objects.filter(code="K-001").count() == 2
    assert not sessions.browse(by=cast.olga, client_id=theirs.pk).exists()


def test_entries_keep_the_order_of_the_file_and_come_before_what_is_written_later(
    cast: Cast,
) -> None:
    later = "2024-03-11T10:00:00+02:00"
    told = [row(text=f"{number}") for number in range(12)]
    told += [row(text="in the next session", session_started_at=later)]
    bring(cast, *told)
    client = Client.objects.get()
    session = TherapySession.objects.get(starts_at=later)
    disclosures.write(session.pk, by=cast.liis, text="at the desk")
    # What a later file adds to the first session belongs there.
    report = bring(cast, row(text="12"), *reversed(told))
    assert (report.counts["known"], report.counts["disclosures"]) == (13, 1)
    listed = disclosures.browse(by=cast.liis, client_id=client.pk)
    assert [disclosures.read(confided.pk, by=cast.liis).text for confided in listed.reverse()] == [
        *map(str, range(13)),
        "in the next session",
        "at the desk",
    ]
    assert {confided.pk.version for confided in listed} == {7}


@pytest.mark.django_db(transaction=True)
def test_a_destroyed_file_does_not_come_back(cast: Cast) -> None:
    rules.decide(by=cast.piret, trigger="discharge", years=1, source="practice policy")
    bring(cast, row(discharged_on="2024-09-30"))
    run = purges.propose(by=cast.piret)
    assert run is not None
    approvals.approve(run.pk, by=cast.piret, files=1)
    destruction.execute(until=timezone.now() + timedelta(minutes=1))
    assert not Client.objects.exists()
    report = bring(cast, row(discharged_on="2024-09-30"), row(client_code="K-002"), skip_bad=True)
    assert complaints(report) == [(2, "client_code")]
    assert "destroyed" in report.problems[0].reason
    assert [client.code for client in Client.objects.all()] == ["K-002"]


# The command


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caseload.csv"


def test_a_bad_row_is_an_exit_with_one_and_the_report_is_written(cast: Cast, path: Path) -> None:
    report = path.with_name("report.txt")
    path.write_bytes(table(row(), row(modality="x")))
    out = io.StringIO()
    with pytest.raises(CommandError, match="Nothing was written") as refused:
        call_command("import_caseload", str(path), practice="kalda", report=report, stdout=out)
    assert refused.value.returncode == 1
    reason = "line 3, modality: Give one of: in_person, video, phone."
    assert out.getvalue().splitlines()[0] == reason
    assert report.read_text().splitlines() == [
        reason,
        "Rows read: 2, bad: 1, known: 0",
        "New: 0 counsellors, 1 clients, 1 sessions, 0 notes, 1 disclosures; discharged: 0",
        "Nothing was written. --skip-bad would import the good rows.",
    ]
    assert not Client.objects.exists()
    assert "Written, without the bad rows." in command(path, "--skip-bad", practice="kalda")
    assert Client.objects.count() == 1


def test_many_bad_rows_are_shown_by_reason_and_reported_one_by_one(cast: Cast, path: Path) -> None:
    report = path.with_name("report.txt")
    path.write_bytes(table(*(row(modality="x") for _ in range(30)), row(kind="x")))
    said = command(path, "--skip-bad", "--dry-run", practice="kalda", report=report).splitlines()
    assert said[0].startswith("lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 20 more (--report FILE")
    assert said[1].startswith("line 32, kind: ")
    assert said[2] == "Rows read: 31, bad: 31, known: 0"
    assert said[-1] == "Dry run: nothing was written."
    reported = report.read_text().splitlines()
    assert [line.split(",")[0] for line in reported[:31]] == [f"line {n}" for n in range(2, 33)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--practice", "kalda"], "Give a FILE"),
        (["nowhere.csv"], "Give a FILE"),
        (["nowhere.csv", "--practice", "nowhere"], "no such practice"),
        (["nowhere.csv", "--practice", "kalda"], "No such file"),
    ],
)
def test_what_is_missing_is_said(cast: Cast, arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        command(*arguments)


def test_the_report_does_not_overwrite_the_file(cast: Cast, path: Path) -> None:
    path.write_bytes(table(row()))
    with pytest.raises(CommandError, match="would overwrite"):
        command(path, "--practice", "kalda", "--report", path)
    assert path.read_bytes() == table(row())


def test_the_template_is_a_file_that_can_be_imported(cast: Cast, path: Path) -> None:
    path.write_text(command("--template"), newline="")
    said = command(path, "--practice", "kalda", "--create-counsellors")
    assert "2 counsellors, 2 clients, 2 sessions, 2 notes, 1 disclosures; discharged: 1" in said
    liis = User.objects.get(email="liis@practice.example")
    assert any('"I have told nobody' in text for text in texts_of(liis))


def test_a_ctrl_c_says_that_nothing_was_written(
    cast: Cast, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(table(row()))

    def cut(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(disclosures, "write", cut)
    with pytest.raises(CommandError, match="Nothing was written") as stopped:
        command(path, "--practice", "kalda")
    assert stopped.value.returncode == 130
    assert not Client.objects.exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("watched", [True, False])
def test_progress_is_shown_to_a_person_only(
    cast: Cast, path: Path, monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    path.write_bytes(table(row()))
    stderr = Terminal() if watched else io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    assert "%" not in command(path, "--practice", "kalda")
    assert ("0%" in stderr.getvalue()) is watched


def test_no_cell_is_repeated_anywhere(
    cast: Cast,
    path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A word in every cell, of good rows and bad ones: it is in what the counsellor reads, and in
    no report, log, output, exception or line of the trail."""
    caplog.set_level(logging.DEBUG)
    planted = {column: f"{CANARY}-{column}" for column in imports.COLUMNS}
    lines = [
        row(client_code=f"{CANARY}-0", text=CANARY, themes=CANARY),
        *(row(**{column: cell}) for column, cell in planted.items()),
        row(themes=f"{CANARY};" * 21),
        row(text=f"{CANARY}\0"),
        row(birth_date="1985-01-01", text=CANARY),
    ]
    path.write_bytes(table(*lines) + f'"{CANARY}","{CANARY}'.encode())
    report = path.with_name("report.txt")
    said = io.StringIO()
    with pytest.raises(CommandError) as unreadable:
        call_command("import_caseload", path, practice="kalda", report=report, stdout=said)
    path.write_bytes(table(*lines))
    call_command(
        "import_caseload", path, practice="kalda", report=report, skip_bad=True, stdout=said
    )
    shown = [
        said.getvalue(),
        report.read_text(),
        str(unreadable.value),
        caplog.text,
        *capfd.readouterr(),
        *(str(list(line.values())) for line in AuditEvent.objects.values()),
    ]
    assert said.getvalue().count("line ") > 20
    assert not [text for text in shown if CANARY in text]
    # The control: the search finds the word where it belongs.
    assert CANARY in "".join(texts_of(cast.liis))
