"""The schema and the page that shows it. Open to everybody: they speak of shapes, of nobody."""

from functools import cache
from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request


class Schema(SpectacularJSONAPIView):
    """The schema, as OpenAPI in JSON. Made once a process: it never changes meanwhile, and making
    it takes long enough for strangers to keep the server busy."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(document(), content_type=self.renderer_classes[0].media_type)


class Docs(SpectacularSwaggerSplitView):
    """The page, without the inline style that our Content-Security-Policy would refuse."""

    template_name = "api/docs.html"


@cache
def document() -> bytes:
    """The schema's bytes."""
    generator: Any = SchemaGenerator
    return orjson.dumps(generator().get_schema(public=True), default=str)
