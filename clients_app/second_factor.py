"""What proves, beside the password, that it is them: an authenticator app (TOTP, RFC 6238), a
passkey (WebAuthn), or one of ten recovery codes.

Rows and mathematics are allauth's; its pages and addresses are not used, so there is no door but
ours. Secrets are sealed under the master key and bound to their user (`vault.seal_secret`); of a
passkey only the public half is here. A TOTP code opens once: its step of thirty seconds is kept
with the secret, and that step and every earlier one are refused from then on.

Everybody has at least one app or passkey. The first is set up while coming in; after that, adding,
removing and new recovery codes need the second factor anew (`access.require_confirmed`).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal.auth import WebAuthn, get_authenticator_by_credential_id
from allauth.mfa.webauthn.internal.auth import get_credentials as passkeys_of
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from fido2.server import Fido2Server
from fido2.webauthn import (
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from clients_app import access, audit, guesses, texts, vault
from clients_app.errors import Conflict, Invalid, Refused
from clients_app.models import User
from clients_app.roles import Permission

TOTP, PASSKEY, CODES = (
    Authenticator.Type.TOTP,
    Authenticator.Type.WEBAUTHN,
    Authenticator.Type.RECOVERY_CODES,
)
LABELS = {TOTP: "totp", PASSKEY: "passkey", CODES: "recovery_codes"}
_owner: ContextVar[UUID] = ContextVar("owner")


class CodeRefused(Refused):
    """The code or the passkey is not theirs, or has been used."""

    code = "code_refused"
    status = 401

    def __init__(self) -> None:
        super().__init__(_("The code is wrong, or was used already. Wait for the next one."))


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth carries no types
    """How allauth's rows keep a secret: sealed, for the user in hand and for nobody else."""

    def encrypt(self, text: str) -> str:
        return vault.seal_secret(text, owner=_owner.get())

    def decrypt(self, encrypted_text: str) -> str:
        return vault.unseal_secret(encrypted_text, owner=_owner.get())


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody gives as their second factor: a code, or what their passkey signed with the
    state that was kept when it was asked."""

    code: str = field(default="", repr=False)
    passkey: str = field(default="", repr=False)
    state: Mapping[str, Any] | None = None
    host: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A second factor that somebody has."""

    id: int
    kind: str
    name: str
    created_at: datetime
    used_at: datetime | None


def held(*, by: User) -> list[Held]:
    """One's own apps and passkeys."""
    rows = Authenticator.objects.filter(user=by, type__in=[TOTP, PASSKEY]).order_by("pk")
    return [
        Held(row.pk, LABELS[row.type], row.data.get("name", ""), row.created_at, row.last_used_at)
        for row in rows
    ]


def codes_left(*, by: User) -> int:
    """How many recovery codes are not used yet."""
    row = Authenticator.objects.filter(user=by, type=CODES).first()
    with _secrets_of(by):
        return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def has_one(user: User, *, passkey: bool = False) -> bool:
    """Whether they have an app or a passkey; recovery codes alone do not count."""
    kinds = [PASSKEY] if passkey else [TOTP, PASSKEY]
    found: bool = Authenticator.objects.filter(user=user, type__in=kinds).exists()
    return found


def ids_of(user: User) -> list[int]:
    """Of what makes up the second factor of this user, recovery codes too."""
    return list(Authenticator.objects.filter(user=user).order_by("pk").values_list("pk", flat=True))


@contextmanager
def given(user: User, answer: Answer, guess: guesses.Guesses) -> Iterator[None]:
    """Do what the answer opens, if it is theirs, in one transaction: a code is used up together
    with the deed and its line on the trail, or not at all. Raises CodeRefused, TooManyTries."""
    guess.claim()
    with transaction.atomic():
        # The user before their factors, in every verb, so that no two wait for each other.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        good = _opens(user, answer)
        if good:
            yield
    if not good:
        with transaction.atomic():
            audit.record("factor.refused", by=user, subject_id=user.pk)
        raise CodeRefused


