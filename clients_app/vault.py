"""The only module that touches keys.

Every client has one 256-bit data key; it seals whatever belongs to that client and lies in the
database only wrapped by a master key (`FIELD_ENCRYPTION_KEY`). Whoever has the database alone has
nothing. Destroying the one row of `ClientKey` makes the whole file unreadable, wherever its rows
still lie.

A key is unwrapped for one verb and forgotten with it: there is no cache that could outlive a
destroyed key. Values are sealed as JSON, so one form serves text, dates, numbers and lists, and
an absent value (null) looks like any other. Every failure to open raises; nothing is ever handed
out, shown or sealed again in its place.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from psycopg.errors import Diagnostic

from clients_app import crypto
from clients_app.crypto import Cipher, DataKey, KeyBroken, SealBroken
from clients_app.errors import Hidden
from clients_app.fields import Sealed, SealedField, Wrapped, parse_key
from clients_app.models import ClientKey, SealedRow

__all__ = ["DataKey", "KeyBroken", "KeyDestroyed", "MasterKeyMissing", "SealBroken"]

# The row of a client's key, for a pipeline; `opened` takes what it returns.
KEY = (
    "SELECT id, master_key, wrapped"  # noqa: S608 a table's name, not a value
    f" FROM {ClientKey._meta.db_table} WHERE client_id = %s"
)


class KeyDestroyed(Hidden):
    """The client's data key is gone: the file was destroyed, perhaps a moment ago."""

    def __init__(self) -> None:
        super().__init__(_("There is nothing here that you can open."))


class MasterKeyMissing(Exception):
    """A data key is wrapped by a master key that FIELD_ENCRYPTION_KEY does not hold."""


def issue(client_id: UUID, practice_id: UUID) -> DataKey:
    """Make the data key of a new client and store it wrapped by the newest master key."""
    row = ClientKey(client_id=client_id, practice_id=practice_id, wrapped_at=timezone.now())
    key = crypto.new_data_key(row.pk)
    row.master_key, master = _newest_master()
    row.wrapped = Wrapped(key.wrap(master, client=client_id))
    row.save(force_insert=True)
    return key


def open_key(client_id: UUID) -> DataKey:
    """The client's data key. Raises KeyDestroyed if there is none."""
    key = open_keys([client_id]).get(client_id)
    if key is None:
        raise KeyDestroyed
    return key


def open_keys(client_ids: Iterable[UUID]) -> dict[UUID, DataKey]:
    """The data keys of these clients, in one query, without those destroyed meanwhile."""
    rows = ClientKey.objects.filter(client_id__in=set(client_ids)).values_list(
        "client_id", "pk", "master_key", "wrapped"
    )
    return {
        client_id: unwrap(wrapped.token, master_key, key_id=key_id, client_id=client_id)
        for client_id, key_id, master_key, wrapped in rows
    }


def opened(client_id: UUID, row: tuple[UUID, str, str] | None) -> DataKey:
    """The data key from a row of the query `KEY`. Raises KeyDestroyed if there is none."""
    if row is None:
        raise KeyDestroyed
    key_id, master_key, token = row
    return unwrap(token, master_key, key_id=key_id, client_id=client_id)


def unwrap(token: str, master_key: str, *, key_id: UUID, client_id: UUID) -> DataKey:
    """Open a wrapped key as the key table holds it. Raises MasterKeyMissing or KeyBroken."""
    master = _masters(tuple(settings.FIELD_ENCRYPTION_KEY)).get(master_key)
    if master is None:
        raise MasterKeyMissing(f"FIELD_ENCRYPTION_KEY holds no key with fingerprint {master_key}")
    return crypto.unwrap(token, master, key_id=key_id, client=client_id)


@sensitive_variables()
def seal(row: SealedRow, key: DataKey, **values: Any) -> None:
    """Put `values` into sealed columns of `row`, bound to the row's id, client and version."""
    for name, value in values.items():
        field = row._meta.get_field(name)
        if not isinstance(field, SealedField):
            raise TypeError(f"{row._meta.label}.{name} is not a sealed column")
        bound_to = binding(row._meta.label, name, row.pk, row.file_id, row.seal_version)
        ciphertext = key.seal(orjson.dumps(value), bound_to=bound_to, floor=field.floor)
        setattr(row, name, Sealed(ciphertext))


@sensitive_variables()
def unseal(row: SealedRow, key: DataKey, name: str) -> Any:
    """What a sealed column holds, as JSON has it; None where a column is younger than the row.
    Raises SealBroken."""
    sealed: Sealed | None = getattr(row, name)
    if sealed is None and name in row.unsealed_before:
        return None
    if sealed is None:
        raise SealBroken("there is no seal")
    bound_to = binding(row._meta.label, name, row.pk, row.file_id, row.seal_version)
    return orjson.loads(key.unseal(sealed.bytes, bound_to=bound_to))


@sensitive_variables()
def unseal_all(row: SealedRow, key: DataKey) -> dict[str, Any]:
    """All sealed columns of a row by name."""
    return {field.name: unseal(row, key, field.name) for field in row.sealed_fields()}


