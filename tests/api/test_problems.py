"""What is refused, and how: a problem document, in words that never repeat what was sent."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client as Browser
from rest_framework.test import APIClient

from clients_app import clients, logins
from clients_app.models import User
from tests.api.conftest import NOWHERE, Operation, Phone, each, nothing_changes, refusal
from tests.conftest import Cast

Open = Callable[[User], Phone]
CANARY = "xqzjwkvbtxqzjwkvbtxqzjwk"
READ_ONLY = {"id", "author", "practice", "client_id", "retain_until", "signed_at", "version"}


@pytest.fixture
def liis(cast: Cast, phone: Open) -> Phone:
    return phone(cast.liis)


def in_error(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in problem["errors"]]


def test_a_problem_says_what_it_is(liis: Phone) -> None:
    """The members of RFC 9457, and ours."""
    problem = refusal(liis.send("POST", "clients/search", {}), 400)
    assert problem == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "code": "invalid",
        "detail": "Some of what was sent cannot be accepted.",
        "errors": [{"field": "words", "code": "required", "detail": "This field is required."}],
    }


BROKEN = {
    "half": b'{"words": "x"',
    "words after it": b'{"words": "x"} x',
    "NaN": b'{"words": NaN}',
    "infinity": b'{"words": -Infinity}',
    "Latin-1": '{"words": "kõne"}'.encode("latin-1"),
    "UTF-16": '{"words": "x"}'.encode("utf-16"),
    "half a letter": b'{"words": "\\ud83d"}',
    "10,000 lists": b'{"words": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "10,000 objects": b'{"words":' * 10_000 + b"1" + b"}" * 10_000,
    "1,000 lists": b'{"words": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    "a field twice": b'{"words": "x", "words": "y"}',
    "a list": b"[]",
    "a text": b'"words"',
    "null": b"null",
    "a number": b"1e999",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_object_of_json_is_refused(liis: Phone, raw: bytes) -> None:
    """At once, whatever it is."""
    began = time.monotonic()
    refusal(liis.send("POST", "clients/search", raw), 400)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "x"],
)
def test_only_json_is_taken(liis: Phone, content_type: str) -> None:
    """A form on a foreign page could send the others without asking."""
    response = liis.generic("POST", "/api/v1/clients/search", "words=x", content_type=content_type)
    assert refusal(response, 415)["code"] == "not_json"


def test_only_json_is_given(liis: Phone) -> None:
    """There is nothing else to choose from, so nothing is chosen."""
    response = liis.send("GET", "me", accept="text/html")
    assert response["Content-Type"] == "application/json"


def test_an_oversize_body_is_refused_unread(liis: Phone) -> None:
    """One disclosure of 1 MiB fits; what is larger than everything that could be meant does not."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    began = time.monotonic()
    raw = orjson.dumps({"words": "x" * limit})
    assert refusal(liis.send("POST", "clients/search", raw), 413)["code"] == "too_large"
    assert time.monotonic() - began < 1


def test_a_million_themes_cost_nothing(liis: Phone) -> None:
    """The list is too long, which needs no look at what is in it."""
    body = {"session": NOWHERE, "text": "x", "themes": [""] * 1_000_000}
    began = time.monotonic()
    problem = refusal(liis.send("POST", "disclosures", body), 400)
    assert in_error(problem) == [("themes", "max_length")]
    assert time.monotonic() - began < 1


@each(lambda operation: operation.body)
def test_no_field_takes_what_it_is_not(liis: Phone, operation: Operation) -> None:
    """Every field of every body, sent everything that the schema says it is not; the answer names
    the field and does not say what was in it."""
    assert operation.body is not None
    for name, shape in operation.body["properties"].items():
        for wrong in wrong_values(shape):
            response = operation.call(liis, {**operation.example, name: wrong})
            problem = refusal(response, 400)
            assert in_error(problem)[0][0].split(".")[0] == name, (name, wrong, problem)
            assert CANARY.encode() not in response.content


@each(lambda operation: operation.body)
def test_every_field_that_is_needed_is_asked_for(liis: Phone, operation: Operation) -> None:
    """Leave one out, and it is named."""
    assert operation.body is not None
    for name in operation.body.get("required", []):
        less = {field: value for field, value in operation.example.items() if field != name}
        problem = refusal(operation.call(liis, less), 400)
        assert (name, "required") in in_error(problem)


@each(lambda operation: operation.method in ("POST", "PATCH", "PUT"))
def test_unknown_fields_are_refused(liis: Phone, operation: Operation) -> None:
    """The answer says what is known here, not what was sent. So a field of a model never finds its
    way into a row: not an id, an author, a date of keeping."""
    known = set(operation.body["properties"]) if operation.body else set()
    columns = {f.name for m in apps.get_models() for f in m._meta.get_fields()} | READ_ONLY
    with nothing_changes():
        for unknown in {CANARY, "", "__class__", *columns} - known:
            response = operation.call(liis, {**operation.example, unknown: CANARY})
            problem = refusal(response, 400)
            assert in_error(problem) == [("", "unknown")], unknown
            assert CANARY.encode() not in response.content
            for name in known:
                assert name in problem["errors"][0]["detail"]


