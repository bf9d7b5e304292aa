"""What every table has in common."""

from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7

from clients_app.fields import SealedField


class Row(models.Model):
    """A row whose id the application makes (UUIDv7, RFC 9562), so it is known before INSERT."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class SealedRow(Row):
    """A row with sealed columns. A seal is bound to the row, its client and its version."""

    # Columns that came later: rows that have not been sealed anew since have nothing there.
    unsealed_before: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    @property
    def file_id(self) -> UUID:
        """The client whose data key seals this row."""
        client_id: UUID = self.client_id  # type: ignore[attr-defined]
        return client_id

    @property
    def seal_version(self) -> int:
        """Counts rewrites: an older seal of the same column does not open."""
        return 1

    @classmethod
    def sealed_fields(cls) -> tuple["models.Field[Any, Any]", ...]:
        return tuple(f for f in cls._meta.concrete_fields if isinstance(f, SealedField))
