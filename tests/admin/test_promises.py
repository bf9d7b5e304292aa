"""The promise and the excerpt in the browser: published, given, released, read, taken back."""

import secrets
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from clients_app import clients, exceptions, promises, wording
from clients_app.models import (
    Agreement,
    Client,
    ConfidentialityException,
    ConfidentialityStatement,
)
from sessions_app import disclosures, sessions, supervision
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt, TherapySession
from tests.admin.conftest import Desk, page
from tests.admin.routes import EXPECTED, address, routes
from tests.conftest import Cast, wording_of, yesterday


def now_here() -> str:
    """Now, as a form of the practice takes it."""
    return timezone.localtime(timezone=ZoneInfo("Europe/Tallinn")).strftime("%Y-%m-%dT%H:%M")


def test_from_the_shipped_wording_to_what_a_client_is_given(
    cast: Cast, desk: Desk, mari: Client
) -> None:
    """Piret fills in the wording, is told what is missing, publishes; Liis gives it to Mari."""
    piret, liis = desk(cast.piret), desk(cast.liis)
    assert "No agreement on record" in liis.get(page("clients_app_client_change", mari.pk)).text
    add = page("clients_app_confidentialitystatement_add", language="et")
    assert "lastekaitseseaduse § 27" in piret.get(add).text
    shipped = wording.shipped("et").replace("\n", "\r\n")
    answer = piret.post(add, {"language": "et", "text": shipped, "_preview": "1"})
    statement = ConfidentialityStatement.objects.get()
    publish = page("clients_app_confidentialitystatement_publish", statement.pk)
    assert answer["Location"] == publish
    assert "square brackets" in piret.get(publish).text
    assert "square brackets" in piret.post(publish, {"version": "1"}).text
    change = page("clients_app_confidentialitystatement_change", statement.pk)
    assert wording.shipped("et")[:40] in piret.get(change).text
    piret.post(change, {"version": "1", "text": wording_of("et")})
    assert "square brackets" not in piret.get(publish).text
    assert piret.post(publish, {"version": "2"})["Location"] == change
    assert wording_of("et")[:60] in liis.get(change).text

    record = page("clients_app_agreement_add", client=mari.pk)
    assert "Version 1" in liis.get(record).text
    typed = {"statement": str(statement.pk), "how": "paper"}
    now = now_here()
    answer = liis.post(record, {**typed, "given_at": now}, follow=True)
    assert "It is on record." in answer.text
    assert "No agreement on record" not in answer.text
    agreement = Agreement.objects.get()
    withdraw = page("clients_app_agreement_withdraw", agreement.pk, client=mari.pk)
    assert "No agreement on record" in liis.post(withdraw, follow=True).text
    assert "withdrawn already" in liis.post(withdraw, follow=True).text


def test_a_refused_wording_is_kept_as_it_was_typed(cast: Cast, desk: Desk) -> None:
    mattias = desk(cast.mattias)
    draft = promises.draft("en", by=cast.piret, text="One.")
    add = page("clients_app_confidentialitystatement_add", language="en")
    typed = {"language": "en", "text": "typed for an hour"}
    for answer in (
        mattias.post(add, typed),
        mattias.post(add, {**typed, "language": "ru"}),
        mattias.post(
            page("clients_app_confidentialitystatement_change", draft.pk),
            {"version": "7", "text": "typed for an hour"},
        ),
    ):
        assert answer.status_code == 200
        assert "typed for an hour" in answer.text
    assert ConfidentialityStatement.objects.get().text == "One."


def test_a_disclosure_says_under_which_promise_it_was_said(
    cast: Cast, desk: Desk, meeting: TherapySession, confided: Disclosure, agreed: Agreement
) -> None:
    liis = desk(cast.liis)
    shown = liis.get(page("sessions_app_disclosure_change", confided.pk)).text
    assert "it was not on record what the client had been promised" in shown
    under = disclosures.write(meeting.pk, by=cast.liis, text="Something.")
    shown = liis.get(page("sessions_app_disclosure_change", under.pk)).text
    assert "Said under the promise" in shown
    assert str(agreed.statement_id) in shown


def test_writing_without_a_promise_is_never_refused_and_says_so(
    cast: Cast, desk: Desk, meeting: TherapySession
) -> None:
    answer = desk(cast.liis).post(
        page("sessions_app_disclosure_add", session=meeting.pk),
        {"listening_intent": "advice", "text": "words"},
        follow=True,
    )
    assert "It is not on record what this client was promised" in answer.text
    assert Disclosure.objects.get().agreement is None


def test_something_had_to_be_told(cast: Cast, desk: Desk, mari: Client, note: SessionNote) -> None:
    """Liis records it, what she typed survives a refusal; Piret sees that it happened."""
    liis = desk(cast.liis)
    word = {name: secrets.token_hex(12) for name in ("recipient", "content", "why_not_told")}
    add = page("clients_app_confidentialityexception_add", client=mari.pk, about=note.pk)
    typed = {"ground": "child_protection", "told": "no", **word}
    typed["decided_at"] = now_here()
    refused = liis.post(add, {**typed, "ground": ""})
    assert all(w in refused.text for w in word.values())
    assert not ConfidentialityException.objects.exists()
    assert liis.post(add, typed)["Location"] == page("clients_app_client_change", mari.pk)
    kept = ConfidentialityException.objects.get()
    assert kept.about_id == note.pk
    one = page("clients_app_confidentialityexception_change", kept.pk)
    assert all(w in liis.get(one).text for w in word.values())
    piret = desk(cast.piret)
    listed = page("clients_app_confidentialityexception_changelist")
    on_file = page("clients_app_client_change", mari.pk)
    for where in (one, listed, on_file):
        shown = piret.get(where).text
        assert "hild in need of help" in shown
        assert "the client is not told" in shown.lower()
        assert not any(w in shown for w in word.values())
    told = page("clients_app_confidentialityexception_client_told", kept.pk)
    now = now_here()
    assert piret.post(told, {"told_at": now}).status_code == 403
    assert liis.post(told, {"told_at": now})["Location"] == one
    assert exceptions.client_knows(exceptions.read(kept.pk, by=cast.liis).exception)
    assert "already" in liis.post(told, {"told_at": now}).text