def test_unknown_sections_are_refused(liis: Phone) -> None:
    """A note's text too is an object of names that are known."""
    body = {"session": NOWHERE, "body": {"text": "x", CANARY: "y"}}
    response = liis.send("POST", "notes", body)
    assert in_error(refusal(response, 400)) == [("body", "unknown")]
    assert CANARY.encode() not in response.content


@each(lambda operation: not operation.public)
def test_unknown_query_parameters_are_refused(liis: Phone, operation: Operation) -> None:
    """No filter, order or expansion but those that are written down; and each of them once."""
    for unknown in (CANARY, "ordering", "search", "fields", "format", "client__full_name"):
        response = operation.call(liis, query=f"?{unknown}={CANARY}")
        assert in_error(refusal(response, 400)) == [("", "unknown")]
        assert CANARY.encode() not in response.content
    for parameter in operation.spec.get("parameters", []):
        if parameter["in"] == "query":
            name = parameter["name"]
            response = operation.call(liis, query=f"?{name}=1&{name}=2")
            assert in_error(refusal(response, 400)) == [(name, "repeated")]


@each(lambda operation: operation.listing)
def test_query_parameters_are_what_they_are(liis: Phone, operation: Operation) -> None:
    """A wrong value is refused by the name of its parameter."""
    for parameter in operation.spec["parameters"]:
        if parameter["in"] != "query" or parameter["name"] in ("cursor", "event"):
            continue
        for wrong in (CANARY, "", "%00", "9" * 40, "0001-01-01T00:00:00%2B23:59", "2026-03-01"):
            response = operation.call(liis, query=f"?{parameter['name']}={wrong}")
            assert in_error(refusal(response, 400))[0][0] == parameter["name"], wrong
            assert CANARY.encode() not in response.content


def test_unknown_routes_are_problems_under_api_only(liis: Phone, cast: Cast) -> None:
    """The same answer as for what is hidden; elsewhere a page for people."""
    hidden = liis.send("GET", f"clients/{NOWHERE}")
    for nowhere in (
        "nowhere",
        "clients/7",
        "clients/",
        f"clients/{NOWHERE}/",
        f"notes/{NOWHERE[:-1]}",
    ):
        assert liis.send("GET", nowhere).content == hidden.content
    assert refusal(Browser().get("/api/"), 404)["code"] == "not_found"
    elsewhere = Browser().get("/nowhere")
    assert (elsewhere.status_code, elsewhere["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_problems(liis: Phone, method: str) -> None:
    """And Allow says which there are."""
    response = liis.send(method, "clients")
    assert refusal(response, 405)["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, POST, HEAD"


def test_a_foreign_host_is_a_problem(liis: Phone) -> None:
    """Django refuses it before any view."""
    refusal(liis.send("GET", "me", host="evil.example"), 400)


def test_a_failure_tells_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the exception carries, the answer and the log line do not."""

    def fail(**_kwargs: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(clients, "browse", fail)
    _login, secret = logins.open_device(cast.liis, device="phone")
    client = APIClient(raise_request_exception=False, HTTP_AUTHORIZATION=f"Bearer {secret}")
    response = client.get("/api/v1/clients")
    assert refusal(response, 500)["code"] == "failed"
    assert CANARY.encode() not in response.content
    assert CANARY not in "".join(record.getMessage() for record in caplog.records)


def wrong_values(shape: dict[str, Any]) -> Iterator[Any]:
    """What a field of this shape does not take."""
    types = shape.get("type", "object")
    types = {types} if isinstance(types, str) else set(types)
    everything: dict[str, list[Any]] = {
        "string": [CANARY],
        "integer": [7, 10**30, -(10**30)],
        "number": [1.5],
        "boolean": [True, False],
        "null": [None],
        "array": [[], [CANARY], [CANARY] * 21, [[CANARY]]],
        "object": [{CANARY: CANARY}],
    }
    for kind, values in everything.items():
        if kind not in types:
            yield from values
    if "string" in types:
        if "enum" in shape or "format" in shape:
            odd = [CANARY, "", "0", "2026-13-01", "2026-03-01T14:00:00", "20260301"]
            yield from (value for value in odd if value not in shape.get("enum", ()))
        else:
            yield from (f"{CANARY}\0", f"\0{CANARY}")
    if "integer" in types:
        yield from (10**30, -1)
    if "array" in types:
        yield from ([CANARY] * 21, [7], [None], [f"{CANARY}\0"])
