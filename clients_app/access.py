"""May this user do this to this client? The one place that answers.

Two conditions, both needed: the role grants the permission (`roles.GRANTS`), and the user stands
in the relation to the client that the grant asks for: an open care assignment, or the same
practice. A role that lacks the permission altogether is told so (`Denied`); whoever has it but not
for this client gets the same answer as for a client that never existed (`Hidden`). Either way the
attempt is on the trail before the answer leaves.

An emergency access (`break_glass`) stands in for both, for one client, for reading and for as long
as the database's clock says that it is in force (`roles.BREAK_GLASS`). It is looked for here, in
the one query that looks for the relation.

A superuser has no role, and a user who is disabled or for whom nobody has vouched (`vouching`) has
nothing.

For the deeds of `roles.STEP_UP` the second factor must have been given within five minutes, by the
login that asks (`acting`, which the doors set). The command line and the worker have no login and
are not asked; a door without one is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import audit, roles
from clients_app.errors import Denied, Hidden, Unconfirmed
from clients_app.models import BreakGlass, CareAssignment, Client, Login, Practice, User
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
        WHERE user_id = %(user)s AND client_id = c.id AND until IS NULL),
    EXISTS (
        SELECT FROM {BreakGlass._meta.db_table}
        WHERE user_id = %(user)s AND client_id = c.id AND role = %(role)s
          AND ended_at IS NULL AND expires_at > statement_timestamp())
    FROM {Client._meta.db_table} c WHERE c.id = %(client)s AND c.practice_id = %(practice)s
"""  # noqa: S608 names, not values


def trusted(user: User) -> bool:
    """Whether this user's role opens anything at all."""
    return user.is_active and user.vouched_at is not None


def scope(user: User, permission: Permission) -> Scope | None:
    """The relation this user needs for this permission; None if the role does not grant it."""
    return roles.scope(user.role, permission) if trusted(user) else None


def lends(user: User, permission: Permission) -> bool:
    """Whether an emergency access in force gives this user this permission for its client."""
    return trusted(user) and roles.lends(user.role, permission)


def allows(user: User, permission: Permission, client_id: UUID) -> bool:
    """Both conditions, without a line on the trail: for what a page offers, not for deeds."""
    return _stands_in(user, permission, client_id)


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
    if client_id is not None and not _stands_in(user, permission, client_id):
        if scope(user, permission) is not None:
            hide(user, permission, client_id=client_id, subject_id=subject_id)
        _refuse(user, permission, client_id=client_id, subject_id=subject_id)
    if client_id is None and scope(user, permission) is None:
        _refuse(user, permission, subject_id=subject_id)
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


@contextmanager
def deed(
    user: User,
    permission: Permission,
    client_id: UUID | None,
    *,
    subject_id: UUID | None = None,
) -> Iterator[None]:
    """The transaction of a deed that waits for a lock. Whoever lost the relation or the role while
    they waited is refused inside it, which would take the denial back: it is recorded here."""
    try:
        with transaction.atomic():
            yield
    except (Denied, Hidden):
        audit.deny(permission, by=user, client_id=client_id, subject_id=subject_id)
        raise


def find(
    rows: QuerySet[M], row_id: UUID, user: User, permission: Permission, *, client: str = "client"
) -> M:
    """The row of that id that belongs to a client this user may do this to, or Denied, Hidden.

    `client` names the row's column of the client; "" where the row belongs to the practice.
    """
    row = None
    if scope(user, permission) is not None or lends(user, permission):
        row = rows.filter(pk=row_id, practice_id=user.practice_id).first()
    if row is None:
        require(user, permission, subject_id=row_id)
        hide(user, permission, client_id=None, subject_id=row_id)
    client_id = getattr(row, f"{client}_id") if client else None
    require(user, permission, client_id, subject_id=row_id)
    return row


def practice_of(user: User) -> Practice:
    """The user's practice. Raises Denied for a superuser, who has none."""
    if user.practice is None:
        raise Denied(_("You belong to no practice."))
    return user.practice


def visible_to(
    user: User,
    permission: Permission,
    rows: QuerySet[M],
    *,
    client: str = "client",
    of: UUID | None = None,
) -> QuerySet[M]:
    """Only the rows of clients this user may do this to. `client` is the column or "pk".

    `of` asks for one client's alone. An emergency access opens these and puts its client into no
    list of several.
    """
    needed = scope(user, permission)
    rows = rows.filter(practice_id=user.practice_id)
    if needed is Scope.PRACTICE:
        return rows if of is None else rows.filter(**{client: of})
    whose: Any = OuterRef(client) if of is None else of
    related = []
    if needed is Scope.CARE:
        related.append(Q(Exists(open_care().filter(user=user, client=whose))))
    if of is not None and lends(user, permission):
        related.append(Q(Exists(glass_broken(user).filter(client=of))))
    if not related:
        return rows.none()
    rows = rows.filter(reduce(or_, related))
    return rows if of is None else rows.filter(**{client: of})


def glass_broken(user: User) -> QuerySet[BreakGlass]:
    """The user's emergency accesses in force, by the database's clock."""
    rows = BreakGlass.objects.filter(user=user, role=user.role, ended_at=None)
    return rows.filter(expires_at__gt=Now()) if trusted(user) else rows.none()


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


def _refuse(
    user: User,
    permission: Permission,
    *,
    client_id: UUID | None = None,
    subject_id: UUID | None = None,
) -> NoReturn:
    audit.deny(permission, by=user, client_id=client_id, subject_id=subject_id)
    if not trusted(user) and not user.is_superuser:
        raise Denied(
            _("Nobody has vouched for your login yet. Tell your code to a colleague."),
            code="unvouched",
        )
    raise Denied(_("Your role does not allow this."))


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


def _stands_in(user: User, permission: Permission, client_id: UUID) -> bool:
    needed, lent = scope(user, permission), lends(user, permission)
    if needed in (None, Scope.OWN) and not lent:
        return False
    asked = {"user": user.pk, "role": user.role, "practice": user.practice_id, "client": client_id}
    row = ask(RELATION, asked)
    if row is None:
        return False
    in_care, broke_glass = row
    return (
        needed is Scope.PRACTICE
        or (needed is Scope.CARE and bool(in_care))
        or (lent and bool(broke_glass))
    )
