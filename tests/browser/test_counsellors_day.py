"""Liis's day by hand, in a real browser, at a desk and on a phone."""

from typing import Any

import pytest

from clients_app import second_factor
from clients_app.models import Client
from sessions_app import disclosures, notes
from sessions_app.models import Disclosure, SessionNote, TherapySession
from tests.conftest import PASSWORD, Cast, app_of

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "I have never told anybody.\n\n\tNot even <b>him</b> & the others – õäöü 💧\n  end"


def log_in(window: Any, cast: Cast) -> None:
    """With a recovery code: those of an app differ only twice a minute."""
    if not second_factor.has_one(cast.liis):
        app_of(cast.liis)
    code = second_factor.renew_codes(by=cast.liis)[0]
    window.goto("/admin/")
    window.get_by_label("E-mail").fill(cast.liis.email)
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Log in").click()
    window.get_by_label("Code").fill(code)
    window.get_by_role("button", name="Log in").click()
    window.get_by_role("heading", name="Today", exact=True).wait_for()


def no_sideways(window: Any) -> None:
    window.wait_for_load_state()
    window.locator("body").wait_for()
    assert window.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_day_by_hand(cast: Cast, mari: Client, screen: Any, width: int) -> None:
    window = screen(width)
    log_in(window, cast)
    no_sideways(window)
    window.get_by_role("link", name="My clients").click()
    no_sideways(window)
    window.get_by_label("Find").fill("maasikas")
    window.get_by_role("button", name="Search").click()
    window.get_by_role("link", name=mari.code).click()
    no_sideways(window)

    window.get_by_role("link", name="Plan a session").click()
    window.get_by_label("It took place").check()
    window.get_by_label("When").fill("2024-01-15T14:00")
    window.get_by_role("textbox", name="Place").fill("Room 2")
    no_sideways(window)
    window.get_by_role("button", name="Plan the session").click()
    window.get_by_text("Room 2").wait_for()
    no_sideways(window)

    window.get_by_role("link", name="Write a note").click()
    assert not window.get_by_label("Subjective").is_visible()
    window.get_by_text("SOAP", exact=True).click()
    window.get_by_label("Subjective").fill("She came.\nShe spoke.")
    assert not window.get_by_label("Note", exact=True).is_visible()
    no_sideways(window)
    window.get_by_role("button", name="Save, read through and sign").click()
    window.get_by_text("She came.").wait_for()
    window.get_by_role("button", name="Sign", exact=True).click()
    window.get_by_text("The note is signed.").wait_for()
    no_sideways(window)

    window.get_by_role("link", name="Write a disclosure").first.click()
    window.get_by_text("to be heard", exact=True).click()
    window.get_by_label("What was confided").fill(WORDS)
    window.get_by_label("Themes").fill("lying, family")
    window.get_by_role("group", name="Distress before telling").get_by_text("8", exact=True).click()
    window.get_by_label("Lock it for me alone").check()
    no_sideways(window)
    window.get_by_role("button", name="Keep").click()
    window.get_by_text("The disclosure is kept.").wait_for()

    assert window.get_by_text("never told").count() == 0
    window.get_by_role("link", name="A disclosure", exact=True).click()
    assert window.locator("#told").evaluate("element => element.textContent") == WORDS
    window.get_by_text("to be heard").wait_for()
    no_sideways(window)
    kept = disclosures.read(Disclosure.objects.get().pk, by=cast.liis)
    assert (kept.text, kept.distress_before, kept.disclosure.locked) == (WORDS, 8, True)
    assert notes.read(SessionNote.objects.get().pk, by=cast.liis).format == "soap"
    assert TherapySession.objects.get().status == "held"


def test_what_is_typed_outlives_a_lost_login(
    cast: Cast, meeting: TherapySession, screen: Any
) -> None:
    """Logged out in another tab: the page says so and keeps the words; logged in again, the same
    button saves them. Leaving with unsaved words asks first."""
    window = screen(1280)
    log_in(window, cast)
    window.goto(f"/admin/sessions_app/sessionnote/add/?session={meeting.pk}")
    window.get_by_label("Note", exact=True).fill("typed for an hour")

    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    window.on("dialog", stay)
    window.get_by_role("link", name="Calendar").click()
    window.wait_for_timeout(200)
    assert asked == ["beforeunload"]
    assert window.get_by_label("Note", exact=True).input_value() == "typed for an hour"

    other = window.context.new_page()
    other.goto("/admin/")
    other.get_by_role("button", name="Log out").click()
    other.get_by_text("You are logged out").wait_for()
    window.get_by_role("button", name="Save draft").click()
    window.get_by_text("Nothing is saved yet: you are logged out").wait_for()
    assert not SessionNote.objects.exists()

    log_in(other, cast)
    window.get_by_role("button", name="Save draft").click()
    window.get_by_text("The draft is saved.").wait_for()
    kept = notes.read(SessionNote.objects.get().pk, by=cast.liis)
    assert kept.body == {"text": "typed for an hour"}


def test_it_works_without_javascript(cast: Cast, meeting: TherapySession, screen: Any) -> None:
    window = screen(390, javascript=False)
    log_in(window, cast)
    window.goto(f"/admin/sessions_app/sessionnote/add/?session={meeting.pk}")
    window.get_by_text("DAP", exact=True).click()
    window.get_by_role("button", name="Show the sections of this format").click()
    window.get_by_label("Data").fill("heard")
    window.get_by_role("button", name="Save draft").click()
    kept = notes.read(SessionNote.objects.get().pk, by=cast.liis)
    assert (kept.format, kept.body["data"]) == ("dap", "heard")
