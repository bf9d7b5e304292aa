"""Coming in by hand, in a real browser with a key that it believes to be real."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clients_app import holds, second_factor, users
from clients_app.models import Client, LegalHold, Login, User
from tests.browser.test_counsellors_day import no_sideways
from tests.conftest import PASSWORD, Cast, app_of, until

pytestmark = pytest.mark.django_db(transaction=True)


def key_for(window: Any) -> None:
    """A passkey on a port that is not there (WebAuthn, "User Agent Automation")."""
    devtools = window.context.new_cdp_session(window)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def give_password(window: Any, user: User) -> None:
    window.goto("/admin/")
    window.get_by_label("E-mail").fill(user.email)
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("width", [1280, 390])
def test_with_a_passkey(cast: Cast, screen: Any, width: int) -> None:
    """Made at the first login, asked for at the second, and for what wants it anew."""
    window = screen(width)
    key_for(window)
    give_password(window, cast.mattias)
    window.get_by_role("heading", name="Set up your second factor").wait_for()
    no_sideways(window)
    window.get_by_label("Name of the passkey").fill("blue key")
    window.get_by_role("button", name="Make a passkey").click()
    window.get_by_role("heading", name="Your recovery codes").wait_for()
    no_sideways(window)
    window.get_by_role("link", name="I have them, go on").click()
    window.get_by_role("heading", name="Today", exact=True).wait_for()
    window.get_by_role("button", name="Log out").click()
    give_password(window, cast.mattias)
    no_sideways(window)
    window.get_by_role("button", name="Use a passkey").click()
    window.get_by_role("heading", name="Today", exact=True).wait_for()
    window.get_by_role("link", name="Devices and logins").click()
    window.get_by_text("blue key").wait_for()
    no_sideways(window)

    Login.objects.update(confirmed_at=timezone.now() - timedelta(minutes=6))
    window.goto("/admin/clients_app/user/add/")
    window.get_by_role("button", name="Use a passkey").click()
    window.get_by_role("heading", name="New login").wait_for()
    assert [factor.name for factor in second_factor.held(by=cast.mattias)] == ["blue key"]


def comes_in(window: Any, user: User) -> None:
    app_of(user)
    give_password(window, user)
    window.get_by_label("Code").fill(second_factor.renew_codes(by=user)[0])
    window.get_by_role("button", name="Log in").click()
    window.get_by_role("heading", name="Today", exact=True).wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_code_told_on_the_telephone(cast: Cast, mari: Client, screen: Any, width: int) -> None:
    """Kersti reads her code out; Piret, who knows her voice, types it."""
    kersti = users.create(
        by=cast.mattias, email="kersti@kalda.example", name="Kersti", role="counsellor"
    )
    kersti.set_password(PASSWORD)
    kersti.save()
    hers, office = screen(width), screen(width)
    comes_in(hers, kersti)
    no_sideways(hers)
    assert hers.get_by_role("link", name="Clients").count() == 0
    code = hers.locator(".codes li").inner_text()

    comes_in(office, cast.piret)
    office.get_by_role("link", name="Kersti").click()
    office.get_by_role("heading", name="Vouch for a login").wait_for()
    no_sideways(office)
    office.get_by_label("Their code").fill("0000 0000")
    office.get_by_role("button", name="It is them").click()
    office.get_by_text("not the code that they see now").wait_for()
    office.get_by_label("Their code").fill(code)
    office.get_by_role("button", name="It is them").click()
    office.get_by_text("They can work now.").wait_for()
    no_sideways(office)

    hers.reload()
    hers.get_by_role("link", name="My clients").first.wait_for()


def test_a_form_that_wants_the_factor_anew_keeps_its_words(
    cast: Cast, mari: Client, screen: Any
) -> None:
    """Typed for more than five minutes, sent, confirmed with a code: saved as it was typed."""
    words = 'The court asked:\n\n\t"all of it" & <b>more</b> – õäöü 💧'
    app_of(cast.piret)
    codes = second_factor.renew_codes(by=cast.piret)
    window = screen(1280)
    give_password(window, cast.piret)
    window.get_by_label("Code").fill(codes[0])
    window.get_by_role("button", name="Log in").click()
    window.get_by_role("heading", name="Today", exact=True).wait_for()
    window.goto(f"/admin/clients_app/legalhold/add/?client={mari.pk}")
    Login.objects.update(confirmed_at=timezone.now() - timedelta(minutes=6))
    if window.get_by_label("Code").count():
        window.get_by_label("Code").fill(mari.code)
    window.get_by_label("Matter").fill("Case 7")
    window.get_by_label("Reason").fill(words)
    window.get_by_role("button", name="Place").click()
    window.get_by_text("What you typed is kept").wait_for()
    assert not LegalHold.objects.exists()
    window.get_by_label("Code").fill("000000")
    window.get_by_role("button", name="Confirm and go on").click()
    window.get_by_text("The code is wrong").wait_for()
    window.get_by_label("Code").fill(codes[1])
    window.get_by_role("button", name="Confirm and go on").click()
    until(LegalHold.objects.exists)
    hold = LegalHold.objects.get()
    assert holds.read(hold.pk, by=cast.piret).reason == words
