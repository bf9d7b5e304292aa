"""Not yours and not there are the same bytes: ids in bodies, filters and lists. Those in addresses:
`tests/test_access_matrix.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from clients_app import (
    agreements,
    break_glass,
    care,
    client_requests,
    clients,
    exceptions,
    holds,
    logins,
    promises,
    rules,
    succession,
    users,
)
from clients_app.models import (
    Agreement,
    CareAssignment,
    Client,
    ConfidentialityException,
    ConfidentialityStatement,
    Handover,
    Practice,
    PurgeItem,
    PurgeRun,
    Shortening,
    User,
)
from clients_app.roles import Role
from sessions_app import disclosures, notes, sessions, supervision
from sessions_app.models import Disclosure, SupervisionExcerpt, TherapySession
from tests.api.conftest import (
    NOWHERE,
    OPERATIONS,
    Operation,
    Phone,
    ask,
    each,
    nothing_changes,
    refusal,
    tell,
)
from tests.conftest import PASSWORD, Cast, wording_of, yesterday

Open = Callable[[User], Phone]


@dataclass
class Things:
    """One of everything that has an id: in the address, and in a body or a query."""

    path: dict[str, UUID]
    user: UUID
    named: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.named = {
            "client": self.path["client_id"],
            "session": self.path["session_id"],
            "user": self.user,
            "successor": self.user,
            "to": self.user,
            "counsellor": self.user,
            "statement": self.path["promise_id"],
            "exception": self.path["exception_id"],
            "about": self.path["disclosure_id"],
            "note": self.path["note_id"],
            "disclosure": self.path["disclosure_id"],
            "supervisor": SupervisionExcerpt.objects.get(pk=self.path["excerpt_id"]).supervisor_id,
        }


@pytest.fixture
def things(cast: Cast, mari: Client, meeting: TherapySession, confided: Disclosure) -> Things:
    """Everything of Mari's, and the custody of her file."""
    return everything_of(mari, meeting, cast.liis, cast.piret, cast.sofia)


def everything_of(
    client: Client, meeting: TherapySession, counsellor: User, officer: User, supervisor: User
) -> Things:
    """One of everything there can be about this client."""
    draft = notes.write(meeting.pk, by=counsellor, body={"text": "A draft."})
    told = disclosures.write(meeting.pk, by=counsellor, text="What was said.")
    hold = holds.place(client.pk, by=officer, matter="Case 12", reason="The court asked.")
    asked = client_requests.record(client.pk, by=counsellor, kind="access", details="All of it.")
    rule, _longer = rules.decide(by=officer, trigger="discharge", years=7, source="policy")
    moment = timezone.now()
    shortening = Shortening.objects.create(
        practice=client.practice,
        files=1,
        due=0,
        proposed_at=moment,
        proposed_by=officer,
        effective_at=moment + timedelta(days=7),
    )
    run = PurgeRun.objects.create(
        practice=client.practice, due_on=timezone.now().date(), proposed_at=timezone.now()
    )
    item = PurgeItem.objects.create(
        run=run, client_id=client.pk, client_code=client.code, retain_until=run.due_on, rule=""
    )
    manager, colleague = (
        User.objects.create(
            vouched_at=timezone.now(),
            email=f"{role}-{client.pk}@here.example",
            name=role,
            role=role,
            practice=client.practice,
        )
        for role in (Role.PRACTICE_MANAGER, Role.COUNSELLOR)
    )
    named = succession.name(colleague.pk, by=counsellor)
    moment = timezone.now()
    own = Handover.objects.create(
        practice=client.practice,
        counsellor=counsellor,
        to=colleague,
        ground="own",
        status="done",
        proposed_at=moment,
        proposed_by=counsellor,
        effective_at=moment,
        begun_at=moment,
    )
    proposed = succession.propose(
        by=manager, counsellor=counsellor.pk, ground="left", to=colleague.pk
    )
    emergency = break_glass.request(
        client.code,
        by=supervisor,
        reason_code="danger_to_life",
        text="She called and said goodbye; Liis is abroad.",
    )
    statement, agreement, exception, excerpt = promised_and_told(client, told, counsellor, officer)
    return Things(
        {
            "promise_id": statement.pk,
            "agreement_id": agreement.pk,
            "exception_id": exception.pk,
            "excerpt_id": excerpt.pk,
            "client_id": client.pk,
            "assignment_id": CareAssignment.objects.get(client=client, user=counsellor).pk,
            "session_id": meeting.pk,
            "note_id": draft.pk,
            "disclosure_id": told.pk,
            "hold_id": hold.pk,
            "request_id": asked.pk,
            "rule_id": rule.pk,
            "shortening_id": shortening.pk,
            "run_id": run.pk,
            "access_id": emergency.pk,
            "item_id": item.pk,
            "successor_id": named.pk,
            "handover_id": own.pk,
            "succession_id": proposed.pk,
            "user_id": counsellor.pk,
            "login_id": logins.open_device(counsellor, device="phone")[0].pk,
        },
        counsellor.pk,
    )


