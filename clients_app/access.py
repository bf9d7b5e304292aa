"""May this user do this to this client? The one place that answers.

Two conditions, both needed: the role grants the permission (`roles.GRANTS`), and the user stands
in the relation to the client that the grant asks for: an open care assignment, or the same
practice. A role that lacks the permission altogether is told so (`Denied`); whoever has it but not
for this client gets the same answer as for a client that never existed (`Hidden`). Either way the
attempt is on the trail before the answer leaves.

A superuser has no role and a disabled user has nothing.

For the deeds of `roles.STEP_UP` the second factor must have been given within five minutes, by the
login that asks (`acting`, which the doors set). The command line and the worker have no login and
are not asked; a door without one is refused.
"""

from contextvars import ContextVar
from datetime import timedelta
from typing import NoReturn, TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import audit, roles
from clients_app.errors import Denied, Hidden, Unconfirmed
from clients_app.models import CareAssignment, Client, Login, Practice, User
from clients_app.pipeline import ask
from clients_app.roles import Permission, Scope

M = TypeVar("M", bound=Model)

GIVE_IT_AGAIN = _("Give your second factor again for this.")
CONFIRMED_FOR = timedelta(minutes=5)
# The login in whose name the current request asks.
acting: ContextVar[Login | None] = ContextVar("acting", default=None)

# Table names come from the models, values travel as parameters.
RELATION = f"""
    SELECT EXISTS (
        SELECT FROM {CareAssignment._meta.db_table}
        WHERE user_id = %(user)s AND client_id = c.id AND until IS NULL)
    FROM {Client._meta.db_table} c WHERE c.id = %(client)s AND c.practice_id = %(practice)s
"""  # noqa: S608 names, not values


def scope(user: User, permission: Permission) -> Scope | None:
    """The relation this user needs for this permission; None if nothing helps."""
    return roles.scope(user.role, permission) if user.is_active else None


def allows(user: User, permission: Permission, client_id: UUID) -> bool:
    """Both conditions, without a line on the trail: for what a page offers, not for deeds."""
    needed = scope(user, permission)
    return needed is not None and _stands_in(user, client_id, needed)


def require(
    user: User,
    permission: Permission,
    client_id: UUID | None = None,
    *,
    subject_id: UUID | None = None,
) -> None:
    """Pass, or record the denial and raise Denied (not your role) or Hidden (not yours).

    Without a client the role's grant is enough. Call it before the deed's transaction: a denial
    that is recorded inside would be rolled back with it.
    """
    needed = scope(user, permission)
    if needed is None:
        audit.deny(permission, by=user, client_id=client_id, subject_id=subject_id)
        raise Denied(_("Your role does not allow this."))
    if client_id is not None and not _stands_in(user, client_id, needed):
        hide(user, permission, client_id=client_id, subject_id=subject_id)
    _require_confirmed(user, permission, client_id=client_id, subject_id=subject_id)


def require_users(
    user: User,
    permission: Permission,
    practice_id: UUID | None = None,
    *,
    subject_id: UUID | None = None,
) -> None:
    """Logins are the superuser's everywhere, and the role's in its own practice."""
    if user.is_superuser and user.is_active:
        _require_confirmed(user, permission, subject_id=subject_id)
        return
    require(user, permission, subject_id=subject_id)
    if practice_id is not None and practice_id != user.practice_id:
        hide(user, permission, client_id=None, subject_id=subject_id)


def require_server(user: User, permission: Permission, *, subject_id: UUID | None = None) -> None:
    """What belongs to whoever runs the server, and to no role."""
    if not (user.is_superuser and user.is_active):
        require(user, permission, subject_id=subject_id)
    _require_confirmed(user, permission, subject_id=subject_id)


def confirmed() -> bool:
    """Whether the second factor was given a moment ago, where there is a login to give it."""
    login = acting.get()
    if login is None:
        return audit.doorway.get().door == audit.SHELL.door
    return timezone.now() - login.confirmed_at < CONFIRMED_FOR


def require_confirmed() -> None:
    """For changes of one's own login: the second factor, given a moment ago."""
    if not confirmed():
        raise Unconfirmed(GIVE_IT_AGAIN)


def find(
    rows: QuerySet[M], row_id: UUID, user: User, permission: Permission, *, client: str = "client"
) -> M:
    """The row of that id that belongs to a client this user may do this to, or Denied, Hidden.

    `client` names the row's column of the client; "" where the row belongs to the practice.
    """
    if scope(user, permission) is None:
        require(user, permission, subject_id=row_id)
    row = rows.filter(pk=row_id, practice_id=user.practice_id).first()
    client_id = getattr(row, f"{client}_id") if row is not None and client else None
    if row is None:
        hide(user, permission, client_id=None, subject_id=row_id)
    require(user, permission, client_id, subject_id=row_id)
    return row


def practice_of(user: User) -> Practice:
    """The user's practice. Raises Denied for a superuser, who has none."""
    if user.practice is None:
        raise Denied(_("You belong to no practice."))
    return user.practice


def visible_to(
    user: User, permission: Permission, rows: QuerySet[M], *, client: str = "client"
) -> QuerySet[M]:
    """Only the rows of clients this user may do this to. `client` is the column or "pk"."""
    needed = scope(user, permission)
    if needed is None or needed is Scope.OWN:
        return rows.none()
    rows = rows.filter(practice_id=user.practice_id)
    if needed is Scope.CARE:
        rows = rows.filter(Exists(open_care().filter(user=user, client=OuterRef(client))))
    return rows


def open_care() -> QuerySet[CareAssignment]:
    """The care assignments in force: those that nobody has ended, whatever the clocks say."""
    return CareAssignment.objects.filter(until=None)


def hide(
    user: User,
    permission: Permission,
    *,
    client_id: UUID | None,
    subject_id: UUID | None = None,
) -> NoReturn:
    """Record the denial and answer as if there were no such thing."""
    audit.deny(permission, by=user, client_id=client_id, subject_id=subject_id)
    raise Hidden(_("There is nothing here that you can open."))


def _require_confirmed(
    user: User,
    permission: Permission,
    *,
    client_id: UUID | None = None,
    subject_id: UUID | None = None,
) -> None:
    if permission not in roles.STEP_UP or confirmed():
        return
    ids = {"client_id": client_id, "subject_id": subject_id}
    audit.deny(permission, by=user, reason="second_factor", **ids)
    raise Unconfirmed(GIVE_IT_AGAIN)


def _stands_in(user: User, client_id: UUID, needed: Scope) -> bool:
    row = ask(RELATION, {"user": user.pk, "client": client_id, "practice": user.practice_id})
    if row is None or needed is Scope.OWN:
        return False
    return needed is Scope.PRACTICE or bool(row[0])