@sensitive_variables()
def offer_totp(user: User) -> str:
    """A new secret for an app, sealed until `add_totp` is given its first code."""
    return vault.seal_secret(totp.generate_totp_secret(), owner=user.pk)


@sensitive_variables()
def shown_totp(user: User, offered: str) -> tuple[str, str]:
    """The secret in letters, and the picture (SVG) that an app reads."""
    secret = vault.unseal_secret(offered, owner=user.pk)
    adapter = get_adapter()
    svg: str = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
    return secret, svg[svg.index("<svg") :]


@sensitive_variables()
def code_of(secret: str, *, back: int = 0) -> str:
    """What an app with this secret shows now, or so many half minutes ago."""
    step = list(totp.yield_hotp_counters_from_time())[1]
    code: str = totp.format_hotp_value(totp.hotp_value(secret, step - back))
    return code


@sensitive_variables()
def add_totp(offered: str, code: str, *, by: User) -> list[str]:
    """Take an app as second factor, given its first code; the recovery codes if they are new."""
    _may_add(by)
    if not offered:
        raise Invalid("code", _("Open the page anew, then scan the picture there."))
    secret = vault.unseal_secret(offered, owner=by.pk)
    step = _step_of(secret, code)
    if step is None:
        raise Invalid("code", _("The code is wrong. Is the clock of the phone right?"))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)
        _may_add(by)
        if Authenticator.objects.filter(user=by, type=TOTP).exists():
            raise Conflict(_("You have an app already. Remove it first."))
        with _secrets_of(by):
            row = totp.TOTP.activate(by, secret).instance
        row.data["last_step"] = step
        row.save(update_fields=["data"])
        return _added(row, by)


def offer_passkey(user: User, host: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a browser needs to make a passkey, and the state to keep meanwhile."""
    options, state = _server(host).register_begin(
        user=PublicKeyCredentialUserEntity(
            id=user.pk.bytes, name=user.email, display_name=user.name
        ),
        credentials=passkeys_of(user),
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return dict(options), state


@sensitive_variables()
def add_passkey(answer: Answer, name: str, *, by: User) -> list[str]:
    """Take a passkey as second factor; the recovery codes if they are new."""
    _may_add(by)
    name = texts.checked("name", name, longest=100)
    try:
        credential = json.loads(answer.passkey)
        _server(answer.host).register_complete(answer.state, credential)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Invalid("name", _("The passkey could not be read. Try again.")) from None
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)
        _may_add(by)
        return _added(WebAuthn.add(by, name, credential).instance, by)


def ask_passkey(user: User, host: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a browser needs to ask for a passkey, and the state to keep meanwhile."""
    options, state = _server(host).authenticate_begin(
        credentials=passkeys_of(user), user_verification=UserVerificationRequirement.PREFERRED
    )
    return dict(options), state


@sensitive_variables()
def renew_codes(*, by: User) -> list[str]:
    """Ten new recovery codes; the old ones open nothing from now on."""
    access.require_confirmed()
    with transaction.atomic():
        Authenticator.objects.filter(user=by, type=CODES).delete()
        audit.record("factor.codes_renewed", by=by, subject_id=by.pk)
        return _new_codes(by)


def remove(factor_id: int, *, by: User) -> None:
    """Give an app or passkey up. Raises Conflict for the last one."""
    access.require_confirmed()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)
        mine = Authenticator.objects.filter(user=by, type__in=[TOTP, PASSKEY])
        row = mine.filter(pk=factor_id).first()
        if row is not None and mine.count() == 1:
            raise Conflict(_("This is your last one. Add another before you remove it."))
        if row is not None:
            row.delete()
            audit.record("factor.removed", by=by, subject_id=by.pk, kind=LABELS[row.type])
    if row is None:
        access.hide(by, Permission.USER_MANAGE, client_id=None)


def forget(user: User) -> None:
    """Everything that proves it is them, as part of a verb that may and records it."""
    Authenticator.objects.filter(user=user).delete()


