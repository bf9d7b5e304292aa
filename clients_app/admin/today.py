"""The page "Today" for those who look after the custody of files, and for whoever has nothing."""

from django.http import HttpRequest

from clients_app import access, files, holds, practices, purges, vouching
from clients_app.admin import panels
from clients_app.admin.door import offers, the_user
from clients_app.admin.panels import Panel
from clients_app.models import PurgeRun
from clients_app.roles import Permission

RUNS = 5


def own_login(request: HttpRequest) -> Panel | None:
    """For whoever waits until somebody vouches for them: the code to tell, and whom."""
    user = the_user(request)
    if user.is_superuser or access.trusted(user):
        return None
    context = {"code": vouching.code(user), "whom": list(vouching.whom_to_ask(user))}
    return Panel("usaldus/today_own_login.html", context)


def logins(request: HttpRequest) -> Panel | None:
    """The logins that wait until this user vouches for them."""
    if not offers(request, Permission.USER_VOUCH):
        return None
    found = list(vouching.waiting(by=the_user(request)))
    return Panel("usaldus/today_logins.html", {"waiting": found}) if found else None


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
panels.add_to_today(own_login, order=0)
panels.add_to_today(logins, order=5)
panels.add_to_today(custody, order=10)
panels.add_to_today(server, order=10)
