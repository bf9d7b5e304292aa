"""The whole chain on 133 real counselling sessions: import, read, discharge, propose, approve,
and a worker that is killed in the middle of destroying the files that are due.

AnnoMI (Wu et al., 2022: transcripts of counselling sessions) as the caseload of a practice. It
lies beside the project, not in it; where it is absent these tests are skipped.
"""

import csv
import html
import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from clients_app import approvals, purges, retention, rules
from clients_app.models import (
    AuditEvent,
    Client,
    ClientKey,
    DestructionRecord,
    PurgeItem,
    PurgeRun,
    User,
)
from sessions_app import disclosures, notes
from sessions_app.models import Disclosure, SessionNote
from tests.conftest import PASSWORD, Cast, trail, until
from tests.faults.processes import Worker
from tests.test_stolen_database import superuser_url

CASELOAD = Path(__file__).parents[3] / "shared" / "data" / "annomi_caseload.csv"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CASELOAD.exists(), reason="the AnnoMI caseload is not here"),
]


@pytest.fixture
def rows() -> list[dict[str, str]]:
    csv.field_size_limit(1 << 24)
    with CASELOAD.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def imported(cast: Cast) -> None:
    """The caseload under the rule "7 years after discharge"."""
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="policy")
    call_command("import_caseload", str(CASELOAD), practice="kalda", create_counsellors=True)
    for user in User.objects.filter(email__endswith="@annomi.example"):
        user.set_password(PASSWORD)
        user.save()


def expected_due(rows: list[dict[str, str]], today: date) -> set[str]:
    return {
        row["client_code"]
        for row in rows
        if row["discharged_on"]
        and retention.later(date.fromisoformat(row["discharged_on"]), years=7) < today
    }


def approved(cast: Cast) -> PurgeRun:
    run = purges.propose(by=cast.piret)
    assert run is not None
    return approvals.approve(run.pk, by=cast.piret, files=run.items.count())


@pytest.fixture
def workers() -> Iterator[Callable[[], Worker]]:
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker())
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


def test_every_text_reads_back_by_its_counsellor_and_nobody_else(
    cast: Cast,
    imported: None,
    rows: list[dict[str, str]],
    phone: Callable[[User], APIClient],
    desk: Callable[[User], Browser],
) -> None:
    """476 rows, 53 clients, 133 sessions, byte-identical: all of them by the API, every seventh by
    the admin, which shows what the same verbs read."""
    assert Client.objects.count() == 53
    assert SessionNote.objects.count() + Disclosure.objects.count() == 476
    texts: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        texts.setdefault((row["counsellor_email"], row["kind"]), set()).add(row["text"])
    for user in User.objects.filter(email__endswith="@annomi.example"):
        api = phone(user)
        read: set[str] = set()
        for client in Client.objects.filter(care__user=user):
            page = api.get(f"/api/v1/clients/{client.pk}/record").json()
            assert page["next"] is None
            read |= {entry["body"]["text"] for entry in page["results"]}
        assert texts[user.email, "note"] <= read
        confided = {
            api.get(f"/api/v1/disclosures/{pk}").json()["text"]
            for pk in disclosures.browse(by=user).values_list("pk", flat=True)
        }
        assert texts[user.email, "disclosure"] <= confided
        browser = desk(user)
        shown = {
            kind: {
                words(browser.get(f"/admin/sessions_app/{page}/{pk}/change/").content.decode())
                for pk in listed.values_list("pk", flat=True)[::7]
            }
            for kind, page, listed in (
                ("note", "sessionnote", notes.browse(by=user)),
                ("disclosure", "disclosure", disclosures.browse(by=user)),
            )
        }
        for kind, told in shown.items():
            assert told
            assert told <= {
                text for (_email, of), all_ in texts.items() if of == kind for text in all_
            }
    note_id, disclosure_id, client_id = (
        SessionNote.objects.values_list("pk", flat=True)[0],
        Disclosure.objects.values_list("pk", flat=True)[0],
        Client.objects.values_list("pk", flat=True)[0],
    )
    pages = [
        f"/admin/sessions_app/sessionnote/{note_id}/change/",
        f"/admin/sessions_app/disclosure/{disclosure_id}/change/",
        f"/admin/clients_app/client/{client_id}/change/",
    ]
    some_words = [text for told in texts.values() for text in told]
    for outsider in (cast.liis, cast.olga, cast.frida, cast.mattias, cast.piret, cast.root):
        api = phone(outsider)
        for path in (
            f"notes/{note_id}",
            f"disclosures/{disclosure_id}",
            f"clients/{client_id}/record",
        ):
            assert api.get(f"/api/v1/{path}").status_code in (403, 404)
        browser = desk(outsider)
        for page in pages:
            answer = html.unescape(browser.get(page).content.decode())
            assert not any(text in answer for text in some_words)


