"""Who may come in, until when, and what happens when the lock itself is broken."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.utils import timezone

from clients_app import invitations, logins, users
from clients_app.models import Login, User
from clients_app.roles import Role
from tests.api.conftest import (
    NOWHERE,
    OPERATIONS,
    Operation,
    Phone,
    ask,
    each,
    nothing_changes,
    refusal,
    tell,
)
from tests.conftest import PASSWORD, Cast, app_of, code_of, trail

Open = Callable[[User], Phone]
CANARY = "xqzjwkvbtxqzjwkvbtxqzjwk"
ROLES = ["liis", "sofia", "frida", "mattias", "piret", "root"]


def log_in(email: str, password: str = PASSWORD, code: str = "000000", **more: str) -> Any:
    typed = {"email": email, "password": password, "code": code, "device": "x", **more}
    return Phone().send("POST", "tokens", typed)


def test_logging_in_and_out(cast: Cast) -> None:
    """The token opens until the phone logs out; a second try finds it closed already."""
    response = log_in("Liis@kalda.example", code=code_of(app_of(cast.liis)))
    token = response.json()["token"]
    liis = Phone(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert ask(liis, "me")["name"] == "Liis"
    tell(liis, "tokens/current", method="DELETE", status=204)
    assert refusal(liis.send("GET", "me"), 401)["code"] == "not_logged_in"
    with nothing_changes():
        refusal(liis.send("DELETE", "tokens/current"), 401)
    assert trail(event__startswith="log") == ["login.token", "logout.token"]


def test_the_password_alone_gives_no_token(cast: Cast) -> None:
    """Nor does the code alone, nor a code twice, nor a login that has none set up."""
    secret = app_of(cast.liis)
    for answer in (
        log_in("liis@kalda.example"),
        log_in("liis@kalda.example", "wrong", code_of(secret)),
        log_in("mark@kalda.example"),
        log_in("mark@kalda.example", code=""),
    ):
        assert refusal(answer, 401)["code"] == "login_refused"
    code = code_of(secret)
    assert log_in("liis@kalda.example", code=code).status_code == 201
    assert refusal(log_in("liis@kalda.example", code=code), 401)["code"] == "login_refused"


def test_a_known_device_has_guesses_of_its_own(cast: Cast) -> None:
    """What a stranger guesses away is not missing here; a new password begins anew."""
    secret = app_of(cast.liis)
    known = log_in("liis@kalda.example", code=code_of(secret)).json()["known_device"]
    for _guess in range(6):
        log_in("liis@kalda.example", "guess")
    assert log_in("liis@kalda.example", code=code_of(secret, 1)).status_code == 429
    again = log_in("liis@kalda.example", code=code_of(secret, 1), known_device=known)
    assert again.json()["known_device"] == known
    marks = log_in("mark@kalda.example", known_device=known)
    assert refusal(marks, 401)
    _reset(cast)
    assert log_in("liis@kalda.example", known_device=known).status_code == 429


def test_the_second_factor_anew(cast: Cast, phone: Open, mari: Any) -> None:
    """The refusal says where to give it; then the same request goes through."""
    secret = app_of(cast.piret)
    piret = phone(cast.piret)
    hold = {"client": str(mari.pk), "matter": "Case 7", "reason": "The court asked."}
    Login.objects.update(confirmed_at=timezone.now() - timedelta(minutes=6))
    with nothing_changes():
        problem = refusal(piret.send("POST", "legal-holds", hold), 403)
    assert problem["code"] == "second_factor_required"
    assert problem["confirm"] == "/api/v1/me/confirm"
    assert refusal(piret.send("POST", "me/confirm", {"code": "1"}), 401)["code"] == "code_refused"
    tell(piret, "me/confirm", {"code": code_of(secret)})
    tell(piret, "legal-holds", hold, status=201)


def test_guesses_at_the_confirmation_end_after_five(cast: Cast, phone: Open) -> None:
    secret = app_of(cast.liis)
    liis = phone(cast.liis)
    for _try in range(5):
        refusal(liis.send("POST", "me/confirm", {"code": "000000"}), 401)
    refusal(liis.send("POST", "me/confirm", {"code": code_of(secret)}), 429)
    refusal(liis.send("POST", "me/password", {"old": PASSWORD, "new": "eleven slow swans"}), 429)


def test_ones_own_logins(cast: Cast, phone: Open) -> None:
    """A phone that is lost is logged out from another one."""
    here, lost = phone(cast.liis), phone(cast.liis)
    listed = ask(here, "me/logins")["results"]
    assert [login["current"] for login in listed] == [False, True]
    tell(here, f"me/logins/{listed[0]['id']}", method="DELETE", status=204)
    refusal(lost.send("GET", "me"), 401)
    assert refusal(here.send("DELETE", f"me/logins/{listed[0]['id']}"), 404)
    assert len(ask(here, "me/logins")["results"]) == 1


@pytest.mark.parametrize("who", ROLES)
def test_me_says_who_and_what_the_role_may(cast: Cast, phone: Open, who: str) -> None:
    """The app offers what the role may do. The superuser has no role and may nothing."""
    user: User = getattr(cast, who)
    me = ask(phone(user), "me")
    assert (me["id"], me["role"]) == (str(user.pk), user.role)
    assert ("note.write" in me["permissions"]) == (user.role == Role.COUNSELLOR)
    assert (me["practice"] is None) == user.is_superuser


def test_a_wrong_password_and_an_unknown_name_look_alike(cast: Cast) -> None:
    """Who works here is nobody's business."""
    wrong = log_in("liis@kalda.example", "seven quiet herons at noon")
    unknown = log_in("nobody@kalda.example")
    assert wrong.content == unknown.content
    assert refusal(wrong, 401)["code"] == "login_refused"
    assert wrong["WWW-Authenticate"] == "Bearer"


