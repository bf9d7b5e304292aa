"""Long lists in pages, without counting and without skipping.

A cursor holds the place of the last row that was shown, in the order that the verb gave its rows,
so rows that appear meanwhile neither repeat one nor hide one. It is signed: what comes back is
what was given out for a list of that order, or it is refused. It gives no access, the rows were
the reader's before the cursor is looked at.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import attrgetter, or_
from typing import Any, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Field, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from clients_app.api.shapes import Values
from clients_app.errors import Invalid

M = TypeVar("M", bound=Model)


def page(rows: QuerySet[M], line: Callable[[M], Values], query: Values) -> Values:
    """A page of these rows, each as a line, and the cursor of the next page or null."""
    order = [str(name) for name in rows.query.order_by]
    salt = f"{rows.model._meta.label}:{','.join(order)}"
    if "cursor" in query:
        rows = _after(rows, order, opened(query["cursor"], salt))
    found = list(rows[: query["limit"] + 1])
    shown = found[: query["limit"]]
    return {
        "results": [line(row) for row in shown],
        "next": closed(_place(shown[-1], order), salt) if len(found) > len(shown) else None,
    }


def closed(place: Sequence[str | int | None], salt: str) -> str:
    """The cursor of a place in the list that the salt names."""
    return Signer(salt=salt).sign_object(list(place))


def opened(cursor: str, salt: str) -> list[Any]:
    """The place that a cursor holds. Raises Invalid."""
    try:
        place: list[Any] = Signer(salt=salt).unsign_object(cursor)
    except (BadSignature, ValueError):
        raise Invalid("cursor", _("Take the cursor from `next` of a page.")) from None
    return place


def _place(row: Model, order: Sequence[str]) -> list[str | int | None]:
    values = [attrgetter(_path(name).replace("__", "."))(row) for name in order]
    return [v if v is None or isinstance(v, int) else _text(v) for v in values]


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _after(rows: QuerySet[M], order: Sequence[str], place: Sequence[Any]) -> QuerySet[M]:
    """The rows that come after a place: those equal in the first columns and beyond in the next.
    In PostgreSQL null is beyond every value."""
    equal, beyond = Q(), []
    for position, (name, plain) in enumerate(zip(order, place, strict=True)):
        path, descending = _path(name), name.startswith("-")
        field, nullable = _field(rows.model, path)
        value = field.to_python(plain)
        if value is None:
            if descending:
                beyond.append(equal & Q(**{f"{path}__isnull": False}))
            equal &= Q(**{f"{path}__isnull": True})
            continue
        if position == 0 and (descending or not nullable):
            # Says nothing new, but this PostgreSQL can look up in an index.
            rows = rows.filter(**{f"{path}__{'lte' if descending else 'gte'}": value})
        beyond.append(equal & Q(**{f"{path}__{'lt' if descending else 'gt'}": value}))
        if nullable and not descending:
            beyond.append(equal & Q(**{f"{path}__isnull": True}))
        equal &= Q(**{path: value})
    return rows.filter(reduce(or_, beyond)) if beyond else rows.none()


def _path(name: str) -> str:
    return name.removeprefix("-")


def _field(model: Any, path: str) -> tuple["Field[Any, Any]", bool]:
    """The column at the end of a path, and whether it may be null on the way."""
    field, nullable = model._meta.pk, False
    for name in path.split("__"):
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
        nullable = nullable or field.null
        model = field.related_model
    return field, nullable
