"""Browser sessions whose keys lie in the database only as a hash.

Django's own store keeps them in clear, so that a stolen table logs the thief in.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone


def hashed(session_key: str) -> str:
    """What stands in the table for the key in the cookie."""
    return stored(hashlib.sha256(session_key.encode()).digest())


def stored(digest: bytes) -> str:
    """The table's key has room for 40 characters."""
    return digest.hex()[:40]


class SessionStore(db.SessionStore):
    """Django's database store, keyed by the hash of the cookie."""

    def _get_session_from_db(self) -> Session | None:
        row = Session.objects.filter(
            session_key=hashed(self.session_key or ""), expire_date__gt=timezone.now()
        ).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=hashed(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = super().create_model_instance(data)
        return Session(
            session_key=hashed(row.session_key),
            session_data=row.session_data,
            expire_date=row.expire_date,
        )

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(session_key=hashed(key)).delete()
