"""Everybody at every door: each page and operation read, written, and written wrongly.

Those who may see nothing of the file come first, its confidant last, so that nobody has been given
a part of it by somebody else's click.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from uuid import uuid4

from django.urls import URLPattern

from clients_app.models import Client
from tests.admin.routes import EXPECTED, address, routes
from tests.api.conftest import OPERATIONS, Operation
from tests.leaks.planting import File
from tests.leaks.visit import Answer, Visitor, forms

ORDER = ("root", "olga", "mark", "sofia", "frida", "mattias", "piret", "liis")
# What the staff write about themselves or the practice, open to a thief for the reasons that
# tests/test_data_inventory.py gives: not a client's word, and not where one is written.
ABOUT_STAFF = {
    "createUser",
    "changeUser",
    "decideRule",
    "draftPromise",
    "revisePromise",
    "logIn",
}
STAFFS_PAGES = ("user", "practice", "retentionrule", "confidentialitystatement", "own")
# The end of a login, or of the care for the client; the rest of the tour needs them.
LAST = {"handOverCare", "logOut"}
LAST_FORMS = ("/hand-over/", "/logout/", "/close/", "/close-others/")
PUBLIC = (
    "/",
    "/admin/login/",
    "/admin/login/forgotten/",
    "/admin/login/second-factor/",
    "/admin/login/set-up/",
    "/admin/invitation/",
    "/api/schema/",
    "/api/docs/",
    "/api/docs/?script=",
    "/health/ready",
)
# Pages that are begun from another one, which their address names.
BEGUN_FROM = {
    "clients_app_agreement_add": "client",
    "clients_app_confidentialityexception_add": "client",
    "sessions_app_supervisionexcerpt_add": "disclosure",
}


def read_everything(visitor: Visitor, file: File) -> None:
    """Every page, and every operation that only reads."""
    for name, pattern in routes():
        if name in EXPECTED:
            visitor.get(_page(name, pattern, file))
    for operation in OPERATIONS:
        if operation.method == "GET":
            visitor.call("GET", operation.address(file.ids))


def write_everything(visitor: Visitor, file: File, word: str, *, thorough: bool = False) -> None:
    """Every operation that writes, with its example, with words of one's own and wrongly; every
    form of every page, filled in with words of one's own. `thorough`: in every wrong way there is,
    forms also stale."""
    for operation in OPERATIONS:
        if operation.method != "GET" and operation.name not in LAST:
            for body in _bodies(operation, file, word, thorough=thorough):
                visitor.call(operation.method, operation.address(file.ids), body)
    token_missing = False
    for name, pattern in routes():
        if name in EXPECTED:
            page = visitor.page(_page(name, pattern, file))
            about_staff = any(part in name.split("_") for part in STAFFS_PAGES)
            for action, typed in _filled_in(page, word, skip=about_staff):
                visitor.post(action, typed)
                if thorough and "version" in typed:
                    visitor.post(action, {**typed, "version": "999"})
                if not token_missing:
                    visitor.post(action, typed, forged=True)
                    token_missing = True


def leave(visitor: Visitor, file: File) -> None:
    """Hand the client over, and log out."""
    for operation in OPERATIONS:
        if operation.name in LAST:
            body = _with(operation.example, file.named) if operation.body else None
            visitor.call(operation.method, operation.address(file.ids), body)


def break_the_glass(visitor: Visitor, file: File, word: str) -> None:
    """Somebody not in care opens the file in an emergency, and reads what that lends them."""
    body = {
        "code": file.client.code,
        "reason_code": "danger_to_life",
        "text": f"{word}, and nobody can be reached.",
    }
    assert visitor.call("POST", "break-glass", body).status == 201
    read_everything(visitor, file)


def _page(name: str, pattern: URLPattern, file: File) -> str:
    where = address(name, pattern, file.things)
    begun_from = BEGUN_FROM.get(name)
    return f"{where}?{begun_from}={file.things[begun_from]}" if begun_from else where


def _bodies(operation: Operation, file: File, word: str, *, thorough: bool) -> Iterator[Any]:
    if not operation.body:
        yield None
        return
    example = _with(operation.example, file.named)
    if operation.name == "reopenClient":
        # Whoever reopens names the day that goes.
        until = Client.objects.get(pk=file.client.pk).retain_until
        example = {"kept_until": until and until.isoformat()}
    yield example
    if operation.name not in ABOUT_STAFF:
        yield _worded(example, lambda text: word if "…" in text else text)
        if "words" in example:
            yield {"words": file.canaries.words["Client.full_name"]}
    yield _worded(example, lambda _text: word)
    if thorough:
        yield {name: [{word: word}] for name in example}
        yield {**example, word: word}
        yield f'{{"text": "{word}", '.encode()
        yield f'{{"text": "{word}", "text": "{word}"}}'.encode()
        yield word.encode("iso-8859-15")


def stumble(visitor: Visitor, word: str) -> None:
    """Requests that no page of ours makes, as attackers and broken apps do, with words in them."""
    visitor.call("POST", "disclosures", ('{"text": "' + word * 50_000 + '"}').encode())
    # The server may hang up before it has taken the whole of it.
    with suppress(OSError, HTTPException):
        visitor.call("POST", "disclosures", ('{"text": "' + word * 200_000 + '"}').encode())
    visitor.close()
    visitor.call("POST", "disclosures", ("[" * 2000 + f'"{word}"' + "]" * 2000).encode())
    visitor.call("GET", f"disclosures?client={word.encode().hex()}&{word.encode().hex()}=1")
    visitor.post("/admin/sessions_app/disclosure/add/", {f"{word}{n}": word for n in range(600)})
    visitor.post("/admin/language/", {"language": word, "next": f"https://{word.encode().hex()}/"})


def log_in_wrongly(visitor: Visitor, word: str) -> None:
    """Somebody types a client's words where the login belongs, and asks for a new password."""
    for typed in (word, f"{word}@mail.example"):
        visitor.post("/admin/login/", {"username": typed, "password": word})
        visitor.call("POST", "tokens", {"email": typed, "password": word, "device": "phone"})
    for typed in ("mark@kalda.example", f"{word}@mail.example"):
        visitor.post("/admin/login/forgotten/", {"email": typed})


def look_around(visitor: Visitor) -> None:
    """What is there for everybody, and what is not there."""
    for path in PUBLIC:
        visitor.get(path)
    visitor.get(f"/admin/{uuid4()}/")
    visitor.call("GET", f"clients/{uuid4()}")
    visitor.call("GET", "no/such/address")


def _filled_in(page: Answer, word: str, *, skip: bool) -> Iterator[tuple[str, dict[str, str]]]:
    if page.status != 200:
        return
    for form in forms(page):
        if form.method == "GET":
            assert not form.texts, f"{page.asked} puts what is typed into an address"
        elif not form.action.endswith(LAST_FORMS) and not (skip and form.texts):
            yield form.action, {**form.values, **dict.fromkeys(form.texts, word)}


def _with(example: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    return example | {key: str(named[key]) for key in example if key in named}


def _worded(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {key: _worded(inner, change) for key, inner in value.items()}
        case list():
            return [_worded(inner, change) for inner in value]
    return value
