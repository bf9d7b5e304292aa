"""The client's file: register, find, read, change, discharge, reopen.

Identity is sealed under the client's own key, lists show it only to whoever may read it, and
every name that is shown is a line on the trail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from clients_app import access, audit, blockers, facts, keeping, retention, vault, wall
from clients_app.errors import Conflict, Hidden, Invalid, Stale
from clients_app.models import (
    CareAssignment,
    Client,
    ClientKey,
    Kind,
    Practice,
    ServiceType,
    User,
)
from clients_app.roles import Permission, Role

PAGE = 50
HITS = 50


@dataclass(frozen=True, slots=True)
class Profile:
    """A client's row with the identity that was unsealed: by column, None where not known."""

    client: Client
    identity: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Page:
    """Some clients in the order of their codes; `after` asks for the next page, if any."""

    profiles: list[Profile]
    after: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a file is kept: what the rules say (None in care), and what stands against its end."""

    client: Client
    decision: retention.Decision | None
    blockers: Sequence[blockers.Blocker]


@sensitive_variables()
def register(
    *,
    by: User,
    identity: Mapping[str, str | None] | None = None,
    kind: str = Kind.PERSON,
    service_type: str = ServiceType.COUNSELLING,
    jurisdiction: str = "",
    code: str | None = None,
    now: datetime | None = None,
) -> Client:
    """Open a file under a new code and key. A counsellor becomes its confidant.

    Raises Invalid for a value that cannot be, Conflict for a code that is taken.
    """
    access.require(by, Permission.CLIENT_REGISTER)
    practice = access.practice_of(by)
    values = facts.checked(identity or {})
    moment = now or timezone.now()
    client = Client(
        practice=practice,
        kind=facts.choice("kind", kind, Kind),
        service_type=facts.choice("service_type", service_type, ServiceType),
        jurisdiction=facts.checked_jurisdiction(jurisdiction or practice.jurisdiction),
        registered_at=moment,
    )
    try:
        with transaction.atomic():
            client.code = facts.checked_code(code) if code else _next_code(practice, moment)
            vault.seal(
                client,
                vault.issue(client.pk, practice.pk),
                **{name: values.get(name) for name in facts.IDENTITY},
            )
            client.save(force_insert=True)
            confidant = by.pk if by.role == Role.COUNSELLOR else None
            if confidant is not None:
                CareAssignment.objects.create(
                    practice=practice, client=client, user=by, since=moment
                )
                wall.caseload_changed()
            audit.record(
                "client.registered",
                by=by,
                client_id=client.pk,
                subject_id=client.pk,
                confidant=confidant,
            )
    except IntegrityError as refused:
        if "client_code_unique" not in str(refused):
            raise
        raise Conflict(_("Another client has this code. Choose another one.")) from None
    return client


def browse(
    *, by: User, status: str = "active", after: str | None = None, limit: int = PAGE
) -> Page:
    """A page of the clients this user may read, by code. `status`: active, discharged, all."""
    access.require(by, Permission.CLIENT_READ)
    rows = access.visible_to(by, Permission.CLIENT_READ, Client.objects.all(), client="pk")
    if status != "all":
        rows = rows.filter(discharged_on__isnull=status == "active")
    if after is not None:
        rows = rows.filter(code__gt=after)
    with transaction.atomic():
        found = list(rows.order_by("code")[: limit + 1])
        page = found[:limit]
        profiles = _introduce(page, by)
    return Page(profiles, page[-1].code if len(found) > limit else None)


def introduce(clients: Sequence[UUID], *, by: User) -> dict[UUID, Profile]:
    """The names of those of these clients that this user may read, for a calendar or a list."""
    if access.scope(by, Permission.CLIENT_READ) is None:
        return {}
    rows = access.visible_to(by, Permission.CLIENT_READ, Client.objects.all(), client="pk")
    with transaction.atomic():
        return {p.client.pk: p for p in _introduce(list(rows.filter(pk__in=clients)), by)}


@sensitive_variables()
def search(words: str, *, by: User) -> list[Profile]:
    """Clients whose code, name, phone or e-mail has every one of these words, at most 50.

    There is no index that could leak: the names of the whole caseload are unsealed and looked
    through. Only those that are shown are on the trail as read.
    """
    access.require(by, Permission.CLIENT_READ)
    wanted = words.casefold().split()
    if not wanted:
        raise Invalid("words", _("Type a part of a name, a code, a phone number or an e-mail."))
    rows = access.visible_to(by, Permission.CLIENT_READ, Client.objects.all(), client="pk")
    hits: list[Client] = []
    with transaction.atomic():
        clients = list(rows.order_by("code"))
        keys = vault.open_keys(client.pk for client in clients)
        for client in clients:
            if client.pk not in keys:
                continue
            known = [client.code]
            for name in ("full_name", "preferred_name", "phone", "email"):
                known.append(vault.unseal(client, keys[client.pk], name) or "")
            text = "\n".join(known).casefold()
            if all(word in text for word in wanted):
                hits.append(client)
            if len(hits) == HITS:
                break
        audit.record("client.searched", by=by, looked_at=len(clients), shown=len(hits))
        return _introduce(hits, by)


@sensitive_variables()
def read(client_id: UUID, *, by: User) -> Profile:
    """The client with the whole identity."""
    client = _find(client_id, by, Permission.CLIENT_READ)
    with transaction.atomic():
        identity = vault.unseal_all(client, vault.open_key(client.pk))
        audit.record("client.read", by=by, client_id=client.pk, subject_id=client.pk)
    return Profile(client, identity)


@sensitive_variables()
def change(client_id: UUID, *, by: User, version: int, **values: str | None) -> Client:
    """Change identity, kind, service or jurisdiction of the version that was read.

    Raises Stale if somebody changed the client since, Invalid for a value that cannot be. Where the
    client is discharged and a fact that rules look at has changed, the date is weighed anew.
    """
    practice_id = _find(client_id, by, Permission.CLIENT_CHANGE).practice_id
    plain = {
        "kind": lambda v: facts.choice("kind", v, Kind),
        "service_type": lambda v: facts.choice("service_type", v, ServiceType),
        "jurisdiction": facts.checked_jurisdiction,
    }
    labels = {name: plain[name](values.pop(name) or "") for name in plain if name in values}
    identity = facts.checked(values)
    with transaction.atomic():
        retention.wait_for_rules(practice_id)
        client = _locked(client_id)
        if client.version != version:
            raise Stale(
                _("Somebody changed this client meanwhile. Read it again, then repeat."),
                current=client.version,
            )
        key = vault.open_key(client.pk)
        before = vault.unseal_all(client, key)
        asked, merged = keeping.looked_at(client, before), before | identity
        facts.check_life(merged)
        client.version += 1
        for name, value in labels.items():
            setattr(client, name, value)
        vault.seal(client, key, **merged)
        if client.discharged_on is not None and keeping.looked_at(client, merged) != asked:
            keeping.date_file(client, key)
        client.save(force_update=True)
        audit.record(
            "client.changed",
            by=by,
            client_id=client.pk,
            subject_id=client.pk,
            fields=sorted([*labels, *identity]),
        )
    return client


def discharge(client_id: UUID, *, by: User, on: date) -> Client:
    """End care on that day and fix how long the file is kept.

    Raises Conflict if the client is discharged already, Invalid for a day in the future or before
    the last contact.
    """
    client = _find(client_id, by, Permission.CLIENT_DISCHARGE)
    today = retention.local_day(client.practice, timezone.now())
    if on > today:
        raise Invalid("on", _("The day of discharge cannot lie in the future."))
    with transaction.atomic():
        retention.wait_for_rules(client.practice_id)
        client = _locked(client_id)
        if client.discharged_on is not None:
            raise Conflict(_("This client is discharged already."))
        if client.last_contact_on is not None and on < client.last_contact_on:
            raise Invalid("on", _("The last session was after this day. Choose a later one."))
        client.discharged_on = on
        keeping.date_file(client, vault.open_key(client.pk))
        client.save(update_fields=["discharged_on", "retain_until", "governing_rule_id"])
        audit.record(
            "client.discharged",
            by=by,
            client_id=client.pk,
            subject_id=client.pk,
            on=on,
            retain_until=client.retain_until,
        )
    return client


def reopen(client_id: UUID, *, by: User, kept_until: date | None = None) -> Client:
    """Resume care: the file has no end again, and its next discharge counts anew.

    `kept_until` is the date that goes, as whoever reopens was shown it: what has been counted is
    given up knowingly or not at all. Raises Conflict if the client is in care or the date that
    stands is another.
    """
    _find(client_id, by, Permission.CLIENT_DISCHARGE)
    with transaction.atomic():
        client = _locked(client_id)
        if client.discharged_on is None:
            raise Conflict(_("This client is in care."))
        was = client.retain_until
        if was != kept_until:
            raise Conflict(
                _(
                    "The file is kept until %(day)s. Reopening drops that day, and the next "
                    "discharge counts anew: say that day to confirm it."
                )
                % {"day": date_format(was) if was else "–"},
                code="drops_a_date",
            )
        client.discharged_on = client.retain_until = client.governing_rule_id = None
        client.shortened_at = None
        client.save(
            update_fields=["discharged_on", "retain_until", "governing_rule_id", "shortened_at"]
        )
        audit.record(
            "client.reopened", by=by, client_id=client.pk, subject_id=client.pk, kept_until=was
        )
    return client


def explain(client_id: UUID, *, by: User) -> Explanation:
    """Every date that a rule asks for, if the client is discharged, and what stands against the
    end of the file. No identity in it."""
    client = _find(client_id, by, Permission.RETENTION_READ)
    with transaction.atomic():
        decision = None
        if client.discharged_on is not None:
            key = vault.open_key(client.pk)
            decision = keeping.weigh(client, key)
        standing = blockers.against(client, now=timezone.now())
        audit.record("retention.read", by=by, client_id=client.pk, subject_id=client.pk)
    return Explanation(client, decision, standing)


def touch(client: Client, *, met_on: date) -> None:
    """A meeting took place: the last contact moves on. The caller holds the client's lock."""
    if client.last_contact_on is None or met_on > client.last_contact_on:
        client.last_contact_on = met_on
        client.save(update_fields=["last_contact_on"])


