"""What succession has to say on the page "Today"."""

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from clients_app import clients, handovers, succession
from clients_app.admin import panels
from clients_app.admin.door import offers, the_user
from clients_app.admin.panels import Panel
from clients_app.models import Handover, Successor
from clients_app.roles import Permission

# So long the page says whose clients are new.
FRESH = timedelta(days=14)
MOST = 20
HANDOVERS = 5


def counsellor(request: HttpRequest) -> Panel | None:
    """Clients who came by a handover, a colleague who asks, and nobody named yet."""
    if not offers(request, Permission.CARE_HAND_OVER):
        return None
    user = the_user(request)
    standing = succession.standing(by=user)
    asked = [row for row in standing.asked if row.status == Successor.Status.ASKED]
    given = list(handovers.received(by=user, since=timezone.now() - FRESH)[:HANDOVERS])
    count, files = 0, []
    if given:
        rows = handovers.received_files([row.pk for row in given], by=user)
        count, files = rows.count(), list(rows.select_related("client")[:MOST])
    running = handovers.mine(by=user).filter(status=Handover.Status.APPROVED).first()
    if not (asked or given or running or not standing.accepted):
        return None
    names = clients.introduce([row.client_id for row in files], by=user) if files else {}
    return Panel(
        "usaldus/today_succession.html",
        {
            "asked": asked,
            "given": given,
            "count": count,
            "files": [(row, names.get(row.client_id)) for row in files],
            "running": running,
            "named": bool(standing.choices),
            "accepted": standing.accepted,
        },
    )


def staff(request: HttpRequest) -> Panel | None:
    """The manager's and the privacy officer's: what waits, and for whom nobody is ready."""
    if not offers(request, Permission.SUCCESSION_READ):
        return None
    user = the_user(request)
    unprepared = list(succession.unprepared(by=user)[: MOST + 1])
    return Panel(
        "usaldus/today_successions.html",
        {
            "waiting": list(succession.waiting(by=user, now=timezone.now())[:MOST]),
            "decides": offers(request, Permission.SUCCESSION_APPROVE),
            "unprepared": unprepared[:MOST],
            "more": len(unprepared) > MOST,
        },
    )


panels.add_to_today(counsellor, order=30)
panels.add_to_today(staff, order=20)
