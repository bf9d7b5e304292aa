"""The schema is whole, and true: the other tests hold every answer against it."""

import re
from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver

from tests.api.conftest import NOWHERE, OPERATIONS, SCHEMA, Operation, each, template, valid

METHODS = {"get", "post", "put", "patch", "delete"}


def test_the_schema_is_valid_and_nothing_in_it_is_guessed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without paths it would be valid as well, so they are counted."""
    call_command("spectacular", "--validate", "--fail-on-warn")
    assert len(SCHEMA["paths"]) > 30
    assert SCHEMA["openapi"] == "3.1.1"
    assert "/api/v1/notes/{note_id}:" in capsys.readouterr().out


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> dict[str, URLPattern]:
    found: dict[str, URLPattern] = {}
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found |= routes(pattern.url_patterns, route)
        else:
            found[route] = pattern
    return found


def test_every_route_and_method_is_in_it() -> None:
    """A route that the schema leaves out would be tried by none of these tests."""
    served = {
        (template(route), method)
        for route, pattern in routes(get_resolver().url_patterns).items()
        if route.startswith("api/v1/")
        for method in METHODS
        if hasattr(getattr(pattern.callback, "view_class", None), method)
    }
    assert served
    assert served == {
        (path, method) for path, methods in SCHEMA["paths"].items() for method in methods
    }


def test_operations_have_names_of_their_own() -> None:
    """Stable ones: generated apps call them by these names."""
    names = [operation.name for operation in OPERATIONS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+[A-Za-z]*", name) for name in names)


@each()
def test_an_operation_is_described(operation: Operation) -> None:
    """In a sentence, with its login, its answer and its refusals."""
    assert operation.spec["summary"]
    assert operation.spec.get("security") == (None if operation.public else [{"bearer": []}])
    responses = operation.spec["responses"]
    assert any(status.startswith("2") for status in responses)
    for status, response in responses.items():
        media = "application/problem+json" if status >= "400" else "application/json"
        assert list(response.get("content", {media: None})) == [media]


@each(lambda operation: operation.body)
def test_examples_are_accepted_and_of_nobody(operation: Operation) -> None:
    """They have the shape that is asked for, and no name, no e-mail, no id of anything."""
    assert operation.body is not None
    assert operation.example
    valid(operation.example, operation.body)
    for text in texts(operation.example):
        assert "@" not in text or text.endswith(".example")
        assert text == NOWHERE or not re.search(
            r"[A-Z][a-z]+ [A-Z][a-z]+|\d{5,}|[0-9a-f-]{36}", text
        )


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


def test_the_schema_is_for_everybody(db: None) -> None:
    """And for no cache."""
    response = Browser().get("/api/schema/")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response["Cache-Control"] == "no-store"
    assert response.json() == SCHEMA


class Page(HTMLParser):
    """What a page loads, and what of it stands in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loads += [url for name in ("src", "href") if (url := given.get(name))]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


def test_the_docs_page_needs_nobody_else(db: None) -> None:
    """No foreign origin learns who reads it, and our Content-Security-Policy refuses none of it."""
    response = Browser().get("/api/docs/")
    assert response.status_code == 200
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    page = Page()
    page.feed(response.content.decode())
    assert page.inline == []
    assert len(page.loads) == 5
    for url in page.loads:
        assert url.startswith("/")
        assert not url.startswith("//")
        if url.startswith("/static/"):
            assert finders.find(url.removeprefix("/static/")), url


def test_the_script_of_the_docs_page_asks_nobody_else(db: None) -> None:
    """The validator that Swagger UI would send the schema to is off."""
    response = Browser().get("/api/docs/?script=")
    assert response["Content-Type"] == "application/javascript"
    script = response.content.decode()
    assert '"validatorUrl": null' in script
    assert "/api/schema/" in script
    assert not re.search(r"https?://", script)
