"""The client's file: who sees the name, and that no change is lost."""

from typing import Any

import pytest

from clients_app import clients, vault
from clients_app.errors import Conflict, Denied, Hidden, Invalid, Stale
from clients_app.models import AuditEvent, Client, ClientKey
from tests.conftest import Cast


def test_codes_count_up_by_year_and_practice(cast: Cast) -> None:
    codes = [clients.register(by=cast.liis).code for _ in range(3)]
    year = codes[0].split("-")[1]
    assert codes == [f"C-{year}-000{n}" for n in (1, 2, 3)]
    assert clients.register(by=cast.olga).code == f"C-{year}-0001"
    Client.objects.filter(code=codes[2]).delete()
    assert clients.register(by=cast.liis).code == f"C-{year}-0004", "codes are never reused"


def test_who_registers_is_in_care_only_as_a_counsellor(cast: Cast) -> None:
    assert clients.register(by=cast.liis).care.get().user == cast.liis
    assert not clients.register(by=cast.frida).care.exists()
    for nobody in (cast.piret, cast.sofia, cast.root):
        with pytest.raises(Denied):
            clients.register(by=nobody)


def test_a_taken_code_is_refused(cast: Cast) -> None:
    clients.register(by=cast.liis, code="AM-001")
    with pytest.raises(Conflict):
        clients.register(by=cast.mark, code="AM-001")
    assert clients.register(by=cast.olga, code="AM-001"), "another practice has its own codes"


def test_the_list_names_those_whom_one_may_read(cast: Cast, mari: Client) -> None:
    for who, names in (
        (cast.liis, ["Mari Maasikas"]),
        (cast.frida, ["Mari Maasikas"]),
        (cast.mark, []),
        (cast.olga, []),
    ):
        page = clients.browse(by=who)
        assert [profile.identity["full_name"] for profile in page.profiles] == names
    assert AuditEvent.objects.filter(event="client.named", client_id=mari.pk).count() == 2


def test_pages_of_the_list(cast: Cast) -> None:
    for _ in range(5):
        clients.register(by=cast.liis)
    first = clients.browse(by=cast.liis, limit=3)
    rest = clients.browse(by=cast.liis, limit=3, after=first.after)
    assert [len(first.profiles), len(rest.profiles), rest.after] == [3, 2, None]


@pytest.mark.parametrize(
    ("words", "hit"),
    [
        ("maasikas", True),
        ("MARI maas", True),
        ("5550 1234", True),
        ("mari@mail", True),
        ("juhan", False),
        ("mari juhan", False),
    ],
)
def test_search_looks_through_sealed_names(cast: Cast, mari: Client, words: str, hit: bool) -> None:
    assert [p.client for p in clients.search(words, by=cast.frida)] == ([mari] if hit else [])
    assert clients.search(words, by=cast.mark) == []


def test_a_file_destroyed_a_moment_ago_is_hidden_and_spoils_no_list(
    cast: Cast, mari: Client
) -> None:
    """Its rows may still be on their way out when its key is gone already."""
    other = clients.register(by=cast.liis, identity={"full_name": "Juhan Tamm"})
    ClientKey.objects.get(client=mari).delete()
    assert [p.client for p in clients.browse(by=cast.liis).profiles] == [other]
    assert [p.client for p in clients.search("C-", by=cast.liis)] == [other]
    with pytest.raises(Hidden):
        clients.read(mari.pk, by=cast.liis)


def test_search_needs_words(cast: Cast) -> None:
    with pytest.raises(Invalid):
        clients.search("  ", by=cast.frida)


def test_a_change_keeps_the_rest(cast: Cast, mari: Client) -> None:
    clients.change(mari.pk, by=cast.frida, version=1, phone="+372 5550 9999", address="Tartu")
    identity = clients.read(mari.pk, by=cast.liis).identity
    assert identity["phone"] == "+372 5550 9999"
    assert identity["full_name"] == "Mari Maasikas"
    with pytest.raises(Stale) as stale:
        clients.change(mari.pk, by=cast.liis, version=1, phone="0")
    assert stale.value.current == 2
    line = AuditEvent.objects.get(event="client.changed")
    assert line.detail == {"fields": ["address", "phone"]}


def test_who_may_not_change(cast: Cast, mari: Client) -> None:
    for who, refusal in (
        (cast.mark, Hidden),
        (cast.olga, Hidden),
        (cast.piret, Denied),
        (cast.root, Denied),
    ):
        with pytest.raises(refusal):
            clients.change(mari.pk, by=who, version=1, phone="0")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"birth_date": "17.05.1990"}, "birth_date"),
        ({"birth_date": "2999-01-01"}, "birth_date"),
        ({"birth_date": "1990-02-30"}, "birth_date"),
        ({"email": "mari"}, "email"),
        ({"full_name": "x" * 301}, "full_name"),
        ({"full_name": "\ud800"}, "full_name"),
        ({"shoe_size": "38"}, "shoe_size"),
        ({"kind": "crowd"}, "kind"),
        ({"service_type": "massage"}, "service_type"),
        ({"jurisdiction": "Estonia"}, "jurisdiction"),
    ],
)
def test_what_will_not_do(cast: Cast, mari: Client, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        clients.change(mari.pk, by=cast.liis, version=1, **values)
    assert refused.value.field == field
    mari.refresh_from_db()
    assert mari.version == 1


def test_a_column_that_is_younger_than_the_file_may_be_empty_and_no_other(
    cast: Cast, mari: Client
) -> None:
    clients.change(mari.pk, by=cast.liis, version=1, death_date="2015-06-01")
    mari.refresh_from_db()
    key = vault.open_key(mari.pk)
    assert vault.unseal(mari, key, "death_date") == "2015-06-01"
    Client.objects.filter(pk=mari.pk).update(death_date=None)
    assert clients.read(mari.pk, by=cast.liis).identity["death_date"] is None
    mari.full_name = None  # type: ignore[assignment]  # as whoever owns the database could try
    with pytest.raises(vault.SealBroken):
        vault.unseal(mari, key, "full_name")
