"""Making dates that stand earlier: never by a rule alone, never by one person, never at once.

A new rule gives files a later date at once where it asks for one, and a retired one takes none
away. Only a *shortening* moves dates back to what the rules in force ask for. The privacy officer
proposes it, seeing how many files it moves and how many would be due; the practice manager, never
the one who proposed it, confirms that number; it takes effect seven days after it was proposed, at
the earliest, and can be withdrawn until then. What was not in force when it was proposed cannot
make it reach further: the rules of that day are weighed beside those of the day on which it takes
effect, and the latest date governs. A file whose date was made earlier is destroyed only with a
second person's word (`approvals`).
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app import access, audit, keeping, retention, wall
from clients_app.errors import Conflict
from clients_app.models import Practice, RetentionRule, Shortening, User
from clients_app.roles import Permission

WAIT = timedelta(days=7)


def browse(*, by: User) -> QuerySet[Shortening]:
    """The practice's shortenings, newest first."""
    access.require(by, Permission.RULE_READ)
    rows = access.visible_to(by, Permission.RULE_READ, Shortening.objects.all())
    people = ("proposed_by", "confirmed_by", "withdrawn_by")
    return rows.select_related(*people).order_by("-proposed_at", "pk")


def read(shortening_id: UUID, *, by: User) -> Shortening:
    """One shortening."""
    rows = Shortening.objects.select_related("proposed_by", "confirmed_by", "withdrawn_by")
    return access.find(rows, shortening_id, by, Permission.RULE_READ, client="")


def propose(*, by: User, now: datetime | None = None) -> Shortening:
    """Ask that dates which stand are moved back to what the rules in force say. Raises Conflict
    where no file would end sooner, or one is proposed already."""
    access.require(by, Permission.RULE_DECIDE)
    practice, moment = access.practice_of(by), now or timezone.now()
    with transaction.atomic():
        Practice.objects.select_for_update().get(pk=practice.pk)
        if Shortening.objects.filter(practice=practice, ended_at=None).exists():
            raise Conflict(_("A shortening waits already. Withdraw it before you propose another."))
        rules = retention.in_force(practice.pk)
        effect = keeping.compare(practice, rules, now=moment)
        if not effect.sooner:
            raise Conflict(_("No file would end sooner than it does."))
        made = Shortening.objects.create(
            practice=practice,
            rule_ids=[str(rule.pk) for rule in rules],
            files=effect.sooner,
            due=effect.due,
            proposed_at=moment,
            proposed_by=by,
            effective_at=moment + WAIT,
        )
        audit.record(
            "shortening.proposed",
            by=by,
            subject_id=made.pk,
            files=effect.sooner,
            due=effect.due,
        )
    return made


def confirm(shortening_id: UUID, *, by: User, files: int) -> Shortening:
    """The second person's word on so many files. Raises Conflict for another number than was
    proposed, and for whoever proposed it."""
    found = access.find(
        Shortening.objects.all(), shortening_id, by, Permission.RULE_SECOND, client=""
    )
    with transaction.atomic():
        row = _open(found)
        if row.confirmed_at is not None:
            raise Conflict(_("This shortening is confirmed already."))
        if row.proposed_by_id == by.pk:
            raise Conflict(_("You proposed this yourself. Somebody else has to look at it."))
        if row.files != files:
            raise Conflict(
                _("It moves %(now)d files. Look at it again, then confirm.") % {"now": row.files}
            )
        row.confirmed_at, row.confirmed_by = timezone.now(), by
        row.save(update_fields=["confirmed_at", "confirmed_by"])
        audit.record("shortening.confirmed", by=by, subject_id=row.pk, files=files)
    return row


def withdraw(shortening_id: UUID, *, by: User) -> Shortening:
    """Take it back before it takes effect; every date stays as it stands."""
    found = access.find(
        Shortening.objects.all(), shortening_id, by, Permission.RULE_DECIDE, client=""
    )
    with transaction.atomic():
        row = _open(found)
        row.withdrawn_by, row.ended_at = by, timezone.now()
        row.save(update_fields=["withdrawn_by", "ended_at"])
        audit.record("shortening.withdrawn", by=by, subject_id=row.pk)
    return row


@wall.system("shortenings")
def take_effect(*, now: datetime) -> int:
    """Carry out what is confirmed and has waited long enough, in every practice; how many files
    end sooner. Done twice it changes nothing more."""
    due = Shortening.objects.filter(
        ended_at=None, confirmed_at__isnull=False, effective_at__lte=now
    )
    return sum(_take_effect(pk, now) for pk in list(due.values_list("pk", flat=True)))


def _take_effect(shortening_id: UUID, now: datetime) -> int:
    with transaction.atomic():
        row = (
            Shortening.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("practice")
            .filter(pk=shortening_id, ended_at=None)
            .first()
        )
        if row is None:
            return 0
        retention.wait_for_rules(row.practice_id)
        asked = Q(pk__in=row.rule_ids) | Q(retired_at=None)
        rules = list(RetentionRule.objects.filter(asked, practice_id=row.practice_id))
        moved = keeping.shorten(row.practice, rules, now=now)
        row.ended_at = now
        row.save(update_fields=["ended_at"])
        audit.record(
            "shortening.done",
            by=None,
            practice_id=row.practice_id,
            subject_id=row.pk,
            files=moved,
        )
    return moved


def _open(found: Shortening) -> Shortening:
    row = Shortening.objects.select_for_update().get(pk=found.pk)
    if row.ended_at is not None:
        raise Conflict(_("This shortening is over."))
    return row
