"""Promises C2 and C4: what a client confides lies nowhere but under its seal, and is shown to
nobody but who may know it.

A word is planted in every sealed field of one client. Then everybody goes to every page and every
operation of a real web server with production settings, and does there what can be done, rightly
and wrongly; the worker works and fails; the database refuses in the middle of every verb. After
that every store is searched in every spelling (`tests/canary.py`). The control is the same with a
careless build (`tests/leaks/careless.py`), in which every place lights up.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.core.management import get_commands
from django.db import connection
from django.test import Client as Browser
from rest_framework.test import APIClient

from clients_app import approvals, crypto, invitations, owner, purges
from clients_app.browser_sessions import SessionStore
from clients_app.fields import SealedField
from clients_app.models import AuditEvent, PurgeRun, User
from tests.canary import Canaries, Sighting
from tests.conftest import Cast, app_of, until
from tests.leaks import careless, commands, planting, processes, stores, tour
from tests.leaks.planting import CUSTODY, IDENTITY, RELEASED, TOLD, WORDLESS
from tests.leaks.visit import Answer, Visitor
from tests.test_stolen_database import superuser_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "EMBEDDED_POSTGRES_DATA" not in os.environ,
        reason="searches the files of the embedded PostgreSQL, which is not the one in use",
    ),
]

Phone = Callable[[User], APIClient]
Desk = Callable[[User], Browser]
# Who may know the names of the practice's clients; the confidant knows the rest, too.
CIRCLE = ("frida", "mattias", "piret", "liis")
IN_AN_EMERGENCY = "sofia in an emergency"


@dataclass
class Scan:
    """What was found, by place; what else there is to say of the processes."""

    found: dict[str, set[Sighting]] = field(default_factory=dict)
    looked_at: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    core_limits: dict[str, set[str]] = field(default_factory=dict)

    def look(self, canaries: Canaries, places: Iterable[stores.Place]) -> None:
        for place, data in places:
            self.looked_at.add(place)
            if seen := canaries.seen_in(data):
                self.found[place] = self.found.get(place, set()) | seen

    def __str__(self) -> str:
        """Where, which field, in which spelling."""
        return "\n".join(
            f"{place}: {', '.join(sorted(f'{s.field} ({s.spelling})' for s in seen))}"
            for place, seen in sorted(self.found.items())
        )


@pytest.fixture
def scan(
    request: pytest.FixtureRequest,
    cast: Cast,
    phone: Phone,
    desk: Desk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Scan:
    """The whole tour and the search after it; `careless` by parameter."""
    is_careless = bool(getattr(request, "param", False))
    if is_careless:
        build_carelessly(monkeypatch)
    with ExitStack() as stack:
        return _scan(cast, phone, desk, processes.Grounds(tmp_path, careless=is_careless), stack)


def _scan(
    cast: Cast, phone: Phone, desk: Desk, grounds: processes.Grounds, stack: ExitStack
) -> Scan:
    since, scan = time.time() - 1, Scan()
    log_began = stores.postgres_log().stat().st_size
    web, port = processes.web(grounds)
    stack.callback(web.stop)
    heard = stack.enter_context(stores.overheard())
    file = planting.plant(cast)
    canaries = file.canaries
    canaries.watch("FIELD_ENCRYPTION_KEY", settings.FIELD_ENCRYPTION_KEY[0])
    canaries.watch("AUDIT_SIGNING_KEY", settings.AUDIT_SIGNING_KEY[0])
    canaries.watch("SECRET_KEY", settings.SECRET_KEY)
    canaries.watch("the secret of an app", app_of(cast.liis))
    link = invitations.invite(file.ids["user_id"], by=None)
    assert link.path
    canaries.watch("a link", link.path.removeprefix(invitations.PATH).strip("/"))

    # The message lies in the queue while no worker runs.
    run = PurgeRun.objects.get(pk=file.ids["run_id"])
    approvals.approve(run.pk, by=cast.piret, files=run.items.count())
    scan.look(canaries, queued(grounds, canaries))
    if grounds.careless:
        # The tour writes over some columns.
        scan.look(canaries, stores.tables())
        be_careless_here(canaries.words["Disclosure.text"])
    worker = processes.worker(grounds)
    stack.callback(worker.stop)

    until(lambda: processes.answers(port), seconds=30)
    people = [Visitor(name, port) for name in tour.ORDER]
    nobody = Visitor("nobody", port)
    for visitor in (nobody, *people):
        stack.callback(visitor.close)
    for person in people:
        user = getattr(cast, person.name)
        person.session = desk(user).cookies[settings.SESSION_COOKIE_NAME].value
        person.bearer = str(phone(user).defaults["HTTP_AUTHORIZATION"])
        canaries.new(f"typed by {person.name}")
    canaries.new("typed by nobody")
    confidant = people[-1]
    some = people if not grounds.careless else [p for p in people if p.name in ("root", "liis")]
    for person in some:
        tour.read_everything(person, file)
    tour.look_around(nobody)
    tour.log_in_wrongly(nobody, canaries.words["typed by nobody"])
    for person in some:
        typed = canaries.words[f"typed by {person.name}"]
        tour.write_everything(
            person, file, typed, thorough=person is confidant and not grounds.careless
        )
    if not grounds.careless:
        sofia = people[tour.ORDER.index("sofia")]
        hurried = Visitor(IN_AN_EMERGENCY, port, sofia.session, sofia.bearer)
        stack.callback(hurried.close)
        people.append(hurried)
        tour.break_the_glass(hurried, file, canaries.words["typed by sofia"])
    with refusing_database():
        tour.write_everything(confidant, file, canaries.words["typed by liis"])
    grounds.fault.write_text(canaries.words["Disclosure.text"])
    tour.read_everything(confidant, file)
    tour.write_everything(confidant, file, canaries.words["typed by liis"])
    tour.stumble(confidant, canaries.words["typed by liis"])
    purges.wake()
    worker.tells("WordsInHand")
    grounds.fault.unlink()
    tour.leave(confidant, file)
    tour.log_in_wrongly(nobody, canaries.words["typed by nobody"])
    people[0].get("/admin/")

    scan.answers = [answer for person in (nobody, *people) for answer in person.answers]
    scan.look(canaries, shown(scan.answers, canaries))
    scan.look(canaries, commands.output())
    words = {"known": canaries.new("imported"), "unknown": canaries.new("not imported")}
    scan.look(canaries, commands.imports(grounds.directory, **words))
    scan.look(canaries, (("mails", str(m.message()).encode()) for m in mail.outbox))
    for process, name in ((web, "web"), (worker, "worker")):
        scan.core_limits[name] = {core_limit(pid) for pid in process.members()}
    scan.look(canaries, stores.tables())
    scan.look(canaries, stores.sessions())
    scan.look(canaries, stores.memory())
    scan.look(canaries, stores.dumps())
    scan.look(canaries, stores.data_directory(since))
    stack.close()
    scan.look(canaries, [("Redis, commands", b"\n".join(heard))])
    scan.look(canaries, stores.left_behind(grounds))
    scan.look(canaries, [("PostgreSQL, log", stores.postgres_log().read_bytes()[log_began:])])
    scan.look(canaries, stores.repository(since))
    # The one file that they write, and append ids and dates to.
    ledger = Path(settings.ERASURE_LEDGER_FILE)
    scan.look(canaries, [("the erasure ledger", ledger.read_bytes())])
    for name in ("web", "worker"):
        files = grounds.written(name).read_text().splitlines()
        scan.written += [path for path in files if path != str(ledger)]
    return scan


def queued(grounds: processes.Grounds, canaries: Canaries) -> Iterator[stores.Place]:
    """What waits for the worker. The careless build sends words."""
    if grounds.careless:
        from config.celery import app

        app.send_task("careless", [canaries.words["Disclosure.text"]])
    waiting = [data for place, data in stores.memory() if place == "Redis, keys"]
    assert any(b"execute_purges" in data for data in waiting), "no message waits"
    yield "the queue", b"\n".join(waiting)


@contextmanager
def refusing_database() -> Iterator[None]:
    """No row of a file can be written, and PostgreSQL quotes the row in its error."""
    tables = [model._meta.db_table for model in set(planting.sealed_fields().values())]
    with owner.as_owner(), connection.cursor() as cursor:
        for table in (*tables, AuditEvent._meta.db_table):
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refuses CHECK (false) NOT VALID")
        yield
        for table in (*tables, AuditEvent._meta.db_table):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT refuses")


def shown(answers: Iterable[Answer], canaries: Canaries) -> Iterator[stores.Place]:
    """What was answered, less the words that the policy lets this person read there."""
    for answer in answers:
        yield "headers of answers", answer.head
        yield "cookies", answer.values("set-cookie")
        yield "addresses that answers lead to", answer.values("location")
        if answer.status >= 400 and not answer.asked.endswith(("/login/",)):
            yield f"refusals to {answer.who}", answer.body
        else:
            yield f"pages for {answer.who}", without(answer, canaries)


def without(answer: Answer, canaries: Canaries) -> bytes:
    """The body without the words that are meant for who asked."""
    body = answer.body
    for name in meant_for(answer.who, canaries):
        word = canaries.words[name]
        for spelled in (word.encode(), json.dumps(word)[1:-1].encode()):
            body = body.replace(spelled, b"")
    return body


def meant_for(who: str, canaries: Canaries) -> set[str]:
    """The confidant reads the file. The desk, the manager and the privacy officer know who the
    client is, the latter what they judge, too. The supervisor has what was released to her, and in
    an emergency the record. Everybody sees what they typed themselves."""
    typed = {name for name in canaries.words if name.startswith("typed by ")}
    elsewhere = {"typed by olga", "typed by root", "typed by nobody"}
    judged = {*CUSTODY, "an unreviewed emergency"}
    if who == "liis":
        return {*canaries.words} - elsewhere - judged
    if who == IN_AN_EMERGENCY:
        hers = {*TOLD, "a locked disclosure", "a client of Mark's"}
        return {*canaries.words} - elsewhere - judged - hers
    if who in CIRCLE:
        known = {"a purged client", "a client of Mark's", *IDENTITY} & canaries.words.keys()
        return known | (judged if who == "piret" else set()) | (typed - elsewhere)
    theirs = {"sofia": {*RELEASED}, "mark": {"a client of Mark's"}}.get(who, set())
    return theirs | {f"typed by {who}"} & typed


def core_limit(pid: int) -> str:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return next(line.split()[4] for line in limits.splitlines() if line.startswith("Max core"))


def build_carelessly(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process, too: seals that are none, dumps that show them, a server that logs."""
    monkeypatch.setattr(crypto.DataKey, "seal", careless.seal)
    monkeypatch.setattr(crypto.DataKey, "unseal", careless.unseal)
    monkeypatch.setattr(
        SealedField,
        "value_to_string",
        lambda self, row: getattr(row, self.name).bytes.decode(errors="replace"),
    )


