"""From where a request comes: what proxies that the operator named wrote, and nothing else."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from clients_app import caller
from clients_app.checks import callers_are_told_apart

ROOT = Path(__file__).resolve().parents[2]
INNER = caller.proxies(["10.0.0.0/8", "2001:db8:1::/48"])
SOCKET = caller.proxies(["unix:", "10.0.0.2"])
NOBODY = caller.proxies([])


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "found"),
    [
        # Nobody is named: the connection counts, whatever a header says.
        ("192.0.2.1", "198.51.100.7", NOBODY, "192.0.2.1"),
        ("10.0.0.2", "198.51.100.7", NOBODY, "10.0.0.2"),
        # One proxy, and two behind each other; what the caller wrote further left counts nothing.
        ("10.0.0.2", "198.51.100.7", INNER, "198.51.100.7"),
        ("10.0.0.2", "198.51.100.7, 10.0.0.3", INNER, "198.51.100.7"),
        ("10.0.0.2", "1.1.1.1, 198.51.100.7, 10.0.0.3", INNER, "198.51.100.7"),
        ("10.0.0.2", "10.0.0.9, 198.51.100.7", INNER, "198.51.100.7"),
        ("192.0.2.1", "10.0.0.3", INNER, "192.0.2.1"),
        # The caller stands inside.
        ("10.0.0.2", "10.0.0.8, 10.0.0.3", INNER, "10.0.0.8"),
        # Nothing there, or nothing that can be read: the last that was trusted.
        ("10.0.0.2", "", INNER, "10.0.0.2"),
        ("10.0.0.2", "unknown", INNER, "10.0.0.2"),
        ("10.0.0.2", "198.51.100.7, _hidden, 10.0.0.3", INNER, "10.0.0.3"),
        ("10.0.0.2", "198.51.100.7, ,10.0.0.3", INNER, "10.0.0.3"),
        ("10.0.0.2", "198.51.100.07", INNER, "10.0.0.2"),
        ("10.0.0.2", "198.51.100.7:x", INNER, "10.0.0.2"),
        ("10.0.0.2", "[198.51.100.7", INNER, "10.0.0.2"),
        ("10.0.0.2", "١٩٨.51.100.7", INNER, "10.0.0.2"),
        # Ports, brackets, quotes, both families.
        ("10.0.0.2", "198.51.100.7:4711", INNER, "198.51.100.7"),
        ("10.0.0.2", '"[2001:db8:2::7]:4711"', INNER, "2001:db8:2::7"),
        ("10.0.0.2", "[2001:DB8:2::7]", INNER, "2001:db8:2::7"),
        ("2001:db8:1::2", "2001:db8:2::7", INNER, "2001:db8:2::7"),
        ("::ffff:10.0.0.2", "::ffff:198.51.100.7", INNER, "198.51.100.7"),
        ("10.0.0.2", "[::ffff:198.51.100.7]:80, ::ffff:10.0.0.3", INNER, "198.51.100.7"),
        # A socket file has no address; whether its other end is trusted is said with `unix:`.
        ("", "198.51.100.7", SOCKET, "198.51.100.7"),
        ("", "198.51.100.7, 10.0.0.2", SOCKET, "198.51.100.7"),
        ("", "198.51.100.7", INNER, None),
        ("", "", SOCKET, None),
        ("somewhere", "198.51.100.7", SOCKET, None),
    ],
)
def test_whom_a_request_comes_from(
    peer: str, forwarded: str, trusted: caller.Proxies, found: str | None
) -> None:
    assert caller.of(peer, forwarded, trusted) == (ip_address(found) if found else None)


@given(said=st.text(max_size=200), address=st.ip_addresses(v=4, network="198.51.100.0/24"))
def test_nothing_that_a_caller_writes_changes_it(said: str, address: IPv4Address) -> None:
    """Behind a proxy that adds to the list, whatever stands there before."""
    assert caller.of("10.0.0.2", f"{said}, {address}", INNER) == address


def test_control_who_believes_the_first_word_is_deceived() -> None:
    """As many do: the same check notices."""
    said = "1.1.1.1, 198.51.100.7"
    assert caller.read(said.split(",")[0]) != caller.of("10.0.0.2", said, INNER)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:2:3:4:5:6:7", "2001:db8:2:3::/64"),
        ("2001:db8:2:3:ffff::1", "2001:db8:2:3::/64"),
        ("2001:db8:2:4::1", "2001:db8:2:4::/64"),
    ],
)
def test_a_subscriber_of_ipv6_is_one(address: str, counted: str) -> None:
    assert caller.counted_as(ip_address(address)) == counted


def test_whose_address_is_unknown_counts_with_the_others_of_whom_it_is() -> None:
    assert caller.counted_as(None) == caller.UNKNOWN


def test_during_a_request_only() -> None:
    """And what the request said of itself is not there for anybody else to believe."""
    meta = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "1.1.1.1"}
    with caller.arrived(meta):
        assert caller.here.get() == "192.0.2.1"
        assert "HTTP_X_FORWARDED_FOR" not in meta
    assert caller.here.get() is None


@pytest.mark.parametrize(
    ("peer", "said", "status"),
    [
        ("127.0.0.1", "https", 200),
        ("127.0.0.1", "https,https", 200),
        # The first word is the caller's, the second the proxy's.
        ("127.0.0.1", "https,http", 301),
        ("127.0.0.1", "http", 301),
        ("127.0.0.1", "", 301),
        ("192.0.2.1", "https", 301),
        ("", "https", 301),
    ],
)
def test_only_a_named_proxy_is_believed_that_the_way_was_https(
    db: None, settings: Any, peer: str, said: str, status: int
) -> None:
    _behind_tls(settings)
    browser = Browser(REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO=said)
    assert browser.get("/admin/login/").status_code == status


def test_control_without_the_gate_everybody_is_believed(db: None, settings: Any) -> None:
    _behind_tls(settings)
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("arrival")]
    stranger = Browser(REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_PROTO="https")
    assert stranger.get("/admin/login/").status_code == 200


def _behind_tls(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = ["127.0.0.1"]


def _name(settings: Any, *names: str) -> None:
    settings.TRUSTED_PROXIES = list(names)


@pytest.mark.parametrize(
    ("unsafe", "found"),
    [
        (lambda settings: _name(settings), []),
        (lambda settings: _name(settings, "unix:", "10.0.0.1", "10.0.0.0/8", "fc00::/7"), []),
        (lambda settings: _name(settings, "proxy.example"), ["E011"]),
        (lambda settings: _name(settings, "10.0.0.1/8", "*", ""), ["E011"] * 3),
        (lambda settings: _name(settings, "0.0.0.0/0", "128.0.0.0/1", "::/0"), ["E011"] * 3),
        (lambda settings: setattr(settings, "SECURE_PROXY_SSL_HEADER", ("X", "y")), ["E012"]),
        (lambda settings: setattr(settings, "TRIES_PER_ADDRESS", 0), ["E013"]),
        (lambda settings: setattr(settings, "TRIES_PER_ADDRESS", 100_000), ["E013"]),
    ],
)
def test_nonsense_is_refused(
    settings: Any, unsafe: Callable[[Any], None], found: list[str]
) -> None:
    unsafe(settings)
    assert [error.id for error in callers_are_told_apart()] == [f"usaldus.{id}" for id in found]


def test_nobody_else_looks_at_an_address() -> None:
    """Whoever did would have to find out anew which header may be believed."""
    looks = re.compile(r"REMOTE_(ADDR|HOST)|FORWARDED|REAL_IP|x-forwarded|x-real-ip", re.IGNORECASE)
    places = {
        str(path.relative_to(ROOT))
        for app in ("clients_app", "sessions_app", "config")
        for path in (ROOT / app).rglob("*.py")
        if looks.search(path.read_text())
    }
    # The settings name the header to Django, which is left what the caller module believed.
    assert places == {"clients_app/caller.py", "config/settings/base.py"}
