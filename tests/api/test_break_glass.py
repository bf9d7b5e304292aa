"""Emergency access from phones: the whole way, and everything that can be read under it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from clients_app import break_glass
from clients_app.models import AuditEvent, BreakGlass, Client, User
from sessions_app import disclosures
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.api.conftest import NOWHERE, OPERATIONS, Phone, ask, nothing_changes, refusal, tell
from tests.conftest import Cast

Open = Callable[[User], Phone]
WHY = "She called and said goodbye; Liis is abroad and does not answer."
# The operations that an emergency access opens. A new one that opens has to be named here.
OPENED = {
    "readClient",
    "listCare",
    "listSessions",
    "readSession",
    "listNotes",
    "readNote",
    "readRecord",
    "listDisclosures",
    "readDisclosure",
    "listAmendments",
}


def test_from_opening_to_review(cast: Cast, mari: Client, note: SessionNote, phone: Open) -> None:
    sofia, liis, officer = phone(cast.sofia), phone(cast.liis), phone(cast.piret)
    ask(sofia, f"clients/{mari.pk}/record", 403)
    body = {"code": mari.code, "reason_code": "danger_to_life", "text": WHY}
    opened = tell(sofia, "break-glass", body, status=201)
    record = ask(sofia, f"clients/{mari.pk}/record")["results"]
    assert record[0]["body"] == {"text": "Mari came and spoke."}
    where = f"break-glass/{opened['id']}"
    ask(sofia, where, 403)
    refusal(officer.send("POST", f"{where}/review", {"finding": "unclear", "text": "x"}), 409)

    assert tell(sofia, f"{where}/give-back")["ended_at"]
    ask(sofia, f"clients/{mari.pk}/record", 403)
    assert [line["id"] for line in ask(liis, "break-glass")["results"]] == [opened["id"]]
    assert ask(phone(cast.mark), "break-glass")["results"] == []

    assert ask(officer, where)["reason"] == WHY
    read = ask(officer, f"{where}/readings")["results"]
    assert [line["event"] for line in read if not line["denied"]] == [
        "break_glass.opened",
        "record.read",
        "break_glass.ended",
    ]
    assert ask(officer, "break-glass/counts")["unreviewed"] == 1
    tell(officer, f"{where}/review", {"finding": "justified", "text": "She found her."})
    assert ask(officer, where)["review"] == "She found her."
    assert ask(officer, "break-glass?unreviewed=true")["results"] == []
    counts = ask(officer, "break-glass/counts")
    assert (counts["unreviewed"], counts["overdue"]) == (0, 0)
    assert counts["by_person"] == [
        {"user": {"id": str(cast.sofia.pk), "name": "Sofia"}, "number": 1}
    ]
    (line,) = ask(liis, "break-glass")["results"]
    assert (line["finding"], line["reviewed_by"]["name"]) == ("justified", "Piret")
    (shown,) = ask(liis, f"clients/{mari.pk}/access-log?limit=1")["results"]
    assert shown["event"] == "trail.read"
    assert "break_glass" in {
        line["reason"] for line in ask(liis, f"clients/{mari.pk}/access-log")["results"]
    }


@pytest.mark.parametrize("who", ["mark", "sofia"])
def test_every_operation_under_it(
    cast: Cast,
    mari: Client,
    meeting: TherapySession,
    note: SessionNote,
    confided: Disclosure,
    phone: Open,
    who: str,
) -> None:
    """Every operation with an id of the file, by every method: what opens is what is named above,
    each answer leaves only marked lines, and nothing is changed."""
    user = getattr(cast, who)
    mine: BreakGlass = break_glass.request(mari.code, by=user, reason_code="other", text=WHY)
    locked = disclosures.write(meeting.pk, by=cast.liis, text="For Liis alone.", locked=True)
    theirs = phone(user)
    ids: dict[str, UUID] = {
        "client_id": mari.pk,
        "session_id": meeting.pk,
        "note_id": note.pk,
        "disclosure_id": confided.pk,
        "assignment_id": mari.care.get().pk,
    }
    start = AuditEvent.objects.latest("id").pk
    opened = set()
    named = {"client": str(mari.pk), "session": str(meeting.pk), "to": str(cast.olga.pk)}
    for operation in OPERATIONS:
        lists = operation.name in ("listSessions", "listNotes", "listDisclosures")
        bodies = set(named) & set((operation.body or {"properties": {}})["properties"])
        if not (lists or bodies - {"to"} or any(f"{{{name}}}" in operation.path for name in ids)):
            continue
        body = {**operation.example, **{n: named[n] for n in bodies}} if operation.body else None
        query = f"?client={mari.pk}" if lists else ""
        with nothing_changes():
            answer = operation.call(theirs, body, ids=ids, query=query)
        assert str(locked.pk).encode() not in answer.content
        assert b"alone" not in answer.content
        if answer.status_code < 400:
            opened.add(operation.name)
            assert operation.method == "GET"
        else:
            assert answer.status_code in (403, 404), operation.name
    assert opened == OPENED
    lines = AuditEvent.objects.filter(pk__gt=start)
    assert lines.filter(denied=False).count() >= 5
    for line in lines:
        assert (line.reason, line.detail.get("break_glass")) == ("break_glass", str(mine.pk)), line

    def same(one: Any, other: Any) -> None:
        assert (one.status_code, one.content) == (other.status_code, other.content)

    for tail in ("", "/amendments"):
        real = theirs.send("GET", f"disclosures/{locked.pk}{tail}")
        same(real, theirs.send("GET", f"disclosures/{NOWHERE}{tail}"))
        assert real.status_code in (403, 404)


def test_a_refused_request_does_not_repeat_what_was_typed(
    cast: Cast, mari: Client, phone: Open
) -> None:
    mark = phone(cast.mark)
    for code, text in (("C-1999-0001", WHY), (mari.code, "too short")):
        answer = mark.send(
            "POST", "break-glass", {"code": code, "reason_code": "other", "text": text}
        )
        problem = refusal(answer, 400)
        assert code not in str(problem)
        assert text not in str(problem)
