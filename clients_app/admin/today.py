"""The page "Today" for those who look after the custody of files, and for whoever has nothing."""

from django.http import HttpRequest

from clients_app import files, holds, practices, purges
from clients_app.admin import panels
from clients_app.admin.door import offers, the_user
from clients_app.admin.panels import Panel
from clients_app.models import PurgeRun
from clients_app.roles import Permission

RUNS = 5


def custody(request: HttpRequest) -> Panel | None:
    """The privacy officer's: what waits for a decision."""
    if not offers(request, Permission.PURGE_APPROVE):
        return None
    user = the_user(request)
    runs = list(purges.browse(by=user).exclude(status__in=DECIDED)[:RUNS])
    return Panel(
        "usaldus/today_custody.html",
        {
            "runs": [purges.read(run.pk, by=user) for run in runs],
            "held": holds.browse(by=user).filter(lifted_at=None).count(),
            "undated": files.undated(by=user).count(),
        },
    )


def server(request: HttpRequest) -> Panel | None:
    """The superuser's: practices, and nothing of any client."""
    user = the_user(request)
    if not user.is_superuser:
        return None
    return Panel("usaldus/today_server.html", {"practices": list(practices.browse(by=user))})


DECIDED = [PurgeRun.Status.DONE, PurgeRun.Status.REFUSED]
panels.add_to_today(custody, order=10)
panels.add_to_today(server, order=10)
