"""A client's own facts, some of them sealed, held against the practice's rules (`retention`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from django.db import transaction
from django.utils import timezone

from clients_app import audit, blockers, retention, vault, wall
from clients_app.models import Client, Practice, RetentionRule, User

BATCH = 500
SEALED = ("birth_date", "death_date", "category")


def weigh(
    client: Client, key: vault.DataKey, rules: Sequence[RetentionRule] | None = None
) -> retention.Decision:
    """What the rules say of a file. `rules` are those in force in the practice, where they were
    read already."""
    if client.discharged_on is None:
        return retention.Decision(None, (), "in_care")
    born, died, category = (vault.unseal(client, key, name) for name in SEALED)
    if rules is None:
        rules = retention.in_force(client.practice_id)
    return retention.decide(
        [rule for rule in rules if retention.fits(rule, client, category)],
        retention.Facts(
            registered_on=retention.local_day(client.practice, client.registered_at),
            discharged_on=client.discharged_on,
            last_contact_on=client.last_contact_on,
            birth_date=_day(born),
            death_date=_day(died),
        ),
    )


def looked_at(client: Client, identity: Mapping[str, str | None]) -> tuple[str | None, ...]:
    """What a rule may ask of a client: as long as it is the same, the date stands."""
    return client.service_type, client.jurisdiction, *(identity.get(name) for name in SEALED)


def date_file(
    client: Client, key: vault.DataKey, rules: Sequence[RetentionRule] | None = None
) -> retention.Decision:
    """Give a file the last day that `weigh` finds. The caller saves it."""
    decision = weigh(client, key, rules)
    client.retain_until = decision.until
    client.governing_rule_id = decision.governing.rule_id if decision.governing else None
    return decision


def weigh_again(practice: Practice, *, by: User) -> int:
    """After a new rule: give discharged files a later date where it asks for one, never an
    earlier one; how many changed. In the caller's transaction."""
    changed = 0
    rows = Client.objects.filter(practice=practice, discharged_on__isnull=False)
    rules = retention.in_force(practice.pk)
    for client in rows.select_for_update().order_by("pk").iterator(chunk_size=500):
        client.practice, was = practice, client.retain_until
        key = vault.open_key(client.pk)
        until = date_file(client, key, rules).until
        if until is None or (was is not None and until <= was):
            continue
        client.save(update_fields=["retain_until", "governing_rule_id"])
        audit.record(
            "client.kept_longer",
            by=by,
            client_id=client.pk,
            subject_id=client.pk,
            until=until,
            was=was,
        )
        changed += 1
    return changed


@dataclass(frozen=True, slots=True)
class Effect:
    """What rules would change about the dates of discharged files: how many of these there are, how
    many would end later or sooner than they do, and how many of the sooner ones were due at once. A
    file without a date that would get one counts as later: that is done at once."""

    files: int
    later: int
    sooner: int
    due: int


def compare(practice: Practice, rules: Sequence[RetentionRule], *, now: datetime) -> Effect:
    """The dates that these rules would give, beside those that stand; nothing is changed."""
    files = later = sooner = due = 0
    today = retention.local_day(practice, now)
    for client, until in _dated(practice, rules):
        files += 1
        was = client.retain_until
        if until == was:
            continue
        if until is not None and was is not None and until < was:
            sooner += 1
            due += until < today
        else:
            later += 1
    return Effect(files, later, sooner, due)


def shorten(practice: Practice, rules: Sequence[RetentionRule], *, now: datetime) -> int:
    """Give discharged files the date that these rules ask for where it is an earlier one; how many
    changed. In the caller's transaction."""
    changed = 0
    for client, until in _dated(practice, rules, lock=True):
        was = client.retain_until
        if until is None or was is None or until >= was:
            continue
        client.retain_until, client.shortened_at = until, now
        client.save(update_fields=["retain_until", "governing_rule_id", "shortened_at"])
        audit.record(
            "client.kept_shorter",
            by=None,
            practice_id=practice.pk,
            client_id=client.pk,
            subject_id=client.pk,
            until=until,
            was=was,
        )
        changed += 1
    return changed


def _dated(
    practice: Practice, rules: Sequence[RetentionRule], *, lock: bool = False
) -> Iterator[tuple[Client, date | None]]:
    """The discharged files with the date that these rules give them and their governing rule; a
    constant number of queries for each batch."""
    rows = Client.objects.filter(practice=practice, discharged_on__isnull=False).order_by("pk")
    if lock:
        rows = rows.select_for_update()
    found = rows.iterator(chunk_size=BATCH)
    while some := list(islice(found, BATCH)):
        keys = vault.open_keys(client.pk for client in some)
        for client in some:
            if client.pk not in keys:
                continue
            client.practice = practice
            decision = weigh(client, keys[client.pk], rules)
            if decision.governing is not None:
                client.governing_rule_id = decision.governing.rule_id
            yield client, decision.until


@wall.system("retention.explain")
def explain_to_operator(
    code: str, *, practice: Practice
) -> tuple[Client, retention.Decision | None, Sequence[blockers.Blocker]] | None:
    """Why a file is kept, for whoever runs the server, by the client's code; None where there is
    none."""
    client = Client.objects.select_related("practice").filter(practice=practice, code=code).first()
    if client is None:
        return None
    with transaction.atomic():
        decision = None
        if client.discharged_on is not None:
            decision = weigh(client, vault.open_key(client.pk))
        standing = blockers.against(client, now=timezone.now())
        audit.record(
            "retention.read",
            by=None,
            practice_id=practice.pk,
            client_id=client.pk,
            subject_id=client.pk,
        )
    return client, decision, standing


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
