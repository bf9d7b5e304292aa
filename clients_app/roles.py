"""Who may do what: the whole policy, as data.

Two conditions must both hold. The role grants the permission (this table), and the user stands
in the right relation to the client (`access`). The scope beside each permission says which
relation: `CARE` means an open care assignment to that client, `PRACTICE` any client of the user's
own practice, `OWN` what was addressed to the user by name. What is not in the table is denied.

A superuser runs the server and has no role: no line of this table is theirs, so nothing that
belongs to a client opens for them.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """The one role of a login."""

    COUNSELLOR = "counsellor"
    SUPERVISOR = "supervisor"
    FRONT_DESK = "front_desk"
    PRACTICE_MANAGER = "practice_manager"
    PRIVACY_OFFICER = "privacy_officer"


class Permission(StrEnum):
    """One deed. The value is the label that the trail shows."""

    CLIENT_REGISTER = "client.register"
    CLIENT_READ = "client.read"
    CLIENT_CHANGE = "client.change"
    CLIENT_DISCHARGE = "client.discharge"
    CARE_READ = "care.read"
    CARE_ASSIGN = "care.assign"
    CARE_HAND_OVER = "care.hand_over"
    SUCCESSION_READ = "succession.read"
    SUCCESSION_PROPOSE = "succession.propose"
    SUCCESSION_APPROVE = "succession.approve"
    SESSION_READ = "session.read"
    SESSION_PLAN = "session.plan"
    NOTE_READ = "note.read"
    NOTE_WRITE = "note.write"
    DISCLOSURE_READ = "disclosure.read"
    DISCLOSURE_WRITE = "disclosure.write"
    EXCERPT_RELEASE = "excerpt.release"
    EXCERPT_READ = "excerpt.read"
    PROMISE_READ = "promise.read"
    PROMISE_WRITE = "promise.write"
    AGREEMENT_READ = "agreement.read"
    AGREEMENT_RECORD = "agreement.record"
    EXCEPTION_READ = "exception.read"
    EXCEPTION_RECORD = "exception.record"
    BREAK_GLASS_REQUEST = "break_glass.request"
    BREAK_GLASS_REVIEW = "break_glass.review"
    RETENTION_READ = "retention.read"
    RULE_READ = "rule.read"
    RULE_DECIDE = "rule.decide"
    RULE_SECOND = "rule.second"
    HOLD_READ = "hold.read"
    HOLD_DECIDE = "hold.decide"
    REQUEST_READ = "request.read"
    REQUEST_RECORD = "request.record"
    REQUEST_DECIDE = "request.decide"
    PURGE_READ = "purge.read"
    PURGE_PROPOSE = "purge.propose"
    PURGE_APPROVE = "purge.approve"
    PURGE_SECOND = "purge.second"
    PURGE_STOP = "purge.stop"
    PURGE_SNOOZE = "purge.snooze"
    TRAIL_READ = "trail.read"
    USER_READ = "user.read"
    USER_MANAGE = "user.manage"
    USER_VOUCH = "user.vouch"
    # Granted to no role: founding a practice is the superuser's and the operator's alone.
    PRACTICE_MANAGE = "practice.manage"


class Scope(StrEnum):
    """The relation to the client that a grant asks for."""

    CARE = "care"
    PRACTICE = "practice"
    # What was addressed to the user by name.
    OWN = "own"


P, CARE, PRACTICE, OWN = Permission, Scope.CARE, Scope.PRACTICE, Scope.OWN

GRANTS: Mapping[Role, Mapping[Permission, Scope]] = {
    Role.COUNSELLOR: {
        P.CLIENT_REGISTER: PRACTICE,
        P.CLIENT_READ: CARE,
        P.CLIENT_CHANGE: CARE,
        P.CLIENT_DISCHARGE: CARE,
        P.CARE_READ: CARE,
        P.CARE_HAND_OVER: CARE,
        P.SESSION_READ: CARE,
        P.SESSION_PLAN: CARE,
        P.NOTE_READ: CARE,
        P.NOTE_WRITE: CARE,
        P.DISCLOSURE_READ: CARE,
        P.DISCLOSURE_WRITE: CARE,
        P.EXCERPT_RELEASE: CARE,
        P.PROMISE_READ: PRACTICE,
        P.AGREEMENT_READ: CARE,
        P.AGREEMENT_RECORD: CARE,
        P.EXCEPTION_READ: CARE,
        P.EXCEPTION_RECORD: CARE,
        P.BREAK_GLASS_REQUEST: PRACTICE,
        P.RETENTION_READ: CARE,
        P.REQUEST_RECORD: CARE,
        P.PURGE_SNOOZE: CARE,
        P.TRAIL_READ: CARE,
    },
    # A supervisor reads what was released to them by name and nothing else.
    Role.SUPERVISOR: {
        P.EXCERPT_READ: OWN,
        P.BREAK_GLASS_REQUEST: PRACTICE,
    },
    Role.FRONT_DESK: {
        P.CLIENT_REGISTER: PRACTICE,
        P.CLIENT_READ: PRACTICE,
        P.CLIENT_CHANGE: PRACTICE,
        P.CARE_READ: PRACTICE,
        P.SESSION_READ: PRACTICE,
        P.SESSION_PLAN: PRACTICE,
        P.PROMISE_READ: PRACTICE,
        P.AGREEMENT_READ: PRACTICE,
        P.AGREEMENT_RECORD: PRACTICE,
        P.REQUEST_RECORD: PRACTICE,
    },
    Role.PRACTICE_MANAGER: {
        P.CLIENT_REGISTER: PRACTICE,
        P.CLIENT_READ: PRACTICE,
        P.CLIENT_CHANGE: PRACTICE,
        P.CLIENT_DISCHARGE: PRACTICE,
        P.CARE_READ: PRACTICE,
        P.CARE_ASSIGN: PRACTICE,
        P.SUCCESSION_READ: PRACTICE,
        P.SUCCESSION_PROPOSE: PRACTICE,
        P.PROMISE_READ: PRACTICE,
        P.PROMISE_WRITE: PRACTICE,
        P.SESSION_READ: PRACTICE,
        P.SESSION_PLAN: PRACTICE,
        P.RETENTION_READ: PRACTICE,
        P.REQUEST_RECORD: PRACTICE,
        P.RULE_READ: PRACTICE,
        P.RULE_SECOND: PRACTICE,
        P.PURGE_READ: PRACTICE,
        P.PURGE_SECOND: PRACTICE,
        P.PURGE_STOP: PRACTICE,
        P.USER_READ: PRACTICE,
        P.USER_MANAGE: PRACTICE,
        P.USER_VOUCH: PRACTICE,
    },
    Role.PRIVACY_OFFICER: {
        P.CLIENT_READ: PRACTICE,
        P.CARE_READ: PRACTICE,
        P.RETENTION_READ: PRACTICE,
        P.RULE_READ: PRACTICE,
        P.RULE_DECIDE: PRACTICE,
        P.HOLD_READ: PRACTICE,
        P.HOLD_DECIDE: PRACTICE,
        P.REQUEST_READ: PRACTICE,
        P.REQUEST_RECORD: PRACTICE,
        P.REQUEST_DECIDE: PRACTICE,
        P.PURGE_READ: PRACTICE,
        P.PURGE_PROPOSE: PRACTICE,
        P.PURGE_APPROVE: PRACTICE,
        P.PURGE_STOP: PRACTICE,
        P.TRAIL_READ: PRACTICE,
        P.PROMISE_READ: PRACTICE,
        P.PROMISE_WRITE: PRACTICE,
        P.AGREEMENT_READ: PRACTICE,
        # That the confidence was broken, why and when; not to whom and with which words.
        P.EXCEPTION_READ: PRACTICE,
        P.BREAK_GLASS_REVIEW: PRACTICE,
        P.SUCCESSION_READ: PRACTICE,
        P.SUCCESSION_APPROVE: PRACTICE,
        P.USER_READ: PRACTICE,
        P.USER_VOUCH: PRACTICE,
    },
}

# Deeds for which having logged in this morning is not enough: the second factor is asked again
# when it was last given more than five minutes ago (OWASP ASVS 5.0, 7.5.3).
STEP_UP = frozenset(
    {
        P.BREAK_GLASS_REQUEST,
        P.CARE_ASSIGN,
        P.EXCERPT_RELEASE,
        P.HOLD_DECIDE,
        P.PURGE_APPROVE,
        P.PURGE_SECOND,
        P.REQUEST_DECIDE,
        P.RULE_DECIDE,
        P.RULE_SECOND,
        P.SUCCESSION_APPROVE,
        P.SUCCESSION_PROPOSE,
        P.USER_MANAGE,
        P.USER_VOUCH,
    }
)

# What an emergency access lends, for its one client and while it is in force, to the roles that may
# ask for one: reading, and no locked disclosure (see `sessions_app.disclosures.readable`).
BREAK_GLASS = frozenset(
    {P.CLIENT_READ, P.CARE_READ, P.SESSION_READ, P.NOTE_READ, P.DISCLOSURE_READ}
)


def scope(role: str, permission: Permission) -> Scope | None:
    """The relation that `role` needs for `permission`; None where it is not granted."""
    try:
        return GRANTS[Role(role)].get(permission)
    except ValueError:
        return None


def lends(role: str, permission: Permission) -> bool:
    """Whether an emergency access in force gives `role` this permission."""
    return permission in BREAK_GLASS and scope(role, P.BREAK_GLASS_REQUEST) is not None
