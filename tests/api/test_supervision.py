"""The promise and the excerpt, told from phones; and which fields each of them gets."""

from collections.abc import Callable
from datetime import timedelta

import time_machine
from django.utils import timezone

from clients_app import care
from clients_app.models import Agreement, Client, ConfidentialityStatement, User
from sessions_app import supervision
from sessions_app.models import Disclosure, SupervisionExcerpt, TherapySession
from tests.api.conftest import NOWHERE, Phone, ask, refusal, tell
from tests.conftest import Cast, wording_of

Open = Callable[[User], Phone]
KNOWN = {
    "id",
    "client",
    "ground",
    "decided_at",
    "decided_by",
    "recorded_at",
    "told",
    "client_told_at",
}


def test_from_the_promise_to_supervision(
    cast: Cast, phone: Open, mari: Client, meeting: TherapySession
) -> None:
    """Piret publishes, Liis gives it to Mari, what Mari confides is pinned to it, a part of it goes
    to Sofia, who reads it until it is taken back."""
    officer, liis, sofia = phone(cast.piret), phone(cast.liis), phone(cast.sofia)
    assert liis.send("GET", "promises/current?language=et").status_code == 204
    shipped = ask(officer, "promises/shipped?language=et")["text"]
    draft = tell(officer, "promises", {"language": "et"}, status=201)
    assert draft["text"] == shipped
    address = f"promises/{draft['id']}"
    refused = officer.send("POST", f"{address}/publish", if_match='"v1"')
    assert refusal(refused, 400)["errors"][0]["code"] == "unfinished"
    text = {"text": wording_of("et")}
    tell(officer, address, text, method="PATCH", if_match='"v1"')
    refusal(officer.send("PATCH", address, text, if_match='"v1"'), 412)
    refusal(liis.send("GET", address), 404)
    tell(officer, f"{address}/publish", if_match='"v2"')
    assert ask(liis, "promises/current?language=et")["number"] == 1

    within = {"session": str(meeting.pk), "text": "Something."}
    assert tell(liis, "disclosures", within, status=201)["agreement"] is None
    given = {"statement": draft["id"], "how": "spoken"}
    agreement = tell(liis, f"clients/{mari.pk}/agreements", given, status=201)
    told = tell(liis, "disclosures", within, status=201)
    assert told["agreement"] == agreement["id"]

    (supervisor,) = ask(liis, "supervisors")["results"]
    excerpt = {
        "disclosure": told["id"],
        "text": "Mari said something.",
        "pseudonym": "K",
        "supervisor": supervisor["id"],
        "consent_how": "spoken",
    }
    excerpts = f"clients/{mari.pk}/excerpts"
    assert refusal(liis.send("POST", excerpts, excerpt), 409)["code"] == "names"
    excerpt["text"] = "She said something."
    made = tell(liis, excerpts, excerpt, status=201)
    assert "pseudonym" not in made

    (line,) = ask(sofia, "excerpts")["results"]
    assert line.keys() == {"id", "pseudonym", "released_by", "released_at", "expires_at"}
    opened = sofia.send("GET", f"excerpts/{made['id']}")
    assert opened.json().keys() == line.keys() | {"text"}
    assert opened.json()["text"] == "She said something."
    for lead in (str(mari.pk), mari.code, told["id"], str(meeting.pk), agreement["id"], "Mari"):
        assert lead not in opened.content.decode() + str(line)

    (seen,) = ask(liis, excerpts)["results"]
    assert seen["last_read_at"] is not None
    assert ask(liis, f"{excerpts}/{made['id']}")["text"] == "She said something."
    revoked = tell(liis, f"{excerpts}/{made['id']}/revoke")
    assert revoked["revoked_at"] is not None
    gone, never = (sofia.send("GET", f"excerpts/{pk}") for pk in (made["id"], NOWHERE))
    assert gone.content == never.content
    refusal(gone, 404)
    assert ask(sofia, "excerpts")["results"] == []
    log = ask(liis, f"clients/{mari.pk}/access-log")["results"]
    assert [e["actor"] for e in log if e["event"] == "excerpt.read"] == [str(cast.sofia.pk)]


def test_what_ended_is_gone_whatever_ended_it(
    cast: Cast, phone: Open, released: SupervisionExcerpt
) -> None:
    """Expired, or the author's care over: the same bytes as for what never was."""
    sofia = phone(cast.sofia)
    address = f"excerpts/{released.pk}"
    ask(sofia, address)
    never = sofia.send("GET", f"excerpts/{NOWHERE}").content
    with time_machine.travel(released.expires_at, tick=False):
        assert phone(cast.sofia).send("GET", address).content == never
    ask(sofia, address)
    care.hand_over(released.client_id, cast.mark.pk, by=cast.liis)
    assert sofia.send("GET", address).content == never


def test_nothing_is_released_on_no_ground(cast: Cast, phone: Open, confided: Disclosure) -> None:
    """The answer says what to record first."""
    body = {
        "disclosure": str(confided.pk),
        "text": "x",
        "pseudonym": "K",
        "supervisor": str(cast.sofia.pk),
        "consent_how": "paper",
    }
    answer = phone(cast.liis).send("POST", f"clients/{confided.client_id}/excerpts", body)
    problem = refusal(answer, 409)
    assert problem["code"] == "no_ground"
    assert "Record first" in problem["detail"]


def test_the_privacy_officer_gets_no_word_of_an_exception(
    cast: Cast, phone: Open, mari: Client
) -> None:
    """The fields of the words are not empty in Piret's answer: they are not there."""
    liis, piret = phone(cast.liis), phone(cast.piret)
    told = {
        "ground": "child_protection",
        "recipient": "Xylophone office",
        "content": "Quince and plum",
        "told": "no",
        "why_not_told": "Zephyr",
    }
    kept = tell(liis, f"clients/{mari.pk}/exceptions", told, status=201)
    assert kept.keys() == KNOWN
    address = f"exceptions/{kept['id']}"
    whole = ask(liis, address)
    assert whole.keys() == KNOWN | {"recipient", "content", "why_not_told", "about"}
    assert {name: whole[name] for name in told} == told
    for where in (address, "exceptions", f"clients/{mari.pk}/exceptions"):
        answer = piret.send("GET", where)
        rows = answer.json().get("results", [answer.json()])
        assert [row.keys() for row in rows] == [KNOWN]
        assert not any(
            word in answer.content.decode() for word in ("Xylophone", "Quince", "Zephyr")
        )
    later = tell(liis, f"{address}/client-told", {})
    assert later["client_told_at"] is not None
    refusal(liis.send("POST", f"{address}/client-told", {}), 409)


def test_an_agreement_is_taken_back_once(
    cast: Cast, phone: Open, mari: Client, agreed: Agreement, promise: ConfidentialityStatement
) -> None:
    frida = phone(cast.frida)
    agreements = f"clients/{mari.pk}/agreements"
    address = f"{agreements}/{agreed.pk}/withdraw"
    assert tell(frida, address)["withdrawn_by"]["name"] == "Frida"
    refusal(frida.send("POST", address), 409)
    ahead = {"statement": str(promise.pk), "how": "paper"}
    ahead["given_at"] = (timezone.now() + timedelta(hours=1)).isoformat()
    problem = refusal(frida.send("POST", agreements, ahead), 400)
    assert problem["errors"][0]["field"] == "given_at"
    assert supervision.of_client(mari.pk, by=cast.liis).count() == 0
