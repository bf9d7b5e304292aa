"""Lists: all of it, once, in as many queries as ever; and nothing in them that is sealed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients_app import break_glass, clients, exceptions, holds
from clients_app.models import Client, ConfidentialityStatement, PurgeRun, User
from sessions_app import disclosures, notes, sessions, supervision
from sessions_app.models import Disclosure, TherapySession
from tests.api.conftest import Operation, Phone, ask, each, refusal
from tests.api.shelves import Shelves
from tests.conftest import Cast, yesterday

Open = Callable[[User], Phone]
CANARY = "xqzjwkvbtxqzjwkvbtxqzjwk"


@pytest.fixture
def shelves(
    cast: Cast,
    mari: Client,
    meeting: TherapySession,
    confided: Disclosure,
    promise: ConfidentialityStatement,
) -> Shelves:
    run = PurgeRun.objects.create(
        practice=cast.practice, due_on=yesterday().date(), proposed_at=yesterday()
    )
    emergency = break_glass.request(
        mari.code, by=cast.sofia, reason_code="other", text="Nobody else can be reached now."
    )
    return Shelves(cast, mari, meeting, confided, run, emergency, promise)


@each(lambda operation: operation.listing)
def test_a_list_takes_as_many_queries_for_20_rows_as_for_one(
    shelves: Shelves, phone: Open, operation: Operation
) -> None:
    """A name or a code that is fetched row by row would be felt with the first busy caseload."""
    reader, address = shelves.where(operation.name)
    theirs = phone(reader)
    shelves.put(operation.name, 1)
    with CaptureQueriesContext(connection) as one:
        few = ask(theirs, address)["results"]
    for number in range(2, 21):
        shelves.put(operation.name, number)
    with CaptureQueriesContext(connection) as many:
        more = ask(theirs, address)["results"]
    assert len(few) >= 1
    assert len(more) >= 20
    assert len(many) == len(one), [query["sql"][:90] for query in many]
    assert len(one) < 15


@each(lambda operation: operation.listing)
def test_page_by_page_every_row_comes_once(
    shelves: Shelves, phone: Open, operation: Operation
) -> None:
    """Whatever the size of the pages, and in the same order as in one piece."""
    for number in range(9):
        shelves.put(operation.name, number)
    reader, address = shelves.where(operation.name)
    theirs = phone(reader)
    whole = ids(ask(theirs, f"{address}?limit=100"))
    assert len(whole) == len(set(whole)) >= 9
    for limit in (1, 2, 7):
        # To read the trail is on the trail: those lists grow while they are read.
        walked = [row for row in walk(theirs, address, limit) if row in whole]
        assert walked == whole


@each(lambda operation: operation.listing)
def test_rows_that_appear_meanwhile_hide_none(
    shelves: Shelves, phone: Open, operation: Operation
) -> None:
    """A number of rows to skip would have shown one twice, or one never."""
    for number in range(6):
        shelves.put(operation.name, number)
    reader, address = shelves.where(operation.name)
    theirs = phone(reader)
    before = ids(ask(theirs, address))
    first = ask(theirs, f"{address}?limit=3")
    for number in range(6, 10):
        shelves.put(operation.name, number)
    rest = walk(theirs, address, 3, cursor=first["next"])
    seen = [row for row in ids(first) + rest if row in before]
    assert seen == before


@each(lambda operation: operation.listing)
def test_a_cursor_is_taken_back_as_it_was_given(
    shelves: Shelves, phone: Open, operation: Operation
) -> None:
    """Anything else is refused: made up, cut off, changed, of another list."""
    reader, address = shelves.where(operation.name)
    theirs = phone(reader)
    for number in range(3):
        shelves.put(operation.name, number)
    cursor = ask(theirs, f"{address}?limit=1")["next"]
    other = "listNotes" if operation.name != "listNotes" else "listSessions"
    for number in range(3):
        shelves.put(other, 20 + number)
    their_reader, their_address = shelves.where(other)
    foreign = ask(phone(their_reader), f"{their_address}?limit=1")["next"]
    assert cursor
    assert foreign
    for wrong in (
        "",
        "x",
        "bnVsbA",
        "%00",
        cursor[:-1],
        "W" + cursor,
        cursor + "x",
        foreign,
        "ä" * 99,
    ):
        problem = refusal(theirs.send("GET", f"{address}?cursor={wrong}"), 400)
        assert problem["errors"][0]["field"] == "cursor"
        assert len(wrong) < 2 or wrong not in str(problem)


@pytest.mark.parametrize(
    "limit", ["0", "-1", "101", "1e3", "x", "", "10000000000", "%2B5", "%D9%A5"]
)
def test_pages_have_a_size_that_is_allowed(cast: Cast, phone: Open, limit: str) -> None:
    """From 1 to 100."""
    problem = refusal(phone(cast.liis).send("GET", f"clients?limit={limit}"), 400)
    assert problem["errors"][0]["field"] == "limit"


def test_which_clients(cast: Cast, phone: Open, mari: Client) -> None:
    """Those in care, unless others are asked for."""
    gone = clients.register(by=cast.liis)
    clients.discharge(gone.pk, by=cast.liis, on=yesterday().date())
    liis = phone(cast.liis)
    assert ids(ask(liis, "clients")) == [str(mari.pk)]
    assert ids(ask(liis, "clients?status=discharged")) == [str(gone.pk)]
    assert ids(ask(liis, "clients?status=all")) == [str(mari.pk), str(gone.pk)]


def test_clients_are_found_by_words_that_no_address_holds(
    cast: Cast, phone: Open, mari: Client
) -> None:
    """By parts of name, code, phone, e-mail; only one's own."""
    liis = phone(cast.liis)
    for words in ("maasi", "MARI maas", "5550", mari.code, "mail.example"):
        found = liis.send("POST", "clients/search", {"words": words}).json()
        assert ids(found) == [str(mari.pk)]
    mark = phone(cast.mark).send("POST", "clients/search", {"words": "mari"})
    assert mark.json() == {"results": []}
    refusal(liis.send("GET", "clients?words=mari"), 400)


