"""JSON bodies, strictly: UTF-8, one object, no key twice, no NaN, no bottomless nesting."""

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import BaseParser

from clients_app.api.problems import Malformed


class JSONParser(BaseParser):
    """orjson refuses what RFC 8259 does not know and more than 1,024 levels. It takes the last of
    two equal keys, though, and then what was meant by the first one would be lost silently: hence
    the second look."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # Django's `body` refuses what is larger than DATA_UPLOAD_MAX_MEMORY_SIZE before reading it.
        raw: bytes = (parser_context or {})["request"]._request.body
        if not raw.strip():
            return {}
        try:
            data = orjson.loads(raw)
            json.loads(raw, object_pairs_hook=_each_key_once)
        except (ValueError, RecursionError):
            raise Malformed(_("The body is not valid JSON.")) from None
        return data


def _each_key_once(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _value in pairs}) != len(pairs):
        raise Malformed(_("The body names a field twice."))