def binding(
    label: str, column: str, row_id: UUID | str, client_id: UUID | str, version: int
) -> bytes:
    """The place of a seal: model, column, row, client and version, unambiguously."""
    return f"{label}.{column}|{row_id}|{client_id}|{version}".encode("ascii")


def destroy(client_id: UUID) -> UUID | None:
    """Delete the client's data key; its id, or None if it was gone already."""
    key_id: UUID | None = (
        ClientKey.objects.filter(client_id=client_id).values_list("pk", flat=True).first()
    )
    ClientKey.objects.filter(client_id=client_id).delete()
    return key_id


def scrub() -> bool:
    """Rewrite the key table's files, so that destroyed keys are in none of its pages.

    VACUUM frees the space but leaves the bytes. False if a transaction that is still open could see
    destroyed keys, so that PostgreSQL had to carry them over: then call again later. Rewriting is
    its owner's business, who lends it as a function (migration `second_wall`). It takes the table
    exclusively for the moment that it lasts (20,000 clients: some 10 MB) and gives way to whoever
    reads it, a backup perhaps: OperationalError if it cannot have it within 2 s.
    """
    carried_over: list[int] = []

    def notice(diagnostic: Diagnostic) -> None:
        # "DETAIL: 3 dead row versions cannot be removed yet." in whatever language.
        if number := re.match(r"\D*(\d+)", diagnostic.message_detail or ""):
            carried_over.append(int(number[1]))

    with connection.cursor() as cursor:
        connection.connection.add_notice_handler(notice)
        try:
            cursor.execute("SELECT usaldus_scrub_keys()")
        finally:
            connection.connection.remove_notice_handler(notice)
    return carried_over == [0]


def keys_by_master() -> dict[str, int]:
    """How many data keys each master key wraps, by fingerprint."""
    rows = ClientKey.objects.values_list("master_key").annotate(Count("pk")).order_by()
    return dict(rows)


def master_fingerprints() -> list[str]:
    """The configured master keys, newest first."""
    return list(_masters(tuple(settings.FIELD_ENCRYPTION_KEY)))


def broken_keys() -> list[str]:
    """The ids of the data keys that do not open, each tried; the keys are read in portions."""
    broken = []
    with transaction.atomic():
        for row in ClientKey.objects.order_by("pk").iterator(chunk_size=1000):
            try:
                unwrap(row.wrapped.token, row.master_key, key_id=row.pk, client_id=row.client_id)
            except (KeyBroken, MasterKeyMissing):
                broken.append(str(row.pk))
    return broken


def rewrap(batch: int) -> Counter[str]:
    """Wrap up to `batch` data keys by the newest master key; how many each old one had wrapped.

    Call it in a transaction until it does none. Rows taken by another run are left to it. Data
    keys do not change, so reading goes on meanwhile.
    """
    newest, master = _newest_master()
    rows = list(
        ClientKey.objects.exclude(master_key=newest)
        .select_for_update(skip_locked=True)
        .order_by("pk")[:batch]
    )
    before = Counter(row.master_key for row in rows)
    now = timezone.now()
    for row in rows:
        key = unwrap(row.wrapped.token, row.master_key, key_id=row.pk, client_id=row.client_id)
        row.wrapped = Wrapped(key.wrap(master, client=row.client_id))
        row.master_key, row.wrapped_at = newest, now
    ClientKey.objects.bulk_update(rows, ["wrapped", "master_key", "wrapped_at"])
    return before


@sensitive_variables()
def seal_secret(text: str, *, owner: UUID) -> str:
    """A secret of somebody's login under the newest master key, bound to that user. The value
    begins with the fingerprint of the master key."""
    master_key = settings.FIELD_ENCRYPTION_KEY[0]
    sealed = crypto.seal_secret(text.encode(), master_key, bound_to=owner.bytes)
    return f"{crypto.fingerprint(master_key)}.{sealed}"


def master_of(value: str) -> str:
    """The fingerprint of the master key under which a secret is sealed."""
    return value.partition(".")[0]


@sensitive_variables()
def unseal_secret(value: str, *, owner: UUID) -> str:
    """What `seal_secret` sealed. Raises MasterKeyMissing, SealBroken."""
    name, _dot, sealed = value.partition(".")
    masters = {crypto.fingerprint(key): key for key in settings.FIELD_ENCRYPTION_KEY}
    if name not in masters:
        raise MasterKeyMissing(f"FIELD_ENCRYPTION_KEY holds no key with fingerprint {name}")
    return crypto.unseal_secret(sealed, masters[name], bound_to=owner.bytes).decode()


def _newest_master() -> tuple[str, Cipher]:
    return next(iter(_masters(tuple(settings.FIELD_ENCRYPTION_KEY)).items()))


@lru_cache(maxsize=4)
def _masters(configured: tuple[str, ...]) -> Mapping[str, Cipher]:
    return {crypto.fingerprint(key): parse_key(key) for key in configured}
