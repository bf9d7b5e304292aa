"""One client with a word in every sealed field.

Whoever adds a sealed field writes a word into it here, or says in `WORDLESS` why none fits in: a
field without either fails `test_every_sealed_field_has_a_word`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.utils import timezone

from clients_app import (
    agreements,
    break_glass,
    client_requests,
    clients,
    exceptions,
    facts,
    holds,
    purges,
    rules,
    succession,
    users,
    vault,
)
from clients_app.models import BreakGlass, CareAssignment, Client, PurgeItem, SealedRow, Shortening
from sessions_app import disclosures, notes, sessions, supervision
from tests.canary import Canaries
from tests.conftest import PASSWORD, Cast, promised, yesterday

WORDLESS = {
    "Client.birth_date": "a date",
    "Client.category": "one of three words",
    "Client.death_date": "a date",
    "Disclosure.distress_after": "a number from 0 to 10",
    "Disclosure.distress_before": "a number from 0 to 10",
    "Disclosure.first_told": "yes or no",
    "Disclosure.listening_intent": "one of five words",
    "NoteVersion.format": "one of five words",
    "SessionNote.format": "one of five words",
}
# Who a client is, apart from what they said: some roles know the one and not the other.
IDENTITY = (*(f"Client.{name}" for name in facts.IDENTITY), "TherapySession.place")
# What the privacy officer judges: holds and emergency accesses.
CUSTODY = (
    *("LegalHold.matter", "LegalHold.reason", "LegalHold.notice_to"),
    *("BreakGlass.reason", "BreakGlass.review"),
    *("ClientRequest.details", "ClientRequest.answer"),
)
# What was told outside: for whoever is in care.
TOLD = tuple(
    f"ConfidentialityException.{name}" for name in ("recipient", "content", "why_not_told")
)
# What was released to the supervisor.
RELEASED = ("SupervisionExcerpt.pseudonym", "SupervisionExcerpt.text")
# Before the dates that the examples of the API name.
PROMISED_ON = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class File:
    """The words, and the ids that lead to them: by their name in addresses of the API, by the name
    of their model, and by their name in bodies of the API."""

    canaries: Canaries
    client: Client
    ids: dict[str, UUID]
    things: dict[str, UUID]
    named: dict[str, UUID]


def sealed_fields() -> dict[str, type[SealedRow]]:
    """Every sealed field there is, by `Model.field`."""
    return {
        f"{model.__name__}.{field.name}": model
        for model in apps.get_models()
        if issubclass(model, SealedRow)
        for field in model.sealed_fields()
    }


def plant(cast: Cast) -> File:
    """Write the file through the verbs, and another one that is due to be destroyed."""
    canaries = Canaries()
    new = canaries.new
    identity = {name: new(f"Client.{name}") for name in facts.IDENTITY}
    identity |= {"birth_date": "1990-05-17", "death_date": "2020-02-02", "category": "funded"}
    identity["email"] = canaries.new_ascii("Client.email") + "@mail.example"
    for name in ("birth_date", "category", "death_date"):
        del canaries.words[f"Client.{name}"]
    client = clients.register(by=cast.liis, identity=identity)

    meeting = sessions.plan(
        client.pk,
        by=cast.liis,
        starts_at=yesterday(),
        status="held",
        place=new("TherapySession.place"),
    )
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": new("NoteVersion.body")})
    notes.revise(draft.pk, by=cast.liis, version=1, body={"text": new("SessionNote.body")})
    signed = notes.write(meeting.pk, by=cast.liis, body={"text": new("a signed note")})
    notes.sign(signed.pk, by=cast.liis, version=1)
    notes.add(signed.pk, by=cast.liis, text=new("an addendum"))
    told = disclosures.write(
        meeting.pk,
        by=cast.liis,
        text=new("Disclosure.text"),
        themes=[new("Disclosure.themes")],
        listening_intent="be_heard",
    )
    disclosures.amend(told.pk, by=cast.liis, text=new("an amendment"))
    disclosures.write(meeting.pk, by=cast.liis, text=new("a locked disclosure"), locked=True)
    hold = holds.place(
        client.pk,
        by=cast.piret,
        matter=new("LegalHold.matter"),
        reason=new("LegalHold.reason"),
        notice_to=new("LegalHold.notice_to"),
    )
    asked = client_requests.record(
        client.pk, by=cast.liis, kind="access", details=new("ClientRequest.details")
    )
    answered = client_requests.record(
        client.pk, by=cast.liis, kind="complaint", details=new("an answered request")
    )
    client_requests.decide(
        answered.pk, by=cast.piret, outcome="settled", answer=new("ClientRequest.answer")
    )

    promise = promised(cast, PROMISED_ON)
    agreed = agreements.record(
        client.pk,
        by=cast.liis,
        statement=promise.pk,
        how="spoken",
        given_at=PROMISED_ON + timedelta(days=1),
    )
    exception = exceptions.record(
        client.pk,
        by=cast.liis,
        ground="legal_duty",
        recipient=new("ConfidentialityException.recipient"),
        content=new("ConfidentialityException.content"),
        told="no",
        why_not_told=new("ConfidentialityException.why_not_told"),
    )
    excerpt = supervision.release(
        client.pk,
        by=cast.liis,
        note=signed.pk,
        text=new("SupervisionExcerpt.text"),
        pseudonym=new("SupervisionExcerpt.pseudonym"),
        supervisor=cast.sofia.pk,
        consent_how="spoken",
    )
    reviewed = _emergency(client, cast, hours=3, word=new("BreakGlass.reason"))
    break_glass.review(reviewed.pk, by=cast.piret, finding="unclear", text=new("BreakGlass.review"))
    waiting = _emergency(client, cast, hours=2, word=new("an unreviewed emergency"))

    rule, _longer = rules.decide(by=cast.piret, trigger="discharge", years=7, source="law")
    gone = clients.register(by=cast.liis, identity={"full_name": new("a purged client")})
    clients.discharge(gone.pk, by=cast.liis, on=date(2012, 3, 1))
    run = purges.propose(by=cast.piret)
    assert run is not None
    moment = timezone.now()
    shortening = Shortening.objects.create(
        practice=cast.practice,
        files=1,
        due=0,
        proposed_at=moment,
        proposed_by=cast.piret,
        effective_at=moment + timedelta(days=7),
    )
    # Somebody whose login may be changed and closed by whoever gets that far.
    spare = users.create(
        by=None,
        email="spare@kalda.example",
        name="Anu",
        role="front_desk",
        password=PASSWORD,
        practice=cast.practice,
    )
    successor = succession.name(cast.mark.pk, by=cast.liis)
    clients.register(by=cast.mark, identity={"full_name": new("a client of Mark's")})
    # Of his caseload, so that nobody takes Liis out of care before her turn.
    handover = succession.propose(
        by=cast.mattias, counsellor=cast.mark.pk, ground="ill", to=cast.liis.pk
    )
    things = {
        "client": client.pk,
        "user": spare.pk,
        "practice": cast.practice.pk,
        "retentionrule": rule.pk,
        "legalhold": hold.pk,
        "clientrequest": asked.pk,
        "purgerun": run.pk,
        "shortening": shortening.pk,
        "therapysession": meeting.pk,
        "sessionnote": draft.pk,
        "disclosure": told.pk,
        "confidentialitystatement": promise.pk,
        "agreement": agreed.pk,
        "confidentialityexception": exception.pk,
        "supervisionexcerpt": excerpt.pk,
        "breakglass": reviewed.pk,
        "successor": successor.pk,
        "handover": handover.pk,
        "destructionrecord": uuid4(),
        "auditevent": uuid4(),
    }
    ids = {
        "client_id": client.pk,
        "assignment_id": CareAssignment.objects.get(client=client).pk,
        "session_id": meeting.pk,
        "note_id": draft.pk,
        "disclosure_id": told.pk,
        "hold_id": hold.pk,
        "rule_id": rule.pk,
        "request_id": asked.pk,
        "shortening_id": shortening.pk,
        "run_id": run.pk,
        "item_id": PurgeItem.objects.get(run=run).pk,
        "user_id": spare.pk,
        "promise_id": promise.pk,
        "agreement_id": agreed.pk,
        "exception_id": exception.pk,
        "excerpt_id": excerpt.pk,
        "access_id": waiting.pk,
        "successor_id": successor.pk,
        "succession_id": handover.pk,
    }
    named = {
        "client": client.pk,
        "session": meeting.pk,
        "user": cast.mark.pk,
        "to": cast.mark.pk,
        "counsellor": cast.liis.pk,
        "statement": promise.pk,
        "note": signed.pk,
        "supervisor": cast.sofia.pk,
        "successor": cast.mark.pk,
    }
    return File(canaries, client, ids, things, named)


def _emergency(client: Client, cast: Cast, *, hours: int, word: str) -> BreakGlass:
    """Mark had the file open then; it is over, and he sees nothing of it now."""
    return break_glass.request(
        client.code,
        by=cast.mark,
        reason_code="danger_to_life",
        text=f"{word}, and nobody can be reached.",
        now=timezone.now() - timedelta(hours=hours),
    )


def held(client: Client) -> dict[str, list[Any]]:
    """What every sealed field of a client's file holds, unsealed, by `Model.field`."""
    key = vault.open_key(client.pk)
    found: dict[str, list[Any]] = {}
    for name, model in sealed_fields().items():
        mine = {"pk": client.pk} if model is Client else {"client": client}
        rows = model._default_manager.filter(**mine)
        found[name] = [vault.unseal(row, key, name.partition(".")[2]) for row in rows]
    return found
