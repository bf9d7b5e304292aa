"""Seal and unseal bytes; wrap and unwrap data keys. Pure functions, no Django, no state.

A seal is ``version (1) | key id (16) | nonce (12) | AES-256-GCM ciphertext and tag`` (NIST SP
800-38D; 96-bit random nonces, so one data key serves at most 2**32 seals, far more than one
client's life). The authenticated data binds a seal to its place: move it to another row, column,
client or version and it does not open. The plaintext is padded with spaces to a Padmé length
(Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
2019, section 4), never below a floor, so that length tells little: at most 12 % are added. Spaces
after a JSON value mean nothing, so the padding needs no length of its own.

A wrapped data key is a Fernet token (the format of django-encrypted-model-fields) over the key
together with the ids it belongs to: a token copied to another client's row is refused.

The trail is signed by Ed25519 (RFC 8032); what is signed begins with words of its own, so that a
signature over one kind of thing never passes for another.
"""

import base64
import hashlib
import hmac
import os
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
KEY_ID_END = 17
HEADER = 29
TAG = 16
FLOOR = 64
SHORTEST = HEADER + FLOOR + TAG


class SealBroken(Exception):
    """The seal does not open: altered, moved, cut, or under another key."""


class KeyBroken(Exception):
    """The wrapped data key does not open, or belongs to another client."""


class Cipher(Protocol):
    """A master key, as django-encrypted-model-fields parses it."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...


class DataKey:
    """One client's data key, ready to use. Lives for one verb and never shows its bytes."""

    __slots__ = ("_gcm", "_secret", "id")

    def __init__(self, key_id: UUID, secret: bytes) -> None:
        if len(secret) != 32:
            raise KeyBroken("a data key has 256 bits")
        self.id = key_id
        self._secret = secret
        self._gcm = AESGCM(secret)

    def __repr__(self) -> str:
        return f"<DataKey {self.id}>"

    def __reduce__(self) -> str:
        raise TypeError("a data key is never pickled")

    def seal(self, plaintext: bytes, *, bound_to: bytes, floor: int = FLOOR) -> bytes:
        """Encrypt `plaintext` (JSON, UTF-8) for the place that `bound_to` names."""
        header = bytes([VERSION]) + self.id.bytes
        nonce = os.urandom(12)
        padded = plaintext.ljust(padded_length(len(plaintext), floor))
        return header + nonce + self._gcm.encrypt(nonce, padded, header + bound_to)

    def unseal(self, seal: bytes, *, bound_to: bytes) -> bytes:
        """The plaintext without its padding. Raises SealBroken, never returns anything else."""
        if len(seal) < HEADER + TAG or seal[0] != VERSION:
            raise SealBroken("not a seal of a known version")
        header = seal[:KEY_ID_END]
        if header[1:] != self.id.bytes:
            raise SealBroken("sealed under another key")
        try:
            padded = self._gcm.decrypt(seal[KEY_ID_END:HEADER], seal[HEADER:], header + bound_to)
        except InvalidTag:
            raise SealBroken("altered, or not of this place") from None
        return padded.rstrip(b" ")

    def derive_id(self, *parts: str) -> UUID:
        """An id that only this key's holder can compute from `parts` (RFC 9562 version 8)."""
        digest = hmac.digest(self._secret, "\x1f".join(("id", *parts)).encode(), "sha256")
        number = int.from_bytes(digest[:16])
        number = number & ~(0xF << 76) | (8 << 76)
        return UUID(int=number & ~(0x3 << 62) | (0x2 << 62))

    def wrap(self, master: Cipher, *, client: UUID) -> str:
        """The key under a master key, bound to its own id and its client."""
        return master.encrypt(self.id.bytes + client.bytes + self._secret).decode("ascii")


def seal_secret(plaintext: bytes, master_key: str, *, bound_to: bytes) -> str:
    """Encrypt a login's secret, which belongs to no client, by a key derived from a master key."""
    nonce = os.urandom(12)
    sealed = _login_cipher(master_key).encrypt(nonce, plaintext, bound_to)
    return base64.urlsafe_b64encode(nonce + sealed).decode("ascii")


def unseal_secret(sealed: str, master_key: str, *, bound_to: bytes) -> bytes:
    """The secret. Raises SealBroken if it was altered or is somebody else's."""
    try:
        raw = base64.urlsafe_b64decode(sealed.encode("ascii"))
        return _login_cipher(master_key).decrypt(raw[:12], raw[12:], bound_to)
    except (InvalidTag, ValueError):
        raise SealBroken("altered, or not of this login") from None


def _login_cipher(master_key: str) -> AESGCM:
    """The master key itself only ever wraps data keys (NIST SP 800-108: one key, one use)."""
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"usaldus login secrets")
    return AESGCM(derived.derive(master_key.encode("ascii")))


def unwrap(token: str, master: Cipher, *, key_id: UUID, client: UUID) -> DataKey:
    """Open a wrapped data key. Raises KeyBroken if it is altered or another client's."""
    try:
        opened = master.decrypt(token.encode("ascii"))
    except (InvalidToken, UnicodeEncodeError):
        raise KeyBroken("altered, or wrapped under another master key") from None
    if not hmac.compare_digest(opened[:32], key_id.bytes + client.bytes):
        raise KeyBroken("wrapped for another client")
    return DataKey(key_id, opened[32:])


def new_data_key(key_id: UUID) -> DataKey:
    """A fresh random 256-bit key."""
    return DataKey(key_id, os.urandom(32))


def padded_length(length: int, floor: int = FLOOR) -> int:
    """Padmé: keep only as many significant bits of the length as its magnitude needs."""
    if length <= floor:
        return floor
    exponent = length.bit_length() - 1
    free_bits = exponent - exponent.bit_length()
    mask = (1 << free_bits) - 1
    return (length + mask) & ~mask


def fingerprint(master_key: str) -> str:
    """A public name for a master key: 64 bits of a domain-separated SHA-256."""
    return hashlib.sha256(b"usaldus master key\0" + master_key.encode()).hexdigest()[:16]


class Signer:
    """A key that signs. Made from its seed of 32 bytes, which it never shows."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"<Signer {public_fingerprint(self.public)}>"

    def __reduce__(self) -> str:
        raise TypeError("a signing key is never pickled")

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def is_signed(message: bytes, signature: bytes, *, public: bytes) -> bool:
    """Whether the holder of that public key's secret half signed this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_fingerprint(public: bytes) -> str:
    """A short name for a public key: 64 bits of a domain-separated SHA-256."""
    return hashlib.sha256(b"usaldus public key\0" + public).hexdigest()[:16]