def promised_and_told(
    client: Client, told: Disclosure, counsellor: User, officer: User
) -> tuple[ConfidentialityStatement, Agreement, ConfidentialityException, SupervisionExcerpt]:
    """The promise that the client was given, an exception from it, and an excerpt."""
    draft = promises.draft("en", by=officer, text=wording_of("en"))
    statement = promises.publish(draft.pk, by=officer, version=1)
    agreement = agreements.record(client.pk, by=counsellor, statement=statement.pk, how="paper")
    exception = exceptions.record(
        client.pk, by=counsellor, ground="court_order", recipient="Court", content="That she came."
    )
    supervisor, _made = User.objects.get_or_create(
        role=Role.SUPERVISOR,
        practice=client.practice,
        defaults={"email": f"s@{client.practice.slug}.example", "name": "S"},
    )
    excerpt = supervision.release(
        client.pk,
        by=counsellor,
        disclosure=told.pk,
        text="What was said.",
        pseudonym="K",
        supervisor=supervisor.pk,
        consent_how="spoken",
    )
    return statement, agreement, exception, excerpt


@pytest.fixture
def strangers(cast: Cast) -> list[User]:
    """One of each role at the practice where Olga works, and Mark, who works here but is not in
    Mari's care."""
    there = Practice.objects.get(slug="elsewhere")
    return [cast.mark] + [
        users.create(
            by=None,
            email=f"{role}@elsewhere.example",
            name=f"Stranger {role}",
            role=role,
            password=PASSWORD,
            practice=there,
        )
        for role in Role
    ]


def same(one: Any, other: Any) -> None:
    """Two answers that nobody can tell apart."""
    assert one.status_code == other.status_code
    assert one.content == other.content
    assert one.headers == other.headers


@pytest.mark.parametrize("address", ["sessions", "notes", "disclosures"])
def test_a_filter_does_not_tell_whether_a_client_is_there(
    things: Things, cast: Cast, phone: Open, address: str
) -> None:
    """Asking for the sessions of a client whom one does not know is asking for the client."""
    mark = phone(cast.mark)
    real = mark.send("GET", f"{address}?client={things.path['client_id']}")
    same(real, mark.send("GET", f"{address}?client={NOWHERE}"))
    refusal(real, 404)


@each(lambda operation: operation.name.startswith(("list", "search", "readMe")))
def test_lists_of_strangers_are_empty_of_it(
    things: Things, strangers: list[User], phone: Open, operation: Operation
) -> None:
    """Whatever list a stranger may open, nothing of Mari's is in it."""
    for stranger in strangers[1:]:
        answer = operation.call(phone(stranger), {"words": "a"} if operation.body else None)
        for name, pk in things.path.items():
            assert str(pk).encode() not in answer.content, name


WRITES = {
    (operation.name, name)
    for operation in OPERATIONS
    for name, shape in (operation.body or {"properties": {}})["properties"].items()
    if "uuid" in (shape.get("format"), shape.get("items", {}).get("format"))
}


def test_these_bodies_name_ids() -> None:
    """A new field for an id is tried by the test below; this one is told so on purpose."""
    assert {
        ("assignCare", "user"),
        ("handOverCare", "to"),
        ("handOverCaseload", "clients"),
        ("handOverCaseload", "to"),
        ("nameSuccessor", "successor"),
        ("placeHold", "client"),
        ("planSession", "client"),
        ("planSession", "counsellor"),
        ("proposeSuccession", "counsellor"),
        ("proposeSuccession", "to"),
        ("recordAgreement", "statement"),
        ("recordClientRequest", "client"),
        ("recordException", "about"),
        ("releaseExcerpt", "disclosure"),
        ("releaseExcerpt", "exception"),
        ("releaseExcerpt", "note"),
        ("releaseExcerpt", "supervisor"),
        ("writeDisclosure", "session"),
        ("writeNote", "session"),
    } == WRITES


