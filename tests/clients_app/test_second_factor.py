"""Apps, passkeys and recovery codes: sealed, once, and never none."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from clients_app import guesses, keys, logins, second_factor, vault
from clients_app.errors import Conflict, Hidden, Invalid, Unconfirmed
from clients_app.models import User
from clients_app.second_factor import Answer, CodeRefused
from tests.clients_app.test_keys import new_key
from tests.clients_app.test_logins import Behind
from tests.conftest import Cast, app_of, code_of, trail


def opens(user: User, code: str) -> bool:
    try:
        with second_factor.given(user, Answer(code=code), guesses.inside(uuid4())):
            pass
    except CodeRefused:
        return False
    return True


def test_a_code_opens_once_and_a_clock_may_be_half_a_minute_off(cast: Cast) -> None:
    """RFC 6238, 5.2: neither the same code nor an earlier one opens afterwards."""
    secret = app_of(cast.liis)
    start = timezone.now() + timedelta(minutes=10)
    with time_machine.travel(start, tick=False) as clock:
        assert not opens(cast.liis, code_of(secret, -2))
        assert not opens(cast.liis, code_of(secret, 2))
        code, before = code_of(secret), code_of(secret, -1)
        assert opens(cast.liis, code)
        assert not opens(cast.liis, code)
        assert not opens(cast.liis, before)
        clock.shift(30)
        assert not opens(cast.liis, code)
        assert opens(cast.liis, code_of(secret, 1))
        assert not opens(cast.liis, code_of(secret))


def test_the_code_that_proved_the_app_is_used_up(cast: Cast) -> None:
    offered = second_factor.offer_totp(cast.liis)
    secret, picture = second_factor.shown_totp(cast.liis, offered)
    assert picture.startswith("<svg")
    assert "style" not in picture
    code = code_of(secret)
    with pytest.raises(Invalid):
        second_factor.add_totp(offered, "000000", by=cast.liis)
    codes = second_factor.add_totp(offered, code, by=cast.liis)
    assert len(set(codes)) == 10
    assert not opens(cast.liis, code)
    with pytest.raises(Conflict):
        second_factor.add_totp(offered, code_of(secret, 1), by=cast.liis)


def test_a_recovery_code_opens_once(cast: Cast) -> None:
    app_of(cast.liis)
    first, second, *_more = old = second_factor.renew_codes(by=cast.liis)
    assert opens(cast.liis, f"{first[:4]} {first[4:]}")
    assert not opens(cast.liis, first)
    assert not opens(cast.mark, second)
    assert second_factor.codes_left(by=cast.liis) == 9
    new = second_factor.renew_codes(by=cast.liis)
    assert not set(new) & set(old)
    assert not opens(cast.liis, second)
    assert opens(cast.liis, new[0])


def test_nothing_opens_for_who_has_nothing(cast: Cast) -> None:
    secret = app_of(cast.liis)
    for code in ("", "000000", code_of(secret), "ä" * 6, "1" * 20):
        assert not opens(cast.mark, code)
    assert not opens(cast.liis, "")


def test_the_last_one_stays(cast: Cast) -> None:
    app_of(cast.liis)
    (app,) = second_factor.held(by=cast.liis)
    with pytest.raises(Conflict):
        second_factor.remove(app.id, by=cast.liis)
    key = Authenticator.objects.create(
        user=cast.liis, type=Authenticator.Type.WEBAUTHN, data={"name": "blue", "credential": {}}
    )
    for nobodys in (0, app.id):
        with pytest.raises(Hidden):
            second_factor.remove(nobodys, by=cast.mark)
    second_factor.remove(app.id, by=cast.liis)
    with pytest.raises(Conflict):
        second_factor.remove(key.pk, by=cast.liis)
    assert trail(event__startswith="factor.") == ["factor.added", "factor.removed"]


def test_one_more_needs_the_one_there_is(cast: Cast) -> None:
    """Neither half a login nor one whose factor was given an hour ago adds, removes or renews."""
    app_of(cast.liis)
    login, _secret = logins.open_device(cast.liis, device="x")
    login.confirmed_at -= timedelta(hours=1)
    for asking in (None, login):
        with Behind(asking):
            for deed in (
                lambda: second_factor.add_totp("", "", by=cast.liis),
                lambda: second_factor.add_passkey(Answer(), "x", by=cast.liis),
                lambda: second_factor.remove(0, by=cast.liis),
                lambda: second_factor.renew_codes(by=cast.liis),
            ):
                with pytest.raises(Unconfirmed):
                    deed()


@pytest.mark.parametrize("kind", ["app", "passkey"])
def test_of_two_who_set_up_the_first_one_at_once_one_does(
    cast: Cast, monkeypatch: Any, kind: str
) -> None:
    """Whoever knows the password is at the same page, and looked when there was none yet."""
    offered = second_factor.offer_totp(cast.liis)
    secret, _picture = second_factor.shown_totp(cast.liis, offered)
    looked = second_factor.has_one

    def meanwhile(user: User) -> bool:
        found = looked(user)
        monkeypatch.setattr(second_factor, "has_one", looked)
        app_of(cast.liis)
        return found

    if kind == "passkey":
        monkeypatch.setattr(second_factor, "_server", Mock())
        monkeypatch.setattr(second_factor, "WebAuthn", Mock())
    monkeypatch.setattr(second_factor, "has_one", meanwhile)
    adding: dict[str, Callable[[], object]] = {
        "app": lambda: second_factor.add_totp(offered, code_of(secret), by=cast.liis),
        "passkey": lambda: second_factor.add_passkey(Answer(passkey="{}"), "x", by=cast.liis),
    }
    with Behind(None), pytest.raises(Unconfirmed):
        adding[kind]()
    assert len(second_factor.held(by=cast.liis)) == 1


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(a::text, ' ') FROM mfa_authenticator a")
        return str(cursor.fetchone()[0])


def test_the_table_shows_no_secret(cast: Cast) -> None:
    """Nor does it open for another user: a row that is moved proves nothing."""
    secret = app_of(cast.liis)
    codes = second_factor.renew_codes(by=cast.liis)
    table = stored()
    assert secret not in table
    assert not any(code in table for code in codes)
    for row in Authenticator.objects.all():
        sealed = row.data.get("secret") or row.data["seed"]
        with pytest.raises(vault.SealBroken):
            vault.unseal_secret(sealed, owner=cast.mark.pk)
        with pytest.raises(vault.SealBroken):
            vault.unseal_secret(sealed[:-8] + "AAAAAAA=", owner=cast.liis.pk)
    Authenticator.objects.update(user=cast.mark)
    with pytest.raises(vault.SealBroken):
        opens(cast.mark, code_of(secret))


def test_a_new_master_key_takes_the_secrets_along(cast: Cast, settings: Any) -> None:
    secret = app_of(cast.liis)
    old = settings.FIELD_ENCRYPTION_KEY[0]
    settings.FIELD_ENCRYPTION_KEY = [new_key(), old]
    assert [(m.newest, m.seals) for m in keys.usage()] == [(True, 0), (False, 2)]
    assert sum(keys.rotate()) == 2
    assert [(m.newest, m.seals) for m in keys.usage()] == [(True, 2), (False, 0)]
    settings.FIELD_ENCRYPTION_KEY = settings.FIELD_ENCRYPTION_KEY[:1]
    assert opens(cast.liis, code_of(secret))
    assert keys.broken() == []
    settings.FIELD_ENCRYPTION_KEY = [old]
    assert len(keys.broken()) == 2
    with pytest.raises(CommandError, match="FIELD_ENCRYPTION_KEY does not hold"):
        call_command("keys", "check")


def test_the_offered_secret_is_sealed_too(cast: Cast) -> None:
    """It waits in the session, which lies in the database."""
    offered = second_factor.offer_totp(cast.liis)
    secret, _picture = second_factor.shown_totp(cast.liis, offered)
    assert secret not in json.dumps(offered)
    with pytest.raises(vault.SealBroken):
        second_factor.shown_totp(cast.mark, offered)