def be_careless_here(word: str) -> None:
    """A browser session with a word in it, and a server that logs what failed."""
    session = SessionStore()
    session["last"] = word
    session.save()
    with (
        psycopg.connect(superuser_url()) as server,
        suppress(psycopg.errors.InvalidTextRepresentation),
    ):
        server.execute("SET log_min_messages = error; SET log_min_error_statement = error")
        server.execute(f"SELECT '{word}'::int")


def test_every_sealed_field_has_a_word(cast: Cast) -> None:
    """A new one has to be planted, or to say why it cannot hold a word."""
    file = planting.plant(cast)
    words = file.canaries.words
    fields = planting.sealed_fields()
    assert fields.keys() - words.keys() == WORDLESS.keys()
    for name, values in planting.held(file.client).items():
        assert values, f"{name} is nowhere in the file"
        if name in words:
            assert any(words[name] in str(value) for value in values), name


def test_every_command_has_its_row() -> None:
    from_apps = {*get_commands()}
    assert from_apps == commands.RUN.keys() | commands.NOT_RUN.keys()
    assert not commands.RUN.keys() & commands.NOT_RUN.keys()


def test_nothing_leaks(scan: Scan) -> None:
    assert not scan.found, f"\n{scan}"
    assert not LogEntry.objects.exists()
    assert not scan.written, "the processes write no files but the ledger"
    # The tour was a tour: pages shown, deeds done, and each kind of refusal and failure met.
    for door in ("/admin/", "/api/"):
        met = {answer.status for answer in scan.answers if door in answer.asked}
        assert {200, 403, 404, 500} <= met, door
    api = {answer.status for answer in scan.answers if "/api/v1/" in answer.asked}
    assert {201, 204, 400, 401, 409, 412} <= api
    said = {person.partition(" ")[0] for person in scan.looked_at}
    assert {"pages", "refusals", "column", "mails", "manage.py"} <= said
    # No answer stays in a browser or a proxy, or tells another site where it was read.
    for answer in scan.answers:
        headers = {name.lower(): value for name, value in answer.headers}
        assert headers["cache-control"] == "no-store", answer.asked
        assert headers["referrer-policy"] == "same-origin", answer.asked
        assert headers["x-content-type-options"] == "nosniff", answer.asked
    # The confidant was in care to the end: her deeds were done, and not only refused.
    done = {answer.asked for answer in scan.answers if answer.who == "liis" and answer.status < 300}
    assert {"POST /api/v1/disclosures", "POST /api/v1/notes", "POST /api/v1/sessions"} <= done
    for ending in ("/exceptions", "/revoke", "/reopen", "/amendments", "/hand-over"):
        assert any(asked.startswith("POST /api/") and asked.endswith(ending) for asked in done)
    # And no crash leaves the memory on disk.
    assert scan.core_limits == {"web": {"0"}, "worker": {"0"}}


LIT = {
    "PostgreSQL, log",
    "Redis, commands",
    "Redis, dump.rdb",
    "Redis, keys",
    "addresses that answers lead to",
    "cookies",
    "data directory, base",
    "data directory, pg_wal",
    "headers of answers",
    "mails",
    "manage.py dumpdata",
    "pages for liis",
    "pages for root",
    "pg_dump, custom",
    "pg_dump, plain",
    "pg_stat_activity",
    "pg_stats",
    "refusals to liis",
    "refusals to nobody",
    "refusals to root",
    "sessions",
    "the queue",
    "web: output and logs",
    "web: temporary files",
    "worker: output and logs",
    "worker: temporary files",
}


@pytest.mark.parametrize("scan", [True], indirect=True)
def test_control_every_place_lights_up(scan: Scan) -> None:
    """Without sealing and care: each kind of place, and the column of every sealed field."""
    columns = {
        f"column {model._meta.db_table}.{name.partition('.')[2]}"
        for name, model in planting.sealed_fields().items()
        if name not in WORDLESS
    }
    assert LIT | columns <= scan.found.keys(), f"\n{scan}"
    for name in columns:
        assert any(sighting.field.partition(".")[2] in name for sighting in scan.found[name])
    assert scan.written