def test_a_worker_killed_in_the_middle_finishes_exactly_once(
    cast: Cast, imported: None, rows: list[dict[str, str]], workers: Callable[[], Worker]
) -> None:
    """SIGKILL while files are being destroyed; a new worker destroys the rest. Each file has one
    certificate and one line; nothing that was not due is touched; no key is left on disk."""
    today = retention.local_day(cast.practice, timezone.now())
    due = expected_due(rows, today)
    assert len(due) >= 29
    kept = set(Client.objects.exclude(code__in=due).values_list("code", flat=True))
    content = {
        code: SessionNote.objects.filter(client__code=code).count()
        + Disclosure.objects.filter(client__code=code).count()
        for code in due
    }
    tokens = [key.wrapped.token.encode() for key in ClientKey.objects.filter(client__code__in=due)]
    assert found_on_disk(tokens) == len(tokens), "control: the scan sees keys that are there"

    first = workers()
    run = approved(cast)
    settled = PurgeItem.objects.filter(run=run, status="purged")
    until(lambda: settled.count() >= 3, seconds=60)
    first.kill()
    done = settled.count()
    assert 3 <= done < len(due), "it was killed in the middle"

    workers()
    until(lambda: swept(run), seconds=90)

    run, progress = purges.read(run.pk, by=cast.piret)
    assert progress.counts == {"purged": len(due)}
    assert set(Client.objects.values_list("code", flat=True)) == kept
    certificates = list(DestructionRecord.objects.all())
    assert {c.client_code for c in certificates} == due
    assert len(certificates) == len(due)
    for certificate in certificates:
        written = ("sessions_app.SessionNote", "sessions_app.Disclosure")
        assert (
            sum(certificate.counts.get(name, 0) for name in written)
            == content[certificate.client_code]
        )
        assert certificate.backup_horizon > certificate.wal_horizon > today
    assert len(trail(event="client.purged")) == len(due)
    assert AuditEvent.objects.filter(event="purge.finished").count() == 1
    assert SessionNote.objects.count() + Disclosure.objects.count() == 476 - sum(content.values())
    assert found_on_disk(tokens) == 0


def test_the_text_of_the_living_still_reads_after_the_purge(
    cast: Cast, imported: None, workers: Callable[[], Worker]
) -> None:
    workers()
    run = approved(cast)
    until(lambda: swept(run), seconds=90)
    for user in User.objects.filter(email__endswith="@annomi.example"):
        for pk in notes.browse(by=user).values_list("pk", flat=True):
            assert notes.read(pk, by=user).body["text"]


def words(page: str) -> str:
    """The text that a reading page of the admin shows."""
    shown = re.search(r'<div class="words reading"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert shown is not None
    return html.unescape(shown[1])


def swept(run: PurgeRun) -> bool:
    """Whether the worker has done everything; it is woken again as beat does every minute."""
    run.refresh_from_db()
    if run.scrubbed_at is None:
        purges.wake()
    return run.scrubbed_at is not None


def found_on_disk(tokens: list[bytes]) -> int:
    """How many of these wrapped keys any file of any table shows, raw. Write-ahead log and
    backups are apart: the certificate names their horizon."""
    if "EMBEDDED_POSTGRES_DATA" not in os.environ:
        pytest.skip("looks into the data directory of the embedded PostgreSQL")
    with psycopg.connect(superuser_url(), autocommit=True) as superuser:
        superuser.execute("CHECKPOINT")
    base = Path(os.environ["EMBEDDED_POSTGRES_DATA"]) / "base"
    seen: set[bytes] = set()
    for path in base.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            seen |= {token for token in tokens if token in data}
    return len(seen)