def secrets_by_master() -> dict[str, int]:
    """How many secrets each master key seals, by fingerprint."""
    names = (vault.master_of(row.data[_sealed(row)]) for row in _with_secrets())
    return dict(Counter(names))


def broken() -> list[str]:
    """The rows whose secret does not open, each tried; they are read in portions."""
    found = []
    with transaction.atomic():
        for row in _with_secrets().iterator(chunk_size=1000):
            try:
                vault.unseal_secret(row.data[_sealed(row)], owner=row.user_id)
            except (vault.SealBroken, vault.MasterKeyMissing):
                found.append(f"second factor {row.pk}")
    return found


def reseal(batch: int) -> int:
    """Seal up to `batch` secrets by the newest master key, in the current transaction; how many."""
    newest = vault.master_fingerprints()[0]
    done = 0
    for row in _with_secrets().select_for_update(skip_locked=True):
        name = _sealed(row)
        if vault.master_of(row.data[name]) == newest:
            continue
        secret = vault.unseal_secret(row.data[name], owner=row.user_id)
        row.data[name] = vault.seal_secret(secret, owner=row.user_id)
        row.save(update_fields=["data"])
        done += 1
        if done == batch:
            break
    return done


def _with_secrets() -> "QuerySet[Authenticator]":
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(type__in=[TOTP, CODES])
    return rows.order_by("pk")


def _sealed(row: Authenticator) -> str:
    return "secret" if row.type == TOTP else "seed"


def _may_add(user: User) -> None:
    """Asked before the answer is looked at, and once more under the user's lock: of two who set up
    a first factor at once, the second one adds to a factor that is there."""
    if has_one(user):
        access.require_confirmed()


def _added(row: Authenticator, by: User) -> list[str]:
    audit.record("factor.added", by=by, subject_id=by.pk, kind=LABELS[row.type])
    return [] if Authenticator.objects.filter(user=by, type=CODES).exists() else _new_codes(by)


@sensitive_variables()
def _new_codes(user: User) -> list[str]:
    with _secrets_of(user):
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


@sensitive_variables()
def _opens(user: User, answer: Answer) -> bool:
    return (
        _passkey_opens(user, answer) if answer.passkey else _code_opens(user, answer.code.strip())
    )


@sensitive_variables()
def _code_opens(user: User, code: str) -> bool:
    with transaction.atomic(), _secrets_of(user):
        rows = Authenticator.objects.select_for_update().filter(user=user, type__in=[TOTP, CODES])
        for row in rows.order_by("-type"):
            if row.type == TOTP:
                step = _step_of(get_adapter().decrypt(row.data["secret"]), code)
                good = step is not None and step > row.data["last_step"]
                if good:
                    row.data["last_step"] = step
            else:
                good = RecoveryCodes(row).validate_code(code)
                row.refresh_from_db()
            if good:
                row.last_used_at = timezone.now()
                row.save(update_fields=["data", "last_used_at"])
                return True
    return False


@sensitive_variables()
def _step_of(secret: str, code: str) -> int | None:
    """The step of thirty seconds to which a code belongs: this one, or one beside it."""
    found = None
    for step in totp.yield_hotp_counters_from_time():
        expected = totp.format_hotp_value(totp.hotp_value(secret, step))
        if compare_user_code(actual=code, expected=expected):
            found = step
    return found


@sensitive_variables()
def _passkey_opens(user: User, answer: Answer) -> bool:
    if answer.state is None:
        return False
    try:
        used = _server(answer.host).authenticate_complete(
            answer.state, passkeys_of(user), json.loads(answer.passkey)
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    row = get_authenticator_by_credential_id(user, used.credential_id)
    if row is None:
        return False
    row.record_usage()
    return True


def _server(host: str) -> Fido2Server:
    """A passkey belongs to a host, and fido2 refuses what was signed for another."""
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name="Usaldus"))


@contextmanager
def _secrets_of(user: User) -> Iterator[None]:
    token = _owner.set(user.pk)
    try:
        yield
    finally:
        _owner.reset(token)
