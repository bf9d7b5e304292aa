"""What the pages of this app leave room for.

`sessions_app` knows `clients_app`, never the other way. So a page that is about a client, and the
page "Today", show panels that whoever knows more has put here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from clients_app.clients import Profile
from clients_app.models import User


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page: a template, and what it shows as `panel`."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


TodayPanel = Callable[[HttpRequest], Panel | None]
ClientPanel = Callable[[HttpRequest, Profile], Panel | None]
NextSteps = Callable[[User, Sequence[UUID]], dict[UUID, datetime]]

_today: list[tuple[int, TodayPanel]] = []
_of_client: list[tuple[int, ClientPanel]] = []
_next_steps: list[NextSteps] = []


def add_to_today(panel: TodayPanel, *, order: int) -> None:
    _today.append((order, panel))


def add_to_client(panel: ClientPanel, *, order: int) -> None:
    _of_client.append((order, panel))


def add_next_steps(steps: NextSteps) -> None:
    _next_steps.append(steps)


def today(request: HttpRequest) -> list[Panel]:
    """What the page "Today" shows to this user."""
    made = (panel(request) for _order, panel in sorted(_today, key=lambda pair: pair[0]))
    return [panel for panel in made if panel is not None]


def of_client(request: HttpRequest, profile: Profile) -> list[Panel]:
    """What a client's page shows besides who they are."""
    pairs = sorted(_of_client, key=lambda pair: pair[0])
    made = (panel(request, profile) for _order, panel in pairs)
    return [panel for panel in made if panel is not None]


def next_steps(user: User, clients: Sequence[UUID]) -> dict[UUID, datetime]:
    """When each of these clients comes next."""
    found: dict[UUID, datetime] = {}
    for steps in _next_steps:
        found |= steps(user, clients)
    return found