def lock_in_care(client_id: UUID) -> Client:
    """The client's row, locked against purge and discharge, to write into the file.

    Raises Hidden if the file is gone, or went out of the writer's care while they waited for the
    lock; Conflict if the client is discharged. In the caller's transaction.
    """
    client = _locked(client_id)
    # What the database shows is looked up anew, now that nobody can hand the client over.
    wall.caseload_changed()
    if not ClientKey.objects.filter(client_id=client_id).exists():
        raise Hidden(_("There is nothing here that you can open."))
    if client.discharged_on is not None:
        raise Conflict(
            _("This client is discharged, so nothing can be added. Reopen the file first."),
            code="discharged",
        )
    return client


def _find(client_id: UUID, by: User, permission: Permission) -> Client:
    access.require(by, permission, client_id, subject_id=client_id)
    client = Client.objects.select_related("practice").filter(pk=client_id).first()
    if client is None:
        access.hide(by, permission, client_id=client_id, subject_id=client_id)
    return client


def _locked(client_id: UUID) -> Client:
    client = Client.objects.select_for_update().filter(pk=client_id).first()
    if client is None:
        raise Hidden(_("There is nothing here that you can open."))
    return client


def _introduce(clients: list[Client], by: User) -> list[Profile]:
    keys = vault.open_keys(client.pk for client in clients)
    shown = ("full_name", "preferred_name")
    profiles = [
        Profile(client, {name: vault.unseal(client, keys[client.pk], name) for name in shown})
        for client in clients
        if client.pk in keys
    ]
    audit.record_each("client.named", by=by, client_ids=[p.client.pk for p in profiles])
    return profiles


def _next_code(practice: Practice, moment: datetime) -> str:
    """The next code of the year, C-2026-0042. The practice's row is locked meanwhile."""
    year = retention.local_day(practice, moment).year
    locked = Practice.objects.select_for_update().get(pk=practice.pk)
    if locked.last_code_year != year:
        locked.last_code_year, locked.last_code_number = year, 0
    locked.last_code_number += 1
    locked.save(update_fields=["last_code_year", "last_code_number"])
    return f"C-{year}-{locked.last_code_number:04d}"
