"""The wall against guessing: one for every check of a password, a code or a key, by every door.

At most five checks an account in any fifteen minutes, counted by the account's e-mail in its one
spelling, whatever the address or the headers of the request; an account that does not exist is
counted like one that does. A device in which the account's owner logged in before counts apart, so
that a stranger's guesses do not lock its owner out.

A check takes one of five places, each free again after fifteen minutes: so there is no moment at
which a window closes and ten guesses fit into a minute. Whoever came in whole, second factor and
all, gets back the places of that login; nobody else's. Without the cache nobody is checked.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from clients_app.errors import Refused, Unavailable
from clients_app.models import KnownDevice
from clients_app.texts import plain_email

TRIES = 5
WINDOW = timedelta(minutes=15)


class TooManyTries(Refused):
    """The account takes no more guesses for a while."""

    code = "too_many_tries"
    status = 429

    def __init__(self) -> None:
        super().__init__(_("Too many attempts. Wait 15 minutes, then try again."))


@dataclass(slots=True)
class Guesses:
    """The guesses of one attempt to come in. `taken` are its places at the wall."""

    bucket: str
    taken: list[str] = field(default_factory=list)

    def claim(self) -> None:
        """Take a place before a check. Raises TooManyTries, Unavailable."""
        seconds = int(WINDOW.total_seconds())
        try:
            for place in (f"guess:{self.bucket}:{n}" for n in range(TRIES)):
                if cache.add(place, 1, timeout=seconds):
                    self.taken.append(place)
                    return
        except RedisError:
            raise Unavailable(_("The service cannot answer now. Try again in a moment.")) from None
        raise TooManyTries

    def forgive(self) -> None:
        """Give the places of this attempt back: it was no guess."""
        try:
            cache.delete_many(self.taken)
        except RedisError:
            return  # they come free by themselves
        self.taken.clear()


def mail(email: str) -> Guesses:
    """The wall before the mails that anybody may ask for."""
    account = plain_email(email).encode()
    return Guesses("mail:" + hmac.digest(settings.SECRET_KEY.encode(), account, "sha256").hex())


def at(email: str, known_device: str = "") -> Guesses:
    """The wall as it stands before this account, for this device."""
    account = plain_email(email)
    known = bool(known_device) and (
        KnownDevice.objects.filter(
            digest=hashlib.sha256(known_device.encode()).digest(),
            user__email=account,
            expires_at__gt=timezone.now(),
        ).exists()
    )
    whose = f"{account}\x1f{known_device if known else ''}"
    return Guesses(hmac.digest(settings.SECRET_KEY.encode(), whose.encode(), "sha256").hex())
