"""Liis's day at the browser, and what it leaves behind."""

import re
from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.utils import timezone

from clients_app import care, clients
from clients_app.models import AuditEvent, Client
from sessions_app import disclosures, notes, sessions
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.admin.conftest import Desk, page, told
from tests.conftest import Cast, trail


def test_a_day_from_registering_to_reading_back(cast: Cast, desk: Desk) -> None:
    """Register, plan, hold, note, sign, disclose, read back: every step by its form."""
    liis = desk(cast.liis)
    fields = {"kind": "person", "service_type": "counselling", "jurisdiction": "EE"}
    answer = liis.post(page("clients_app_client_add"), {"full_name": "Õie Mägi", **fields})
    client = Client.objects.get()
    assert answer["Location"] == page("clients_app_client_change", client.pk)

    soon = (timezone.localtime() + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")
    typed = {"starts_at": soon, "minutes": "50", "modality": "in_person", "status": "planned"}
    plan = page("sessions_app_therapysession_add", client=client.pk)
    liis.post(plan, {**typed, "place": "Room 2"})
    session = TherapySession.objects.get()
    assert session.counsellor == cast.liis
    held = page("sessions_app_therapysession_hold", session.pk)
    liis.post(held, {"version": "1"})
    session.refresh_from_db()
    assert session.status == "held"

    write = page("sessions_app_sessionnote_add", session=session.pk)
    parts = {"subjective": "one\r\ntwo", "objective": "", "assessment": "", "plan": "three"}
    answer = liis.post(write, {"format": "soap", **parts, "_sign": "1"})
    note = SessionNote.objects.get()
    assert answer["Location"] == page("sessions_app_sessionnote_sign", note.pk)
    assert "never changes" in liis.get(answer["Location"]).text
    liis.post(answer["Location"], {"version": "1"})
    opened = notes.read(note.pk, by=cast.liis)
    assert opened.note.signed_at
    assert opened.body == {
        "subjective": "one\ntwo",
        "objective": "",
        "assessment": "",
        "plan": "three",
    }

    confide = page("sessions_app_disclosure_add", session=session.pk)
    words = '  First line\r\n\r\n\tthen <b>&amp; a "quote" õäöüšž 💧  '
    answer = liis.post(
        confide,
        {
            "listening_intent": "be_heard",
            "text": words,
            "themes": "loss, , house ",
            "first_told": "on",
            "distress_before": "8",
            "distress_after": "",
            "locked": "on",
        },
        follow=True,
    )
    assert "The disclosure is kept." in answer.text
    disclosure = Disclosure.objects.get()
    kept = disclosures.read(disclosure.pk, by=cast.liis)
    assert kept.text == words.replace("\r\n", "\n")
    assert (kept.themes, kept.distress_before, kept.distress_after) == (["loss", "house"], 8, None)
    assert disclosure.locked
    assert kept.first_told

    reading = liis.get(page("sessions_app_disclosure_change", disclosure.pk))
    assert told(reading) == kept.text
    assert reading.text.index("to be heard") < reading.text.index("First line")

    timeline = liis.get(page("clients_app_client_change", client.pk)).text
    assert "two" in timeline
    assert "First line" not in timeline
    assert "to be heard" not in timeline
    assert not LogEntry.objects.exists()


def test_words_written_elsewhere_read_back_to_the_byte(
    cast: Cast, desk: Desk, meeting: TherapySession
) -> None:
    """A phone may send carriage returns, leading newlines and markup: the page shows them so."""
    words = "\n\n <script>alert(1)</script> \r\n</div> &lt; \t end \r"
    kept = disclosures.write(meeting.pk, by=cast.liis, text=words)
    answer = desk(cast.liis).get(page("sessions_app_disclosure_change", kept.pk))
    assert told(answer) == words


def test_a_megabyte_is_accepted_and_more_is_given_back(
    cast: Cast, desk: Desk, meeting: TherapySession
) -> None:
    liis = desk(cast.liis)
    confide = page("sessions_app_disclosure_add", session=meeting.pk)
    longest = "õ" * (512 * 1024)
    typed = {"listening_intent": "unsure", "text": longest}
    assert liis.post(confide, typed).status_code == 302
    assert disclosures.read(Disclosure.objects.get().pk, by=cast.liis).text == longest
    answer = liis.post(confide, {**typed, "text": longest + "õ"})
    assert "too long" in answer.text
    assert longest + "õ" in answer.text
    assert Disclosure.objects.count() == 1
    answer = liis.post(confide, {**typed, "text": "õ" * (3 * 1024 * 1024)})
    assert answer.status_code == 400
    assert "divide it" in answer.text


def test_what_is_typed_survives_a_stale_draft(
    cast: Cast, desk: Desk, meeting: TherapySession
) -> None:
    """Two tabs: the second gets its own words back and the first's beside them, then decides."""
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "as it was"})
    liis = desk(cast.liis)
    address = page("sessions_app_sessionnote_change", draft.pk)
    notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "from the phone"})
    answer = liis.post(address, {"format": "narrative", "text": "from the desk", "version": "1"})
    assert answer.status_code == 200
    assert "from the desk" in answer.text
    assert "from the phone" in answer.text
    assert 'name="version" value="2"' in answer.text
    again = liis.post(address, {"format": "narrative", "text": "from both", "version": "2"})
    assert again.status_code == 302
    assert notes.read(draft.pk, by=cast.liis).body == {"text": "from both"}


