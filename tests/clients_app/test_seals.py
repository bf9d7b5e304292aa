"""Promise C8: a trail that was edited, deleted from, inserted into, reordered, cut, chained anew or
rolled back shows, and where.

The thief here owns the tables: he takes the trigger off and writes what he likes. A small chain of
four seals with four lines each is tampered with at every position. The control: untouched it
verifies. What nothing shows – the end cut off before an anchor holds it – is here too, and is
written in the README.
"""

import base64
import os
import random
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients_app import anchors, audit, checks, crypto, owner, seals, tasks, verification
from clients_app.crypto import Signer
from clients_app.merkle import Tree, leaf
from clients_app.models import AuditEvent, TrailSeal
from clients_app.verification import Report
from tests.conftest import all_is_over, seal_everything
from tests.test_stolen_database import superuser_url

pytestmark = pytest.mark.django_db(transaction=True)

BATCHES = 4
LINES = 4
UNCOVERED = 2


@pytest.fixture(autouse=True)
def _as_the_owner(db: None) -> None:
    """Of the tables, as the thief is. `conftest` gives the connection back afterwards."""
    owner.connect_as_owner()


@pytest.fixture(autouse=True)
def _anchor_file(tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def write(number: int = 1) -> None:
    """A line in a transaction of its own, with something in every column."""
    with transaction.atomic():
        audit.record(
            "note.read",
            by=None,
            practice_id=uuid4(),
            client_id=uuid4(),
            subject_id=uuid4(),
            reason="break_glass",
            number=number,
        )


@dataclass
class Chain:
    """A sealed and anchored trail."""

    ids: list[int]
    anchored: Path

    def seal_of(self, event: int) -> int:
        return self.ids.index(event) // LINES + 1

    def verify(self) -> Report:
        return verification.verify(self.anchored)

    def broken(self, *said: str) -> None:
        """Verifying finds something, and one sentence says all of this."""
        found = self.verify().findings
        assert any(all(text in sentence for text in said) for sentence in found), found


@pytest.fixture
def chain(settings: Any) -> Chain:
    """Four seals of four lines each, the first and the last anchored, and two unsealed lines."""
    for number in range(BATCHES):
        for _ in range(LINES - (number == 1)):
            write(number)
        seal_everything()
        if number in (0, BATCHES - 1):
            anchors.anchor()
    write()
    ids = list(AuditEvent.objects.order_by("tx", "id").values_list("id", flat=True))
    assert [s.count for s in TrailSeal.objects.order_by("number")] == [LINES] * BATCHES
    assert len(ids) == BATCHES * LINES + UNCOVERED
    return Chain(ids[: BATCHES * LINES], Path(settings.AUDIT_ANCHOR_FILE))


@contextmanager
def thief() -> Iterator[None]:
    """What he does is seen by who looks from inside, and is undone afterwards."""
    with transaction.atomic():
        for table in (seals.TRAIL, seals.SEALS):
            sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        transaction.set_rollback(True)


def test_sealing_needs_to_own_nothing(settings: Any) -> None:
    """The worker's role seals, anchors and verifies."""
    owner.connect_as_application()
    write(3)
    seal_everything()
    anchors.anchor()
    report = verification.verify(Path(settings.AUDIT_ANCHOR_FILE))
    assert (report.events, report.findings, report.unchecked) == (1, [], [])


def test_control_an_untouched_trail_verifies(chain: Chain) -> None:
    report = chain.verify()
    assert (report.findings, report.unchecked) == ([], [])
    assert (report.seals, report.events) == (BATCHES, BATCHES * LINES)
    assert (report.unsealed, report.anchors) == (UNCOVERED, 2)
    with thief():
        assert chain.verify() == report


def test_the_database_refuses_to_change_a_seal(chain: Chain) -> None:
    for statement in (
        "UPDATE {} SET count = 0",
        "DELETE FROM {}",
        "TRUNCATE {}",
    ):
        with pytest.raises(ProgrammingError, match="append-only"):
            sql(statement.format(seals.SEALS))


EDITS = {
    "at": "at + interval '1 microsecond'",
    "practice_id": "gen_random_uuid()",
    "actor_id": "gen_random_uuid()",
    "role": "'counsellor'",
    "event": "'note.write'",
    "denied": "NOT denied",
    "client_id": "gen_random_uuid()",
    "subject_id": "gen_random_uuid()",
    "reason": "'other'",
    "door": "'admin'",
    "request_id": "gen_random_uuid()",
    "detail": "detail || '{\"more\": 1}'",
    "id": "id + 1000",
    "tx": "tx + 1000000000",
}


def test_every_column_is_sealed() -> None:
    """A new column needs a new form of the bytes: `COLUMNS`, and the words before the head."""
    columns = {field.column for field in AuditEvent._meta.concrete_fields}
    assert columns == set(seals.COLUMNS.replace(" ", "").split(",")) == EDITS.keys()
    columns = {field.column for field in TrailSeal._meta.concrete_fields}
    assert columns == SEAL_EDITS.keys()


@pytest.mark.parametrize("column", EDITS)
def test_an_edit_anywhere(chain: Chain, column: str) -> None:
    for event in chain.ids:
        number = chain.seal_of(event)
        with thief():
            sql(f"UPDATE {seals.TRAIL} SET {column} = {EDITS[column]} WHERE id = %s", event)
            if column == "tx":
                chain.broken("1 event was deleted", f"seal {number},")
                chain.broken(f"Event {event}:", "not reached")
            elif column == "id":
                # In its batch it comes last now: gone from one place, there at another.
                chain.broken(str(event + 1000), f"seal {number},")
            else:
                chain.broken(f"Event {event} was edited", f"seal {number},")


def test_a_deletion_anywhere(chain: Chain) -> None:
    for position, event in enumerate(chain.ids):
        number = chain.seal_of(event)
        neighbours = []
        if position % LINES:
            neighbours.append(f"after event {chain.ids[position - 1]}")
        if (position + 1) % LINES:
            neighbours.append(f"before event {chain.ids[position + 1]}")
        with thief():
            sql(f"DELETE FROM {seals.TRAIL} WHERE id = %s", event)
            chain.broken("1 event was deleted", f"seal {number},", *neighbours)


def test_whole_batches_deleted(chain: Chain) -> None:
    for number in range(BATCHES):
        with thief():
            gone = chain.ids[number * LINES : (number + 1) * LINES]
            sql(f"DELETE FROM {seals.TRAIL} WHERE id = ANY(%s)", gone)
            chain.broken(f"{LINES} events were deleted", f"seal {number + 1},")


COPY_OF = """
    INSERT INTO {0} (tx, at, practice_id, role, event, denied, client_id, reason, door, detail)
    SELECT tx + %s, at, practice_id, role, event, denied, client_id, reason, door, detail
    FROM {0} WHERE id = %s RETURNING id
"""


def test_an_insertion_anywhere(chain: Chain) -> None:
    for event in chain.ids:
        for later in (0, -1):
            with thief(), connection.cursor() as cursor:
                cursor.execute(COPY_OF.format(seals.TRAIL), [later, event])
                (made,) = cursor.fetchone()
                chain.broken(f"Event {made} was inserted", "(seal ")
    with thief(), connection.cursor() as cursor:
        cursor.execute(COPY_OF.format(seals.TRAIL), [-(10**12), chain.ids[0]])
        (made,) = cursor.fetchone()
        chain.broken(f"Event {made} was inserted before the first seal")


@pytest.mark.parametrize("days", [-300, 2])
def test_a_line_of_another_day_slipped_in_among_todays(chain: Chain, days: int) -> None:
    """Written by hand with the number of today's transaction, so that the sealer takes it for one
    of today's: its time tells."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {seals.TRAIL} (at, role, event, denied, reason, door, detail)"
            " VALUES (now() + %s::interval, 'system', 'note.read', false, '', 'api', '{}')"
            " RETURNING id",
            [f"{days} days"],
        )
        (made,) = cursor.fetchone()
    seal_everything()
    chain.broken(f"Event {made}", "another time", f"seal {BATCHES + 1},")


def test_a_reordering_anywhere(chain: Chain) -> None:
    """Two lines exchange their places, neighbours or far apart."""
    place = dict(AuditEvent.objects.values_list("id", "tx"))
    move = f"UPDATE {seals.TRAIL} SET id = %s, tx = %s WHERE id = %s"
    for one, other in [*pairwise(chain.ids), (chain.ids[0], chain.ids[-1])]:
        with thief():
            sql(move, -1, 0, one)
            sql(move, one, place[one], other)
            sql(move, other, place[other], -1)
            for event in (one, other):
                chain.broken(str(event), "edited", f"seal {chain.seal_of(event)},")


def test_the_end_cut_off(chain: Chain) -> None:
    """The last lines, whatever their number; and the last lines together with their seals."""
    for length in range(1, len(chain.ids) + 1):
        cut = chain.ids[-length:]
        with thief():
            sql(f"DELETE FROM {seals.TRAIL} WHERE id >= %s", cut[0])
            chain.broken("deleted", f"seal {chain.seal_of(cut[0])},")
    for number in range(1, BATCHES + 1):
        with thief():
            sql(f"DELETE FROM {seals.SEALS} WHERE number >= %s", number)
            sql(f"DELETE FROM {seals.TRAIL} WHERE id >= %s", chain.ids[(number - 1) * LINES])
            chain.broken(f"Seal {BATCHES} was anchored", "cut off", f"there is {number - 1}:")


def test_what_no_anchor_holds_yet_can_be_cut_off(chain: Chain) -> None:
    """Said in the README: hence the hourly anchors, and a log that leaves the machine."""
    seal_everything()
    assert TrailSeal.objects.count() == BATCHES + 1
    with thief():
        sql(f"DELETE FROM {seals.SEALS} WHERE number > %s", BATCHES)
        sql(f"DELETE FROM {seals.TRAIL} WHERE id > %s", chain.ids[-1])
        assert [f for f in chain.verify().findings if "missing" not in f] == []


SEAL_EDITS = {
    "number": "number + 100",
    "from_tx": "from_tx + 1",
    "to_tx": "to_tx + 1",
    "first_id": "first_id + 1",
    "last_id": "last_id + 1",
    "count": "count + 1",
    "root": "sha256(root)",
    "previous": "sha256(previous)",
    "head": "sha256(head)",
    "sealed_at": "sealed_at + interval '1 microsecond'",
    "key": "'0123456789abcdef'",
    "signature": "sha256(signature) || sha256(signature)",
    "marks": "set_byte(marks, 8, get_byte(marks, 8) # 1)",
}


@pytest.mark.parametrize("column", SEAL_EDITS)
def test_an_edited_seal(chain: Chain, column: str) -> None:
    for number in range(1, BATCHES + 1):
        with thief():
            sql(
                f"UPDATE {seals.SEALS} SET {column} = {SEAL_EDITS[column]} WHERE number = %s",
                number,
            )
            chain.broken(f"seal {number + 100 * (column == 'number')}")


def test_a_missing_seal(chain: Chain) -> None:
    for number in range(1, BATCHES):
        with thief():
            sql(f"DELETE FROM {seals.SEALS} WHERE number = %s", number)
            chain.broken(f"Seal {number} is missing")


def test_two_seals_exchanged(chain: Chain) -> None:
    for number in range(1, BATCHES):
        with thief():
            renumber = f"UPDATE {seals.SEALS} SET number = %s WHERE number = %s"
            sql(renumber, 0, number)
            sql(renumber, number, number + 1)
            sql(renumber, number + 1, 0)
            chain.broken(f"Seal {number} was edited")


def chain_anew(key: Signer, *, named: str = "") -> None:
    """All seals made over what lies on the trail now, each from the one before."""
    head = seals.NOTHING_BEFORE
    for seal in TrailSeal.objects.order_by("number"):
        tree, marks = Tree(), b""
        for line in seals.lines(seal.from_tx, seal.to_tx):
            tree.add(leaf(line))
            marks += leaf(line)[: seals.MARK]
        seal.previous, seal.count, seal.root, seal.marks = head, tree.count, tree.root(), marks
        seal.head = head = seals.head_of(seal)
        seal.key = named or crypto.public_fingerprint(key.public)
        seal.signature = key.sign(seals.signed_part(head))
        seal.save(force_update=True)


def test_chained_anew_without_the_key(chain: Chain) -> None:
    ours = crypto.public_fingerprint(seals.signer().public)
    for event in chain.ids:
        for named in ("", ours):
            with thief():
                sql(f"DELETE FROM {seals.TRAIL} WHERE id = %s", event)
                chain_anew(Signer(os.urandom(32)), named=named)
                chain.broken("seal 1 is forged" if named else "Seal 1 is signed by a key that is")


def test_chained_anew_with_the_key(chain: Chain) -> None:
    """Only what lies outside the database tells: the anchor at or after the place."""
    for event in chain.ids:
        with thief():
            sql(f"DELETE FROM {seals.TRAIL} WHERE id = %s", event)
            chain_anew(seals.signer())
            anchored = 1 if chain.seal_of(event) == 1 else BATCHES
            chain.broken(f"Seal {anchored} is not the one that was anchored", "made anew")
            if chain.seal_of(event) > 1:
                assert not any("Seal 1 " in found for found in chain.verify().findings)


def test_rolled_back_to_an_older_copy(chain: Chain) -> None:
    """An old dump is whole in itself, and goes on from there; the anchors are those of today."""
    for kept in range(BATCHES):
        with thief():
            sql(f"DELETE FROM {seals.SEALS} WHERE number > %s", kept)
            until = chain.ids[kept * LINES - 1] if kept else 0
            sql(f"DELETE FROM {seals.TRAIL} WHERE id > %s", until)
            chain.broken("an older copy of the database was put back")


def test_rolled_back_and_sealed_on(chain: Chain) -> None:
    """The time that was lost is sealed over, and the chain is as long as it was."""
    with thief():
        sql(f"DELETE FROM {seals.SEALS} WHERE number > %s", BATCHES - 1)
        sql(f"DELETE FROM {seals.TRAIL} WHERE id = %s", chain.ids[-1])
        last = TrailSeal.objects.get(number=BATCHES - 1)
        seals._seal(last.to_tx, seals.clock().horizon, timezone.now())
        assert TrailSeal.objects.count() == BATCHES
        chain.broken(f"Seal {BATCHES} is not the one that was anchored")


def test_anchors_forged_cut_or_missing(chain: Chain) -> None:
    whole = chain.anchored.read_bytes()
    first, last = whole.splitlines(keepends=True)
    assert stat.S_IMODE(chain.anchored.stat().st_mode) == 0o600
    chain.anchored.write_bytes(first)
    chain.broken(f"The anchor of seal {BATCHES}", "is missing")
    for forged in (b'"number":9', b'"number":2'):
        chain.anchored.write_bytes(first + last.replace(b'"number":%d' % BATCHES, forged))
        chain.broken("Line 2 of", "is not an anchor")
    chain.anchored.write_bytes(whole[:-20])
    chain.broken("Line 2 of", "is not an anchor")
    anchors.anchor()
    assert len(list(anchors.read(chain.anchored))) == 3, "a torn line stays by itself"
    chain.anchored.unlink()
    chain.broken("The anchors are missing")
    # Laid aside on purpose: a new file begins with today's anchor and is asked for no older one.
    anchors.anchor()
    assert chain.verify().findings == []


@given(st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_done_shows(chain: Chain, data: st.DataObject) -> None:
    """Any few of these deeds, at any places, together."""
    with thief():
        before = rows()
        for _ in range(data.draw(st.integers(1, 4))):
            event = data.draw(st.sampled_from(chain.ids))
            match data.draw(st.sampled_from(["edit", "delete", "insert", "seal"])):
                case "edit":
                    column = data.draw(st.sampled_from([c for c in EDITS if c not in ("id", "tx")]))
                    statement = f"UPDATE {seals.TRAIL} SET {column} = {EDITS[column]}"
                    sql(f"{statement} WHERE id = %s", event)
                case "delete":
                    sql(f"DELETE FROM {seals.TRAIL} WHERE id = %s", event)
                case "insert":
                    sql(COPY_OF.format(seals.TRAIL), data.draw(st.integers(-1, 0)), event)
                case "seal":
                    column = data.draw(st.sampled_from([c for c in SEAL_EDITS if c != "number"]))
                    statement = f"UPDATE {seals.SEALS} SET {column} = {SEAL_EDITS[column]}"
                    sql(f"{statement} WHERE number = %s", chain.seal_of(event))
        if rows() != before:
            assert chain.verify().findings


def rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT md5(string_agg(t::text, '' ORDER BY tx, id)) FROM {seals.TRAIL} t")
        lines = cursor.fetchone()
        cursor.execute(f"SELECT md5(string_agg(t::text, '' ORDER BY number)) FROM {seals.SEALS} t")
    return str((lines, cursor.rowcount)) + str(list(TrailSeal.objects.order_by("number").values()))


def test_keys_change_and_retire(chain: Chain, settings: Any) -> None:
    old = settings.AUDIT_SIGNING_KEY[0]
    new = base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings.AUDIT_SIGNING_KEY = [new, old]
    write()
    seal_everything()
    keys = list(TrailSeal.objects.order_by("number").values_list("key", flat=True))
    assert keys[-1] == crypto.public_fingerprint(seals.signer().public) != keys[0]
    assert chain.verify().findings == []
    settings.AUDIT_SIGNING_KEY = [new]
    chain.broken("Seal 1 is signed by a key that is not configured")
    public = Signer(base64.urlsafe_b64decode(old)).public
    settings.AUDIT_RETIRED_PUBLIC_KEYS = [base64.urlsafe_b64encode(public).decode()]
    assert chain.verify().findings == []


def test_since(chain: Chain) -> None:
    """Only what was sealed from then on is read; what lies before is not."""
    third = TrailSeal.objects.get(number=3)
    with thief():
        sql(f"DELETE FROM {seals.TRAIL} WHERE id = %s", chain.ids[0])
        report = verification.verify(chain.anchored, since=third.sealed_at)
        assert (report.findings, report.seals) == ([], 2)
        sql(f"DELETE FROM {seals.TRAIL} WHERE id = %s", chain.ids[-1])
        report = verification.verify(chain.anchored, since=third.sealed_at)
        assert "seal 4," in report.findings[0]


def test_a_batch_is_bounded_and_never_cuts_a_transaction(db: None) -> None:
    with transaction.atomic():
        for _ in range(7):
            audit.record("note.read", by=None)
    for _ in range(5):
        write()
    all_is_over()
    made = []
    while (one := seals.seal(batch=3)) is not None:
        made.append(one.count)
    assert made == [7, 3, 2]
    spans = list(TrailSeal.objects.order_by("number").values_list("from_tx", "to_tx"))
    assert all(a[1] == b[0] for a, b in pairwise(spans))


def in_threads(*works: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def test_a_transaction_that_stays_open_is_waited_for(db: None, settings: Any) -> None:
    """Its line is older than others that are there already, and no seal passes it by."""
    seal_everything()
    opened, close = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            audit.record("note.read", by=None, number=1)
            opened.set()
            close.wait(60)

    def watch() -> None:
        opened.wait(60)
        write(2)
        assert list(seals.seal_all()) == []
        assert seals.state().waits_since is not None
        assert seals.held_up_since() is not None
        close.set()

    in_threads(slow, watch)
    seal_everything()
    assert [seal.count for seal in TrailSeal.objects.all()] == [2]
    assert verification.verify(Path(settings.AUDIT_ANCHOR_FILE)).findings == []


def test_no_line_is_missed_or_sealed_twice(db: None, settings: Any) -> None:
    """Writers fast and slow, some of which take all or a part of it back, and two sealers."""
    written: list[int] = []
    done = threading.Event()

    def writer(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(40):
            kept = 0
            with transaction.atomic():
                for _ in range(chance.randint(1, 3)):
                    with transaction.atomic():
                        audit.record("note.read", by=None, number=seed)
                        back = chance.random() < 0.2
                        kept += not back
                        transaction.set_rollback(back)
                    if chance.random() < 0.2:
                        done.wait(chance.random() / 20)
                if chance.random() < 0.2:
                    kept = 0
                    transaction.set_rollback(True)
            written.append(kept)

    def sealer() -> None:
        while not done.is_set():
            list(seals.seal_all())

    def writers() -> None:
        try:
            in_threads(*[lambda seed=seed: writer(seed) for seed in range(6)])
        finally:
            done.set()

    in_threads(writers, sealer, sealer)
    seal_everything()
    report = verification.verify(Path(settings.AUDIT_ANCHOR_FILE))
    assert report.findings == []
    assert report.events == sum(written) == AuditEvent.objects.count()
    assert report.unsealed == 0


def test_one_sealer_at_a_time(db: None) -> None:
    """The second one leaves it to the first; and if it did not, the database would not take it."""
    write()
    all_is_over()
    with psycopg.connect(superuser_url()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [seals.SEALER])
        assert seals.seal() is None
    first = seals.seal()
    assert first is not None
    for fork in ({"number": 2, "previous": first.previous}, {"number": 1, "previous": b"x"}):
        second = TrailSeal(
            **{f.attname: getattr(first, f.attname) for f in first._meta.concrete_fields} | fork
        )
        with pytest.raises(IntegrityError), transaction.atomic():
            second.save(force_insert=True)


@pytest.fixture
def new_cluster(chain: Chain) -> Iterator[Chain]:
    """As after a restore: the numbers on the trail are a million ahead of the cluster's."""
    sql(seals.REBASED.format(offset=1_000_000))
    write()
    seal_everything()
    sql(seals.REBASED.format(offset=0))
    yield chain
    owner.connect_as_owner()  # the command gave the connection back
    sql(seals.REBASED.format(offset=0))


def test_after_a_restore_into_a_new_cluster(new_cluster: Chain) -> None:
    assert [error.id for error in checks.trail_counts_on(databases=["default"])] == ["usaldus.E008"]
    write()  # what the web would write, did it not refuse to start
    with pytest.raises(seals.ClockBehind, match="audit rebase"):
        seals.seal()
    for verb in ("seal", "status"):
        with pytest.raises(CommandError, match="audit rebase"):
            call_command("audit", verb)
    new_cluster.broken("restored into a new cluster")
    call_command("audit", "rebase")
    assert checks.trail_counts_on(databases=["default"]) == []
    assert new_cluster.verify().findings == []
    write()
    seal_everything()
    report = new_cluster.verify()
    assert (report.findings, report.unsealed) == ([], 0)
    with pytest.raises(CommandError, match="run on"):
        call_command("audit", "rebase")
    assert AuditEvent.objects.get(event="trail.rebased").detail["lines"] == 1


def test_an_empty_trail_has_nothing_to_compare(db: None, settings: Any) -> None:
    assert seals.seal() is None
    assert anchors.anchor() is None
    report = verification.verify(Path(settings.AUDIT_ANCHOR_FILE))
    assert (report.findings, len(report.unchecked)) == ([], 2)
    with pytest.raises(CommandError) as refused:
        call_command("audit", "verify")
    assert refused.value.returncode == 2


def test_the_worker_seals_anchors_and_verifies(db: None, settings: Any, caplog: Any) -> None:
    write()
    all_is_over()
    tasks.seal_trail()
    tasks.anchor_trail()
    tasks.verify_trail()
    state = seals.state()
    assert (state.number, state.anchored and state.anchored.detail["number"]) == (1, 1)
    assert state.verified
    assert state.verified.detail == {"number": 1, "events": 1, "findings": 0, "unchecked": 0}
    with thief():
        sql(f"UPDATE {seals.TRAIL} SET denied = true")
        tasks.verify_trail()
        assert "edited" in caplog.text
        found = seals.state().verified
        assert found
        assert found.detail["findings"] == 1


def test_the_anchor_command(chain: Chain, settings: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    settings.AUDIT_ANCHOR_COMMAND = ["tee", str(copy)]
    anchors.anchor()
    assert copy.read_bytes() == chain.anchored.read_bytes().splitlines(keepends=True)[-1]
    for command in (["false"], ["/no/such/program"]):
        settings.AUDIT_ANCHOR_COMMAND = command
        with pytest.raises(CommandError, match="in the file and in the log"):
            call_command("audit", "anchor")
    assert len(list(anchors.read(chain.anchored))) == 5


def test_no_anchor_no_line(chain: Chain, settings: Any, tmp_path: Path) -> None:
    """Where the file cannot be written, nothing says that an anchor was made."""
    (tmp_path / "in the way").touch()
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "in the way" / "anchors")
    with pytest.raises(OSError, match="in the way"):
        anchors.anchor()
    assert AuditEvent.objects.filter(event="trail.anchored").count() == 2


def in_process(address: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    from django.conf import settings

    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": address,
        "AUDIT_SIGNING_KEY": ",".join(settings.AUDIT_SIGNING_KEY),
        "AUDIT_ANCHOR_FILE": settings.AUDIT_ANCHOR_FILE,
    }
    return subprocess.run(
        [sys.executable, "manage.py", "audit", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif("EMBEDDED_SUPERUSER_URL" not in os.environ, reason="needs a superuser's URL")
def test_what_the_superuser_does_the_auditor_sees(chain: Chain) -> None:
    """From outside: superuser SQL, a connection that may only read, the exit status."""
    only_read = superuser_url() + "&options=-c%20default_transaction_read_only%3Don"
    whole = in_process(only_read, "verify")
    assert (whole.returncode, "as it was sealed" in whole.stdout) == (0, True), whole.stderr
    with psycopg.connect(superuser_url()) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(f"DELETE FROM {seals.TRAIL} WHERE id = %s".encode(), [chain.ids[5]])
    broken = in_process(only_read, "verify")
    assert broken.returncode == 1
    assert f"after event {chain.ids[4]} and before event {chain.ids[6]}" in broken.stdout
    nowhere = urlsplit(superuser_url())._replace(path="/nowhere").geturl()
    assert in_process(nowhere, "verify").returncode == 2


@pytest.mark.skipif("EMBEDDED_SUPERUSER_URL" not in os.environ, reason="needs pg_dump")
def test_a_dump_restored_verifies(chain: Chain) -> None:
    """The bytes of a line are the same in another database, and so is the order."""
    from tests.test_stolen_database import dump

    name = f"restored_{sha256(os.urandom(8)).hexdigest()[:8]}"
    restored = urlsplit(superuser_url())._replace(path=f"/{name}").geturl()
    with psycopg.connect(superuser_url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name}".encode())
        try:
            programs = Path(os.environ["EMBEDDED_POSTGRES_PROGRAMS"])
            subprocess.run(
                [programs / "psql", "--quiet", "--no-psqlrc", restored],
                input=dump(), check=True, capture_output=True,
            )  # fmt: skip
            done = in_process(restored, "verify")
            assert done.returncode == 0, done.stdout + done.stderr
        finally:
            superuser.execute(f"DROP DATABASE {name} (FORCE)".encode())


def test_state_tells_how_far(chain: Chain, capsys: Any) -> None:
    state = seals.state()
    assert state.number == BATCHES
    assert state.waits_since is not None
    assert timezone.now() - state.waits_since < timedelta(minutes=5)
    call_command("audit", "status")
    said = capsys.readouterr().out
    assert f"by seal {BATCHES}" in said
    assert "Never verified." in said


def test_a_new_key_is_a_key(capsys: Any, settings: Any) -> None:
    call_command("audit", "key")
    made = capsys.readouterr().out.strip()
    settings.AUDIT_SIGNING_KEY = [made]
    assert checks.settings_are_safe() == []
    call_command("audit", "key", "--public")
    fingerprint, public = capsys.readouterr().out.split()
    assert public != made
    assert seals.public_keys() == {fingerprint: base64.urlsafe_b64decode(public)}
    assert made not in repr(seals.signer())
