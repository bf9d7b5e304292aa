"""The two column types that hold secrets. Their Python values are opaque.

`SealedField` is a bytea whose value is `Sealed`: ciphertext that knows nothing of its plaintext.
`WrappedKeyField` is the text column of django-encrypted-model-fields made strict: the stock field
decrypts whatever a form sends it, hands out ciphertext when a key is wrong, and writes the
plaintext of a whole batch into every row of `bulk_update`. Here nothing but an opaque value goes
in or comes out, and opening it is the vault's business alone.
"""

from typing import TYPE_CHECKING, Any, NoReturn, Self

import psycopg
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import IsNull
from encrypted_model_fields.fields import EncryptedMixin, EncryptedTextField, parse_key

from clients_app import crypto

__all__ = ["PlaintextRefused", "Sealed", "SealedField", "Wrapped", "WrappedKeyField", "parse_key"]


class PlaintextRefused(TypeError):
    """Something that is not sealed was about to be stored, compared or written out."""


class Sealed:
    """Ciphertext of one column of one row. Shows nothing, is never pickled."""

    __slots__ = ("bytes",)

    def __init__(self, ciphertext: bytes) -> None:
        self.bytes = ciphertext

    def __repr__(self) -> str:
        return "<Sealed>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> str:
        raise PlaintextRefused("a sealed value is never pickled")


class Wrapped:
    """A data key under a master key. Shows nothing, is never pickled."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __repr__(self) -> str:
        return "<Wrapped>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> str:
        raise PlaintextRefused("a wrapped key is never pickled")


if TYPE_CHECKING:
    AnyField = models.Field[Any, Any]
else:
    AnyField = models.Field


class OpaqueField(AnyField):
    """What both have in common: no form, no lookup, no serialisation, no other type."""

    opaque: type[Sealed] | type[Wrapped]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def _checked(self, value: object) -> Any:
        if not isinstance(value, self.opaque):
            raise PlaintextRefused(
                f"{self.model._meta.label}.{self.name} takes {self.opaque.__name__} "
                "as the vault makes it, nothing else"
            )
        return value

    def to_python(self, value: Any) -> Any:
        return self._checked(value)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None and self.null else self._checked(value)

    def get_lookup(self, lookup_name: str) -> type[IsNull]:
        if lookup_name == "isnull":
            return IsNull
        raise FieldError(f"{self.name} is encrypted: it cannot be searched or compared")

    def get_transform(self, lookup_name: str) -> NoReturn:
        raise FieldError(f"{self.name} is encrypted: it cannot be searched or compared")

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        return None

    def value_to_string(self, obj: models.Model) -> str:
        raise PlaintextRefused(f"{self.name} is encrypted: it leaves the database by backup only")


class SealedField(OpaqueField):
    """A bytea column of seals, bound to row, column and client by the vault.

    The database checks what Python checks: a value that is shorter than the shortest seal or
    does not begin with the version byte is refused by a CHECK constraint, raw SQL included.
    """

    opaque = Sealed

    def __init__(self, *args: Any, floor: int = crypto.FLOOR, **kwargs: Any) -> None:
        self.floor = floor
        super().__init__(*args, **kwargs)

    def get_internal_type(self) -> str:
        return "BinaryField"

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        column = connection.ops.quote_name(self.column)
        return (
            f"octet_length({column}) >= {crypto.SHORTEST} "
            f"AND get_byte({column}, 0) = {crypto.VERSION}"
        )

    def from_db_value(self, value: bytes | None, *_: Any) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if value is None and self.null:
            return None
        return psycopg.Binary(self._checked(value).bytes)


class WrappedKeyField(OpaqueField, EncryptedTextField):
    """The wrapped data key: the stock package's column, without its ways of going wrong."""

    opaque = Wrapped

    def get_internal_type(self) -> str:
        return "TextField"

    def from_db_value(self, value: str | None, *_: Any) -> Wrapped | None:
        return None if value is None else Wrapped(value)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        return self._checked(value).token

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        # As Django's own fields do it; the stock package encrypts str(value), so that the SQL
        # expression of a bulk_update, with every row's value in it, becomes the text of each row.
        return super(EncryptedMixin, self).get_db_prep_save(value, connection)

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        """A Fernet token (version byte 0x80, then a time far from 2**32) and nothing else."""
        return f"{connection.ops.quote_name(self.column)} ~ '^gAAAAA[A-Za-z0-9_-]{{100,}}={{0,2}}$'"
