"""From where a request comes: the address of its caller, as far as it can be believed.

The only module that looks at an address; what it finds is counted by (`guesses`) and goes nowhere
else, neither into the log nor on the trail. What a header says is what its sender wrote. So the
list in X-Forwarded-For is walked from the right, where the nearest proxy wrote, and only for as
long as the writer is one of the proxies that the operator names (TRUSTED_PROXIES); likewise nobody
else is believed that the way was HTTPS. RFC 7239, 5.2 and 8.1; OWASP ASVS 5.0, 4.1.3.

WSGI spells X-Forwarded-For and X_Forwarded_For alike, and the server lets the later one win. No
application can tell them apart: a proxy has to drop names with an underscore (README, Proxies).
"""

import re
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
PEER, FORWARDED, PROTO = "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"
# A proxy on this machine that comes through a socket file, as nginx calls it; it has no address.
UNIX = "unix:"
# The widest network that may be all proxies: 10.0.0.0/8 and fc00::/7, and not half the internet.
WIDEST = {4: 8, 6: 7}
# A node of RFC 7239, 6, with or without its port.
NODE = re.compile(
    r"""\s*("?)(?: \[(?P<six>[0-9a-f:.]+)\](?: :[0-9]{1,5})?
              | (?P<four>[0-9.]+)(?: :[0-9]{1,5})?
              | (?P<bare>[0-9a-f:.]+) )\1\s*""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Proxies:
    """Who is believed about those who stand behind them."""

    networks: tuple[Network, ...] = ()
    unix: bool = False

    def hold(self, address: Address | None) -> bool:
        """Whether it is one of them; None is whoever comes through a socket file."""
        if address is None:
            return self.unix
        return any(address in network for network in self.networks)


# What the caller of the present request is counted by; None where nobody called, as in a command.
here: ContextVar[str | None] = ContextVar("caller", default=None)


def proxies(names: Iterable[str]) -> Proxies:
    """The proxies of that setting: addresses, networks, `unix:`. Raises ValueError, whose text is
    for the operator."""
    named = tuple(names)
    return Proxies(tuple(_network(name) for name in named if name != UNIX), UNIX in named)


@contextmanager
def arrived(meta: MutableMapping[str, Any]) -> Iterator[None]:
    """A request with this WSGI environment comes in: say by `here` from where. What it says of
    itself, and was believed or not, is taken away."""
    trusted = _trusted(tuple(settings.TRUSTED_PROXIES))
    peer = str(meta.get(PEER, ""))
    if not _said_https(str(meta.get(PROTO, ""))) or not _holds(trusted, peer):
        meta.pop(PROTO, None)
    token = here.set(counted_as(of(peer, str(meta.pop(FORWARDED, "")), trusted)))
    try:
        yield
    finally:
        here.reset(token)


def of(peer: str, forwarded: str, trusted: Proxies) -> Address | None:
    """The last address that is known from somebody trusted: the connection's `peer`, or what
    trusted proxies wrote into the list `forwarded`. What cannot be read ends the walk. None for an
    unreadable peer, or one without an address behind which nobody was named."""
    found = read(peer)
    if found is None and peer:
        return None
    for node in reversed(forwarded.split(",")):
        if not trusted.hold(found):
            break
        before = read(node)
        if before is None:
            break
        found = before
    return found


def read(node: str) -> Address | None:
    """An address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`,
    `"[2001:db8::1]:80"`. IPv4 in the clothes of IPv6 (`::ffff:192.0.2.1`) is IPv4."""
    match = NODE.fullmatch(node)
    if match is None:
        return None
    try:
        address = ip_address(match["six"] or match["four"] or match["bare"])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def counted_as(address: Address | None) -> str:
    """By what a caller is counted: an IPv4 address, or the /64 of an IPv6 address, which is the
    least that one subscriber has (RFC 6177). Those whose address is not known count as one."""
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


def _holds(trusted: Proxies, peer: str) -> bool:
    address = read(peer)
    return trusted.hold(address) and (address is not None or not peer)


def _said_https(said: str) -> bool:
    """Where proxies add to the header, the first word in it may be the caller's own."""
    return all(word.strip().lower() == "https" for word in said.split(","))


@lru_cache(maxsize=8)
def _trusted(names: tuple[str, ...]) -> Proxies:
    return proxies(names)


def _network(name: str) -> Network:
    network = ip_network(name)
    if network.prefixlen < WIDEST[network.version]:
        raise ValueError(f"{name} is too wide to be a proxy's")
    return network
