"""Release to supervision: an excerpt under a pseudonym, for one supervisor, for a few days.

The counsellor in care chooses a note or a disclosure (a locked one only its author), edits its text
and gives the client another name. Neither may show who the client is: the pseudonym is refused if
it does, the text unless the counsellor says that it shall stay. It needs the client's consent and a
ground on record (`grounds`). Both are sealed under the client's own key, like what they come from.

The supervisor reads the pseudonym and the text, from whom, and until when: no code, no id of the
client or of what it was taken from. What expired, was revoked or was released to somebody else is
not there. It also ends with the author's care of the client: whoever shared it must be able to
answer for it, and a counsellor who takes over asks the client anew. And it ends when the client
takes back the agreement on which it went out, unless an exception carries it too. Every reading is
on the trail of the client, and the counsellors in care see when it was.

Releasing asks for a second factor given lately; taking back never does, so that it can be done at
once: whoever may write disclosures of the client may revoke.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    Max,
    OuterRef,
    Q,
    QuerySet,
)
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, agreements, audit, clients, facts, grounds, texts, vault, wall
from clients_app.errors import Conflict, Invalid
from clients_app.models import AuditEvent, Client, User
from clients_app.roles import Permission, Role
from sessions_app import disclosures, notes
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt

DAYS = 14
MOST_DAYS = 90
LONGEST_PSEUDONYM = 100
READ = "excerpt.read"


@dataclass(frozen=True, slots=True)
class OpenedExcerpt:
    """An excerpt as its reader has it."""

    excerpt: SupervisionExcerpt
    pseudonym: str
    text: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """What was released to a supervisor, newest first; `after` asks for the next page, if any."""

    excerpts: list[tuple[SupervisionExcerpt, str]]
    after: UUID | None


def supervisors(*, by: User) -> QuerySet[User]:
    """The supervisors of the practice, to choose from: those for whom somebody vouched."""
    if by.practice_id is None:
        return User.objects.none()
    rows = User.objects.filter(practice_id=by.practice_id, role=Role.SUPERVISOR, is_active=True)
    return rows.exclude(vouched_at=None).order_by("name", "pk")


@sensitive_variables()
def release(
    client_id: UUID,
    *,
    by: User,
    text: str,
    pseudonym: str,
    supervisor: UUID,
    consent_how: str,
    note: UUID | None = None,
    disclosure: UUID | None = None,
    consented_at: datetime | None = None,
    days: int = DAYS,
    names_confirmed: bool = False,
    exception: UUID | None = None,
    now: datetime | None = None,
) -> SupervisionExcerpt:
    """Release an excerpt of a note or a disclosure of this client.

    Raises Invalid; Conflict if there is no ground on record, if the client is discharged, or with
    the code `names` if the text shows who the client is and that was not confirmed.
    """
    access.require(by, Permission.EXCERPT_RELEASE, client_id, subject_id=note or disclosure)
    moment = now or timezone.now()
    source = _source(client_id, note, disclosure, by)
    reader = supervisors(by=by).filter(pk=supervisor).first()
    if reader is None:
        raise Invalid("supervisor", _("Choose a supervisor of this practice."))
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("days", _("Give a number of days from 1 to 90."))
    excerpt = SupervisionExcerpt(
        note=source if isinstance(source, SessionNote) else None,
        disclosure=source if isinstance(source, Disclosure) else None,
        author=by,
        supervisor=reader,
        consented_at=agreements.checked_past("consented_at", consented_at, moment),
        consent_how=agreements.checked_how("consent_how", consent_how),
        released_at=moment,
        expires_at=moment + timedelta(days=days),
    )
    excerpt.stands = True
    texts.checked("text", text)
    texts.checked("pseudonym", pseudonym, longest=LONGEST_PSEUDONYM)
    with access.deed(by, Permission.EXCERPT_RELEASE, client_id, subject_id=source.pk):
        client = clients.lock_in_care(client_id)
        found = grounds.require(client.pk, at=moment, exception_id=exception)
        excerpt.agreement, excerpt.exception = found.agreement, found.exception
        key = vault.open_key(client.pk)
        _check_anonymous(client, key, text, pseudonym, names_confirmed)
        excerpt.practice_id, excerpt.client = client.practice_id, client
        vault.seal(excerpt, key, text=text, pseudonym=pseudonym)
        excerpt.save(force_insert=True)
        audit.record(
            "excerpt.released",
            by=by,
            client_id=client.pk,
            subject_id=excerpt.pk,
            supervisor=reader.pk,
            until=excerpt.expires_at,
            names_confirmed=names_confirmed,
        )
    return excerpt


def of_client(client_id: UUID, *, by: User) -> QuerySet[SupervisionExcerpt]:
    """What was released of this client, newest first, without its words: to the confidants,
    except what another took out of a draft or a locked disclosure."""
    access.require(by, Permission.DISCLOSURE_WRITE, client_id, subject_id=client_id)
    return _releases(by).filter(client_id=client_id).order_by("-id")


def readings(client_id: UUID, *, by: User) -> Mapping[UUID, datetime]:
    """When each excerpt of this client was last read by its supervisor, as the trail has it."""
    access.require(by, Permission.DISCLOSURE_WRITE, client_id, subject_id=client_id)
    rows = AuditEvent.objects.filter(client_id=client_id, event=READ, denied=False)
    return dict(rows.values_list("subject_id").annotate(Max("at")).order_by())


@sensitive_variables()
def inspect(excerpt_id: UUID, *, by: User, client_id: UUID | None = None) -> OpenedExcerpt:
    """An excerpt as a confidant of the client sees it again, expired and revoked ones too.

    `client_id`: of that client.
    """
    rows = _releases(by)
    if client_id is not None:
        rows = rows.filter(client_id=client_id)
    excerpt = access.find(rows, excerpt_id, by, Permission.DISCLOSURE_WRITE)
    return _opened(excerpt, by, "excerpt.inspected")


def revoke(excerpt_id: UUID, *, by: User, client_id: UUID | None = None) -> SupervisionExcerpt:
    """Take an excerpt back: the supervisor's next request finds nothing. Revoked already, it stays
    so. `client_id`: of that client."""
    rows = _releases(by)
    if client_id is not None:
        rows = rows.filter(client_id=client_id)
    found = access.find(rows, excerpt_id, by, Permission.DISCLOSURE_WRITE)
    with transaction.atomic():
        excerpt = _releases(by).select_for_update(of=("self",)).get(pk=found.pk)
        if excerpt.revoked_at is None:
            excerpt.revoked_at, excerpt.revoked_by, excerpt.stands = timezone.now(), by, False
            excerpt.save(update_fields=["revoked_at", "revoked_by"])
            audit.record(
                "excerpt.revoked", by=by, client_id=excerpt.client_id, subject_id=excerpt.pk
            )
    return excerpt


@sensitive_variables()
def inbox(
    *, by: User, after: UUID | None = None, limit: int = 50, now: datetime | None = None
) -> Inbox:
    """What is released to this supervisor and still stands, each under its pseudonym."""
    access.require(by, Permission.EXCERPT_READ)
    rows = _standing(by, now)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    # Neither the client's key nor the author's care is a supervisor's to see.
    with wall.system("supervision"), transaction.atomic():
        found = list(rows.order_by("-id")[: limit + 1])
        page = found[:limit]
        keys = vault.open_keys(excerpt.client_id for excerpt in page)
        named = [
            (excerpt, vault.unseal(excerpt, keys[excerpt.client_id], "pseudonym"))
            for excerpt in page
            if excerpt.client_id in keys
        ]
        audit.record_each(
            "excerpt.listed", by=by, client_ids=list({e.client_id for e, _name in named})
        )
    return Inbox(named, page[-1].pk if len(found) > limit else None)


@sensitive_variables()
def read(excerpt_id: UUID, *, by: User, now: datetime | None = None) -> OpenedExcerpt:
    """An excerpt that was released to this supervisor. Raises Hidden for one that has ended as for
    one that never was."""
    access.require(by, Permission.EXCERPT_READ, subject_id=excerpt_id)
    with wall.system("supervision"):
        excerpt = _standing(by, now).filter(pk=excerpt_id).first()
        if excerpt is None:
            access.hide(by, Permission.EXCERPT_READ, client_id=None, subject_id=excerpt_id)
        return _opened(excerpt, by, READ)


def _standing(by: User, now: datetime | None) -> QuerySet[SupervisionExcerpt]:
    """What this user can read."""
    rows = SupervisionExcerpt.objects.filter(_stands(now or timezone.now()))
    return rows.filter(practice=access.practice_of(by), supervisor=by).select_related("author")


def _stands(now: datetime) -> Q:
    """Not revoked, not expired, of an author still in care and on a ground that still stands."""
    in_care = access.open_care().filter(user=OuterRef("author"), client=OuterRef("client"))
    return (
        Q(Exists(in_care))
        & (Q(exception__isnull=False) | Q(agreement__withdrawn_at=None))
        & Q(revoked_at=None, expires_at__gt=now)
    )


def _releases(by: User) -> QuerySet[SupervisionExcerpt]:
    """What a confidant may see of what was released."""
    stands = ExpressionWrapper(_stands(timezone.now()), output_field=BooleanField())
    rows = SupervisionExcerpt.objects.filter(_shared(by))
    rows = rows.annotate(stands=stands)  # type: ignore[no-redef]  # the model says its type
    return rows.select_related("client", "author", "supervisor", "revoked_by")


def _shared(by: User) -> Q:
    """Excerpts that a confidant may see: not those of another's drafts and locked disclosures."""
    return Q(note__signed_at__isnull=False) | Q(disclosure__locked=False) | Q(author=by)


