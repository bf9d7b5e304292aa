"""The trail: ids and labels of what was done, of one client or of all that one may see."""

from uuid import UUID

from rest_framework import serializers

from clients_app import trail
from clients_app.api.door import Door, operation
from clients_app.api.fields import AskedFlag, Id, Moment, Text
from clients_app.api.pages import page
from clients_app.api.shapes import Answer, PageQuery, Values
from clients_app.models import AuditEvent, User


class TrailQuery(PageQuery):
    """Which events."""

    event = Text(required=False, max_length=48, help_text="Its label, as in note.read.")
    actor = Id(required=False)
    client = Id(required=False)
    denied = AskedFlag(required=False)
    since = Moment(required=False)
    until = Moment(required=False)


class Event(Answer):
    """One deed, or one refusal."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.UUIDField(allow_null=True, help_text="null: the system itself.")
    role = serializers.CharField()
    event = serializers.CharField()
    denied = serializers.BooleanField()
    client = serializers.UUIDField(allow_null=True)
    subject = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    door = serializers.CharField()
    request = serializers.UUIDField(allow_null=True)
    detail = serializers.DictField(help_text="Ids, labels and numbers.")


class Trail(Door):
    """What happened in the practice."""

    @operation("listTrail", asks=TrailQuery, answers=Event, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """What happened, newest first: to the whole practice, or to one's own clients."""
        rows = trail.of_practice(
            by=by,
            event=query.get("event"),
            actor_id=query.get("actor"),
            client_id=query.get("client"),
            denied=query.get("denied"),
            since=query.get("since"),
            until=query.get("until"),
        )
        return page(rows, event, query)


class AccessLog(Door):
    """What happened to one client's file."""

    @operation("listAccessLog", asks=PageQuery, answers=Event, paged=True, refuses=(403, 404))
    def get(self, by: User, client_id: UUID, query: Values) -> Values:
        """Who opened this client's file, when and why, newest first."""
        return page(trail.of_client(client_id, by=by), event, query)


def event(row: AuditEvent) -> Values:
    return {
        "id": row.pk,
        "at": row.at,
        "actor": row.actor_id,
        "role": row.role,
        "event": row.event,
        "denied": row.denied,
        "client": row.client_id,
        "subject": row.subject_id,
        "reason": row.reason,
        "door": row.door,
        "request": row.request_id,
        "detail": row.detail,
    }
