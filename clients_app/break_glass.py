"""Emergency access: what the practice allows when a client is in danger and no confidant is there.

The policy, for a privacy officer. A counsellor who is not in the client's care, or a supervisor,
may open one client's file by the client's code, saying why in their own words. It is open for
fifteen minutes by the database's clock, to that one person in that one role, for reading only, and
never a disclosure that its author locked: not even that there is one. Nothing can be written,
exported, handed on or looked up on the trail under it. It ends at once when it is given back, when
the privacy officer ends it, and when the login is disabled or changes its role.

It costs something. The client's confidants and the practice's privacy officers are told at once
(`alerts`), each line that it leaves on the trail is marked with it (`audit.INSERT`), and somebody
else must review it: until then it stands on their page and ages, and after three days it counts as
overdue. Whoever has three that wait for a review, or had five in a day, opens no more until the
privacy officer has looked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now, TruncMonth
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, alerts, audit, texts, vault, wall
from clients_app.errors import Conflict, Denied, Hidden, Invalid
from clients_app.models import AuditEvent, BreakGlass, Client, Finding, Reason, User
from clients_app.pipeline import ask
from clients_app.roles import Permission

LIFE = BreakGlass.LIFE
OVERDUE = timedelta(hours=72)
RECENT = timedelta(days=14)
MOST_UNREVIEWED = 3
MOST_A_DAY = 5
DAY = timedelta(days=1)
SHORTEST, LONGEST, FEWEST_WORDS = 20, 2000, 4
WORD = re.compile(r"[^\W\d_]{2,}")
MONTHS = 12


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """An emergency access with the words of who opened it and of who reviewed it, if anybody."""

    access: BreakGlass
    reason: str
    review: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait for a review, and how many of these for too long."""

    unreviewed: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How often the glass was broken in the last twelve months, and what waits."""

    waiting: Waiting
    by_month: Mapping[date, int]
    by_reason: Mapping[str, int]
    by_person: Mapping[User, int]


@sensitive_variables()
def request(
    code: str, *, by: User, reason_code: str, text: str, now: datetime | None = None
) -> BreakGlass:
    """Open the file with that code for fifteen minutes.

    Raises Invalid for a code that leads to nobody here and for a reason that says too little,
    Conflict if it is not needed or the requester has opened too many.
    """
    access.require(by, Permission.BREAK_GLASS_REQUEST)
    practice = access.practice_of(by)
    if reason_code not in Reason.values:
        raise Invalid("reason_code", _("Choose one of the listed values."))
    reason = _checked_reason(text)
    with wall.system("break_glass"):  # who asks does not see this client yet
        client = Client.objects.filter(practice=practice, code__iexact=code.strip()).first()
    if client is None:
        audit.deny(Permission.BREAK_GLASS_REQUEST, by=by)
        raise Invalid("code", _("No client here has this code."))
    asked = access.deed(by, Permission.BREAK_GLASS_REQUEST, client.pk, subject_id=client.pk)
    with wall.system("break_glass"), asked:
        # One request of a person after the other, so that the limits hold; and of who they are now.
        asker = User.objects.select_for_update().get(pk=by.pk)
        if access.scope(asker, Permission.BREAK_GLASS_REQUEST) is None:
            raise Denied(_("Your role does not allow this."))
        moment = now or _clock()
        _check_needed(client, by)
        _check_limits(by, moment)
        key = vault.open_key(client.pk)
        opened = BreakGlass(
            practice=practice,
            client=client,
            user=by,
            role=asker.role,
            reason_code=reason_code,
            opened_at=moment,
            expires_at=moment + LIFE,
            alert_due_at=moment,
        )
        vault.seal(opened, key, reason=reason, review=None)
        opened.save(force_insert=True)
        audit.record(
            "break_glass.opened",
            by=by,
            client_id=client.pk,
            subject_id=opened.pk,
            reason=audit.BREAK_GLASS,
            break_glass=opened.pk,
            ground=reason_code,
        )
        transaction.on_commit(lambda: alerts.wake(opened.pk))
    wall.caseload_changed()
    return opened


def look(access_id: UUID, *, by: User) -> BreakGlass:
    """One that concerns this user, without the words: their own, of their client, or any of the
    practice's for the privacy officer."""
    row = _visible(by).filter(pk=access_id).first()
    if row is None:
        access.hide(by, Permission.BREAK_GLASS_REVIEW, client_id=None, subject_id=access_id)
    return row


