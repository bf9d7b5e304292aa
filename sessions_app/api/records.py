"""GET clients/{id}/record: the timeline with text."""

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sessions_app import records


class Record(APIView):
    """A page of the client's record, newest session first."""

    def get(self, request: Request, client_id: UUID) -> Response:
        after = _position(request.query_params.get("cursor"))
        page = records.read(client_id, by=request.user, after=after)
        return Response(
            {
                "next": _cursor(page.after) if page.after else None,
                "results": [_entry(entry) for entry in page.entries],
            }
        )


def _entry(entry: records.Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "version": entry.version,
        "author": {"id": entry.author_id, "name": entry.author_name},
        "session": {
            "id": entry.session_id,
            "starts_at": entry.session_at,
            "minutes": entry.minutes,
            "modality": entry.modality,
            "status": entry.session_status,
        },
        "written_at": entry.written_at,
        "revised_at": entry.revised_at,
        "signed_at": entry.signed_at,
        "adds_to": entry.adds_to,
        "format": entry.format,
        "body": orjson.Fragment(entry.body_json),
    }


def _cursor(position: records.Position) -> str:
    at, note_id = position
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{note_id}".encode()).decode()


def _position(cursor: str | None) -> records.Position | None:
    if cursor is None:
        return None
    try:
        at, note_id = base64.urlsafe_b64decode(cursor).decode().split("|")
        return datetime.fromisoformat(at), UUID(note_id)
    except (binascii.Error, ValueError):
        raise ValidationError({"cursor": "Take the cursor from `next` of a page."}) from None