def test_sessions_of_a_week(cast: Cast, phone: Open, meeting: TherapySession) -> None:
    """From a moment on and before another, in whatever zone they are asked for."""
    liis = phone(cast.liis)
    at = meeting.starts_at.isoformat().replace("+", "%2B")
    assert ids(ask(liis, f"sessions?since={at}")) == [str(meeting.pk)]
    assert ids(ask(liis, f"sessions?until={at}")) == []
    assert ids(ask(liis, "sessions?since=2001-01-01T00:00%2B02:00&until=2002-01-01T00:00Z")) == []


@pytest.fixture
def canaries(cast: Cast) -> dict[str, str]:
    """A file with a word of its own in every sealed field."""
    word = {name: f"{CANARY}{name}" for name in ("full_name", "preferred_name", *REST)}
    identity = {name: word[name] for name in IDENTITY}
    client = clients.register(by=cast.liis, identity=identity)
    session = sessions.plan(
        client.pk, by=cast.liis, starts_at=yesterday(), status="held", place=word["place"]
    )
    draft = notes.write(session.pk, by=cast.liis, body={"text": word["body"]})
    notes.sign(draft.pk, by=cast.liis, version=1)
    notes.add(draft.pk, by=cast.liis, text=word["body"])
    told = disclosures.write(
        session.pk, by=cast.liis, text=word["text"], themes=[word["themes"]], first_told=True
    )
    disclosures.amend(told.pk, by=cast.liis, text=word["text"])
    holds.place(client.pk, by=cast.piret, matter=word["matter"], reason=word["reason"])
    told_outside: Any = {name: word[name] for name in ("recipient", "content", "why_not_told")}
    kept = exceptions.record(
        client.pk, by=cast.liis, ground="legal_duty", told="no", **told_outside
    )
    supervision.release(
        client.pk,
        by=cast.liis,
        disclosure=told.pk,
        text=word["excerpt"],
        pseudonym=word["pseudonym"],
        supervisor=cast.sofia.pk,
        consent_how="spoken",
        exception=kept.pk,
    )
    return word


IDENTITY = ("full_name", "preferred_name", "pronouns", "phone", "address", "trusted_person")
REST = (
    *IDENTITY[2:],
    *("place", "body", "text", "themes", "matter", "reason"),
    *("recipient", "content", "why_not_told", "excerpt", "pseudonym"),
)


@each(lambda operation: operation.method == "GET" and "{" not in operation.path)
def test_lists_hold_nothing_that_is_sealed(
    canaries: dict[str, str], cast: Cast, phone: Open, operation: Operation
) -> None:
    """The list of clients has the names to find them by, the supervisor's the pseudonyms. Nothing
    else of a file is in any list, whoever asks."""
    allowed = {
        "listClients": {"full_name", "preferred_name"},
        "listExcerpts": {"pseudonym"},
    }.get(operation.name, set())
    seen: set[str] = set()
    for user in (cast.liis, cast.mark, cast.sofia, cast.frida, cast.mattias, cast.piret, cast.root):
        text = operation.call(phone(user)).content.decode()
        seen |= {name for name, word in canaries.items() if word in text}
    assert seen == allowed


def test_answers_to_writes_hold_nothing_that_is_sealed(cast: Cast, phone: Open) -> None:
    """The phone knows what it sent; what is not sent back is in no log of a proxy."""
    liis = phone(cast.liis)
    client = liis.send("POST", "clients", {"full_name": CANARY, "phone": CANARY})
    pk = client.json()["id"]
    session = {"client": pk, "starts_at": yesterday().isoformat(), "place": CANARY}
    planned = liis.send("POST", "sessions", {**session, "status": "held"})
    within = {"session": planned.json()["id"]}
    note = liis.send("POST", "notes", {**within, "body": {"text": CANARY}})
    told = liis.send("POST", "disclosures", {**within, "text": CANARY, "themes": [CANARY]})
    address = f"notes/{note.json()['id']}"
    revised = liis.send("PATCH", address, {"body": {"text": CANARY * 2}}, if_match='"v1"')
    changed = liis.send("PATCH", f"clients/{pk}", {"address": CANARY}, if_match='"v1"')
    for answer in (client, planned, note, told, revised, changed):
        assert answer.status_code in (200, 201)
        assert CANARY.encode() not in answer.content


def walk(phone: Phone, address: str, limit: int, cursor: str | None = None) -> list[str]:
    """All ids of a list, page by page. Gives up where a list that grows would never end."""
    found: list[str] = []
    for _page in range(200):
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = ask(phone, address + query)
        found += ids(page)
        assert len(ids(page)) <= limit
        cursor = page["next"]
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["results"]]
