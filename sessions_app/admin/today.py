"""The page "Today" for those who meet clients, and for those who plan the meetings."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from clients_app import clients
from clients_app.admin import panels
from clients_app.admin.door import offers, the_user
from clients_app.admin.panels import Panel
from clients_app.models import User
from clients_app.roles import Permission
from sessions_app import notes, sessions
from sessions_app.models import TherapySession

WEEK = timedelta(days=7)
LOOK_BACK = timedelta(days=30)
MOST = 50
Status = TherapySession.Status


def counsellor(request: HttpRequest) -> Panel | None:
    """Sessions of today and the coming week, and what waits to be written."""
    if not offers(request, Permission.NOTE_WRITE):
        return None
    user, now = the_user(request), timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = midnight + timedelta(days=1)
    own = sessions.browse(by=user, since=midnight, until=midnight + WEEK + timedelta(days=1))
    coming = list(own.filter(counsellor=user).exclude(status=Status.CANCELLED)[:MOST])
    past = sessions.browse(by=user, since=now - LOOK_BACK, until=midnight).filter(counsellor=user)
    open_ended = list(past.filter(status=Status.PLANNED)[:MOST])
    unwritten = list(past.filter(status=Status.HELD, notes=None).order_by("-starts_at")[:MOST])
    drafts = list(notes.browse(by=user, drafts=True)[: MOST + 1])
    names = introduced(user, [*coming, *open_ended, *unwritten, *drafts])
    return Panel(
        "said/today_counsellor.html",
        {
            "today": named([s for s in coming if s.starts_at < tomorrow], names),
            "week": named([s for s in coming if s.starts_at >= tomorrow], names),
            "open_ended": named(open_ended, names),
            "unwritten": named(unwritten, names),
            "drafts": named(drafts[:MOST], names),
            "more_drafts": len(drafts) > MOST,
            "now": now,
        },
    )


def desk(request: HttpRequest) -> Panel | None:
    """The practice's sessions of today and tomorrow."""
    if offers(request, Permission.NOTE_WRITE) or not offers(request, Permission.SESSION_PLAN):
        return None
    user = the_user(request)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    days: list[tuple[datetime, list[Any]]] = []
    for day in (midnight, midnight + timedelta(days=1)):
        rows = sessions.browse(by=user, since=day, until=day + timedelta(days=1))
        found = list(rows.exclude(status=Status.CANCELLED)[: MOST * 2])
        days.append((day, named(found, introduced(user, found))))
    return Panel("said/today_desk.html", {"days": days, "most": MOST * 2})


def introduced(user: User, rows: Iterable[Any]) -> dict[UUID, clients.Profile]:
    return clients.introduce(list({row.client_id for row in rows}), by=user)


def named(rows: Iterable[Any], names: dict[UUID, clients.Profile]) -> list[tuple[Any, Any]]:
    return [(row, names.get(row.client_id)) for row in rows]


panels.add_to_today(counsellor, order=10)
panels.add_to_today(desk, order=10)
