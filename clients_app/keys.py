"""The master keys: what each wraps and seals, and the change to a new one.

To change: put a new key first in FIELD_ENCRYPTION_KEY, keep the old ones behind it, restart, run
`rotate`, see with `usage` that the old ones wrap and seal nothing, then remove them. Data keys stay
as they are, so no text is re-encrypted and reading goes on meanwhile; the secrets of second factors
are few and are sealed anew.
"""

from collections.abc import Generator
from dataclasses import dataclass

from django.db import transaction

from clients_app import audit, second_factor, vault, wall

BATCH = 500


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key by its fingerprint: how many data keys it wraps and how many secrets of second
    factors it seals. `configured` is False where only the database knows it: what it holds cannot
    be read."""

    fingerprint: str
    newest: bool
    configured: bool
    wraps: int
    seals: int


@wall.system("keys")
def usage() -> list[MasterKey]:
    """Every master key that is configured or in use, newest first."""
    wraps = vault.keys_by_master()
    seals = second_factor.secrets_by_master()
    configured = vault.master_fingerprints()
    return [
        MasterKey(
            name, name == configured[0], name in configured, wraps.get(name, 0), seals.get(name, 0)
        )
        for name in [*configured, *sorted((wraps.keys() | seals.keys()) - set(configured))]
    ]


@wall.system("keys")
def broken() -> list[str]:
    """The ids of data keys that do not open, and the rows of second factors, each tried."""
    return [*vault.broken_keys(), *second_factor.broken()]


def rotate() -> Generator[int, None, None]:
    """Wrap and seal everything by the newest master key; yields how many each batch did.

    Each batch is a transaction of its own: interrupted, it goes on where it stopped. Several may
    run at once.
    """
    while True:
        with wall.system("keys"), transaction.atomic():
            before = vault.rewrap(BATCH)
            done = before.total() or second_factor.reseal(BATCH)
            if done:
                newest = vault.master_fingerprints()[0]
                audit.record("keys.rotated", by=None, keys=done, master=newest, was=dict(before))
        if not done:
            return
        yield done
