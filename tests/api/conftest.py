"""Phones that trust nothing: every answer that a test gets is held against the schema.

An answer whose status, media type or fields the schema does not know fails the test that asked for
it, whatever else the test is about. So does one that a cache might keep.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.apps import apps
from django.db import connection
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from rest_framework.test import APIClient

from clients_app import logins
from clients_app.api import docs
from clients_app.models import AuditEvent, User
from tests.conftest import Cast

SCHEMA: dict[str, Any] = orjson.loads(docs.document())
PROBLEM = "application/problem+json"
NOWHERE = "00000000-0000-7000-8000-000000000000"


class Phone(APIClient):
    """A phone with the app: JSON both ways, and a look at the schema."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(raise_request_exception=False, **defaults)

    def request(self, **kwargs: Any) -> Any:
        response = super().request(**kwargs)
        hold_against_schema(response)
        return response

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask `/api/v1/<path>`; the body is an object, or bytes as they are."""
        raw = body
        if not isinstance(body, bytes):
            raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        extra: Any = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        address = f"/api/v1/{path}"
        return self.generic(method, address, raw, content_type="application/json", **extra)


@pytest.fixture
def phone(cast: Cast) -> Callable[[User], Phone]:
    """A phone on which somebody is logged in."""

    def open_for(user: User) -> Phone:
        _login, secret = logins.open_device(user, device="phone")
        return Phone(HTTP_AUTHORIZATION=f"Bearer {secret}")

    return open_for


def ask(phone: Phone, path: str, status: int = 200) -> Any:
    """What is at `path`."""
    response = phone.send("GET", path)
    assert response.status_code == status, response.content
    return response.json()


def tell(
    phone: Phone,
    path: str,
    body: Any = None,
    *,
    status: int = 200,
    method: str = "POST",
    **headers: str,
) -> Any:
    """Write to `path`; what is answered, if anything."""
    response = phone.send(method, path, body, **headers)
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def refusal(response: Any, status: int) -> dict[str, Any]:
    """The problem document of an answer that must be one."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == PROBLEM
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    return problem


def hold_against_schema(response: Any) -> None:
    request = response.wsgi_request
    assert response["Cache-Control"] == "no-store"
    if response.status_code >= 400:
        assert response["Content-Type"] == PROBLEM, response.content
        valid(response.json(), SCHEMA["components"]["schemas"]["Problem"])
    operation = operation_of(request)
    if operation is None or response.status_code == 405:
        return
    documented = operation["responses"]
    known = documented.get(str(response.status_code))
    assert known is not None, f"{operation['operationId']} does not know {response.status_code}"
    if not response.content:
        assert "content" not in known
        return
    media = response["Content-Type"]
    assert media in known["content"], f"{operation['operationId']} does not know {media}"
    valid(response.json(), known["content"][media]["schema"])
    assert ("ETag" in response.headers) == ("ETag" in known.get("headers", {}))


def operation_of(request: Any) -> dict[str, Any] | None:
    """What the schema says of a request; None where it leads to no operation."""
    if request.resolver_match is None:
        return None
    path = template(request.resolver_match.route)
    operation: dict[str, Any] | None = SCHEMA["paths"].get(path, {}).get(request.method.lower())
    return operation


def template(route: str) -> str:
    """A route of Django's as OpenAPI writes it."""
    return "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)


def valid(value: Any, schema: dict[str, Any]) -> None:
    """The value has this shape, and nothing that the shape does not name."""
    root = {"components": STRICT["components"], **schema}
    validator = Draft202012Validator(root, format_checker=FormatChecker())
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert not errors, errors


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """What clients may ignore when it appears, we want to have written down."""
    strict = deepcopy(schema)
    for component in strict["components"]["schemas"].values():
        if "properties" in component:
            component["additionalProperties"] = False
    return strict


STRICT = _strict(SCHEMA)


@dataclass(frozen=True)
class Operation:
    """An operation as the schema has it."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def name(self) -> str:
        name: str = self.spec["operationId"]
        return name

    @property
    def body(self) -> dict[str, Any] | None:
        """The shape of its body."""
        content = self.spec.get("requestBody", {}).get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref")
        return component(reference) if reference else None

    @property
    def example(self) -> dict[str, Any]:
        """A body that it accepts."""
        content = self.spec.get("requestBody", {}).get("content", {}).get("application/json", {})
        example: dict[str, Any] = content.get("examples", {}).get("Example", {}).get("value", {})
        return example

    @property
    def public(self) -> bool:
        return not self.spec.get("security")

    @property
    def listing(self) -> bool:
        parameters = self.spec.get("parameters", [])
        return any(parameter["name"] == "cursor" for parameter in parameters)

    def address(self, ids: Mapping[str, UUID]) -> str:
        """Its path below /api/v1/ with these ids, and ids of nothing for the rest."""
        filled = self.path.removeprefix("/api/v1/")
        there = {"name": "us-az", **ids}
        return re.sub(r"{(\w+)}", lambda found: str(there.get(found[1], NOWHERE)), filled)

    def call(
        self,
        phone: Phone,
        body: Any = None,
        *,
        query: str = "",
        ids: Mapping[str, UUID] = MappingProxyType({}),
    ) -> Any:
        """Call it with its example, or with this body, and as if version 1 had been read."""
        raw = self.example if body is None and self.body else body
        return phone.send(self.method, self.address(ids) + query, raw, if_match='"v1"')


def component(reference: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["components"]["schemas"][reference.rpartition("/")[2]]
    return found


OPERATIONS = [
    Operation(method.upper(), path, spec)
    for path, methods in SCHEMA["paths"].items()
    for method, spec in methods.items()
]


def each(wanted: Callable[[Operation], object] = lambda _operation: True) -> Any:
    """Run a test for every operation that is wanted, named by its id."""
    chosen = [operation for operation in OPERATIONS if wanted(operation)]
    return pytest.mark.parametrize("operation", chosen, ids=lambda operation: operation.name)


@contextmanager
def nothing_changes() -> Iterator[None]:
    """Every row of every table but the trail is as it was."""
    before = _rows()
    yield
    assert _rows() == before


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    tables: dict[str, list[tuple[Any, ...]]] = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model is AuditEvent:
                continue
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            tables[model._meta.label] = cursor.fetchall()
    return tables
