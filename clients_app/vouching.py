"""Nobody comes to what clients confide by one person's word.

A login opens nothing of a practice before somebody of that practice has vouched for it: another
manager, or the privacy officer, who is not the one that made it. So whoever makes logins (a
manager, or whoever runs the server) cannot let themselves in by one of their own making, and
cannot become somebody else by giving that person a new link or having their second factor
forgotten: then, and with every new role, somebody has to vouch again. Four eyes, as in NIST SP
800-53 AC-3(2) (dual authorization).

How one knows for whom one vouches: whoever came in with password and second factor sees a code of
eight digits and tells it to a colleague who knows them, in person or by a voice they know; the
colleague types it. It is made of what opens this login, so it is another one as soon as the
password, a factor or the role is another. Without having come in nobody has one.

Everybody who introduced the login since it was last vouched for is out of the question: who made
it, who gave it a role, who had its link in hand. A practice begins with one person: as long as it
has no client and nobody else who could vouch, its logins need nobody. Where the only one who could
vouch is gone, the operator's command line does it (`manage.py vouch`); the admin offers that to
nobody.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, roles, second_factor, texts, wall
from clients_app.errors import Conflict, Hidden, Invalid, Refused
from clients_app.models import Client, Practice, User
from clients_app.roles import Permission, Role

DIGITS = 8
VOUCHERS = [role for role in Role if roles.scope(role, Permission.USER_VOUCH)]
FIELDS = ("vouched_at", "vouched_by", "introduced_by")


def founds(practice: Practice, *, by: User | None) -> bool:
    """Whether a login made now needs nobody to vouch for it."""
    if by is None:
        return True
    with wall.system("vouching"):  # whoever runs the server sees no client
        has_clients = Client.objects.filter(practice=practice).exists()
    return not has_clients and not _vouchers(practice, but=[by.pk]).exists()


def introduced(user: User, *, by: User) -> None:
    """`by` gave this login away, or gave it a role: what it could open waits for somebody else.

    The caller has locked the row and saves `FIELDS` in the same transaction.
    """
    before = user.introduced_by if user.vouched_at is None else []
    user.introduced_by = sorted({*before, by.pk})
    if user.vouched_at is not None:
        user.vouched_at = user.vouched_by = None
        _recorded("user.unvouched", user, by)


def code(user: User) -> str:
    """What somebody who waits tells a colleague: eight digits, "1234 5678"."""
    factors = ",".join(str(pk) for pk in second_factor.ids_of(user))
    made_of = f"{user.pk}|{user.password}|{user.role}|{factors}"
    digest = salted_hmac("clients_app.vouching", made_of, algorithm="sha256").digest()
    digits = f"{int.from_bytes(digest[:8]) % 10**DIGITS:0{DIGITS}}"
    return f"{digits[:4]} {digits[4:]}"


def whom_to_ask(user: User) -> QuerySet[User]:
    """The colleagues who could vouch for this login, by name."""
    but = [user.pk, *user.introduced_by]
    return _vouchers(user.practice, but=but).order_by("name", "pk")


def waiting(*, by: User) -> QuerySet[User]:
    """The logins for which this user could vouch, by name."""
    access.require(by, Permission.USER_READ)
    rows = _logins().filter(practice=access.practice_of(by), is_active=True, vouched_at=None)
    return rows.exclude(introduced_by__contains=[by.pk]).order_by("name", "pk")


def vouch(user_id: UUID, *, by: User, code: str) -> User:
    """Say that this login belongs to whom it names. From their next request on their role holds.

    Raises Conflict for a login that one introduced, that is vouched for already, or whose owner
    has not come in yet; Invalid for a code that is not the one they see now.
    """
    found = access.find(_logins(), user_id, by, Permission.USER_VOUCH, client="")
    refused = _against(found, by, code)
    if refused is not None:
        audit.deny(Permission.USER_VOUCH, by=by, subject_id=found.pk, reason=refused.code)
        raise refused
    with transaction.atomic():
        user = _logins().select_for_update().get(pk=found.pk)
        refused = _against(user, by, code)
        if refused is not None:
            raise refused
        return _vouched(user, by)


def vouch_as_operator(email: str) -> User:
    """Where the practice has nobody else: for the operator's command line alone. Raises Hidden."""
    with transaction.atomic():
        user = _logins().select_for_update().filter(email=texts.plain_email(email)).first()
        if user is None:
            raise Hidden(_("There is no such login."))
        return user if user.vouched_at else _vouched(user, None)


def _logins() -> QuerySet[User]:
    return User.objects.filter(is_superuser=False)


def _vouchers(practice: Practice | None, *, but: Sequence[UUID]) -> QuerySet[User]:
    rows = User.objects.filter(practice=practice, role__in=VOUCHERS, is_active=True)
    return rows.exclude(pk__in=but).exclude(vouched_at=None)


def _against(user: User, by: User, typed: str) -> Refused | None:
    """What speaks against it, if anything."""
    if by.pk in user.introduced_by:
        return Conflict(
            _("You had a hand in this login. Somebody else has to vouch for it."),
            code="own_work",
        )
    if user.vouched_at is not None:
        return Conflict(_("Somebody has vouched for this login already."), code="vouched")
    if not user.has_usable_password() or not second_factor.has_one(user):
        return Conflict(
            _("They have not come in yet. When they have, they see a code to tell you."),
            code="not_come_in",
        )
    digits = "".join(sign for sign in typed if sign.isdecimal())
    if not constant_time_compare(digits, code(user).replace(" ", "")):
        return Invalid(
            "code",
            _("This is not the code that they see now. Let them read it out once more."),
            code="wrong_code",
        )
    return None


def _vouched(user: User, by: User | None) -> User:
    user.vouched_at, user.vouched_by = timezone.now(), by
    user.save(update_fields=FIELDS)
    _recorded("user.vouched", user, by)
    return user


def _recorded(event: str, user: User, by: User | None) -> None:
    audit.record(event, by=by, practice_id=user.practice_id, subject_id=user.pk, role=user.role)
