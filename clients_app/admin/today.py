"""The page "Today" for those who look after the custody of files, and for whoever has nothing."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import (
    access,
    client_requests,
    files,
    holds,
    practices,
    purges,
    snoozes,
    sweeps,
    vouching,
)
from clients_app.admin import panels
from clients_app.admin.door import offers, the_user
from clients_app.admin.panels import Panel
from clients_app.models import PurgeRun
from clients_app.roles import Permission

RUNS = 5
FILES = 20
# What is wrong, and what to do.
ALARMS = {
    "sweep_silent": _(
        "The worker that destroys files has not been heard of for a quarter of an hour. Ask "
        "whoever runs the server."
    ),
    "proposal_silent": _(
        "Nothing was proposed for more than a day. Ask whoever runs the server; meanwhile look "
        "yourself under Purge runs."
    ),
    "clock_jumped": _(
        "The server’s clock jumped. Nothing is proposed or destroyed until whoever runs the server "
        "has looked at it."
    ),
    "files_overdue": _(
        "A file that should be destroyed is still there a day later. Ask whoever runs the server."
    ),
    "files_failed": _(
        "Files could not be destroyed and were given up. The next proposal has them again; if that "
        "fails, too, ask whoever runs the server."
    ),
}


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
    health = sweeps.health_of_practice(by=user, now=timezone.now())
    runs = list(purges.browse(by=user).filter(status__in=PurgeRun.OPEN)[:RUNS])
    return Panel(
        "usaldus/today_custody.html",
        {
            "runs": [purges.read(run.pk, by=user) for run in runs],
            "held": holds.browse(by=user).filter(lifted_at=None).count(),
            "alarms": [ALARMS[name] for name in health.alarms],
            "overdue_since": health.overdue_since,
            "overdue_holds": holds.overdue(by=user, now=timezone.now()),
            "requests": client_requests.browse(by=user, undecided=True).count(),
            "undated": files.undated(by=user).count(),
        },
    )


def server(request: HttpRequest) -> Panel | None:
    """The superuser's: practices, and nothing of any client."""
    user = the_user(request)
    if not user.is_superuser:
        return None
    return Panel("usaldus/today_server.html", {"practices": list(practices.browse(by=user))})


def second_person(request: HttpRequest) -> Panel | None:
    """The manager's: runs that somebody else has approved."""
    if not offers(request, Permission.PURGE_SECOND):
        return None
    rows = purges.browse(by=the_user(request)).filter(status=PurgeRun.Status.AWAITING)
    runs = list(rows[:RUNS])
    return Panel("usaldus/today_second.html", {"runs": runs}) if runs else None


def counsellor(request: HttpRequest) -> Panel | None:
    """Files of one's own clients that end soon, while one can still speak."""
    if not offers(request, Permission.PURGE_SNOOZE):
        return None
    found = list(snoozes.ending(by=the_user(request))[: FILES + 1])
    if not found:
        return None
    return Panel(
        "usaldus/today_ending.html",
        {"files": found[:FILES], "more": len(found) > FILES, "today": timezone.localdate()},
    )


panels.add_to_today(own_login, order=0)
panels.add_to_today(logins, order=5)
panels.add_to_today(custody, order=10)
panels.add_to_today(second_person, order=5)
panels.add_to_today(counsellor, order=25)
panels.add_to_today(server, order=10)
