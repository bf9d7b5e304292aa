"""The shapes of bodies, queries and answers; what the schema shows and, on the way in, the gate.

What is not named here is refused: a misspelt field would otherwise be lost without a word, and a
field such as `id`, `author` or `retain_until` must never find its way into a row.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers

from clients_app.api.fields import AskedNumber, Text
from clients_app.models import Client, User

Values = Mapping[str, Any]
LIMIT = 50
# For examples in the schema: no id that anything has.
AN_ID = "00000000-0000-7000-8000-000000000000"
A_MOMENT = "2026-03-02T14:00:00+02:00"
A_DAY = "2026-03-02"


class Shape(serializers.Serializer[Any]):
    """An object of these fields and no others."""

    # A body that is accepted, for the schema.
    example: ClassVar[Values] = {}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError(
                _("An object is expected here."), code="not_an_object"
            )
        if data.keys() - self.fields.keys():
            raise serializers.ValidationError(_known(map(str, self.fields)), code="unknown")
        return super().to_internal_value(data)


class Nothing(Shape):
    """No body, or an empty object."""


class Body(Shape):
    """The body of a write."""


class Change(Body):
    """The body of a change: what it names is changed, the rest stays."""

    def validate(self, attrs: Any) -> Any:
        if not attrs:
            raise serializers.ValidationError(_("Name what is to be changed."), code="required")
        return attrs


class Query(Shape):
    """What may be asked for in the address."""


class PageQuery(Query):
    """A page of a list."""

    cursor = Text(required=False, max_length=2000, help_text="`next` of the page before; opaque.")
    limit = AskedNumber(required=False, default=LIMIT, min_value=1, max_value=100)


class Answer(serializers.Serializer[Any]):
    """What is answered. Only the schema asks it; answers are made of plain values."""


class ClientRef(Answer):
    """A client outside their file: an id and a code."""

    id = serializers.UUIDField()
    code = serializers.CharField()


class Person(Answer):
    """Somebody who works here."""

    id = serializers.UUIDField()
    name = serializers.CharField()


def client_ref(client: Client) -> Values:
    return {"id": client.pk, "code": client.code}


def person(user: User) -> Values:
    return {"id": user.pk, "name": user.name}


def person_or_none(user: User | None) -> Values | None:
    return person(user) if user else None


@cache
def page_of(line: type[Answer]) -> type[Answer]:
    """The shape of a page of such lines."""
    return type(
        f"{line.__name__}Page",
        (Answer,),
        {
            "__doc__": "A page of a list.",
            "results": line(many=True),
            "next": serializers.CharField(
                allow_null=True, help_text="The `cursor` of the next page; null on the last one."
            ),
        },
    )


def _known(names: Iterable[str]) -> str:
    """What may be sent here: the names that are known, never the one that is not."""
    known = ", ".join(names)
    return _("Known here: %(names)s.") % {"names": known} if known else _("Nothing is known here.")
