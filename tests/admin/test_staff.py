"""The front desk, the manager, the privacy officer, the superuser and the supervisor."""

from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from clients_app import care, clients, destruction, purges, users
from clients_app.models import (
    Client,
    DestructionRecord,
    LegalHold,
    Practice,
    PurgeRun,
    RetentionRule,
    User,
)
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.admin.conftest import Desk, page
from tests.conftest import PASSWORD, Cast, trail

NEW_PASSWORD = "nine loud herons at dusk"


def test_the_front_desk_plans_with_a_confidant_and_reads_nothing(
    cast: Cast, desk: Desk, mari: Client, note: SessionNote, confided: Disclosure
) -> None:
    frida = desk(cast.frida)
    plan = page("sessions_app_therapysession_add", client=mari.pk)
    soon = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    typed = {"starts_at": soon, "minutes": "50", "modality": "video", "status": "planned"}
    answer = frida.post(plan, {**typed, "counsellor_id": str(cast.liis.pk)})
    assert answer.status_code == 302
    session = TherapySession.objects.get(status="planned")
    assert session.counsellor == cast.liis
    stranger = frida.post(plan, {**typed, "counsellor_id": str(cast.mark.pk)})
    assert "Choose one of the listed values." in stranger.text

    shown = frida.get(page("clients_app_client_change", mari.pk)).text
    assert "+372 5550 1234" in shown
    assert "spoke" not in shown
    assert "disclosure" not in shown.lower()
    assert "Note" not in shown
    meeting = frida.get(page("sessions_app_therapysession_change", note.session_id)).text
    assert "disclosure" not in meeting.lower()
    assert "A note" not in meeting
    assert mari.code in frida.get(page("sessions_app_therapysession_changelist")).text
    assert mari.code in frida.get(page("index")).text


def test_moving_a_session_keeps_the_time_of_the_practice(
    cast: Cast, desk: Desk, mari: Client
) -> None:
    """What is typed is Tallinn's time, whatever the server's clock shows."""
    liis = desk(cast.liis)
    plan = page("sessions_app_therapysession_add", client=mari.pk)
    typed = {"minutes": "50", "modality": "video", "status": "planned"}
    liis.post(plan, {**typed, "starts_at": "2031-01-15T14:00"})
    session = TherapySession.objects.get()
    assert session.starts_at.isoformat() == "2031-01-15T12:00:00+00:00"
    move = page("sessions_app_therapysession_move", session.pk)
    assert 'value="2031-01-15T14:00"' in liis.get(move).text
    typed = {"starts_at": "2031-07-15T14:00", "minutes": "50", "modality": "video", "place": "R2"}
    liis.post(move, {**typed, "version": "1"})
    session.refresh_from_db()
    assert session.starts_at.isoformat() == "2031-07-15T11:00:00+00:00"
    stale = liis.post(move, {**typed, "minutes": "80", "version": "1"})
    assert "Somebody changed this session meanwhile" in stale.text
    assert 'value="80"' in stale.text


def test_the_manager_assigns_and_ends_care(cast: Cast, desk: Desk, mari: Client) -> None:
    mattias = desk(cast.mattias)
    address = page("clients_app_client_care", mari.pk)
    mattias.post(address, {"user": str(cast.mark.pk)})
    assignment = care.of_client(mari.pk, by=cast.mattias).get(user=cast.mark)
    mattias.post(page("clients_app_client_end_care", mari.pk, assignment.pk))
    assignment.refresh_from_db()
    assert assignment.until
    assert desk(cast.mark).get(page("clients_app_client_change", mari.pk)).status_code == 404


def test_the_manager_looks_after_logins(cast: Cast, desk: Desk) -> None:
    mattias = desk(cast.mattias)
    typed = {"name": "Nele", "email": "nele@kalda.example", "role": "front_desk"}
    made = mattias.post(page("clients_app_user_add"), typed)
    assert "http://testserver/admin/invitation/" in made.text
    nele = User.objects.get(name="Nele")
    assert (nele.practice, nele.has_usable_password()) == (cast.practice, False)
    taken = mattias.post(page("clients_app_user_add"), typed)
    assert "has a login already" in taken.text
    browser = desk(nele)
    mattias.post(page("clients_app_user_change", nele.pk), {"name": "Nele", "role": "counsellor"})
    assert browser.get(page("index")).status_code == 302
    own = mattias.post(
        page("clients_app_user_change", cast.mattias.pk), {"name": "M", "role": "counsellor"}
    )
    assert "Nobody changes their own role" in own.text
    assert mattias.get(page("clients_app_user_change", cast.olga.pk)).status_code == 404


