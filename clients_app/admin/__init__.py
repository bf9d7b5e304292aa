"""The browser's door to who: clients and their custody, people, rules, the trail."""

from clients_app.admin import (
    break_glass,
    client_requests,
    clients,
    exceptions,
    people,
    promises,
    purges,
    register,
    retention,
    shortenings,
    succession,
    succession_today,
    today,
    trail,
)

__all__ = [
    "break_glass",
    "client_requests",
    "clients",
    "exceptions",
    "people",
    "promises",
    "purges",
    "register",
    "retention",
    "shortenings",
    "succession",
    "succession_today",
    "today",
    "trail",
]
