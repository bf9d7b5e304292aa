"""What Celery wakes. Arguments are ids or nothing; PostgreSQL knows what there is to do."""

import logging
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from clients_app import (
    alerts,
    anchors,
    handovers,
    invitations,
    logins,
    notices,
    seals,
    succession,
    sweeps,
    verification,
)

logger = logging.getLogger(__name__)


@shared_task
def propose_purges() -> None:
    """Nightly: carry out what shortens dates, then propose what is due, in every practice."""
    sweeps.propose(now=timezone.now())


@shared_task
def execute_purges() -> None:
    """Every minute and on approval: destroy what is approved, for ten minutes at most."""
    now = timezone.now()
    sweeps.sweep(until=now + timedelta(minutes=10), now=now)


@shared_task
def forget_logins() -> None:
    """Nightly: delete what lets nobody in any more."""
    call_command("clearsessions")
    logins.forget_expired()
    invitations.forget_expired()


@shared_task
def move_caseloads() -> None:
    """Every minute: go on with approved handovers, for ten minutes at most; void old proposals."""
    succession.expire_everywhere(now=timezone.now())
    handovers.carry_out_due(until=timezone.now() + timedelta(minutes=10))


@shared_task
def tell_of_emergency(access_id: str) -> None:
    """When one is opened: tell who must know."""
    alerts.tell(UUID(access_id))


@shared_task
def tell_of_emergencies() -> None:
    """Every minute: what was not told yet, for whatever reason."""
    alerts.tell_all()


@shared_task
def tell_of_purges() -> None:
    """Every minute: counsellors whose clients' files came into a run."""
    notices.tell_all()


@shared_task
def seal_trail() -> None:
    """Every ten seconds: seal the lines of all transactions that are over."""
    for _made in seals.seal_all():
        pass


@shared_task
def anchor_trail() -> None:
    """Hourly: write the newest head down outside the database."""
    anchors.anchor()


@shared_task
def verify_trail() -> None:
    """Nightly: is the trail what was sealed and anchored? The result is on the trail, and what was
    found in the log: ids, numbers and times."""
    report = verification.verify(Path(settings.AUDIT_ANCHOR_FILE))
    verification.record(report)
    for text in report.findings:
        logger.critical("the trail: %s", text)


@shared_task
def send_link(user_id: str) -> None:
    """Mail a link to whoever says that they forgot their password. An unknown e-mail comes as the
    id of nobody, by the same way as a known one."""
    invitations.forgotten(UUID(user_id))
