"""What Celery wakes. Arguments are ids or nothing; PostgreSQL knows what there is to do."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from clients_app import destruction, invitations, logins, purges


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
    """Nightly: delete what lets nobody in any more."""
    call_command("clearsessions")
    logins.forget_expired()
    invitations.forget_expired()


@shared_task
def send_link(user_id: str | None) -> None:
    """Mail a link to whoever says that they forgot their password. Without an id there is nothing
    to do: an unknown e-mail takes the same way as a known one."""
    if user_id is not None:
        invitations.forgotten(UUID(user_id))
