"""What the client confided. Only a confidant of the client reads it, a locked one its author only.

A disclosure is no part of the record: it has its own table and its own permission and no export of
the record carries it. Lists say that there is one and when, never what; its words, themes,
listening intent and distress are sealed, and each reading is one line on the trail. It is never
changed: a correction is a disclosure of its own that amends it. Each is pinned to the promise under
which it was said, the client's agreement in force at that moment; where there is none, the text is
kept all the same and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from uuid_utils.compat import uuid7

from clients_app import access, agreements, audit, blockers, clients, exceptions, texts, vault
from clients_app.errors import Invalid
from clients_app.models import User
from clients_app.roles import Permission
from sessions_app.models import Disclosure, ListeningIntent, TherapySession

MOST_THEMES = 20
LONGEST_THEME = 100
WORST_DISTRESS = 10
# What of the disclosures keeps a file that its rules would let go.
WRITTEN = blockers.Source(
    blockers.Kind.NEW_CONTENT,
    lambda _on: Disclosure.objects.all(),
    since="written_at",
    newer=True,
)


@dataclass(frozen=True, slots=True)
class OpenedDisclosure:
    """A disclosure with what it holds. Distress goes from 0 to 10, None where not asked."""

    disclosure: Disclosure
    text: str
    themes: Sequence[str]
    listening_intent: str
    first_told: bool
    distress_before: int | None
    distress_after: int | None


def readable(by: User) -> Q:
    """Which disclosures of a client that is open to this user: all but others' locked ones. One's
    own locked ones need an open care: no emergency access opens any."""
    in_care = access.open_care().filter(user=by, client=OuterRef("client"))
    return Q(locked=False) | Q(Exists(in_care), author=by)


def browse(
    *, by: User, client_id: UUID | None = None, session_id: UUID | None = None
) -> QuerySet[Disclosure]:
    """Metadata of the disclosures this user may read, newest first."""
    access.require(by, Permission.DISCLOSURE_READ, client_id, subject_id=client_id)
    rows = access.visible_to(
        by, Permission.DISCLOSURE_READ, Disclosure.objects.filter(readable(by)), of=client_id
    )
    if session_id is not None:
        rows = rows.filter(session_id=session_id)
    return rows.select_related("client", "author", "session").order_by("-id")


@sensitive_variables()
def read(disclosure_id: UUID, *, by: User) -> OpenedDisclosure:
    """A disclosure with its words."""
    disclosure = access.find(
        Disclosure.objects.filter(readable(by)).select_related(
            "client", "author", "session", "agreement__statement"
        ),
        disclosure_id,
        by,
        Permission.DISCLOSURE_READ,
    )
    with transaction.atomic():
        opened = vault.unseal_all(disclosure, vault.open_key(disclosure.client_id))
        audit.record(
            "disclosure.read",
            by=by,
            client_id=disclosure.client_id,
            subject_id=disclosure.pk,
        )
    return OpenedDisclosure(disclosure, **opened)


def amendments(disclosure_id: UUID, *, by: User) -> QuerySet[Disclosure]:
    """Metadata of what corrects a disclosure, the first correction first."""
    found = access.find(
        Disclosure.objects.filter(readable(by)), disclosure_id, by, Permission.DISCLOSURE_READ
    )
    rows = Disclosure.objects.filter(readable(by), amends=found)
    return rows.select_related("client", "author", "session").order_by("id")


@sensitive_variables()
def write(
    session_id: UUID,
    *,
    by: User,
    text: str,
    themes: Sequence[str] = (),
    listening_intent: str = ListeningIntent.UNSURE,
    first_told: bool = False,
    distress_before: int | None = None,
    distress_after: int | None = None,
    locked: bool = False,
    id: UUID | None = None,
    now: datetime | None = None,
) -> Disclosure:
    """Keep what the client confided in a session. Raises Invalid, or Conflict if discharged."""
    session = access.find(TherapySession.objects.all(), session_id, by, Permission.DISCLOSURE_WRITE)
    return _insert(
        session.pk,
        session.client_id,
        by,
        "disclosure.written",
        id=id,
        now=now,
        locked=locked,
        text=texts.checked("text", text),
        themes=_checked_themes(themes),
        listening_intent=_checked_intent(listening_intent),
        first_told=bool(first_told),
        distress_before=_checked_distress("distress_before", distress_before),
        distress_after=_checked_distress("distress_after", distress_after),
    )


@sensitive_variables()
def amend(disclosure_id: UUID, *, by: User, text: str) -> Disclosure:
    """Correct a disclosure by one that refers to it. The original stays, word for word."""
    found = access.find(
        Disclosure.objects.filter(readable(by)), disclosure_id, by, Permission.DISCLOSURE_WRITE
    )
    return _insert(
        found.session_id,
        found.client_id,
        by,
        "disclosure.amended",
        amends=found.amends_id or found.pk,
        locked=found.locked,
        text=texts.checked("text", text),
        themes=[],
        listening_intent=ListeningIntent.UNSURE.value,
        first_told=False,
        distress_before=None,
        distress_after=None,
    )


@sensitive_variables()
def _insert(
    session_id: UUID,
    client_id: UUID,
    by: User,
    event: str,
    *,
    locked: bool,
    amends: UUID | None = None,
    id: UUID | None = None,
    now: datetime | None = None,
    **content: object,
) -> Disclosure:
    moment = now or timezone.now()
    with access.deed(by, Permission.DISCLOSURE_WRITE, client_id, subject_id=amends or session_id):
        client = clients.lock_in_care(client_id)
        disclosure = Disclosure(
            id=id or uuid7(),
            practice_id=client.practice_id,
            client=client,
            session_id=session_id,
            author=by,
            amends_id=amends,
            agreement=agreements.in_force(client.pk, moment),
            written_at=moment,
            locked=locked,
        )
        vault.seal(disclosure, vault.open_key(client.pk), **content)
        disclosure.save(force_insert=True)
        audit.record(event, by=by, client_id=client.pk, subject_id=disclosure.pk)
    return disclosure


def _said(client_id: UUID, disclosure_id: UUID, by: User) -> bool:
    rows = Disclosure.objects.filter(readable(by), client_id=client_id)
    return rows.filter(pk=disclosure_id).exists()


def _checked_themes(themes: Sequence[str]) -> list[str]:
    checked = [texts.checked("themes", theme, longest=4 * LONGEST_THEME) for theme in themes]
    if len(checked) > MOST_THEMES:
        raise Invalid("themes", _("Name at most %(most)d themes.") % {"most": MOST_THEMES})
    return [theme.strip() for theme in checked]


def _checked_intent(value: str) -> str:
    if value not in ListeningIntent.values:
        raise Invalid("listening_intent", _("Choose one of the listed values."))
    return str(value)


def _checked_distress(field: str, value: int | None) -> int | None:
    if value is not None and not 0 <= value <= WORST_DISTRESS:
        raise Invalid(field, _("Give a number from 0 to 10, or nothing."))
    return value


exceptions.know(_said)
