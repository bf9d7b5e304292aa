"""Telling at once who must know of an emergency access: confidants and privacy officers.

The mail says that there is one and that one has to log in to see it: no name, no code, no word of
a client. The row in PostgreSQL is the queue: the worker is woken when the access is opened and
looks every minute anyway, so neither a broker nor a mail server that is down keeps anybody
untold. Who was reached is remembered, so that one address that fails brings nobody a second mail.
"""

import logging
from datetime import timedelta
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop
from kombu.exceptions import OperationalError

from clients_app import access, wall
from clients_app.models import BreakGlass, User
from clients_app.roles import Role

logger = logging.getLogger(__name__)
SUBJECT = gettext_noop("An emergency access was opened")
BODY = gettext_noop("An emergency access was opened. Log in to see it.")
TELL = "clients_app.tasks.tell_of_emergency"
# A try that dies is taken up again after the first; a mail server that is down is asked at growing
# distances, an hour at most.
SOONEST, LATEST = timedelta(minutes=2), timedelta(hours=1)


def wake(access_id: UUID) -> None:
    """Ask the worker to tell at once. It looks every minute anyway."""
    try:
        current_app.send_task(TELL, args=[str(access_id)], retry=False)
    except OperationalError:
        logger.warning("broker unreachable: an alert waits for the next sweep")


@wall.system("alerts")
def tell_all() -> int:
    """Send what is due, in every practice; how many were told in full. For the worker alone."""
    due = BreakGlass.objects.filter(alerted_at=None, alert_due_at__lte=timezone.now())
    return sum(tell(pk) for pk in list(due.order_by("alert_due_at").values_list("pk", flat=True)))


@wall.system("alerts")
def tell(access_id: UUID) -> bool:
    """Send the mails of one emergency access that are still to be sent; whether that is all of
    them. For the worker alone: it acts for no user."""
    row = _claim(access_id)
    if row is None:
        return False
    reached = set(row.alerted_ids)
    whom = list(recipients(row))
    subject, body = words(SUBJECT, BODY)
    for user in whom:
        if str(user.pk) in reached:
            continue
        if not send(user, subject, body):
            continue
        reached.add(str(user.pk))
        row.alerted_ids = sorted(reached)
        row.save(update_fields=["alerted_ids"])
    if any(str(user.pk) not in reached for user in whom):
        return False
    row.alerted_at = timezone.now()
    row.save(update_fields=["alerted_at"])
    return True


def recipients(row: BreakGlass) -> QuerySet[User]:
    """The client's confidants and the practice's privacy officers, but who opened it."""
    in_care = access.open_care().filter(client_id=row.client_id, user=OuterRef("pk"))
    people = User.objects.filter(
        practice_id=row.practice_id, is_active=True, vouched_at__isnull=False
    )
    concerned = people.filter(Q(Exists(in_care)) | Q(role=Role.PRIVACY_OFFICER))
    return concerned.exclude(pk=row.user_id).order_by("pk")


def words(subject: str, body: str) -> tuple[str, str]:
    """A subject and a body in each language, the body with the way in; both as in the sources."""
    subjects, bodies = [], []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            subjects.append(gettext(subject))
            bodies.append(gettext(body))
    link = settings.PUBLIC_URL + reverse("admin:index") if settings.PUBLIC_URL else ""
    return " / ".join(subjects), "\n\n".join([*bodies, *filter(None, [link])]) + "\n"


def send(user: User, subject: str, body: str) -> bool:
    """Mail one person; whether the server took it."""
    try:
        send_mail(subject, body, None, [user.email])
    except OSError as refused:  # whatever SMTP says is one, a server that is away too
        logger.warning("an alert could not be sent: %s", type(refused).__name__)
        return False
    return True


def _claim(access_id: UUID) -> BreakGlass | None:
    """Take the alert for this try, so that two workers do not send it twice."""
    now = timezone.now()
    with transaction.atomic():
        row = (
            BreakGlass.objects.select_for_update(skip_locked=True)
            .filter(pk=access_id, alerted_at=None, alert_due_at__lte=now)
            .first()
        )
        if row is not None:
            row.alert_due_at = now + min(max(now - row.opened_at, SOONEST), LATEST)
            row.save(update_fields=["alert_due_at"])
    return row