def give_back(access_id: UUID, *, by: User) -> BreakGlass:
    """End one's own before its time, or anybody's for the privacy officer; over already, it stays
    as it is."""
    found = look(access_id, by=by)
    if found.user_id != by.pk:
        access.require(by, Permission.BREAK_GLASS_REVIEW, found.client_id, subject_id=access_id)
    with transaction.atomic():
        row = BreakGlass.objects.select_for_update().get(pk=found.pk)
        _end(row, by, _clock())
    return look(access_id, by=by)


@wall.system("break_glass")
def end_all(user: User, *, by: User) -> None:
    """The login is disabled or has another role: what it had open ends. In the caller's
    transaction."""
    moment = _clock()
    for row in BreakGlass.objects.select_for_update().filter(user=user, expires_at__gt=moment):
        _end(row, by, moment)


def in_force(*, by: User) -> list[BreakGlass]:
    """What this user has open now without being in care, the newest first."""
    if access.scope(by, Permission.BREAK_GLASS_REQUEST) is None:
        return []
    in_care = access.open_care().filter(user=by, client=OuterRef("client"))
    rows = access.glass_broken(by).exclude(Exists(in_care)).select_related("client")
    return list(rows.order_by("-opened_at"))


def browse(*, by: User, unreviewed: bool = False) -> QuerySet[BreakGlass]:
    """The practice's for the privacy officer; for others their own and those of their clients.
    Newest first, without the words."""
    rows = _visible(by)
    if unreviewed:
        rows = rows.filter(reviewed_at=None)
    return rows.order_by("-opened_at", "pk")


def concerning(*, by: User) -> QuerySet[BreakGlass]:
    """Others' to the files of this user's clients: what waits for a review and, for two weeks, what
    it came to; newest first."""
    rows = _visible(by).exclude(user=by)
    rows = rows.filter(Q(reviewed_at=None) | Q(reviewed_at__gt=Now() - RECENT))
    return rows.order_by("-opened_at", "pk")


def waiting(*, by: User) -> QuerySet[BreakGlass]:
    """What waits for a review, the oldest first."""
    access.require(by, Permission.BREAK_GLASS_REVIEW)
    return _visible(by).filter(reviewed_at=None).order_by("opened_at", "pk")


def headline(*, by: User) -> Waiting:
    """How many wait, and how many of these for too long: for menus, without a line."""
    if access.scope(by, Permission.BREAK_GLASS_REVIEW) is None:
        return Waiting(0, 0)
    rows = BreakGlass.objects.filter(practice=access.practice_of(by), reviewed_at=None)
    found = rows.aggregate(
        unreviewed=Count("pk"), overdue=Count("pk", filter=Q(opened_at__lte=Now() - OVERDUE))
    )
    return Waiting(**found)


def is_open(row: BreakGlass) -> bool:
    """For what a page shows; what it opens, `access` decides by the database's clock."""
    return row.ended_at is None and row.expires_at > timezone.now()


def is_overdue(row: BreakGlass) -> bool:
    """Unreviewed for longer than three days."""
    return row.reviewed_at is None and row.opened_at <= timezone.now() - OVERDUE


def counts(*, by: User) -> Counts:
    """The figures of the last twelve months."""
    access.require(by, Permission.BREAK_GLASS_REVIEW)
    practice = access.practice_of(by)
    since = timezone.now() - timedelta(days=31 * MONTHS)
    rows = BreakGlass.objects.filter(practice=practice, opened_at__gte=since)

    def tally(name: str) -> dict[Any, int]:
        return dict(rows.values_list(name).annotate(Count("pk")).order_by("-pk__count", name))

    months = rows.annotate(month=TruncMonth("opened_at")).values_list("month")
    users = tally("user")
    people = User.objects.in_bulk(users)
    return Counts(
        headline(by=by),
        {month.date(): n for month, n in months.annotate(Count("pk")).order_by("-month")},
        {str(code): n for code, n in tally("reason_code").items()},
        {people[pk]: n for pk, n in users.items()},
    )


@sensitive_variables()
def read(access_id: UUID, *, by: User) -> OpenedRequest:
    """One of them with the words of who opened it, for whoever has to judge it."""
    found = _to_review(access_id, by)
    with transaction.atomic():
        words = vault.unseal_all(found, vault.open_key(found.client_id))
        audit.record("break_glass.read", by=by, client_id=found.client_id, subject_id=found.pk)
    return OpenedRequest(found, **words)


def readings(access_id: UUID, *, by: User) -> QuerySet[AuditEvent]:
    """What was done under it and what was refused, in the order of time."""
    found = _to_review(access_id, by)
    with transaction.atomic():
        audit.record("trail.read", by=by, client_id=found.client_id, subject_id=found.pk)
    return AuditEvent.objects.filter(
        practice_id=found.practice_id, reason=audit.BREAK_GLASS, detail__break_glass=str(found.pk)
    ).order_by("id")