def test_what_is_typed_survives_a_signature_meanwhile(
    cast: Cast, desk: Desk, meeting: TherapySession
) -> None:
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "as it was"})
    notes.sign(draft.pk, by=cast.liis, version=1)
    answer = desk(cast.liis).post(
        page("sessions_app_sessionnote_change", draft.pk),
        {"format": "narrative", "text": "typed for an hour", "version": "1"},
    )
    assert "typed for an hour" in answer.text
    assert "Add to it instead" in answer.text


def test_what_is_typed_survives_a_discharge_meanwhile(
    cast: Cast, desk: Desk, mari: Client, meeting: TherapySession
) -> None:
    clients.discharge(mari.pk, by=cast.liis, on=timezone.localdate())
    answer = desk(cast.liis).post(
        page("sessions_app_disclosure_add", session=meeting.pk),
        {"listening_intent": "advice", "text": "typed for an hour", "distress_before": "3"},
    )
    assert "typed for an hour" in answer.text
    assert "Reopen the file first" in answer.text
    assert not Disclosure.objects.exists()


def test_what_is_typed_survives_a_stale_identity(cast: Cast, desk: Desk, mari: Client) -> None:
    liis = desk(cast.liis)
    address = page("clients_app_client_identity", mari.pk)
    assert 'value="Mari Maasikas"' in liis.get(address).text
    clients.change(mari.pk, by=cast.frida, version=1, phone="+372 111")
    facts = {"kind": "person", "service_type": "counselling", "jurisdiction": "EE"}
    typed = {"full_name": "Mari Murakas", "phone": "+372 222", **facts}
    answer = liis.post(address, {**typed, "version": "1"})
    assert 'value="Mari Murakas"' in answer.text
    assert 'value="+372 222"' in answer.text
    assert "+372 111" in answer.text
    assert liis.post(address, {**typed, "version": "2"}).status_code == 302
    assert clients.read(mari.pk, by=cast.liis).identity["phone"] == "+372 222"


def test_another_format_shows_its_sections_without_javascript(
    cast: Cast, desk: Desk, meeting: TherapySession
) -> None:
    liis = desk(cast.liis)
    address = page("sessions_app_sessionnote_add", session=meeting.pk)
    answer = liis.post(address, {"format": "dap", "text": "typed already", "_show": "1"})
    assert "typed already" in answer.text
    assert not SessionNote.objects.exists()
    shown = {name for name in ("data", "assessment", "plan") if f'field-{name}"' in answer.text}
    assert shown == set()
    for name in ("data", "assessment", "plan", "text"):
        assert f"field-{name} section" in answer.text
    assert 'data-formats="soap" hidden' in answer.text
    answer = liis.post(address, {"format": "dap", "text": "typed already", "data": "more"})
    assert "has no section Note" in answer.text
    assert "typed already" in answer.text
    assert not SessionNote.objects.exists()