def test_release_to_supervision_by_its_form(
    cast: Cast, desk: Desk, agreed: Agreement, confided: Disclosure
) -> None:
    """The form begins with the whole text; a name in it is asked about; what was typed stays."""
    liis, sofia = desk(cast.liis), desk(cast.sofia)
    assert "Nothing is released to you now" in sofia.get(page("index")).text
    add = page("sessions_app_supervisionexcerpt_add", disclosure=confided.pk)
    shown = liis.get(add).text
    assert "I lied to my brother" in shown
    assert "names_confirmed" not in shown
    typed = {
        "text": "So Mari lied to somebody near.",
        "pseudonym": "Kadri",
        "supervisor": str(cast.sofia.pk),
        "days": "14",
        "consent_how": "spoken",
        "consented_at": now_here(),
    }
    warned = liis.post(add, typed).text
    assert "names_confirmed" in warned
    assert "So Mari lied to somebody near." in warned
    assert not SupervisionExcerpt.objects.exists()
    pseudonym = liis.post(add, {**typed, "pseudonym": "Mari M."}).text
    assert "shows who the client is" in pseudonym
    assert "So Mari lied to somebody near." in pseudonym
    answer = liis.post(add, {**typed, "names_confirmed": "on"}, follow=True)
    assert "The excerpt is released." in answer.text
    assert "not read" in answer.text
    excerpt = SupervisionExcerpt.objects.get()
    one = page("sessions_app_supervisionexcerpt_change", excerpt.pk)
    assert one in sofia.get(page("index")).text
    assert "So Mari lied to somebody near." in sofia.get(one).text
    assert "not read" not in liis.get(one).text
    revoke = page("sessions_app_supervisionexcerpt_revoke", excerpt.pk)
    assert "taken back" in liis.post(revoke, follow=True).text
    assert sofia.get(one).status_code == 404
    assert "Nothing is released to you now" in sofia.get(page("index")).text


def test_without_a_promise_the_form_says_what_to_record_first(
    cast: Cast, desk: Desk, confided: Disclosure
) -> None:
    liis = desk(cast.liis)
    add = page("sessions_app_supervisionexcerpt_add", disclosure=confided.pk)
    record = page("clients_app_agreement_add", client=confided.client_id)
    assert record in liis.get(add).text
    answer = liis.post(
        add,
        {
            "text": "typed for an hour",
            "pseudonym": "K",
            "supervisor": str(cast.sofia.pk),
            "days": "14",
            "consent_how": "spoken",
            "consented_at": now_here(),
        },
    ).text
    assert "Record first" in answer
    assert "typed for an hour" in answer
    assert not SupervisionExcerpt.objects.exists()


def test_the_supervisors_pages_never_show_the_client(
    cast: Cast, desk: Desk, agreed: Agreement, things: dict[str, UUID]
) -> None:
    """A client with a word of its own in every field, an excerpt of a disclosure of theirs: on no
    page of Sofia's is any of it but the excerpt and the pseudonym, nor an id that leads there."""
    names = ("full_name", "preferred_name", "pronouns", "address", "trusted_person")
    word = {name: secrets.token_hex(12) for name in (*names, "told", "excerpt", "pseudonym")}
    client = clients.register(by=cast.liis, identity={name: word[name] for name in names})
    session = sessions.plan(client.pk, by=cast.liis, starts_at=yesterday(), status="held")
    told = disclosures.write(session.pk, by=cast.liis, text=word["told"])
    kept = exceptions.record(
        client.pk, by=cast.liis, ground="clients_consent", recipient="x", content="y"
    )
    excerpt = supervision.release(
        client.pk,
        by=cast.liis,
        disclosure=told.pk,
        text=word["excerpt"],
        pseudonym=word["pseudonym"],
        supervisor=cast.sofia.pk,
        consent_how="spoken",
        exception=kept.pk,
    )
    sofia = desk(cast.sofia)
    leads = [str(pk) for pk in (client.pk, session.pk, told.pk, kept.pk)] + [client.code]
    hers = things | {"supervisionexcerpt": excerpt.pk, "client": client.pk}
    seen: dict[str, set[str]] = {}
    for name, pattern in routes():
        if name not in EXPECTED:
            continue
        answer = sofia.get(address(name, pattern, hers))
        seen[name] = {key for key, w in word.items() if w in answer.text}
        assert not any(lead in answer.text for lead in leads), name
    shown = {name: found for name, found in seen.items() if found}
    assert shown == {
        "index": {"pseudonym"},
        "sessions_app_supervisionexcerpt_changelist": {"pseudonym"},
        "sessions_app_supervisionexcerpt_change": {"pseudonym", "excerpt"},
    }
    later = timezone.now() + timedelta(days=15)
    assert supervision.inbox(by=cast.sofia, now=later).excerpts == []