@pytest.mark.parametrize(("name", "field"), sorted(WRITES))
def test_foreign_ids_in_bodies_are_refused(
    things: Things, cast: Cast, phone: Open, name: str, field: str
) -> None:
    """Another practice's, a colleague's, nobody's: as if there were none, and nothing changes."""
    operation = next(operation for operation in OPERATIONS if operation.name == name)
    managers = {"assignCare", "proposeSuccession"}
    actor = cast.mattias if name in managers else cast.piret if name == "placeHold" else cast.liis
    own = {key: str(things.named[key]) for key in operation.example if key in things.named}
    theirs = phone(actor)
    answers = []
    for foreign in (*foreigners(field, cast), UUID(NOWHERE)):
        with nothing_changes():
            body: dict[str, Any] = {**operation.example, **own, field: str(foreign)}
            if field == "clients":
                body |= {"clients": [str(foreign)], "to": str(cast.mark.pk), "number": 1}
            if field == "disclosure":
                body.pop("note")
            answers.append(operation.call(theirs, body, ids=things.path))
        assert answers[-1].status_code in (400, 404), answers[-1].content
    for answer in answers[1:]:
        same(answers[0], answer)


def foreigners(field: str, cast: Cast) -> list[UUID]:
    """Ids of what is there and not Liis's to name."""
    olgas = clients.register(by=cast.olga)
    marks = clients.register(by=cast.mark)
    if field == "client":
        return [olgas.pk]
    if field == "clients":
        return [olgas.pk, marks.pk]
    if field == "session":
        return [
            sessions.plan(client.pk, by=by, starts_at=yesterday()).pk
            for client, by in ((olgas, cast.olga), (marks, cast.mark))
        ]
    if field in ("about", "note", "disclosure", "exception"):
        return [
            foreign_thing(field, client, by)
            for client, by in ((olgas, cast.olga), (marks, cast.mark))
        ]
    if field == "statement":
        return [promises.draft("en", by=cast.piret).pk]
    if field == "supervisor":
        return [cast.olga.pk, cast.mark.pk, cast.root.pk]
    return [cast.olga.pk, cast.frida.pk, cast.root.pk]


def foreign_thing(field: str, client: Client, by: User) -> UUID:
    """What a client of somebody else's said, or an exception of theirs."""
    if field == "exception":
        return exceptions.record(
            client.pk, by=by, ground="court_order", recipient="x", content="y"
        ).pk
    session = sessions.plan(client.pk, by=by, starts_at=yesterday())
    if field == "note":
        return notes.write(session.pk, by=by, body={"text": "x"}).pk
    return disclosures.write(session.pk, by=by, text="x").pk


def test_an_item_belongs_to_its_run_and_an_assignment_to_its_client(
    things: Things, cast: Cast, phone: Open
) -> None:
    """Two ids in one address that do not belong together lead nowhere."""
    another = clients.register(by=cast.liis)
    address = f"clients/{another.pk}/care/{things.path['assignment_id']}"
    run = PurgeRun.objects.create(
        practice=cast.practice,
        due_on=timezone.now().date(),
        proposed_at=timezone.now(),
        status="refused",
        decided_at=timezone.now(),
        decided_by=cast.piret,
    )
    manager, officer = phone(cast.mattias), phone(cast.piret)
    with nothing_changes():
        refusal(manager.send("DELETE", address), 404)
        item = f"purge-runs/{run.pk}/items/{things.path['item_id']}/take-out"
        refusal(officer.send("POST", item), 404)


def test_a_draft_is_its_authors_alone(cast: Cast, phone: Open, things: Things) -> None:
    """Even before another confidant of the same client it is as if there were none."""
    client = things.path["client_id"]
    tell(phone(cast.mattias), f"clients/{client}/care", {"user": str(cast.mark.pk)})
    mark = phone(cast.mark)
    ask(mark, f"clients/{client}")
    same(mark.send("GET", f"notes/{things.path['note_id']}"), mark.send("GET", f"notes/{NOWHERE}"))


def test_a_locked_disclosure_is_its_authors_alone(
    cast: Cast, phone: Open, mari: Client, meeting: TherapySession
) -> None:
    """Its corrections too, and no list tells of it."""
    locked = disclosures.write(meeting.pk, by=cast.liis, text="For Liis.", locked=True)
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    mark = phone(cast.mark)
    for tail in ("", "/amendments"):
        real = mark.send("GET", f"disclosures/{locked.pk}{tail}")
        same(real, mark.send("GET", f"disclosures/{NOWHERE}{tail}"))
        refusal(real, 404)
    assert ask(mark, f"disclosures?client={mari.pk}")["results"] == []
