"""The client's page as those see it who sit with the client: sessions newest first, the notes with
their words, of each disclosure only that it is there. The front desk sees the meetings alone."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from clients_app import access
from clients_app.admin import panels
from clients_app.admin.door import Text, offers, the_user
from clients_app.admin.panels import Panel
from clients_app.clients import Profile
from clients_app.models import User
from clients_app.roles import Permission
from sessions_app import disclosures, records, sessions
from sessions_app.admin.notes import in_order, shape_name
from sessions_app.models import Disclosure, Modality, TherapySession

NOTES = 20
MEETINGS = 100
Status = TherapySession.Status


@dataclass(slots=True)
class Line:
    """A note as the page shows it."""

    entry: records.Entry
    format: Text
    sections: list[tuple[Text, str]]


@dataclass(slots=True)
class Meeting:
    """A session with what was written about it."""

    id: UUID
    at: datetime
    minutes: int
    modality: Text
    status: str
    status_name: Text
    lines: list[Line] = field(default_factory=list)
    told: list[Disclosure] = field(default_factory=list)


def timeline(request: HttpRequest, profile: Profile) -> Panel | None:
    if not offers(request, Permission.NOTE_READ, profile.client.pk):
        return None
    user, client = the_user(request), profile.client
    after = position(request.GET.get("after", ""))
    page = records.read(client.pk, by=user, after=after, limit=NOTES)
    since = page.after[0] if page.after else None
    until = after[0] if after else None
    meetings = {m.id: m for m in _meetings(user, client.pk, since, until)}
    for entry in page.entries:
        meeting = meetings.get(entry.session_id) or _of(entry)
        meetings[entry.session_id] = meeting
        meeting.lines.append(Line(entry, shape_name(entry.format), in_order(entry.body)))
    for disclosure in _told(user, client.pk, since, until):
        session = disclosure.session
        if session.pk not in meetings:
            meetings[session.pk] = _shown(session)
        meetings[session.pk].told.append(disclosure)
    now = timezone.now()
    ordered = sorted(meetings.values(), key=lambda m: (m.at, m.id), reverse=True)
    to_come = [m for m in ordered if m.at > now and not (m.lines or m.told)]
    return Panel(
        "said/timeline.html",
        {
            "client": client,
            "to_come": sorted(to_come, key=lambda m: m.at) if after is None else [],
            "meetings": [m for m in ordered if m not in to_come],
            "older": f"{page.after[0].isoformat()}_{page.after[1]}" if page.after else "",
            "first": after is None,
            "full": len(meetings) >= MEETINGS,
        },
    )


def desk(request: HttpRequest, profile: Profile) -> Panel | None:
    """The meetings alone, for those who plan them and read nothing."""
    if offers(request, Permission.NOTE_READ) or not offers(request, Permission.SESSION_READ):
        return None
    rows = sessions.browse(by=the_user(request), client_id=profile.client.pk)
    now = timezone.now()
    return Panel(
        "said/meetings.html",
        {
            "client": profile.client,
            "to_come": list(rows.filter(starts_at__gte=now)[:MEETINGS]),
            "been": list(rows.filter(starts_at__lt=now).order_by("-starts_at", "-id")[:NOTES]),
        },
    )


def position(asked: str) -> records.Position | None:
    """The position that an address names, or the beginning."""
    at, _underscore, note = asked.partition("_")
    try:
        moment = parse_datetime(at)
        if moment is None or timezone.is_naive(moment):
            return None
        return moment, UUID(note)
    except ValueError:
        return None


def next_steps(user: User, client_ids: object) -> dict[UUID, datetime]:
    """When each client comes next, in one query."""
    if not _may_see_sessions(user):
        return {}
    rows = sessions.browse(by=user, since=timezone.now()).filter(
        client_id__in=client_ids, status=Status.PLANNED
    )
    found: dict[UUID, datetime] = {}
    for client_id, at in rows.values_list("client_id", "starts_at"):
        found.setdefault(client_id, at)
    return found


def _may_see_sessions(user: User) -> bool:
    return access.scope(user, Permission.SESSION_READ) is not None


def _meetings(
    user: User, client_id: UUID, since: datetime | None, until: datetime | None
) -> list[Meeting]:
    rows = sessions.browse(by=user, client_id=client_id, since=since, until=until)
    return [_shown(session) for session in rows.order_by("-starts_at", "-id")[:MEETINGS]]


def _told(
    user: User, client_id: UUID, since: datetime | None, until: datetime | None
) -> list[Disclosure]:
    rows = disclosures.browse(by=user, client_id=client_id)
    if since is not None:
        rows = rows.filter(session__starts_at__gte=since)
    if until is not None:
        rows = rows.filter(session__starts_at__lt=until)
    return list(rows.order_by("-session__starts_at", "id")[: MEETINGS * 2])


def _shown(session: TherapySession) -> Meeting:
    return Meeting(
        id=session.pk,
        at=session.starts_at,
        minutes=session.minutes,
        modality=session.get_modality_display(),
        status=session.status,
        status_name=session.get_status_display(),
    )


def _of(entry: records.Entry) -> Meeting:
    return Meeting(
        id=entry.session_id,
        at=entry.session_at,
        minutes=entry.minutes,
        modality=Modality(entry.modality).label,
        status=entry.session_status,
        status_name=Status(entry.session_status).label,
    )


panels.add_to_client(timeline, order=10)
panels.add_to_client(desk, order=10)
panels.add_next_steps(next_steps)
