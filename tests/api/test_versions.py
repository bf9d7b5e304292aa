"""Nobody overwrites what they have not read: a change says which version it is a change of."""

from collections.abc import Callable
from typing import Any

import pytest

from clients_app import promises
from clients_app.models import Client, User
from sessions_app import notes, sessions
from tests.api.conftest import OPERATIONS, Phone, ask, nothing_changes, refusal, tell
from tests.conftest import Cast, wording_of, yesterday

Open = Callable[[User], Phone]
Versioned = tuple[str, str, str, dict[str, Any]]


@pytest.fixture
def liis(cast: Cast, phone: Open) -> Phone:
    return phone(cast.liis)


@pytest.fixture
def changes(cast: Cast, mari: Client) -> dict[str, tuple[str, str, dict[str, Any] | None]]:
    """Every operation that wants a version: its name, where, and with what body."""

    def planned() -> str:
        return f"sessions/{sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday()).pk}"

    def draft() -> str:
        session = sessions.plan(mari.pk, by=cast.liis, starts_at=yesterday())
        return f"notes/{notes.write(session.pk, by=cast.liis, body={'text': 'x'}).pk}"

    def promise(language: str) -> str:
        drafted = promises.draft(language, by=cast.piret, text=wording_of(language))
        return f"promises/{drafted.pk}"

    return {
        "changeClient": ("PATCH", f"clients/{mari.pk}", {"pronouns": "she"}),
        "moveSession": ("PATCH", planned(), {"minutes": 90}),
        "holdSession": ("POST", f"{planned()}/hold", None),
        "cancelSession": ("POST", f"{planned()}/cancel", {"no_show": True}),
        "revisePromise": ("PATCH", promise("en"), {"text": wording_of("et")}),
        "publishPromise": ("POST", f"{promise('et')}/publish", None),
        "reviseNote": ("PATCH", draft(), {"body": {"text": "y"}}),
        "signNote": ("POST", f"{draft()}/sign", None),
    }


WANTED = [o.name for o in OPERATIONS if "428" in o.spec["responses"]]


@pytest.mark.parametrize("name", WANTED)
def test_a_change_is_of_the_version_that_was_read(
    cast: Cast,
    phone: Open,
    changes: dict[str, tuple[str, str, dict[str, Any] | None]],
    name: str,
) -> None:
    """Without If-Match 428, with another version 412 that names the present one, with what is no
    version 400; only with the version that is there, the change."""
    method, address, body = changes[name]
    liis = phone(cast.piret if "Promise" in name else cast.liis)
    with nothing_changes():
        missing = refusal(liis.send(method, address, body), 428)
        assert missing["code"] == "version_required"
        for stale in ('"v2"', '"v999999999"'):
            problem = refusal(liis.send(method, address, body, if_match=stale), 412)
            assert (problem["code"], problem["current"]) == ("stale", 1)
        for wrong in (
            "",
            "*",
            "v1",
            "1",
            'W/"v1"',
            '"v1", "v2"',
            '"v01"',
            '"v0"',
            '"v1e0"',
            '"v\u0661"',
        ):
            problem = refusal(liis.send(method, address, body, if_match=wrong), 400)
            assert problem["errors"][0]["field"] == "If-Match"
    response = liis.send(method, address, body, if_match='"v1"')
    assert response.status_code == 200
    assert response["ETag"] == f'"v{response.json()["version"]}"'


def test_the_etag_of_a_reading_is_the_next_if_match(liis: Phone, mari: Client) -> None:
    """Read, change, change again with what the change answered; the version that was read first is
    of no use any more."""
    address = f"clients/{mari.pk}"
    read = liis.send("GET", address)["ETag"]
    first = liis.send("PATCH", address, {"pronouns": "she"}, if_match=read)["ETag"]
    tell(liis, address, {"pronouns": "they"}, method="PATCH", if_match=first)
    problem = refusal(liis.send("PATCH", address, {"pronouns": "x"}, if_match=read), 412)
    assert problem["current"] == 3
    assert ask(liis, address)["pronouns"] == "they"


def test_two_phones_and_one_draft(liis: Phone, cast: Cast, phone: Open, changes: Any) -> None:
    """What the tablet wrote is not lost because the phone saved later."""
    _method, draft, _body = changes["reviseNote"]
    tablet = phone(cast.liis)
    tell(tablet, draft, {"body": {"text": "On the tablet."}}, method="PATCH", if_match='"v1"')
    late = liis.send("PATCH", draft, {"body": {"text": "On the phone."}}, if_match='"v1"')
    assert refusal(late, 412)["current"] == 2
    assert ask(liis, draft)["body"]["text"] == "On the tablet."


def test_a_change_names_something(liis: Phone, changes: Any) -> None:
    """An empty change is a mistake, and no version is counted up for it."""
    for name in ("changeClient", "moveSession"):
        method, address, _body = changes[name]
        with nothing_changes():
            refusal(liis.send(method, address, {}, if_match='"v1"'), 400)
