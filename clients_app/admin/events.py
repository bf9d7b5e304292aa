"""The labels of the trail in words. What has no words yet shows as its label."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clients_app.models import AuditEvent
from clients_app.models.user import ROLE_NAMES
from clients_app.trail import Account

WORDS: Mapping[str, Promise] = {
    "break_glass.ended": _("ended an emergency access"),
    "break_glass.opened": _("opened the file in an emergency"),
    "break_glass.read": _("read why a file was opened in an emergency"),
    "break_glass.request": _("open a file in an emergency"),
    "break_glass.review": _("review an emergency access"),
    "break_glass.reviewed": _("reviewed an emergency access"),
    "agreement.read": _("see what the client was promised"),
    "agreement.record": _("record what the client was promised"),
    "agreement.recorded": _("recorded what the client was promised"),
    "agreement.withdrawn": _("recorded that the client took the agreement back"),
    "care.assign": _("assign a counsellor"),
    "care.assigned": _("made a counsellor a confidant"),
    "care.ended": _("ended a confidant’s access"),
    "care.hand_over": _("hand over a client"),
    "care.read": _("see who is in care"),
    "caseload.done": _("a handover of clients ended"),
    "caseload.handed_over": _("began to hand over their clients"),
    "caseload.stopped": _("a handover of clients stopped half-way"),
    "client.change": _("change who the client is"),
    "client.changed": _("changed who the client is"),
    "client.discharge": _("discharge or reopen"),
    "client.discharged": _("discharged the client"),
    "client.kept_longer": _("a new rule keeps the file longer"),
    "client.kept_shorter": _("the rules keep the file shorter now"),
    "clock.believed": _("said that the server’s clock is right"),
    "clock.jumped": _("the server’s clock jumped"),
    "client.named": _("saw the name in a list"),
    "certificate.printed": _("printed a certificate of destruction"),
    "client.purged": _("destroyed the file"),
    "client.purged_again": _("destroyed the file again after a restore"),
    "client.read": _("read who the client is"),
    "client.register": _("register a client"),
    "client.registered": _("registered the client"),
    "client.reopened": _("reopened the file"),
    "client.searched": _("searched among the clients"),
    "disclosure.amended": _("amended a disclosure"),
    "disclosure.read": _("read a disclosure"),
    "disclosure.write": _("write a disclosure"),
    "disclosure.written": _("wrote a disclosure"),
    "exception.client_told": _("recorded that the client was told of an exception"),
    "exception.read": _("read what had to be told"),
    "exception.record": _("record that something had to be told"),
    "exception.recorded": _("recorded that something had to be told"),
    "exception.seen": _("saw that something had to be told"),
    "excerpt.inspected": _("looked again at an excerpt for supervision"),
    "excerpt.listed": _("saw in a list that an excerpt is released"),
    "excerpt.read": _("read an excerpt for supervision"),
    "excerpt.release": _("release an excerpt for supervision"),
    "excerpt.released": _("released an excerpt for supervision"),
    "excerpt.revoked": _("took an excerpt for supervision back"),
    "factor.added": _("added a second factor"),
    "factor.codes_renewed": _("made new recovery codes"),
    "factor.refused": _("a wrong code or passkey"),
    "factor.removed": _("removed a second factor"),
    "hold.decide": _("place or lift a legal hold"),
    "hold.lifted": _("lifted a legal hold"),
    "hold.lifted_again": _("lifted a legal hold again after a restore"),
    "hold.placed": _("placed a legal hold"),
    "hold.placed_again": _("placed a legal hold again after a restore"),
    "hold.read": _("read a legal hold"),
    "keys.rotated": _("wrapped the data keys by a new master key"),
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
    "promise.drafted": _("drafted a version of the promise"),
    "promise.published": _("published a version of the promise"),
    "promise.read": _("see versions of the promise"),
    "promise.revised": _("revised a draft of the promise"),
    "promise.write": _("write versions of the promise"),
    "purge.approve": _("decide on a purge run"),
    "purge.approved": _("approved a purge run"),
    "purge.failed": _("a file could not be destroyed"),
    "purge.finished": _("a purge run ended"),
    "purge.propose": _("propose a purge run"),
    "purge.proposed": _("proposed a purge run"),
    "purge.read": _("see purge runs"),
    "purge.refused": _("refused a purge run"),
    "purge.second": _("confirm a purge run"),
    "purge.seconded": _("confirmed a purge run"),
    "purge.snooze": _("keep a file a while longer"),
    "purge.snoozed": _("asked to keep the file a while longer"),
    "purge.stop": _("stop a purge run"),
    "purge.stopped": _("stopped a purge run"),
    "purge.taken_out": _("took a file out of a purge run"),
    "record.read": _("read the record"),
    "register.exported": _("took the register of destroyed files out"),
    "request.decide": _("decide on what a client asks for"),
    "request.decided": _("decided on what the client asked for"),
    "request.read": _("read what the client asks for"),
    "request.record": _("record what a client asks for"),
    "request.recorded": _("recorded what the client asks for"),
    "retention.read": _("read why the file is kept"),
    "retention.undated": _("looked at files without a date"),
    "rule.decide": _("decide on retention rules"),
    "rule.decided": _("put a retention rule in force"),
    "rule.read": _("see retention rules"),
    "rule.retired": _("retired a retention rule"),
    "rule.previewed": _("looked at what a retention rule would change"),
    "rule.second": _("confirm that dates are moved back"),
    "shortening.confirmed": _("confirmed that dates are moved back"),
    "shortening.done": _("dates were moved back"),
    "shortening.proposed": _("proposed to move dates back"),
    "shortening.withdrawn": _("withdrew that dates are moved back"),
    "session.cancelled": _("cancelled a session"),
    "session.held": _("recorded that a session took place"),
    "session.moved": _("moved a session"),
    "session.no_show": _("recorded that the client did not come"),
    "session.passed_on": _("a planned session went to another counsellor"),
    "session.plan": _("plan or move a session"),
    "session.planned": _("planned a session"),
    "session.read": _("looked at a session"),
    "succession.approve": _("decide on a succession"),
    "succession.approved": _("approved a succession"),
    "succession.expired": _("a proposed succession expired"),
    "succession.propose": _("propose a succession"),
    "succession.proposed": _("proposed a succession"),
    "succession.read": _("see successions"),
    "succession.refused": _("refused a succession"),
    "successor.accepted": _("agreed to take over from a colleague"),
    "successor.declined": _("declined to take over from a colleague"),
    "successor.named": _("named a successor"),
    "successor.withdrawn": _("took the choice of a successor back"),
    "trail.anchored": _("wrote the trail’s head down outside the database"),
    "trail.printed": _("made a list of the readings for the client"),
    "trail.read": _("read the trail"),
    "trail.rebased": _("counted the trail on after a restore"),
    "trail.verified": _("verified the trail"),
    "user.changed": _("changed a login"),
    "user.created": _("made a login"),
    "user.logged_out": _("logged somebody out everywhere"),
    "user.manage": _("manage logins"),
    "user.password_changed": _("changed their own password"),
    "user.password_reset": _("reset a password"),
    "user.read": _("see logins"),
    "user.stood_in": _("put a closed login in the place of one lost in a restore"),
    "user.unvouched": _("had a hand in a login, which has to be vouched for anew"),
    "user.vouch": _("vouch for a login"),
    "user.vouched": _("vouched for a login"),
}
# The same to the client whose file it is; what is not here is said as above.
TO_THE_CLIENT: Mapping[str, Promise] = {
    "care.assigned": _("gave a counsellor access to your file"),
    "care.ended": _("ended a counsellor’s access to your file"),
    "client.changed": _("changed your name or contacts"),
    "client.discharged": _("closed your file"),
    "client.kept_longer": _("set a new day until which your file is kept"),
    "client.kept_shorter": _("set an earlier day until which your file is kept"),
    "client.named": _("saw your name in a list"),
    "client.read": _("looked at your name and contacts"),
    "client.registered": _("opened a file for you"),
    "client.reopened": _("opened your file again"),
    "disclosure.amended": _("added to what you confided"),
    "disclosure.read": _("read something you confided"),
    "disclosure.written": _("wrote down something you confided"),
    "note.added_to": _("added to a note of your session"),
    "note.read": _("read a note of your session"),
    "note.revised": _("wrote a note of your session"),
    "note.signed": _("signed a note of your session"),
    "note.written": _("wrote a note of your session"),
    "record.read": _("read the notes of your sessions"),
    "retention.read": _("looked up how long your file is kept"),
    "session.cancelled": _("cancelled an appointment of yours"),
    "session.held": _("wrote down that you came"),
    "session.moved": _("moved an appointment of yours"),
    "session.no_show": _("wrote down that you did not come"),
    "session.planned": _("made an appointment for you"),
    "session.read": _("looked at an appointment of yours"),
    "trail.printed": _("made this list for you"),
    "trail.read": _("looked at who opened your file"),
}
# Why, where a line says why: the label in words. What has no words yet shows as its label.
REASONS: Mapping[str, Promise] = {
    "break_glass": _("emergency access"),
    "own": _("handed over by the counsellor"),
    "succession": _("succession"),
}
ROLES: Mapping[str, Promise] = {
    **{role.value: name for role, name in ROLE_NAMES.items()},
    "system": _("the system"),
    "superuser": _("superuser"),
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
    why: str | Promise
    denied: bool
    door: str | Promise
    client_id: UUID | None
    client: str
    id: int


def lines(
    events: Iterable[AuditEvent], people: Mapping[UUID, str], codes: Mapping[UUID, str]
) -> list[Line]:
    """The events with colleagues' names and clients' codes, as far as these are known."""
    return [
        Line(
            at=event.at,
            who=people.get(event.actor_id, "") if event.actor_id else "",
            role=ROLES.get(event.role, event.role),
            what=WORDS.get(event.event, event.event),
            why=REASONS.get(event.reason, event.reason),
            denied=event.denied,
            door=DOORS.get(event.door, event.door),
            client_id=event.client_id if event.client_id in codes else None,
            client=codes.get(event.client_id, "") if event.client_id else "",
            id=event.pk,
        )
        for event in events
    ]


@dataclass(frozen=True, slots=True)
class Said:
    """One row of an account for the client."""

    day: date
    who: str
    role: str | Promise
    what: str | Promise
    why: str | Promise
    times: int


def said(account: Account, people: Mapping[UUID, str]) -> list[Said]:
    """An account in words that its client understands; no ids."""
    return [
        Said(
            day=row["day"],
            who=people.get(row["actor_id"], ""),
            role=ROLES.get(row["role"], row["role"]),
            what=TO_THE_CLIENT.get(row["event"], WORDS.get(row["event"], row["event"])),
            why=REASONS.get(row["reason"], row["reason"]),
            times=row["times"],
        )
        for row in account.rows
    ]
