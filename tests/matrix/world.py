"""A file in every relation to Liis, at two practices, with one of everything that has an id.

Whoever adds a route with a new kind of id says in `file` and `practice_things` what it stands for.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from clients_app import (
    agreements,
    care,
    certificates,
    client_requests,
    clients,
    exceptions,
    holds,
    logins,
    promises,
    rules,
    users,
    vault,
)
from clients_app.models import (
    BreakGlass,
    CareAssignment,
    Client,
    Handover,
    Practice,
    PurgeItem,
    PurgeRun,
    Shortening,
    Successor,
    User,
)
from sessions_app import disclosures, notes, sessions, supervision
from tests.canary import Canaries
from tests.conftest import PASSWORD, Cast, prove_app, wording_of, yesterday
from tests.matrix.table import (
    COLLEAGUE,
    DISCHARGED,
    ELSEWHERE,
    ENDED,
    MALFORMED,
    NEVER,
    OWN,
    PURGED,
    SHARED,
)

NOWHERE = "00000000-0000-7000-8000-000000000000"
NEW_PASSWORD = "eleven slow tortoises crossing"
# Sealed columns in which nobody could tell a canary: choices, flags, numbers, days.
NOT_WORDS = {
    "Client.birth_date",
    "Client.category",
    "Client.death_date",
    "Disclosure.distress_after",
    "Disclosure.distress_before",
    "Disclosure.first_told",
    "Disclosure.listening_intent",
    "NoteVersion.format",
    "SessionNote.format",
}
Things = dict[str, str]


@dataclass
class World:
    """Everybody, and by relation the ids of everything. `words`: what each sealed column of the
    own file holds; `marks`: what tells that a file is in an answer."""

    cast: Cast
    actors: dict[str, User]
    things: dict[str, Things] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    marks: dict[str, list[bytes]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    authors: dict[str, UUID] = field(default_factory=dict)
    # Of everybody's authenticator app.
    secret: str = ""

    def thing(self, name: str, relation: str) -> str:
        """The id in an address that `name` means: `note`, or `note=draft`."""
        if relation == MALFORMED:
            return "7"
        if relation == NEVER:
            return NOWHERE
        kind, _equals, which = name.partition("=")
        found = self.things[relation].get(f"{kind}={which}" if which else kind)
        assert found, f"say in tests/matrix/world.py what {{{name}}} is for {relation}"
        return found


def build(cast: Cast) -> World:
    """The cast with their files."""
    there = Practice.objects.get(slug="elsewhere")
    away = users.create(
        by=None,
        email="pille@elsewhere.example",
        name="Pille",
        role="privacy_officer",
        password=PASSWORD,
        practice=there,
    )
    gone = _login(cast.practice, "Dagmar")
    actors = {
        "counsellor": cast.liis,
        "supervisor": cast.sofia,
        "desk": cast.frida,
        "manager": cast.mattias,
        "officer": cast.piret,
        "superuser": cast.root,
        "disabled": gone,
    }
    world = World(cast, actors, words=canaries(), secret=app_of_all([*actors.values(), cast.mark]))
    liis, mark, piret = cast.liis, cast.mark, cast.piret
    here, elsewhere = practice_things(cast.practice, piret), practice_things(there, away)
    theirs = own_things(mark, liis)
    # To whom the excerpts go that are not Sofia's, and who opened the files that she did not.
    others = {
        practice.pk: _login(practice, "Tiina", "supervisor") for practice in (cast.practice, there)
    }
    for relation, author, officer, common, personal in (
        (OWN, liis, piret, here, own_things(liis, mark)),
        (SHARED, mark, piret, here, theirs),
        (COLLEAGUE, mark, piret, here, theirs),
        (ENDED, liis, piret, here, theirs),
        (DISCHARGED, liis, piret, here, theirs),
        (ELSEWHERE, cast.olga, away, elsewhere, own_things(cast.olga, others[there.pk])),
        (PURGED, liis, piret, here, theirs),
    ):
        words = world.words if relation == OWN else canaries()
        assert officer.practice_id is not None
        reader = cast.sofia if relation == OWN else others[officer.practice_id]
        made = file(author, officer, words, common, reader)
        world.things[relation] = {**common, **personal, **made}
        world.authors[relation] = author.pk
        client = Client.objects.get(pk=made["client"])
        world.codes[relation] = client.code
        # Another practice gives out the same codes.
        code = [] if relation == ELSEWHERE else [client.code]
        telling = [*(made[name] for name in FILE_MARKS), *code, words["Client.full_name"]]
        world.marks[relation] = [text.encode() for text in telling]
    world.authors[ENDED] = mark.pk
    _relate(world)
    return world


def practice_things(practice: Practice, officer: User) -> Things:
    """What belongs to a practice and to no file."""
    rule, _longer = rules.decide(by=officer, trigger="discharge", years=7, source="policy")
    now = timezone.now()
    run = PurgeRun.objects.create(practice=practice, due_on=now.date(), proposed_at=now)
    shortening = Shortening.objects.create(
        practice=practice,
        files=1,
        due=0,
        proposed_at=now,
        proposed_by=officer,
        effective_at=now,
    )
    # Approved by somebody who is gone, so that anybody may be the second person.
    awaiting = PurgeRun.objects.create(
        practice=practice,
        due_on=now.date(),
        proposed_at=now,
        status="awaiting",
        decided_at=now,
        decided_by=_login(practice, "Endla", "privacy_officer"),
        needs_second=True,
    )
    PurgeItem.objects.create(
        run=awaiting,
        client_id=UUID(bytes=secrets.token_bytes(16), version=4),
        client_code="C-1999-0002",
        retain_until=now.date(),
        rule="",
    )
    record = certificates.issue(
        practice=practice,
        run_id=run.pk,
        client_id=UUID(bytes=secrets.token_bytes(16), version=4),
        client_code="C-1999-0001",
        counts={},
        rule="",
        retain_until=now.date(),
        approved_by=officer,
        method="cryptographic-erase+deletion",
        destroyed_at=now,
        wal_horizon=now.date(),
        backup_horizon=now.date(),
    )
    login = _login(practice, "Kaarel")
    logins.open_device(login, device="phone")
    newcomer = _login(practice, "Merle")
    app_of_all([newcomer])
    User.objects.filter(pk=newcomer.pk).update(vouched_at=None)
    published = promises.draft("en", by=officer, text=wording_of("en"), now=yesterday())
    promises.publish(published.pk, by=officer, version=1, now=yesterday())
    draft = promises.draft("en", by=officer, text=wording_of("en"))
    succession = Handover.objects.create(
        practice=practice,
        counsellor=login,
        to=_login(practice, "Helmi"),
        ground="left",
        proposed_at=now,
        proposed_by=login,
        effective_at=now,
    )
    return {
        "promise": str(published.pk),
        "promise=draft": str(draft.pk),
        "confidentialitystatement": str(published.pk),
        "confidentialitystatement=draft": str(draft.pk),
        "succession": str(succession.pk),
        "handover": str(succession.pk),
        "rule": str(rule.pk),
        "retentionrule": str(rule.pk),
        "run": str(run.pk),
        "purgerun": str(run.pk),
        "shortening": str(shortening.pk),
        "run=awaiting": str(awaiting.pk),
        "purgerun=awaiting": str(awaiting.pk),
        "destructionrecord": str(record.pk),
        "practice": str(practice.pk),
        "user": str(login.pk),
        "user=new": str(newcomer.pk),
        "auditevent": NOWHERE,
    }


def own_things(user: User, colleague: User) -> Things:
    """What is this counsellor's alone: another login of theirs, whom they named and by whom they
    were named, and a handover that is done."""
    assert user.practice is not None
    friend = _login(user.practice, f"{user.name}-successor")
    login, _secret = logins.open_device(user, device="tablet")
    now = timezone.now()
    named, asked = (
        Successor.objects.create(
            practice=user.practice, counsellor=one, successor=other, rank=2, named_at=now
        )
        for one, other in ((user, friend), (friend, user))
    )
    handover = Handover.objects.create(
        practice=user.practice,
        counsellor=user,
        to=colleague,
        ground="own",
        status="done",
        proposed_at=now,
        proposed_by=user,
        effective_at=now,
        decided_at=now,
        decided_by=user,
        begun_at=now,
        finished_at=now,
    )
    return {
        "login": str(login.pk),
        "successor": str(named.pk),
        "successor=asked": str(asked.pk),
        "handover=own": str(handover.pk),
    }


def app_of_all(people: list[User]) -> str:
    """Everybody has the same secret in their app, so that a body fits whoever sends it; and is
    logged in on a second device."""
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    for user in people:
        offered = vault.seal_secret(secret, owner=user.pk)
        prove_app(user, offered, secret)
        logins.open_device(user, device="old phone")
    return secret


def file(
    author: User, officer: User, words: Mapping[str, str], common: Things, reader: User
) -> Things:
    """A client of this counsellor's, with all that a file can hold. `reader`: the supervisor who
    was given an excerpt, and who once opened the file in an emergency."""
    identity = {n.partition(".")[2]: w for n, w in words.items() if n.startswith("Client.")}
    client = clients.register(by=author, identity={**identity, "birth_date": "1931-07-19"})
    met = sessions.plan(
        client.pk,
        by=author,
        starts_at=yesterday(),
        status="held",
        place=words["TherapySession.place"],
    )
    planned = sessions.plan(client.pk, by=author, starts_at=yesterday() - timedelta(hours=2))
    draft = notes.write(met.pk, by=author, body={"text": words["NoteVersion.body"]})
    notes.revise(draft.pk, by=author, version=1, body={"text": "A draft."})
    signed = notes.write(met.pk, by=author, body={"text": words["SessionNote.body"]})
    notes.sign(signed.pk, by=author, version=1)
    agreement = agreements.record(
        client.pk, by=author, statement=UUID(common["promise"]), how="spoken"
    )
    told = disclosures.write(
        met.pk,
        by=author,
        text=words["Disclosure.text"],
        themes=[words["Disclosure.themes"]],
        distress_before=8,
    )
    locked = disclosures.write(met.pk, by=author, text="For me alone.", locked=True)
    hold = holds.place(
        client.pk,
        by=officer,
        matter=words["LegalHold.matter"],
        reason=words["LegalHold.reason"],
        notice_to=words["LegalHold.notice_to"],
    )
    asked, answered = (
        client_requests.record(
            client.pk, by=author, kind=kind, details=words["ClientRequest.details"]
        )
        for kind in ("access", "complaint")
    )
    client_requests.decide(
        answered.pk, by=officer, outcome="settled", answer=words["ClientRequest.answer"]
    )
    exception = exceptions.record(
        client.pk,
        by=author,
        ground="danger_to_life",
        recipient=words["ConfidentialityException.recipient"],
        content=words["ConfidentialityException.content"],
        told="no",
        why_not_told=words["ConfidentialityException.why_not_told"],
    )
    excerpt = supervision.release(
        client.pk,
        by=author,
        note=signed.pk,
        text=words["SupervisionExcerpt.text"],
        pseudonym=words["SupervisionExcerpt.pseudonym"],
        supervisor=reader.pk,
        consent_how="spoken",
        names_confirmed=True,
    )
    waiting = emergency(client, reader, reason=words["BreakGlass.reason"])
    reviewed = emergency(
        client,
        reader,
        reason=words["BreakGlass.reason"],
        review=words["BreakGlass.review"],
        reviewed_by=officer,
    )
    item = PurgeItem.objects.create(
        run_id=UUID(common["run"]),
        client_id=client.pk,
        client_code=client.code,
        retain_until=timezone.now().date(),
        rule="",
    )
    made = {
        "client": client,
        "care": CareAssignment.objects.get(client=client, user=author),
        "assignment": CareAssignment.objects.get(client=client, user=author),
        "session": met,
        "session=planned": planned,
        "therapysession": met,
        "therapysession=planned": planned,
        "note": signed,
        "note=draft": draft,
        "sessionnote": signed,
        "sessionnote=draft": draft,
        "disclosure": told,
        "disclosure=locked": locked,
        "hold": hold,
        "legalhold": hold,
        "request": asked,
        "clientrequest": asked,
        "item": item,
        "agreement": agreement,
        "exception": exception,
        "confidentialityexception": exception,
        "excerpt": excerpt,
        "supervisionexcerpt": excerpt,
        "access": waiting,
        "access=reviewed": reviewed,
        "breakglass": waiting,
        "breakglass=reviewed": reviewed,
    }
    return {name: str(row.pk) for name, row in made.items()}


def emergency(
    client: Client,
    user: User,
    *,
    reason: str,
    review: str | None = None,
    reviewed_by: User | None = None,
) -> BreakGlass:
    """One that is over, and reviewed where a reviewer is given."""
    opened, now = yesterday(), timezone.now()
    row = BreakGlass(
        practice=user.practice,
        client=client,
        user=user,
        role=user.role,
        reason_code="danger_to_life",
        opened_at=opened,
        expires_at=opened + BreakGlass.LIFE,
        alert_due_at=opened,
        reviewed_at=now if reviewed_by else None,
        reviewed_by=reviewed_by,
        finding="justified" if reviewed_by else "",
    )
    vault.seal(row, vault.open_key(client.pk), reason=reason, review=review)
    row.save(force_insert=True)
    return row


COLUMNS = (
    "Client.full_name",
    "Client.preferred_name",
    "Client.pronouns",
    "Client.phone",
    "Client.email",
    "Client.address",
    "Client.trusted_person",
    "TherapySession.place",
    "SessionNote.body",
    "NoteVersion.body",
    "Disclosure.text",
    "Disclosure.themes",
    "LegalHold.matter",
    "LegalHold.reason",
    "LegalHold.notice_to",
    "ClientRequest.details",
    "ClientRequest.answer",
    "BreakGlass.reason",
    "BreakGlass.review",
    "ConfidentialityException.recipient",
    "ConfidentialityException.content",
    "ConfidentialityException.why_not_told",
    "SupervisionExcerpt.pseudonym",
    "SupervisionExcerpt.text",
)


def canaries() -> dict[str, str]:
    """A word for every sealed column that takes one."""
    new = Canaries()
    email = new.new_ascii("Client.email")
    words = {column: new.new(column) for column in COLUMNS if column != "Client.email"}
    return words | {"Client.email": f"{email}@mail.example"}


FILE_MARKS = (
    *("client", "session", "session=planned", "note", "disclosure", "hold", "request"),
    *("agreement", "exception", "excerpt", "access", "access=reviewed"),
)


def _relate(world: World) -> None:
    """Bring each file into its relation."""
    cast, things = world.cast, world.things
    care.assign(UUID(things[SHARED]["client"]), cast.liis.pk, by=cast.mattias)
    ended = UUID(things[ENDED]["client"])
    care.assign(ended, cast.mark.pk, by=cast.mattias)
    care.end(UUID(things[ENDED]["care"]), by=cast.mattias)
    day = timezone.now().date()
    clients.discharge(UUID(things[DISCHARGED]["client"]), by=cast.liis, on=day)
    # As `destruction` does it; and the practice's own things went as well.
    PurgeItem.objects.filter(pk=things[PURGED]["item"]).delete()
    Client.objects.get(pk=things[PURGED]["client"]).delete()
    things[PURGED] |= practice_things_that_went()
    # Two ids in one address that do not belong together.
    for relation in things:
        other = OWN if relation == COLLEAGUE else COLLEAGUE
        things[relation] |= {
            "item=another": things[ELSEWHERE if relation != ELSEWHERE else OWN]["item"],
            "assignment=another": things[other]["assignment"],
            "care=another": things[other]["care"],
            "agreement=another": things[other]["agreement"],
            "excerpt=another": things[other]["excerpt"],
        }


def practice_things_that_went() -> Things:
    """Ids that something of the practice had and nothing has any more."""
    kinds = (
        *("rule", "retentionrule", "run", "purgerun", "destructionrecord", "practice", "user"),
        *("run=awaiting", "purgerun=awaiting", "shortening"),
        *("promise", "promise=draft", "confidentialitystatement", "confidentialitystatement=draft"),
        *(
            "user=new",
            "succession",
            "handover",
            "handover=own",
            "login",
            "successor",
            "successor=asked",
        ),
    )
    return {kind: str(UUID(bytes=secrets.token_bytes(16), version=4)) for kind in kinds}


def _login(practice: Practice, name: str, role: str = "counsellor") -> User:
    return users.create(
        by=None,
        email=f"{name.lower()}@{practice.slug}.example",
        name=name,
        role=role,
        password=PASSWORD,
        practice=practice,
    )


def pending(world: World) -> int:
    return PurgeItem.objects.filter(run_id=UUID(world.things[OWN]["run"]), status="pending").count()