def _opened(excerpt: SupervisionExcerpt, by: User, event: str) -> OpenedExcerpt:
    with transaction.atomic():
        opened = vault.unseal_all(excerpt, vault.open_key(excerpt.client_id))
        audit.record(event, by=by, client_id=excerpt.client_id, subject_id=excerpt.pk)
    return OpenedExcerpt(excerpt, opened["pseudonym"], opened["text"])


def _source(
    client_id: UUID, note: UUID | None, disclosure: UUID | None, by: User
) -> SessionNote | Disclosure:
    """The note or disclosure of this client that this user may read."""
    found: SessionNote | Disclosure | None
    if note is not None and disclosure is None:
        said = SessionNote.objects.filter(notes.readable(by), client_id=client_id)
        field, found = "note", said.filter(pk=note).first()
    elif disclosure is not None and note is None:
        confided = Disclosure.objects.filter(disclosures.readable(by), client_id=client_id)
        field, found = "disclosure", confided.filter(pk=disclosure).first()
    else:
        raise Invalid("note", _("Choose a note or a disclosure, one of them."))
    if found is None:
        raise Invalid(field, _("Choose a note or disclosure of this client."))
    return found


@sensitive_variables()
def _check_anonymous(
    client: Client, key: vault.DataKey, text: str, pseudonym: str, names_confirmed: bool
) -> None:
    identity = vault.unseal_all(client, key)
    if facts.give_away(pseudonym, code=client.code, identity=identity):
        raise Invalid(
            "pseudonym", _("This shows who the client is. Choose a name that has nothing of them.")
        )
    if not names_confirmed and facts.give_away(text, code=client.code, identity=identity):
        raise Conflict(
            _(
                "The text has a name, a number or an address of the client in it. Take it out, or "
                "confirm that it shall stay."
            ),
            code="names",
        )