def test_handing_over_ends_ones_own_access_at_once(cast: Cast, desk: Desk, mari: Client) -> None:
    liis = desk(cast.liis)
    liis.post(page("clients_app_client_hand_over", mari.pk), {"user": str(cast.mark.pk)})
    assert liis.get(page("clients_app_client_change", mari.pk)).status_code == 404
    assert desk(cast.mark).get(page("clients_app_client_change", mari.pk)).status_code == 200
    assert [a.user.name for a in care.of_client(mari.pk, by=cast.mark) if not a.until] == ["Mark"]


def test_search_finds_by_name_and_leaves_no_name_behind(
    cast: Cast, desk: Desk, mari: Client
) -> None:
    answer = desk(cast.liis).post(page("clients_app_client_changelist"), {"words": "maasik"})
    assert mari.code in answer.text
    assert answer.status_code == 200
    assert trail(event="client.searched")
    assert "maasik" not in str(list(AuditEvent.objects.values()))


def test_the_day_shows_what_waits(
    cast: Cast, desk: Desk, mari: Client, meeting: TherapySession
) -> None:
    """A held session without a note, then its draft, then nothing."""
    liis = desk(cast.liis)
    today = page("index")
    assert "No note yet" in liis.get(today).text
    draft = notes.write(meeting.pk, by=cast.liis, body={"text": "x"})
    assert "Drafts to sign" in liis.get(today).text
    notes.sign(draft.pk, by=cast.liis, version=1)
    assert "Everything is written and signed." in liis.get(today).text


def test_the_client_can_be_shown_who_opened_the_file(
    cast: Cast, desk: Desk, mari: Client, note: SessionNote
) -> None:
    answer = desk(cast.liis).get(page("clients_app_client_trail", mari.pk))
    assert "signed a note" in answer.text
    assert "Mari" not in answer.text


def test_discharge_and_reopen(cast: Cast, desk: Desk, mari: Client, rule: object) -> None:
    liis = desk(cast.liis)
    today = timezone.localdate()
    liis.post(page("clients_app_client_discharge", mari.pk), {"on": today.isoformat()})
    shown = liis.get(page("clients_app_client_change", mari.pk)).text
    assert "discharged" in shown
    assert str(today.year + 7) in shown
    reopen = page("clients_app_client_reopen", mari.pk)
    asked = liis.get(reopen).text
    assert f"Now it is kept until {today.day} {today:%B} {today.year + 7}. That day goes." in asked
    mari.refresh_from_db()
    kept_until = mari.retain_until.isoformat() if mari.retain_until else ""
    # The day moved since the page was read: it is shown again, and asked again.
    stale = liis.post(reopen, {"kept_until": "2020-01-01"})
    assert "Reopening drops that day" in stale.text
    assert f'value="{kept_until}"' in stale.text
    liis.post(reopen, {"kept_until": kept_until})
    mari.refresh_from_db()
    assert mari.discharged_on is None
    assert "This client is in care." in liis.post(reopen, {"kept_until": ""}).text


def test_the_timeline_goes_back_to_the_first_word(cast: Cast, desk: Desk, mari: Client) -> None:
    """Page by page every note and disclosure is there once, sessions without a note as well."""
    planted: list[str] = []
    silent = 0
    for day in range(1, 24):
        at = timezone.now() - timedelta(days=day)
        session = sessions.plan(mari.pk, by=cast.liis, starts_at=at, status="held")
        silent += day % 3 == 0
        for n in range(0 if day % 3 == 0 else 3):
            planted.append(f"word-{day}-{n}-")
            notes.write(session.pk, by=cast.liis, body={"text": planted[-1]})
        disclosures.write(session.pk, by=cast.liis, text="never here")
    liis = desk(cast.liis)
    address = page("clients_app_client_change", mari.pk)
    seen, pages, query = "", 0, ""
    while True:
        shown = liis.get(address + query).text
        seen += shown
        pages += 1
        older = re.search(r'href="(\?after=[^"]+)"', shown)
        if older is None:
            break
        query = older.group(1)
    assert pages == 3
    assert {word: seen.count(word) for word in planted} == dict.fromkeys(planted, 1)
    assert seen.count('class="told"') == 23
    assert "never here" not in seen
    assert seen.count("Write a note") >= silent
    assert liis.get(address + "?after=nonsense").status_code == 200