def test_everybody_changes_their_own_password_and_stays_logged_in(cast: Cast, desk: Desk) -> None:
    here, there = desk(cast.sofia), desk(cast.sofia)
    address = page("password_change")
    typed = {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert "not your present" in here.post(address, {**typed, "old": "wrong"}).text
    assert "differ" in here.post(address, {**typed, "again": "other"}).text
    assert here.post(address, typed).status_code == 302
    assert here.get(page("index")).status_code == 200
    assert there.get(page("index")).status_code == 302


def test_rules_are_decided_and_retired(
    cast: Cast, desk: Desk, gone: Client, rule: RetentionRule
) -> None:
    piret = desk(cast.piret)
    typed = {
        "bound": "floor",
        "record_class": "file",
        "trigger": "discharge",
        "years": "30",
        "source": "A new law",
    }
    shown = piret.post(page("clients_app_retentionrule_add"), typed).text
    assert "<strong>1</strong> would end later" in shown
    assert 'value="30"' in shown, "what was typed is still there"
    assert not RetentionRule.objects.filter(years=30).exists(), "shown, and not done"
    answer = piret.post(
        page("clients_app_retentionrule_add"), {**typed, "put_in_force": "1"}, follow=True
    )
    assert "keeps 1 discharged file longer" in answer.text
    asked = piret.get(page("clients_app_retentionrule_retire", rule.pk)).text
    assert "<strong>0</strong> would end sooner" in asked, "the new rule keeps it longer"
    piret.post(page("clients_app_retentionrule_retire", rule.pk))
    rule.refresh_from_db()
    assert rule.retired_at
    answer = piret.post(page("clients_app_retentionrule_retire", rule.pk), follow=True)
    assert "retired already" in answer.text
    assert "Retired" in piret.get(page("clients_app_retentionrule_changelist")).text


def test_a_hold_is_placed_by_code_read_and_lifted(cast: Cast, desk: Desk, mari: Client) -> None:
    piret = desk(cast.piret)
    place = page("clients_app_legalhold_add")
    typed = {"code": "C-1999-0001", "matter": "Case 7", "reason": "The court asked."}
    missing = piret.post(place, typed)
    assert "No client here has this code." in missing.text
    assert "The court asked." in missing.text
    assert mari.code in piret.get(page("clients_app_legalhold_add", client=mari.pk)).text
    piret.post(place, {**typed, "code": mari.code.lower()})
    hold = LegalHold.objects.get()
    listed = piret.get(page("clients_app_legalhold_changelist")).text
    assert mari.code in listed
    assert "Case 7" not in listed
    assert "The court asked." in piret.get(page("clients_app_legalhold_change", hold.pk)).text
    piret.post(page("clients_app_legalhold_lift", hold.pk))
    hold.refresh_from_db()
    assert hold.lifted_at


@pytest.mark.django_db(transaction=True)
def test_a_purge_from_proposal_to_certificate(cast: Cast, desk: Desk, gone: Client) -> None:
    piret = desk(cast.piret)
    answer = piret.post(page("clients_app_purgerun_propose"), follow=True)
    run = PurgeRun.objects.get()
    assert gone.code in answer.text
    assert "Vana Klient" not in answer.text
    assert "practice policy" in answer.text
    approve = page("clients_app_purgerun_approve", run.pk)
    wrong = piret.post(approve, {"number": "2"})
    assert "has 1 files now" in wrong.text
    assert PurgeRun.objects.get().status == "proposed"
    piret.post(approve, {"number": "1"})
    assert PurgeRun.objects.get().status == "approved"
    watched = page("clients_app_purgerun_change", run.pk)
    assert "data-progress" in piret.get(watched).text
    figures = orjson.loads(piret.get(page("clients_app_purgerun_progress", run.pk)).content)
    assert figures["status"] == "approved"
    assert (figures["settled"], figures["total"], figures["text"]) == (0, 1, "0 of 1 files")
    destruction.execute(until=timezone.now() + timedelta(minutes=1))
    figures = orjson.loads(piret.get(page("clients_app_purgerun_progress", run.pk)).content)
    assert figures["status"] == "done"
    assert "destroyed" in piret.get(watched).text
    certificate = DestructionRecord.objects.get()
    register = piret.get(page("clients_app_destructionrecord_changelist")).text
    assert gone.code in register
    shown = piret.get(page("clients_app_destructionrecord_change", certificate.pk)).text
    assert "Cryptographic erase" in shown
    assert desk(cast.olga).get(watched).status_code == 403


def test_taking_out_and_refusing(cast: Cast, desk: Desk, run: PurgeRun) -> None:
    piret = desk(cast.piret)
    item = purges.items(run.pk, by=cast.piret).get()
    piret.post(page("clients_app_purgerun_take_out", run.pk, item.pk))
    item.refresh_from_db()
    assert item.status == "excluded"
    piret.post(page("clients_app_purgerun_refuse", run.pk))
    run.refresh_from_db()
    assert run.status == "refused"
    again = piret.post(page("clients_app_purgerun_refuse", run.pk), follow=True)
    assert "decided already" in again.text


def test_the_manager_watches_purges_and_decides_nothing(
    cast: Cast, desk: Desk, run: PurgeRun
) -> None:
    mattias = desk(cast.mattias)
    shown = mattias.get(page("clients_app_purgerun_change", run.pk))
    assert shown.status_code == 200
    assert "Approve" not in shown.text
    answer = mattias.post(page("clients_app_purgerun_approve", run.pk), {"number": "1"})
    assert answer.status_code == 403
    run.refresh_from_db()
    assert run.status == "proposed"


def test_the_trail_is_filtered_by_ids(
    cast: Cast, desk: Desk, mari: Client, note: SessionNote
) -> None:
    """Whatever is typed into the filter stays out of addresses; pages go by the line's number."""
    piret = desk(cast.piret)
    address = page("clients_app_auditevent_changelist")
    assert "signed a note" in piret.get(address).text
    missing = piret.post(address, {"code": "Mari Maasikas"})
    assert "No client here has this code." in missing.text
    answer = piret.post(address, {"code": mari.code, "event": "note.signed"})
    assert answer["Location"] == f"{address}?event=note.signed&client={mari.pk}"
    narrowed = piret.get(answer["Location"]).text
    assert narrowed.count("<time") == 1
    for _ in range(60):
        piret.get(page("clients_app_purgerun_changelist"))
        piret.get(page("clients_app_legalhold_changelist"))
        piret.get(address)
    first = piret.get(address).text
    assert first.count("<time") == 50
    assert "before=" in first
    assert piret.get(address + "?before=x&actor=y&since=z&event=q").status_code == 200


def test_files_without_a_date_are_reported(cast: Cast, desk: Desk, mari: Client) -> None:
    clients.discharge(mari.pk, by=cast.liis, on=timezone.localdate())
    piret = desk(cast.piret)
    assert mari.code in piret.get(page("clients_app_client_undated")).text
    shown = piret.get(page("clients_app_client_change", mari.pk)).text
    assert "no rule of the practice fits this file" in shown
    assert "without a date" in piret.get(page("index")).text


def test_the_superuser_has_practices_and_logins(
    cast: Cast, desk: Desk, mari: Client, note: SessionNote
) -> None:
    root = desk(cast.root)
    typed = {"name": "Uus", "slug": "uus", "time_zone": "Europe/Berlin", "jurisdiction": "DE"}
    assert root.post(page("clients_app_practice_add"), typed).status_code == 302
    made = Practice.objects.get(slug="uus")
    taken = root.post(page("clients_app_practice_add"), typed)
    assert "has this short name" in taken.text
    odd = root.post(page("clients_app_practice_add"), {**typed, "time_zone": "Mars/Base"})
    assert "Give a time zone" in odd.text
    change = page("clients_app_practice_change", made.pk)
    root.post(change, {**typed, "name": "Uuem"})
    made.refresh_from_db()
    assert made.name == "Uuem"
    person = {"name": "Ene", "email": "ene@uus.example", "role": "practice_manager"}
    root.post(
        page("clients_app_user_add"),
        {**person, "practice": str(made.pk)},
    )
    assert users.read(User.objects.get(name="Ene").pk, by=cast.root).practice == made
    assert root.get(page("clients_app_client_change", mari.pk)).status_code == 403
    assert root.get(page("clients_app_client_changelist")).status_code == 403
    assert desk(cast.mattias).get(change).status_code == 403
    assert trail(event="practice.created") == ["practice.created"]


def test_the_supervisor_is_told_what_will_be_here(cast: Cast, desk: Desk) -> None:
    assert "Nothing is released to you" in desk(cast.sofia).get(page("index")).text
