"""What keeps a file that its rules would let go: the one list of it, and how it is looked up.

A file whose last day is past is destroyed only where nothing of this stands against it:

* a legal hold that nobody has lifted;
* something the client asked for and has no answer to: access to the file (GDPR Art. 15),
  restriction of processing (Art. 18), a complaint;
* a counsellor's word that it should stay a while longer (`snoozes`);
* a note that nobody has signed: it would be lost before it is true;
* something that was written after the file was proposed: whoever decides has not considered it.

Each is a *source*: the rows that keep their client's file, and the columns that say since when and
until when. A list of due files, the explanation of one, and the last look under the client's lock
before it is destroyed are all made of these, so that they cannot differ. `sessions_app` adds its
own (`know`), for this app does not know what was said. However many files are asked about, it is
one query where nothing keeps any, and one more for each source where something does. Only that
something stands there is told, never a word of it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import retention, wall
from clients_app.models import (
    Asked,
    Client,
    ClientRequest,
    LegalHold,
    Practice,
    PurgeItem,
    PurgeRun,
    PurgeSnooze,
)

Rows = QuerySet[Any, Any]


class Kind(TextChoices):
    """What can stand against the end of a file."""

    LEGAL_HOLD = "legal_hold", _("legal hold")
    RESTRICTION = "restriction", _("restriction of processing")
    ACCESS_REQUEST = "access_request", _("open access request")
    COMPLAINT = "complaint", _("open complaint")
    SNOOZED = "snoozed", _("snoozed by a counsellor")
    UNSIGNED_NOTE = "unsigned_note", _("unsigned note")
    NEW_CONTENT = "new_content", _("written since the proposal")


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that keep the file of their client. `since`, `until`: columns of these rows. `newer`:
    only those whose `since` is after the file was proposed count."""

    kind: Kind
    rows: Callable[[date], Rows]
    since: str
    until: str = ""
    newer: bool = False


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that stands against the end of one file."""

    kind: Kind
    since: date | None = None
    until: date | None = None


_sources: list[Source] = []


def know(source: Source) -> None:
    """Add what keeps a file. For apps that keep more about a client, when they are ready."""
    _sources.append(source)


@wall.system("blockers")
def of(
    client_ids: Collection[UUID],
    *,
    practice: Practice,
    now: datetime,
    proposed: Mapping[UUID, datetime] | None = None,
) -> dict[UUID, list[Blocker]]:
    """What stands now against the end of these files of one practice; files that nothing keeps are
    not in it. `proposed`: when each came into a run, where it did."""

    def day(moment: date | datetime | None) -> date | None:
        return retention.local_day(practice, moment) if isinstance(moment, datetime) else moment

    moments, on = proposed or {}, retention.local_day(practice, now)
    earliest = min(moments.values(), default=None)
    # Most files have nothing: one query says so, and only the rest is looked at source by source.
    suspects = Client.objects.filter(_standing(on, earliest), pk__in=client_ids)
    asked = list(suspects.values_list("pk", flat=True))
    found: dict[UUID, dict[Kind, Blocker]] = {}
    for source in _sources if asked else ():
        rows = _rows(source, on, earliest).filter(client_id__in=asked)
        columns = ("client_id", source.since, *([source.until] if source.until else []))
        for client_id, since, *until in rows.order_by(source.since).values_list(*columns):
            if source.newer and not (client_id in moments and since > moments[client_id]):
                continue
            # The oldest of its kind says it.
            known = found.setdefault(client_id, {})
            known.setdefault(source.kind, Blocker(source.kind, day(since), *map(day, until)))
    order = {kind: place for place, kind in enumerate(Kind)}
    return {
        client_id: sorted(kinds.values(), key=lambda one: order[one.kind])
        for client_id, kinds in found.items()
    }


def against(client: Client, *, now: datetime) -> list[Blocker]:
    """What stands against the end of one file, whether its day has come or not. In care a draft is
    everyday work and stands against nothing."""
    in_hand = PurgeItem.objects.filter(
        run__practice_id=client.practice_id,
        run__status__in=PurgeRun.OPEN,
        status=PurgeItem.Status.PENDING,
        client_id=client.pk,
    )
    moments = dict(in_hand.values_list("client_id", "proposed_at"))
    found = of([client.pk], practice=client.practice, now=now, proposed=moments).get(client.pk, [])
    in_care = client.discharged_on is None
    return [one for one in found if not (in_care and one.kind is Kind.UNSIGNED_NOTE)]


def kept(rows: QuerySet[Client], *, on: date) -> QuerySet[Client]:
    """Those of these clients whose file something keeps, whatever was proposed. Asks only what the
    reader's wall shows: for the system's eyes (`wall.system`)."""
    return rows.filter(_standing(on))


def free(rows: QuerySet[Client], *, on: date) -> QuerySet[Client]:
    """Those of these clients whose file nothing keeps. As `kept`."""
    return rows.filter(~_standing(on))


def sentences(blockers: Iterable[Blocker]) -> list[str]:
    """Why a file is kept although its day may come, as a client would understand it."""
    return [sentence(blocker) for blocker in blockers]


def sentence(blocker: Blocker) -> str:
    since = date_format(blocker.since) if blocker.since else ""
    match blocker.kind:
        case Kind.LEGAL_HOLD:
            said = gettext(
                "A legal hold of %(day)s forbids to destroy the file until somebody lifts it."
            )
        case Kind.RESTRICTION:
            said = gettext(
                "The client asked on %(day)s that the file is kept and not used (GDPR Art. 18): it "
                "stays until that restriction is lifted."
            )
        case Kind.ACCESS_REQUEST:
            said = gettext(
                "The client asked on %(day)s to see the file (GDPR Art. 15): it stays until they "
                "have an answer."
            )
        case Kind.COMPLAINT:
            said = gettext("A complaint of %(day)s is open: the file stays until it is settled.")
        case Kind.SNOOZED:
            said = gettext(
                "A counsellor asked on %(day)s to keep the file a while longer, to the end of "
                "%(until)s."
            )
        case Kind.UNSIGNED_NOTE:
            said = gettext(
                "A note begun on %(day)s is not signed: the file stays until its author signs it."
            )
        case Kind.NEW_CONTENT:
            said = gettext(
                "Something was written on %(day)s, after the file was proposed for destruction: it "
                "stays until the next proposal."
            )
    return said % {"day": since, "until": date_format(blocker.until) if blocker.until else ""}


def _standing(on: date, proposed: datetime | None = None) -> Q:
    """Of a client: something keeps the file, or was written since that moment."""
    standing = Q()
    for source in _sources:
        standing |= Q(Exists(_rows(source, on, proposed).filter(client_id=OuterRef("pk"))))
    return standing


def _rows(source: Source, on: date, proposed: datetime | None) -> Rows:
    rows = source.rows(on)
    if not source.newer:
        return rows
    return rows.filter(**{f"{source.since}__gt": proposed}) if proposed else rows.none()


def _undecided(asked: Asked) -> Callable[[date], QuerySet[ClientRequest]]:
    return lambda _on: ClientRequest.objects.filter(kind=asked, decided_at=None)


know(
    Source(
        Kind.LEGAL_HOLD,
        lambda _on: LegalHold.objects.filter(lifted_at=None),
        since="placed_at",
        until="until",
    )
)
for _kind, _asked in (
    (Kind.RESTRICTION, Asked.RESTRICTION),
    (Kind.ACCESS_REQUEST, Asked.ACCESS),
    (Kind.COMPLAINT, Asked.COMPLAINT),
):
    know(Source(_kind, _undecided(_asked), since="received_on", until="due_on"))
know(
    Source(
        Kind.SNOOZED,
        lambda on: PurgeSnooze.objects.filter(ended_at=None, until__gte=on),
        since="made_at",
        until="until",
    )
)