@sensitive_variables()
def review(access_id: UUID, *, by: User, finding: str, text: str) -> BreakGlass:
    """Say what it was. Raises Conflict while it is open, if it is reviewed, or for one's own."""
    found = _to_review(access_id, by)
    if finding not in Finding.values:
        raise Invalid("finding", _("Choose one of the listed values."))
    texts.checked("text", text, longest=10_000)
    if found.user_id == by.pk:
        raise Conflict(_("Nobody reviews their own emergency access. Ask a colleague."))
    with transaction.atomic():
        row = BreakGlass.objects.select_for_update().filter(pk=found.pk).first()
        if row is None:
            raise Hidden(_("This file is destroyed already."))
        if row.reviewed_at is not None:
            raise Conflict(_("This emergency access is reviewed already."))
        moment = _clock()
        if row.ended_at is None and row.expires_at > moment:
            raise Conflict(_("It is still open. End it first, or wait until it is over."))
        key = vault.open_key(row.client_id)
        reason = vault.unseal(row, key, "reason")
        row.reviewed_at, row.reviewed_by, row.finding = moment, by, finding
        vault.seal(row, key, reason=reason, review=text)
        row.save(update_fields=["reviewed_at", "reviewed_by", "finding", "reason", "review"])
        audit.record(
            "break_glass.reviewed",
            by=by,
            client_id=row.client_id,
            subject_id=row.pk,
            finding=finding,
        )
    return _to_review(access_id, by)


def _visible(by: User) -> QuerySet[BreakGlass]:
    """Without the step-up of a request: whoever looks at their own opens nothing."""
    if access.scope(by, Permission.BREAK_GLASS_REQUEST) is None:
        access.require(by, Permission.BREAK_GLASS_REVIEW)
    rows = BreakGlass.objects.filter(practice=access.practice_of(by))
    rows = rows.select_related("client", "user", "reviewed_by")
    if access.scope(by, Permission.BREAK_GLASS_REVIEW) is not None:
        return rows
    in_care = access.open_care().filter(user=by, client=OuterRef("client"))
    return rows.filter(Q(user=by) | Q(Exists(in_care)))


def _to_review(access_id: UUID, by: User) -> BreakGlass:
    rows = BreakGlass.objects.select_related("client", "user", "reviewed_by")
    return access.find(rows, access_id, by, Permission.BREAK_GLASS_REVIEW)


def _check_needed(client: Client, by: User) -> None:
    if access.open_care().filter(client=client, user=by).exists():
        raise Conflict(_("You are this client’s confidant: open the file as always."))
    if access.glass_broken(by).filter(client=client).exists():
        raise Conflict(_("You have this file open already."))


def _check_limits(by: User, moment: datetime) -> None:
    own = BreakGlass.objects.filter(user=by)
    if own.filter(reviewed_at=None).count() >= MOST_UNREVIEWED:
        raise Conflict(
            _(
                "%(n)d emergency accesses of yours wait for a review. Ask the privacy officer to "
                "review them; in danger to life call the emergency services."
            )
            % {"n": MOST_UNREVIEWED},
            code="too_many_unreviewed",
        )
    if own.filter(opened_at__gt=moment - DAY).count() >= MOST_A_DAY:
        raise Conflict(
            _(
                "You had %(n)d emergency accesses in a day. Ask the privacy officer; in danger to "
                "life call the emergency services."
            )
            % {"n": MOST_A_DAY},
            code="too_many_today",
        )


@sensitive_variables()
def _checked_reason(text: str) -> str:
    texts.checked("text", text)
    if not SHORTEST <= len(text.strip()) <= LONGEST or len(WORD.findall(text)) < FEWEST_WORDS:
        raise Invalid(
            "text",
            _("Say in a few words why it cannot wait: %(least)d to %(most)d characters.")
            % {"least": SHORTEST, "most": LONGEST},
        )
    return text


def _end(row: BreakGlass, by: User, moment: datetime) -> None:
    if row.ended_at is None and row.expires_at > moment:
        row.ended_at = moment
        row.save(update_fields=["ended_at"])
        audit.record(
            "break_glass.ended",
            by=by,
            practice_id=row.practice_id,
            client_id=row.client_id,
            subject_id=row.pk,
        )


def _clock() -> datetime:
    """The database's, the one that decides whether it is in force."""
    row = ask("SELECT statement_timestamp()")
    if row is None:
        raise RuntimeError("the database has no clock")
    moment: datetime = row[0]
    return moment
