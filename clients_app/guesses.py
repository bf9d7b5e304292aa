"""The wall against guessing: one for every check of a password, a code or a key, by every door.

At most five checks an account in any fifteen minutes, counted by the account's e-mail in its one
spelling, whatever the address or the headers of the request; an account that does not exist is
counted like one that does. A device in which the account's owner logged in before counts apart, so
that a stranger's guesses do not lock its owner out.

Before that stands the wall of the address (`caller`): so many checks by whoever is behind it, of
all accounts together, so that one machine cannot try one password on every account, nor lock a
large practice out. It is wide, because a whole practice may be behind one address, and a known
device walks around it. Which of the two walls refused is not said. What is counted by lies in the
cache as a keyed digest. OWASP ASVS 5.0, 6.1.1 and 6.3.1.

A check takes one place at each wall or at none, each free again after fifteen minutes: so there is
no moment at which a window closes and ten guesses fit into a minute. Whoever came in whole, second
factor and all, gets back the places of that login; nobody else's. Without the cache nobody is
checked.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from clients_app import caller
from clients_app.errors import Refused, Unavailable
from clients_app.models import KnownDevice
from clients_app.texts import plain_email

TRIES = 5
WINDOW = timedelta(minutes=15)


class TooManyTries(Refused):
    """The account, or the address, takes no more guesses for a while."""

    code = "too_many_tries"
    status = 429

    def __init__(self) -> None:
        super().__init__(_("Too many attempts. Wait 15 minutes, then try again."))


@dataclass(frozen=True, slots=True)
class Wall:
    """What guesses are counted by, and how many places there are."""

    name: str
    places: int

    def take(self) -> str | None:
        """A place that was free, if there was one."""
        places = [f"{self.name}:{n}" for n in range(self.places)]
        taken = cache.get_many(places)
        seconds = int(WINDOW.total_seconds())
        free = (place for place in places if place not in taken)
        return next((place for place in free if cache.add(place, 1, timeout=seconds)), None)


@dataclass(slots=True)
class Guesses:
    """The guesses of one attempt to come in: the walls before it, and its places there."""

    walls: tuple[Wall, ...]
    taken: list[str] = field(default_factory=list)

    def claim(self) -> None:
        """Take a place at each wall before a check. Raises TooManyTries, Unavailable."""
        places: list[str] = []
        try:
            for wall in self.walls:
                place = wall.take()
                if place is None:
                    # Nothing will be checked, so nothing is counted at the walls before it either.
                    cache.delete_many(places)
                    raise TooManyTries
                places.append(place)
        except RedisError:
            raise Unavailable(_("The service cannot answer now. Try again in a moment.")) from None
        self.taken += places

    def forgive(self) -> None:
        """Give the places of this attempt back: it was no guess."""
        try:
            cache.delete_many(self.taken)
        except RedisError:
            return  # they come free by themselves
        self.taken.clear()


def at(email: str, known_device: str = "") -> Guesses:
    """Before this account, for this device."""
    account = plain_email(email)
    if _knows(known_device, account):
        return Guesses((Wall(f"guess:{_digest(account, known_device)}", TRIES),))
    return Guesses((*_address(), Wall(f"guess:{_digest(account, '')}", TRIES)))


def mail(email: str) -> Guesses:
    """Before the mails that anybody may ask for."""
    return Guesses((*_address(), Wall(f"guess:mail:{_digest(plain_email(email))}", TRIES)))


def of_links() -> Guesses:
    """Before the links for one use, which belong to nobody until one is right."""
    return Guesses(tuple(_address()))


def inside(login_id: UUID) -> Guesses:
    """Before what somebody is asked who is in already. A stranger's guesses do not keep them from
    working, wherever they come from."""
    return Guesses((Wall(f"guess:login:{login_id}", TRIES),))


def _address() -> Iterator[Wall]:
    """The wall of the address that asks; none where nobody does, as in a command."""
    address = caller.here.get()
    if address is not None:
        yield Wall(f"address:{_digest('address', address)}", settings.TRIES_PER_ADDRESS)


def _knows(known_device: str, account: str) -> bool:
    return bool(known_device) and (
        KnownDevice.objects.filter(
            digest=hashlib.sha256(known_device.encode()).digest(),
            user__email=account,
            expires_at__gt=timezone.now(),
        ).exists()
    )


def _digest(*counted: str) -> str:
    """Keyed, because there are few e-mails and addresses: whoever reads the cache could try all."""
    return hmac.digest(settings.SECRET_KEY.encode(), "\x1f".join(counted).encode(), "sha256").hex()
