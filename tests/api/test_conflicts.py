"""What the state of things does not allow is a conflict: 409, and nothing changes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from clients_app import (
    agreements,
    break_glass,
    client_requests,
    clients,
    exceptions,
    holds,
    promises,
    rules,
    succession,
)
from clients_app.models import Client, PurgeItem, PurgeRun, Shortening, User
from sessions_app import disclosures, notes, sessions
from sessions_app.models import TherapySession
from tests.api.conftest import OPERATIONS, Phone, nothing_changes, refusal
from tests.conftest import Cast, promised, wording_of, yesterday

Open = Callable[[User], Phone]
Attempt = tuple[User, dict[str, UUID], dict[str, Any] | None]


@pytest.fixture
def attempts(cast: Cast, mari: Client, meeting: TherapySession) -> dict[str, Attempt]:
    """For each operation somebody who may, on something that is past it."""
    liis, piret, mattias = cast.liis, cast.piret, cast.mattias
    gone = clients.register(by=liis)
    last = sessions.plan(gone.pk, by=liis, starts_at=yesterday(), status="held")
    told = disclosures.write(last.pk, by=liis, text="x")
    clients.discharge(gone.pk, by=liis, on=timezone.now().date())

    draft = notes.write(meeting.pk, by=liis, body={"text": "x"})
    signed = notes.write(meeting.pk, by=liis, body={"text": "x"})
    notes.sign(signed.pk, by=liis, version=1)

    hold = holds.place(mari.pk, by=piret, matter="x", reason="y")
    holds.lift(hold.pk, by=piret)
    asked = client_requests.record(mari.pk, by=liis, kind="access", details="x")
    client_requests.decide(asked.pk, by=piret, outcome="refused", answer="y")
    rule, _longer = rules.decide(by=piret, trigger="discharge", years=7, source="x")
    rules.retire(rule.pk, by=piret)
    rules.adopt("us-az", by=piret)
    over_already = Shortening.objects.create(
        practice=cast.practice,
        files=1,
        due=0,
        proposed_at=yesterday(),
        proposed_by=piret,
        effective_at=yesterday(),
        ended_at=yesterday(),
    )
    run = PurgeRun.objects.create(
        practice=cast.practice,
        due_on=yesterday().date(),
        proposed_at=yesterday(),
        decided_at=yesterday(),
        decided_by=piret,
        status="refused",
    )
    item = PurgeItem.objects.create(
        run=run, client_id=mari.pk, client_code=mari.code, retain_until=run.due_on, rule=""
    )

    kai = User.objects.create(
        vouched_at=timezone.now(),
        email="kai@kalda.example",
        name="Kai",
        role="counsellor",
        practice=cast.practice,
    )
    succession.name(kai.pk, by=liis)
    over: dict[str, Any] = {"counsellor": liis.pk, "ground": "left", "to": kai.pk}
    refused = succession.propose(by=mattias, **over)
    succession.refuse(refused.pk, by=piret)
    succession.propose(by=mattias, **over)
    past = {"succession_id": refused.pk}
    emergency: dict[str, Any] = {"reason_code": "other", "text": "Nobody else can be reached now."}
    opened = break_glass.request(mari.code, by=cast.mark, **emergency)

    published = promised(cast, yesterday())
    promises.draft("et", by=piret, text=wording_of("et"))
    agreement = agreements.record(mari.pk, by=liis, statement=published.pk, how="paper")
    agreements.withdraw(agreement.pk, by=liis)
    helped: dict[str, Any] = {"ground": "danger_to_life", "recipient": "r", "content": "c"}
    exception = exceptions.record(mari.pk, by=liis, **helped, told="yes", told_at=timezone.now())
    excerpt = {"supervisor": str(cast.sofia.pk), "consent_how": "spoken", "pseudonym": "K"}

    decided, ended = {"run_id": run.pk, "item_id": item.pk}, {"session_id": meeting.pk}
    email = {"email": cast.mark.email.upper(), "name": "x", "role": "supervisor"}
    return {
        "dischargeClient": (liis, {"client_id": gone.pk}, {"on": str(yesterday().date())}),
        "reopenClient": (liis, {"client_id": mari.pk}, None),
        "planSession": (liis, {}, {"client": str(gone.pk), "starts_at": yesterday().isoformat()}),
        "moveSession": (liis, ended, None),
        "holdSession": (liis, ended, None),
        "cancelSession": (liis, ended, None),
        "writeNote": (liis, {}, {"session": str(last.pk), "body": {"text": "x"}}),
        "reviseNote": (liis, {"note_id": signed.pk}, None),
        "signNote": (liis, {"note_id": signed.pk}, None),
        "addToNote": (liis, {"note_id": draft.pk}, None),
        "writeDisclosure": (liis, {}, {"session": str(last.pk), "text": "x"}),
        "amendDisclosure": (liis, {"disclosure_id": told.pk}, None),
        "draftPromise": (piret, {}, {"language": "et", "text": wording_of("et")}),
        "revisePromise": (piret, {"promise_id": published.pk}, {"text": wording_of("et")}),
        "publishPromise": (piret, {"promise_id": published.pk}, None),
        "recordAgreement": (
            liis,
            {"client_id": gone.pk},
            {"statement": str(published.pk), "how": "paper"},
        ),
        "withdrawAgreement": (
            liis,
            {"client_id": mari.pk, "agreement_id": agreement.pk},
            None,
        ),
        "recordClientTold": (liis, {"exception_id": exception.pk}, {}),
        "releaseExcerpt": (
            liis,
            {"client_id": mari.pk},
            {**excerpt, "note": str(signed.pk), "text": "She came."},
        ),
        "openEmergency": (cast.mark, {}, {**emergency, "code": mari.code}),
        "reviewEmergency": (piret, {"access_id": opened.pk}, None),
        "decideClientRequest": (piret, {"request_id": asked.pk}, None),
        "liftHold": (piret, {"hold_id": hold.pk}, None),
        "retireRule": (piret, {"rule_id": rule.pk}, None),
        "proposeShortening": (piret, {}, None),
        "confirmShortening": (mattias, {"shortening_id": over_already.pk}, {"files": 1}),
        "withdrawShortening": (piret, {"shortening_id": over_already.pk}, None),
        "adoptRulePreset": (piret, {}, None),
        "approvePurge": (piret, decided, None),
        "secondPurge": (mattias, decided, None),
        "stopPurge": (piret, decided, None),
        "snoozeFile": (
            liis,
            {"client_id": mari.pk},
            {"reason": "may_return", "until": str((timezone.now() + timedelta(days=9)).date())},
        ),
        "refusePurge": (piret, decided, None),
        "takeOutPurgeFile": (piret, decided, None),
        "nameSuccessor": (liis, {}, {"successor": str(kai.pk), "rank": 2}),
        "handOverCaseload": (liis, {}, {"to": str(kai.pk), "number": 99}),
        "proposeSuccession": (mattias, {}, {**over, "counsellor": str(liis.pk), "to": str(kai.pk)}),
        "approveSuccession": (piret, past, None),
        "refuseSuccession": (piret, past, None),
        "createUser": (mattias, {}, email),
        "changeUser": (mattias, {"user_id": mattias.pk}, None),
        "vouchForUser": (piret, {"user_id": kai.pk}, None),
        "inviteUser": (mattias, {"user_id": mattias.pk}, None),
    }


CONFLICTS = [operation for operation in OPERATIONS if "409" in operation.spec["responses"]]


@pytest.mark.parametrize("operation", CONFLICTS, ids=lambda operation: operation.name)
def test_what_is_past_stays_as_it_is(
    attempts: dict[str, Attempt], phone: Open, operation: Any
) -> None:
    """Every conflict of which the schema speaks, brought about."""
    actor, ids, body = attempts[operation.name]
    theirs = phone(actor)
    with nothing_changes():
        problem = refusal(operation.call(theirs, body, ids=ids), 409)
    assert problem["detail"]


def test_no_other_operation_has_conflicts(attempts: dict[str, Attempt]) -> None:
    assert attempts.keys() == {operation.name for operation in CONFLICTS}
