"""The sessions that a counsellor is most likely to write about now."""

from datetime import timedelta

from django.utils import timezone

from clients_app.models import User
from sessions_app import sessions
from sessions_app.models import TherapySession

DAYS = 14
MOST = 30
OVER = (TherapySession.Status.CANCELLED, TherapySession.Status.NO_SHOW)


def recent_sessions(user: User) -> list[TherapySession]:
    """Their own of the last two weeks, newest first."""
    now = timezone.now()
    rows = sessions.browse(by=user, since=now - timedelta(days=DAYS), until=now + timedelta(days=1))
    return list(
        rows.filter(counsellor=user).exclude(status__in=OVER).order_by("-starts_at", "-id")[:MOST]
    )
