"""The API's one way in and out: parse, call one verb, render.

`operation` says of a handler what it takes, what it answers and how it may refuse. The gate, the
answer and the schema are all made of these words, so the schema cannot promise anything else. A
handler gets the user, the ids of the address and what was declared: `query`, `body`, `version`. It
gives back plain values, or None where there is nothing to say; an answer with a version has it in
its ETag.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clients_app.api.problems import VersionRequired
from clients_app.api.schema import examples, problems_of
from clients_app.api.shapes import Answer, Body, Nothing, Query, Values, page_of
from clients_app.errors import Invalid

Handler = Callable[..., Values | None]
Endpoint = Callable[..., Response]
WRITES = ("post", "put", "patch")
ETAG = re.compile(r'"v([1-9][0-9]{0,8})"', re.ASCII)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    pattern=f"^{ETAG.pattern}$",
    description='The ETag of the version that was read, as in `"v3"`.',
)


class OnlyJSON(BaseContentNegotiation):
    """There is one representation, whatever Accept says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        wanted = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class Door(APIView):
    """One address."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    content_negotiation_class = OnlyJSON


def operation(
    name: str,
    *,
    answers: type[Answer] | None = None,
    paged: bool = False,
    takes: type[Body] | None = None,
    asks: type[Query] | None = None,
    status: int | None = None,
    if_match: bool = False,
    refuses: tuple[int, ...] = (),
    or_nothing: bool = False,
    public: bool = False,
) -> Callable[[Handler], Endpoint]:
    """Make a handler an operation of that name. `refuses` are the statuses of the verb; those of
    the gate are added here. `or_nothing`: there may be nothing to answer, which is a 204."""
    status = status or (200 if answers else 204)
    # Validation keeps no state, so one gate serves all requests.
    query_gate, body_gate = (asks or Query)(), (takes or Nothing)()

    def decorate(handler: Handler) -> Endpoint:
        writes = handler.__name__ in WRITES

        @wraps(handler)
        def endpoint(self: Door, request: Request, **ids: UUID) -> Response:
            given: dict[str, Any] = dict(ids)
            query = query_gate.run_validation(_asked(request, query_gate))
            if asks is not None:
                given["query"] = query
            if writes:
                body = body_gate.run_validation(request.data)
                if takes is not None:
                    given["body"] = body
            if if_match:
                given["version"] = _version(request)
            return _response(handler(self, request.user, **given), status)

        shape = page_of(answers) if answers and paged else answers
        gate = {400, 503} | (set() if public else {401})
        gate |= {413, 415} if writes else set()
        gate |= {412, 428} if if_match else set()
        return extend_schema(
            operation_id=name,
            summary=(handler.__doc__ or "").partition(". ")[0].rstrip("."),
            parameters=[
                *([asks] if asks else []),
                *([IF_MATCH] if if_match else []),
                *([_etag_sent(status)] if shape and "version" in shape().fields else []),
            ],
            request=takes,
            examples=examples(takes),
            responses={
                status: shape,
                **({204: None} if or_nothing else {}),
                **problems_of(gate | set(refuses)),
            },
        )(endpoint)

    return decorate


def _etag_sent(status: int) -> OpenApiParameter:
    return OpenApiParameter(
        "ETag",
        str,
        OpenApiParameter.HEADER,
        response=[status],
        description="The version, for `If-Match`.",
    )


def _response(answer: Values | None, status: int) -> Response:
    if answer is None:
        return Response(status=204)
    version = answer.get("version")
    headers = {} if version is None else {"ETag": f'"v{version}"'}
    return Response(answer, status=status, headers=headers)


def _asked(request: Request, gate: Query) -> dict[str, Any]:
    """The query as a plain object; a name that comes twice would leave one value unheard."""
    asked = request.query_params
    for name in map(str, gate.fields):
        if len(asked.getlist(name)) > 1:
            raise Invalid(name, _("Ask for this once."), code="repeated")
    return asked.dict()


def _version(request: Request) -> int:
    """The version that the caller read."""
    tag = request.headers.get("If-Match")
    if tag is None:
        raise VersionRequired
    match = ETAG.fullmatch(tag.strip())
    if match is None:
        raise Invalid("If-Match", _('Give the ETag of the version that you read, as in "v3".'))
    return int(match[1])
