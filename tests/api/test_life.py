"""The whole life of a file, told from phones: Liis's in the room, others' in the office."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from clients_app import destruction
from clients_app.models import User
from tests.api.conftest import Phone, ask, tell
from tests.conftest import Cast, trail

Open = Callable[[User], Phone]


@pytest.mark.django_db(transaction=True)
def test_from_the_first_call_to_the_certificate(cast: Cast, phone: Open) -> None:
    """Mari calls, comes, confides, goes; years later nothing is left of her but that it is so."""
    front, liis = phone(cast.frida), phone(cast.liis)

    # The front desk writes down who called. That opens nothing that Liis could read.
    mari = tell(front, "clients", {"full_name": "Mari Maasikas", "phone": "5550 1234"}, status=201)
    ask(liis, f"clients/{mari['id']}", 404)

    # The manager puts her into Liis's care.
    manager = phone(cast.mattias)
    liis_id = next(c["id"] for c in ask(manager, "counsellors")["results"] if c["name"] == "Liis")
    tell(manager, f"clients/{mari['id']}/care", {"user": liis_id})
    assert ask(liis, f"clients/{mari['id']}")["full_name"] == "Mari Maasikas"

    # They meet. Liis writes a note, improves it, signs it, adds to it.
    meeting = _they_meet(liis, mari["id"])
    _liis_writes(liis, meeting)

    # And keeps what was confided, with a correction, for herself alone.
    confided = _liis_is_told(liis, meeting)
    ask(front, f"disclosures/{confided}", 403)
    ask(manager, f"disclosures/{confided}", 403)

    # The record has the notes with their words, newest first, and nothing of what was confided.
    record = ask(liis, f"clients/{mari['id']}/record")["results"]
    assert record[0]["body"] == {"text": "She called later."}
    assert record[1]["body"]["data"] == "Mari came and spoke."
    assert "brother" not in str(record)

    # Care ends; the practice's rule says for how long the file stays.
    officer = phone(cast.piret)
    tell(officer, "retention-rules", _seven_years(), status=201)
    today = timezone.now().date()
    tell(liis, f"clients/{mari['id']}/discharge", {"on": str(today)})
    why = ask(liis, f"clients/{mari['id']}/retention")
    assert date.fromisoformat(why["retain_until"]).year == today.year + 7
    assert "7 years after discharge (practice policy)" in why["sentence"]
    tell(officer, "purge-runs", status=204)

    # Eight years later it is due, and Piret approves what she sees.
    with time_machine.travel(timezone.now() + timedelta(days=8 * 366), tick=True):
        officer, liis = phone(cast.piret), phone(cast.liis)
        run = tell(officer, "purge-runs")
        files = ask(officer, f"purge-runs/{run['id']}/items")["results"]
        assert [file["client_code"] for file in files] == [mari["code"]]
        tell(officer, f"purge-runs/{run['id']}/approve", {"files": 1})
        destruction.execute(until=timezone.now() + timedelta(minutes=1))

        progress = ask(officer, f"purge-runs/{run['id']}")["progress"]
        assert progress["counts"] == {"purged": 1}
        assert progress["total"] == progress["settled"] == 1
        (certificate,) = ask(officer, "destruction-records")["results"]
        assert certificate["client"] == mari["id"]
        assert certificate["counts"]["sessions_app.Disclosure"] == 2
        ask(liis, f"clients/{mari['id']}", 404)
        ask(liis, f"disclosures/{confided}", 404)
    assert "client.purged" in trail()


def _they_meet(liis: Phone, client: str) -> str:
    session = tell(
        liis,
        "sessions",
        {"client": client, "starts_at": "2021-03-02T14:00:00+02:00", "place": "Room 2"},
        status=201,
    )
    address = f"sessions/{session['id']}"
    earlier = {"starts_at": "2021-03-02T12:30+02:00"}
    tell(liis, address, earlier, method="PATCH", if_match='"v1"')
    assert ask(liis, address)["place"] == "Room 2"
    held = tell(liis, f"{address}/hold", if_match='"v2"')
    assert (held["status"], held["starts_at"]) == ("held", "2021-03-02T10:30:00+00:00")
    return str(session["id"])


def _liis_writes(liis: Phone, session: str) -> None:
    draft = {"session": session, "format": "dap", "body": {"data": "Mari came.", "plan": "Again."}}
    note = tell(liis, "notes", draft, status=201)
    address = f"notes/{note['id']}"
    better = {"body": {"data": "Mari came and spoke.", "plan": "Again."}}
    tell(liis, address, better, method="PATCH", if_match='"v1"')
    assert [n["id"] for n in ask(liis, "notes?drafts=true")["results"]] == [note["id"]]
    tell(liis, f"{address}/sign", if_match='"v2"')
    tell(liis, address, better, method="PATCH", if_match='"v2"', status=409)
    assert ask(liis, address)["body"] == {
        "data": "Mari came and spoke.",
        "assessment": "",
        "plan": "Again.",
    }
    addendum = tell(liis, f"{address}/addenda", {"text": "She called later."}, status=201)
    assert addendum["adds_to"] == note["id"]
    assert ask(liis, "notes?drafts=true")["results"] == []


def _liis_is_told(liis: Phone, session: str) -> str:
    told = {
        "session": session,
        "text": "I have never told anybody that I lied to my brother.",
        "themes": ["lying", "family"],
        "listening_intent": "be_heard",
        "first_told": True,
        "distress_before": 8,
        "distress_after": 5,
    }
    disclosure = tell(liis, "disclosures", told, status=201)
    address = f"disclosures/{disclosure['id']}"
    tell(liis, f"{address}/amendments", {"text": "To her sister, not brother."}, status=201)
    opened = ask(liis, address)
    assert {name: opened[name] for name in told} == told
    (amendment,) = ask(liis, f"{address}/amendments")["results"]
    assert amendment["amends"] == disclosure["id"]
    assert ask(liis, f"disclosures/{amendment['id']}")["text"] == "To her sister, not brother."
    return str(disclosure["id"])


def _seven_years() -> dict[str, object]:
    return {"trigger": "discharge", "years": 7, "source": "practice policy"}


def test_a_client_goes_to_a_colleague(cast: Cast, phone: Open, mari) -> None:
    """As Mark's access begins, Liis's ends: at the next request, on the phone she has open."""
    liis, mark = phone(cast.liis), phone(cast.mark)
    ask(liis, f"clients/{mari.pk}")
    tell(liis, f"clients/{mari.pk}/care/hand-over", {"to": str(cast.mark.pk)})
    ask(liis, f"clients/{mari.pk}", 404)
    ask(mark, f"clients/{mari.pk}")
    care = ask(mark, f"clients/{mari.pk}/care")["results"]
    assert [(c["user"]["name"], c["until"] is None) for c in care] == [
        ("Mark", True),
        ("Liis", False),
    ]
    tell(
        phone(cast.mattias), f"clients/{mari.pk}/care/{care[0]['id']}", method="DELETE", status=204
    )
    ask(mark, f"clients/{mari.pk}", 404)


def test_a_hold_stops_the_end(cast: Cast, phone: Open, mari) -> None:
    """What the court asked for is in the hold that Piret opens, not in the list of holds."""
    officer = phone(cast.piret)
    hold = {"client": str(mari.pk), "matter": "Case 12", "reason": "The court asked."}
    placed = tell(officer, "legal-holds", hold, status=201)
    address = f"legal-holds/{placed['id']}"
    assert ask(officer, address)["matter"] == "Case 12"
    assert "Case 12" not in str(ask(officer, "legal-holds"))
    assert tell(officer, f"{address}/lift")["lifted_by"]["name"] == "Piret"
    tell(officer, f"{address}/lift", status=409)


def test_the_manager_looks_after_logins(cast: Cast, phone: Open) -> None:
    """A new colleague, a new role, a forgotten password, a farewell."""
    manager = phone(cast.mattias)
    tiina = tell(
        manager,
        "users",
        {
            "email": "tiina@kalda.example",
            "name": "Tiina",
            "role": "counsellor",
        },
        status=201,
    )
    address = f"users/{tiina['id']}"
    state = {"name": "Tiina T.", "role": "front_desk", "is_active": True}
    assert tell(manager, address, state, method="PUT")["role"] == "front_desk"
    link = tell(manager, f"{address}/invite", {"forget_second_factor": True}, status=201)
    assert link["link"].startswith("http://testserver/admin/invitation/")
    assert ask(manager, f"{address}/logins") == {"count": 0}
    tell(manager, f"{address}/logins", method="DELETE", status=204)
    tell(manager, address, {**state, "is_active": False}, method="PUT")
    assert ask(manager, address)["is_active"] is False
    names = [user["name"] for user in ask(manager, "users")["results"]]
    assert names == ["Frida", "Liis", "Mark", "Mattias", "Piret", "Sofia", "Tiina T."]


def test_rules_and_runs_can_be_turned_down(cast: Cast, phone: Open, mari) -> None:
    """Retire a rule, take a file out, refuse a run: nothing is destroyed by accident."""
    officer, liis = phone(cast.piret), phone(cast.liis)
    rule = tell(officer, "retention-rules", _seven_years(), status=201)
    long_ago = timezone.now().date() - timedelta(days=8 * 366)
    tell(liis, f"clients/{mari.pk}/discharge", {"on": str(long_ago)})
    run = tell(officer, "purge-runs")
    (file,) = ask(officer, f"purge-runs/{run['id']}/items")["results"]
    out = tell(officer, f"purge-runs/{run['id']}/items/{file['id']}/take-out")
    assert out["status"] == "excluded"
    tell(officer, f"purge-runs/{run['id']}/approve", {"files": 1}, status=409)
    assert tell(officer, f"purge-runs/{run['id']}/refuse")["status"] == "refused"
    assert tell(officer, f"retention-rules/{rule['id']}/retire")["retired_at"] is not None
    tell(officer, f"retention-rules/{rule['id']}/retire", status=409)

    # Retired, the rule still says why the file is kept until its day.
    why = ask(liis, f"clients/{mari.pk}/retention")
    assert why["governing"]["rule"] == rule["id"]
    assert "7 years after discharge" in why["sentence"]
    assert (why["candidates"], why["missing"]) == ([], "rule")

    refused = tell(liis, f"clients/{mari.pk}/reopen", status=409)
    assert refused["code"] == "drops_a_date"
    reopened = tell(liis, f"clients/{mari.pk}/reopen", {"kept_until": why["retain_until"]})
    assert reopened["retain_until"] is None
    assert "In care" in ask(liis, f"clients/{mari.pk}/retention")["sentence"]


def test_the_client_may_see_who_looked(cast: Cast, phone: Open, mari, confided) -> None:
    """The access log of a file: what was opened, by whom, by which door; not a word of it."""
    liis = phone(cast.liis)
    ask(liis, f"disclosures/{confided.pk}")
    log = ask(liis, f"clients/{mari.pk}/access-log")["results"]
    newest = next(event for event in log if event["event"] == "disclosure.read")
    assert newest["actor"] == str(cast.liis.pk)
    assert (newest["door"], newest["subject"]) == ("api", str(confided.pk))
    assert newest["request"] is not None
    assert "Mari" not in str(log)
    assert "lied" not in str(log)


def test_the_trail_answers_questions(cast: Cast, phone: Open, mari) -> None:
    """Piret asks by what, who, whose, denied and when; nothing else can be asked."""
    mark, officer = phone(cast.mark), phone(cast.piret)
    ask(mark, f"clients/{mari.pk}", 404)
    (denial,) = ask(officer, f"trail?denied=true&actor={cast.mark.pk}")["results"]
    assert (denial["event"], denial["client"]) == ("client.read", str(mari.pk))
    assert ask(officer, "trail?event=client.read&denied=false")["results"] == []
    assert ask(officer, "trail?until=2001-01-01T00:00:00Z")["results"] == []
    assert ask(officer, f"trail?client={mari.pk}&since=2001-01-01T00:00:00Z")["results"]
    ask(mark, f"trail?client={mari.pk}")
    for sly in ("practice_id", "event__startswith", "actor__email", "id__lt", "detail__x"):
        assert ask(officer, f"trail?{sly}=1", 400)["errors"][0]["code"] == "unknown"
