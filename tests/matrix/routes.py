"""Every route of the URL conf, as the table writes it."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from clients_app.api.door import Door

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What takes an address that nothing else takes.
REGEXES = {r"(?P<url>.*)$": "{anything}"}


def served() -> Iterator[tuple[str, URLPattern]]:
    """Each address once, with `{client}` for `<uuid:client_id>`: an id is named for what it is."""
    seen = set()
    for path, pattern in _walk(get_resolver().url_patterns, ""):
        if path not in seen:
            seen.add(path)
            yield path or "/", pattern


def declared(pattern: URLPattern) -> set[str]:
    """The methods that a view of the API says it has."""
    view = getattr(pattern.callback, "view_class", None)
    view = view if view and issubclass(view, Door) else None
    return {method for method in METHODS if view and hasattr(view, method.lower())} - {
        "HEAD",
        "OPTIONS",
    }


def _walk(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        own = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, before + own)
        else:
            own = "{app}/" if "app_label" in own else REGEXES.get(own, own)
            model = re.search(r"(\w+)/$", before)
            named = own.replace("object_id", model[1] if model else "object")
            yield re.sub(r"<\w+:(\w+?)(_id)?>", r"{\1}", before + named), pattern
