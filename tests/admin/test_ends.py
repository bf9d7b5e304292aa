"""The end of a file at the desk: what keeps it, who has a say, what a page shows meanwhile."""

import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from clients_app import approvals, client_requests
from clients_app.models import Client, ClientRequest, PurgeRun, PurgeSnooze
from tests.admin.conftest import INLINE, Desk, page
from tests.conftest import Cast


def test_a_counsellor_records_what_a_client_asks_and_the_officer_decides(
    cast: Cast, desk: Desk, mari: Client
) -> None:
    liis, piret = desk(cast.liis), desk(cast.piret)
    own = page("clients_app_client_change", mari.pk)
    add = page("clients_app_clientrequest_add", client=mari.pk)
    assert add in liis.get(own).text
    assert f'value="{mari.code}"' in liis.get(add).text
    today = timezone.localdate()
    typed = {
        "code": mari.code,
        "kind": "access",
        "received_on": (today - timedelta(days=40)).isoformat(),
        "details": "All of it,\nby post.",
    }
    future = {**typed, "received_on": (today + timedelta(days=3)).isoformat()}
    refused = liis.post(add, future).text
    assert "Give a day that is past, or today." in refused
    assert "by post." in refused, "what was typed is kept"
    assert "is on record" in liis.post(add, typed, follow=True).text
    assert "to see the file (GDPR Art. 15)" in liis.get(own).text

    made = ClientRequest.objects.get()
    listed = piret.get(page("clients_app_clientrequest_changelist")).text
    assert "badge late" in listed, "its month is over"
    assert "by post." not in listed
    assert "<strong>1</strong> requests of clients to decide" in piret.get(page("index")).text
    one = page("clients_app_clientrequest_change", made.pk)
    assert "by post." in piret.get(one).text
    wrong = piret.post(one, {"outcome": "settled", "answer": "x"})
    assert "Choose one of the listed values." in wrong.text
    answer = piret.post(one, {"outcome": "granted", "answer": "Sent on Monday."}, follow=True)
    assert "The decision is on record." in answer.text
    assert "Sent on Monday." in piret.get(one).text
    assert "GDPR Art. 15" not in liis.get(own).text


def test_what_is_due_and_kept_is_on_a_page_of_its_own(cast: Cast, desk: Desk, gone: Client) -> None:
    client_requests.record(gone.pk, by=cast.frida, kind="complaint", details="Nobody called.")
    shown = desk(cast.piret).get(page("clients_app_purgerun_kept"))
    assert gone.code in shown.text
    assert "A complaint of" in shown.text
    assert "Nobody called." not in shown.text


def test_a_counsellor_sees_what_ends_and_puts_it_off(cast: Cast, desk: Desk, gone: Client) -> None:
    liis = desk(cast.liis)
    assert gone.code in liis.get(page("index")).text
    snooze = page("clients_app_client_snooze", gone.pk)
    assert snooze in liis.get(page("clients_app_client_change", gone.pk)).text
    today = timezone.localdate()
    late = {"reason": "may_return", "until": (today + timedelta(days=400)).isoformat()}
    assert "half a year ahead at most" in liis.post(snooze, late).text
    assert not PurgeSnooze.objects.exists()
    typed = {**late, "until": (today + timedelta(days=40)).isoformat()}
    liis.post(snooze, typed)
    shown = liis.get(page("clients_app_client_change", gone.pk)).text
    assert "A counsellor asked on" in shown


def test_two_people_and_a_week_on_the_page_of_a_run(
    cast: Cast, desk: Desk, run: PurgeRun, settings: Any
) -> None:
    settings.PURGE_SECOND_PERSON_ABOVE, settings.PURGE_COOLING_OFF_DAYS = 0, 7
    piret, mattias = desk(cast.piret), desk(cast.mattias)
    one = page("clients_app_purgerun_change", run.pk)
    assert "cools off for 7 days" in piret.get(one).text
    assert "Approve and destroy" not in mattias.get(one).text
    answer = piret.post(page("clients_app_purgerun_approve", run.pk), {"number": 1}, follow=True)
    assert "Somebody else has to confirm it now." in answer.text
    assert "wait for your word" in mattias.get(page("index")).text
    assert "Confirm the end of 1 file" in mattias.get(one).text
    assert "Confirm the end of 1 file" not in piret.get(one).text
    second = page("clients_app_purgerun_second", run.pk)
    assert "The proposal has 1 files now." in mattias.post(second, {"number": 2}).text
    answer = mattias.post(second, {"number": 1}, follow=True)
    assert "Its files are destroyed from" in answer.text
    assert "in 6\xa0days" in answer.text
    assert "progress.js" not in answer.text, "nothing moves yet, so nothing asks"
    assert not INLINE.search(answer.content)
    assert re.search(r'action="[^"]*/take-out/"', piret.get(one).text)
    answer = mattias.post(page("clients_app_purgerun_stop", run.pk), follow=True)
    assert "The run is stopped." in answer.text
    assert "Stopped by Mattias" in answer.text


def test_a_run_that_is_under_way_keeps_its_figures_fresh(
    cast: Cast, desk: Desk, run: PurgeRun
) -> None:
    approvals.approve(run.pk, by=cast.piret, files=1)
    shown = desk(cast.piret).get(page("clients_app_purgerun_change", run.pk))
    assert "progress.js" in shown.text
    assert not INLINE.search(shown.content)
    figures = desk(cast.piret).get(page("clients_app_purgerun_progress", run.pk)).json()
    assert (figures["status"], figures["settled"], figures["total"]) == ("approved", 0, 1)
