"""What Celery wakes. Arguments are ids or nothing; PostgreSQL knows what there is to do."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from clients_app import alerts, destruction, handovers, logins, purges, succession


@shared_task
def propose_purges() -> None:
    """Nightly: propose what is due, in every practice."""
    purges.propose_everywhere(now=timezone.now())


@shared_task
def execute_purges() -> None:
    """Every minute and on approval: destroy what is approved, for ten minutes at most."""
    destruction.execute(until=timezone.now() + timedelta(minutes=10))


@shared_task
def forget_logins() -> None:
    """Nightly: delete expired browser sessions and device logins."""
    call_command("clearsessions")
    logins.forget_expired()


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
