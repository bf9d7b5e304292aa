"""What the schema says beyond the operations: the login, the problems, closed bodies."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from clients_app.api.problems import MEDIA_TYPE
from clients_app.api.shapes import Answer, Shape

Schema = dict[str, Any]


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The login as OpenAPI knows it."""

    target_class = "clients_app.api.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The token that `POST /api/v1/tokens` gave to this device.",
        }


class ProblemError(Answer):
    """One value that cannot be accepted."""

    field = serializers.CharField(
        help_text="Where it was sent; empty for the body or the query as a whole."
    )
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(Answer):
    """A problem document (RFC 9457). It never repeats what was sent."""

    type = serializers.CharField(help_text="about:blank: `code` says more than an address would.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="For programs.")
    detail = serializers.CharField(help_text="For people, in the language of Accept-Language.")
    errors = ProblemError(  # type: ignore[assignment]  # of the schema, not of the class
        many=True, required=False, help_text="With code `invalid`: what and why."
    )
    current = serializers.IntegerField(
        required=False, help_text="With code `stale`: the version to read again."
    )
    confirm = serializers.CharField(
        required=False,
        help_text="With code `second_factor_required`: post a code there, then ask again.",
    )


def problems_of(statuses: Iterable[int]) -> Mapping[tuple[int, str], OpenApiResponse]:
    """The responses of an operation that may refuse so."""
    return {
        (status, MEDIA_TYPE): OpenApiResponse(Problem, HTTPStatus(status).phrase)
        for status in sorted(statuses)
    }


def examples(body: type[Shape] | None) -> list[OpenApiExample]:
    """A body that is accepted, of no living person."""
    if body is None or not body.example:
        return []
    return [OpenApiExample("Example", value=body.example, request_only=True)]


def close_bodies(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A body takes the fields that it names and no others."""
    for name, component in result["components"]["schemas"].items():
        if name.endswith("Request"):
            component["additionalProperties"] = False
    cleaned: Schema = _without(result, "x-spec-enum-id")  # for a hook that we leave out
    return cleaned


def _without(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, name) for key, inner in value.items() if key != name}
    if isinstance(value, list):
        return [_without(inner, name) for inner in value]
    return value
