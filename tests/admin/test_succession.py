"""The pages of succession: a counsellor's own, the two who decide, and what Today says."""

from clients_app import access, clients, handovers, succession
from clients_app.models import AuditEvent, Client, Handover, Successor
from sessions_app import notes
from sessions_app.models import TherapySession
from tests.admin.conftest import INLINE, Desk, page
from tests.conftest import Cast


def test_a_counsellor_names_a_colleague_who_agrees(cast: Cast, desk: Desk) -> None:
    liis, mark = desk(cast.liis), desk(cast.mark)
    assert "Nobody is named" in liis.get(page("index")).text
    typed = {"successor": str(cast.mark.pk), "rank": "1"}
    liis.post(page("clients_app_successor_add"), typed)
    assert "A colleague asks" in mark.get(page("index")).text
    named = Successor.objects.get()
    mark.post(page("clients_app_successor_accept", named.pk))
    assert "accepted" in liis.get(page("clients_app_successor_changelist")).text
    assert "Nobody is named" not in liis.get(page("index")).text


def test_a_caseload_is_handed_over_by_typing_its_number(
    cast: Cast, desk: Desk, mari: Client, meeting: TherapySession
) -> None:
    """What is refused keeps what was typed; the colleague finds the clients on Today."""
    other = clients.register(by=cast.liis)
    notes.write(meeting.pk, by=cast.liis, body={"text": "x"})
    liis, where = desk(cast.liis), page("clients_app_successor_hand_over")
    shown = liis.get(where)
    assert f"{mari.code} Mari" in shown.text
    assert "1 note waits for your signature" in shown.text
    assert not INLINE.search(shown.content)
    typed = {"to": str(cast.mark.pk), "which": "chosen", "clients": [str(mari.pk)], "number": "2"}
    refused = liis.post(where, typed)
    assert "1 clients now" in refused.text
    assert refused.context["form"]["clients"].value() == [str(mari.pk)], "it keeps what was ticked"
    assert "wait for your signature" in liis.post(where, {**typed, "number": "1"}).text
    foreign = clients.register(by=cast.olga)
    assert liis.post(where, {**typed, "clients": [str(foreign.pk)]}).status_code == 404
    assert AuditEvent.objects.filter(denied=True, client_id=foreign.pk).exists()
    assert not Handover.objects.exists()
    went = liis.post(where, {**typed, "number": "1", "leave_unsigned": "on"})
    assert "1 of 1 clients" in liis.get(went["Location"]).text
    today = desk(cast.mark).get(page("index")).text
    assert "1 client is now yours" in today
    assert "Mari" in today
    assert other.code not in today


def test_two_people_at_two_desks(cast: Cast, desk: Desk, mari: Client) -> None:
    manager, officer = desk(cast.mattias), desk(cast.piret)
    assert "Liis" in manager.get(page("index")).text, "for whom nobody is ready"
    typed = {"counsellor": str(cast.liis.pk), "ground": "died", "locks_out": "on"}
    refused = manager.post(page("clients_app_handover_add"), typed)
    assert "Nobody has agreed to take over" in refused.text
    manager.post(page("clients_app_handover_add"), {**typed, "to": str(cast.mark.pk)})
    run = Handover.objects.get()
    one = page("clients_app_handover_change", run.pk)
    assert "waits for you" in officer.get(page("index")).text
    for browser, decides in ((manager, False), (officer, True)):
        shown = browser.get(one)
        assert "Mari" not in shown.text
        assert (page("clients_app_handover_approve", run.pk) in shown.text) is decides
        assert not INLINE.search(shown.content)
    assert manager.post(page("clients_app_handover_approve", run.pk)).status_code == 403
    officer.post(page("clients_app_handover_approve", run.pk))
    assert "1 of 1 clients" in officer.get(one).text
    assert access.open_care().get().user == cast.mark
    progress = officer.get(page("clients_app_handover_progress", run.pk)).json()
    assert progress == {
        "status": "done",
        "settled": 1,
        "total": 1,
        "text": "1 of 1 clients",
    }
    assert succession.read(run.pk, by=cast.piret).caseload == handovers.Caseload(0, 0)
