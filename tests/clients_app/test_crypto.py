"""Seals open where they were made and nowhere else."""

import pickle
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from clients_app import crypto
from clients_app.crypto import DataKey, KeyBroken, SealBroken

PLACE = b"sessions_app.Disclosure.text|row|client|1"
texts = st.text().map(lambda text: b'"%s"' % text.encode("utf-8", "ignore").strip())


def a_key() -> DataKey:
    return crypto.new_data_key(uuid4())


@given(texts, st.sampled_from([64, 256]))
def test_what_was_sealed_comes_back_byte_by_byte(plaintext: bytes, floor: int) -> None:
    key = a_key()
    seal = key.seal(plaintext, bound_to=PLACE, floor=floor)
    assert key.unseal(seal, bound_to=PLACE) == plaintext
    assert len(seal) >= crypto.SHORTEST


@given(st.binary(min_size=1, max_size=300), st.data())
def test_any_flipped_bit_is_refused(plaintext: bytes, data: st.DataObject) -> None:
    key = a_key()
    seal = bytearray(key.seal(plaintext, bound_to=PLACE))
    bit = data.draw(st.integers(0, len(seal) * 8 - 1))
    seal[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        key.unseal(bytes(seal), bound_to=PLACE)


@given(st.integers(0, 200))
def test_a_cut_seal_is_refused(length: int) -> None:
    key = a_key()
    seal = key.seal(b'"x"', bound_to=PLACE)
    if length < len(seal):
        with pytest.raises(SealBroken):
            key.unseal(seal[:length], bound_to=PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        b"sessions_app.Disclosure.text|other row|client|1",
        b"sessions_app.Disclosure.themes|row|client|1",
        b"sessions_app.SessionNote.text|row|client|1",
        b"sessions_app.Disclosure.text|row|other client|1",
        b"sessions_app.Disclosure.text|row|client|2",
    ],
)
def test_a_seal_opens_only_in_its_place(elsewhere: bytes) -> None:
    key = a_key()
    seal = key.seal(b'"x"', bound_to=PLACE)
    with pytest.raises(SealBroken):
        key.unseal(seal, bound_to=elsewhere)


def test_a_seal_opens_only_under_its_key() -> None:
    seal = a_key().seal(b'"x"', bound_to=PLACE)
    with pytest.raises(SealBroken):
        a_key().unseal(seal, bound_to=PLACE)


def test_a_seal_with_another_keys_id_is_refused_even_if_the_secret_is_the_same() -> None:
    key = a_key()
    seal = key.seal(b'"x"', bound_to=PLACE)
    renamed = seal[:1] + uuid4().bytes + seal[17:]
    with pytest.raises(SealBroken):
        key.unseal(renamed, bound_to=PLACE)


def test_lengths_come_in_few_sizes() -> None:
    """Padmé: never shorter, at most 12 % longer, and some 10 sizes up to each power of two."""
    for length in range(1, 70_000, 7):
        padded = crypto.padded_length(length)
        assert length <= padded
        assert padded <= max(64, length * 1.12)
    assert crypto.padded_length(4096) == 4096
    assert crypto.padded_length(4097) == 4352
    sizes = {crypto.padded_length(length) for length in range(1, 70_000)}
    assert len(sizes) < 200


def test_short_values_of_any_kind_are_one_size() -> None:
    key = a_key()
    sizes = {
        len(key.seal(value, bound_to=PLACE))
        for value in (b"null", b"7", b'"be_heard"', b'"unsure"', b'"1990-05-17"', b"true")
    }
    assert len(sizes) == 1


def test_nonces_never_repeat() -> None:
    key = a_key()
    nonces = {key.seal(b"x", bound_to=PLACE)[17:29] for _ in range(10_000)}
    assert len(nonces) == 10_000


def test_a_wrapped_key_belongs_to_one_client() -> None:
    """A wrapped key copied to another client's row, or to another id, is refused."""
    master, other_master = Fernet(Fernet.generate_key()), Fernet(Fernet.generate_key())
    client, key = uuid4(), a_key()
    token = key.wrap(master, client=client)
    opened = crypto.unwrap(token, master, key_id=key.id, client=client)
    assert opened.unseal(key.seal(b'"x"', bound_to=PLACE), bound_to=PLACE) == b'"x"'
    for wrong_master, wrong_id, wrong_client in (
        (master, key.id, uuid4()),
        (master, uuid4(), client),
        (other_master, key.id, client),
    ):
        with pytest.raises(KeyBroken):
            crypto.unwrap(token, wrong_master, key_id=wrong_id, client=wrong_client)
    with pytest.raises(KeyBroken):
        crypto.unwrap("gAAAA not a token", master, key_id=key.id, client=client)


def test_a_key_shows_nothing_and_is_never_pickled() -> None:
    key = a_key()
    assert repr(key) == f"<DataKey {key.id}>"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_derived_ids_are_stable_and_need_the_key() -> None:
    key = a_key()
    derived = key.derive_id("note", "2026-01-01", "text")
    assert derived == key.derive_id("note", "2026-01-01", "text")
    assert derived.version == 8
    assert derived != key.derive_id("note", "2026-01-01", "texT")
    assert derived != a_key().derive_id("note", "2026-01-01", "text")
    assert key.derive_id("a", "bc") != key.derive_id("ab", "c")