def test_guessing_ends_after_five(cast: Cast) -> None:
    """The sixth try is not even looked at, be it right."""
    for _try in range(5):
        log_in("liis@kalda.example", "guess")
    response = log_in("liis@kalda.example")
    assert refusal(response, 429)["code"] == "too_many_tries"
    assert response["Retry-After"] == "900"


@each(lambda operation: not operation.public)
def test_nothing_opens_without_a_token(db: None, operation: Operation) -> None:
    """Every operation, with no token, with a made-up one, with one of another kind."""
    for header in ("", "Bearer", "Bearer x", "Bearer " + "ä" * 43, "Bearer a b", "Basic eDp4"):
        phone = Phone(HTTP_AUTHORIZATION=header) if header else Phone()
        with nothing_changes():
            response = operation.call(phone)
        assert refusal(response, 401)["code"] == "not_logged_in"
        assert response["WWW-Authenticate"] == "Bearer"


def test_one_may_come_in_by_one_door_only() -> None:
    """What is open to everybody is written down here."""
    assert [o.name for o in OPERATIONS if o.public] == ["logIn"]


def _disable(cast: Cast) -> None:
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="counsellor", is_active=False)


def _disable_the_row(cast: Cast) -> None:
    User.objects.filter(pk=cast.liis.pk).update(is_active=False)


def _revoke(cast: Cast) -> None:
    login = Login.objects.get(user=cast.liis)
    logins.close(login.pk, by=cast.liis)


def _expire(cast: Cast) -> None:
    Login.objects.filter(user=cast.liis).update(expires_at=timezone.now())


def _reset(cast: Cast) -> None:
    users.reset_password(cast.liis.pk, by=cast.mattias, password="eleven slow swans at dusk")


def _idle(cast: Cast) -> None:
    left = timezone.now() - timedelta(days=14)
    Login.objects.filter(user=cast.liis).update(seen_at=left)


def _invite(cast: Cast) -> None:
    invitations.invite(cast.liis.pk, by=cast.mattias)


def _log_out(cast: Cast) -> None:
    users.log_out(cast.liis.pk, by=cast.mattias)


def _change(cast: Cast) -> None:
    users.change_own_password(by=cast.liis, old=PASSWORD, new="eleven slow swans at dusk")


@pytest.mark.parametrize(
    "end",
    [_disable, _disable_the_row, _revoke, _expire, _idle, _reset, _change, _invite, _log_out],
    ids=lambda f: f.__name__,
)
def test_access_ends_at_the_next_request(
    cast: Cast, phone: Open, end: Callable[[Cast], None]
) -> None:
    """A phone in the pocket of somebody who left opens nothing any more."""
    liis = phone(cast.liis)
    ask(liis, "me")
    end(cast)
    assert refusal(liis.send("GET", "me"), 401)["code"] == "not_logged_in"


def test_another_role_holds_at_the_next_request(cast: Cast, phone: Open, note: Any) -> None:
    """The phone that read the note a moment ago is a front desk's now."""
    liis = phone(cast.liis)
    ask(liis, f"notes/{note.pk}")
    users.change(cast.liis.pk, by=cast.mattias, name="Liis", role="front_desk", is_active=True)
    ask(liis, f"notes/{note.pk}", 403)
    ask(liis, f"notes/{NOWHERE}", 403)


def test_a_new_password_logs_every_device_out(cast: Cast, phone: Open) -> None:
    """This one too; a wrong present password changes nothing and is not repeated."""
    secret = app_of(cast.liis)
    liis, tablet = phone(cast.liis), phone(cast.liis)
    with nothing_changes():
        wrong = liis.send("POST", "me/password", {"old": CANARY, "new": "eleven slow swans"})
        assert refusal(wrong, 400)["errors"][0]["field"] == "old"
        short = liis.send("POST", "me/password", {"old": PASSWORD, "new": "xqzjwk"})
        assert refusal(short, 400)["errors"][0]["field"] == "new"
    for answer in (wrong, short):
        assert b"xqzjwk" not in answer.content
    new = "eleven slow swans at dusk"
    tell(liis, "me/password", {"old": PASSWORD, "new": new}, status=204)
    for device in (liis, tablet):
        refusal(device.send("GET", "me"), 401)
    assert log_in(cast.liis.email, new, code_of(secret)).status_code == 201


def test_a_token_that_is_about_to_expire_still_opens(cast: Cast, phone: Open) -> None:
    """To the second."""
    liis = phone(cast.liis)
    later = timezone.now() + timedelta(seconds=60)
    Login.objects.filter(user=cast.liis).update(expires_at=later)
    ask(liis, "me")


def test_a_database_that_is_out_of_reach_is_said_so(cast: Cast) -> None:
    """Try again in a moment; not a word of what the driver said."""

    def broken(*_args: Any) -> None:
        raise OperationalError(f"connection to server at {CANARY} failed")

    with connection.execute_wrapper(broken):
        response = log_in(cast.liis.email)
    assert refusal(response, 503)["code"] == "unavailable"
    assert response["Retry-After"] == "5"
    assert CANARY.encode() not in response.content


def test_a_redis_that_is_out_of_reach_is_said_so(cast: Cast, phone: Open, settings: Any) -> None:
    """Without the counter of guesses nobody logs in; who is in stays in."""
    liis = phone(cast.liis)
    backend = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": backend}
    try:
        response = log_in(cast.liis.email)
        assert refusal(response, 503)["code"] == "unavailable"
        assert b"127.0.0.1" not in response.content
        ask(liis, "me")
    finally:
        caches.close_all()
