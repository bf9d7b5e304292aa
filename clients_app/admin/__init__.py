"""The browser's door to who: clients and their custody, people, rules, the trail."""

from clients_app.admin import (
    clients,
    exceptions,
    people,
    promises,
    purges,
    retention,
    today,
    trail,
)

__all__ = [
    "clients",
    "exceptions",
    "people",
    "promises",
    "purges",
    "retention",
    "today",
    "trail",
]
