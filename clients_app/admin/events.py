"""The labels of the trail in words. What has no words yet shows as its label."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clients_app.models import AuditEvent
from clients_app.models.user import ROLE_NAMES

WORDS: Mapping[str, Promise] = {
    "care.assign": _("assign a counsellor"),
    "care.assigned": _("made a counsellor a confidant"),
    "care.ended": _("ended a confidant’s access"),
    "care.hand_over": _("hand over a client"),
    "care.read": _("see who is in care"),
    "client.change": _("change who the client is"),
    "client.changed": _("changed who the client is"),
    "client.discharge": _("discharge or reopen"),
    "client.discharged": _("discharged the client"),
    "client.kept_longer": _("a new rule keeps the file longer"),
    "client.named": _("saw the name in a list"),
    "client.purged": _("destroyed the file"),
    "client.read": _("read who the client is"),
    "client.register": _("register a client"),
    "client.registered": _("registered the client"),
    "client.reopened": _("reopened the file"),
    "client.searched": _("searched among the clients"),
    "disclosure.amended": _("amended a disclosure"),
    "disclosure.read": _("read a disclosure"),
    "disclosure.write": _("write a disclosure"),
    "disclosure.written": _("wrote a disclosure"),
    "factor.added": _("added a second factor"),
    "factor.codes_renewed": _("made new recovery codes"),
    "factor.refused": _("a wrong code or passkey"),
    "factor.removed": _("removed a second factor"),
    "hold.decide": _("place or lift a legal hold"),
    "hold.lifted": _("lifted a legal hold"),
    "hold.placed": _("placed a legal hold"),
    "hold.read": _("read a legal hold"),
    "invitation.asked": _("asked for a link by mail"),
    "invitation.made": _("made a link to choose a password"),
    "invitation.used": _("chose a password by a link"),
    "login.browser": _("logged in with a browser"),
    "login.confirmed": _("gave the second factor again"),
    "login.refused": _("a login with a wrong password"),
    "login.renamed": _("named a device"),
    "login.token": _("logged in with a device"),
    "logout.browser": _("logged a browser out"),
    "logout.others": _("logged out everywhere else"),
    "logout.token": _("logged a device out"),
    "note.added_to": _("added to a note"),
    "note.read": _("read a note"),
    "note.revised": _("revised a note"),
    "note.signed": _("signed a note"),
    "note.write": _("write a note"),
    "note.written": _("wrote a note"),
    "practice.changed": _("described the practice anew"),
    "practice.created": _("founded the practice"),
    "practice.manage": _("manage practices"),
    "purge.approve": _("decide on a purge run"),
    "purge.approved": _("approved a purge run"),
    "purge.failed": _("a file could not be destroyed"),
    "purge.finished": _("a purge run ended"),
    "purge.propose": _("propose a purge run"),
    "purge.proposed": _("proposed a purge run"),
    "purge.read": _("see purge runs"),
    "purge.refused": _("refused a purge run"),
    "purge.taken_out": _("took a file out of a purge run"),
    "record.read": _("read the record"),
    "retention.read": _("read why the file is kept"),
    "retention.undated": _("looked at files without a date"),
    "rule.decide": _("decide on retention rules"),
    "rule.decided": _("put a retention rule in force"),
    "rule.read": _("see retention rules"),
    "rule.retired": _("retired a retention rule"),
    "session.cancelled": _("cancelled a session"),
    "session.held": _("recorded that a session took place"),
    "session.moved": _("moved a session"),
    "session.no_show": _("recorded that the client did not come"),
    "session.plan": _("plan or move a session"),
    "session.planned": _("planned a session"),
    "session.read": _("looked at a session"),
    "trail.read": _("read the trail"),
    "user.changed": _("changed a login"),
    "user.created": _("made a login"),
    "user.logged_out": _("logged somebody out everywhere"),
    "user.manage": _("manage logins"),
    "user.password_changed": _("changed their own password"),
    "user.password_reset": _("reset a password"),
    "user.read": _("see logins"),
}
DOORS: Mapping[str, Promise] = {
    "admin": _("browser"),
    "api": _("app"),
    "shell": _("command line"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail as a person reads it: ids and labels, no content."""

    at: datetime
    who: str | Promise
    role: str | Promise
    what: str | Promise
    denied: bool
    door: str | Promise
    client_id: UUID | None
    client: str
    id: int


def lines(
    events: Iterable[AuditEvent], people: Mapping[UUID, str], codes: Mapping[UUID, str]
) -> list[Line]:
    """The events with colleagues' names and clients' codes, as far as these are known."""
    roles: dict[str, Promise | str] = {role.value: name for role, name in ROLE_NAMES.items()}
    roles |= {"system": _("the system"), "superuser": _("superuser")}
    return [
        Line(
            at=event.at,
            who=people.get(event.actor_id, "") if event.actor_id else "",
            role=roles.get(event.role, event.role),
            what=WORDS.get(event.event, event.event),
            denied=event.denied,
            door=DOORS.get(event.door, event.door),
            client_id=event.client_id if event.client_id in codes else None,
            client=codes.get(event.client_id, "") if event.client_id else "",
            id=event.pk,
        )
        for event in events
    ]
