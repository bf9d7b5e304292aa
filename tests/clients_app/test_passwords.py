"""Which passwords will do."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from clients_app import passwords
from tests.conftest import PASSWORD, Cast

LONG = 15


def longer(common: str) -> list[str]:
    """How somebody makes 15 characters of it."""
    return [
        (common * LONG)[: max(LONG, len(common))],
        common.ljust(LONG, "!"),
        (common + "12345678901234567890")[: max(LONG + 1, len(common) + 4)],
        f"{common.title()}2024{common}",
        f"{common}{common.upper()}!!!".ljust(LONG, "1"),
    ]


def test_common_passwords_made_longer_are_refused() -> None:
    """Every fourth of the 20,000, in five ways each: 25,000 passwords, offline."""
    chosen = sorted(passwords._common())[::4]
    assert len(chosen) > 4_000
    passed = [
        typed
        for common in chosen
        for typed in longer(common)
        if not passwords.readily_guessed(typed)
    ]
    assert passed == []


@pytest.mark.parametrize(
    "typed",
    [
        "qwertyuiop123456789",
        "1qaz2wsx3edc4rfv5tgb",
        "123456789012345",
        "aaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "P@ssw0rd!P@ssw0rd!",
        "Pa55word!Pa55word!",
        "iloveyouiloveyou1",
        "liis kalda 2024!",
        "LiisKalda-1-Liis",
        "liis@kalda.example",
        "zyxwvutsrqponmlkji",
    ],
)
def test_what_guessers_try_first_is_refused(cast: Cast, typed: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(typed, cast.liis)


@pytest.mark.parametrize(
    "typed",
    [
        PASSWORD,
        "vaikus on hea sõber meil",
        "correcthorsebatterystaple",
        "qmxw-fhtk-zyna-bcde",
        "Xq7!vR2#mK9$tL4&",
        "liis walked by the frozen river",
    ],
)
def test_what_is_ones_own_will_do(cast: Cast, typed: str) -> None:
    validate_password(typed, cast.liis)


def test_fourteen_characters_are_too_few(cast: Cast) -> None:
    with pytest.raises(ValidationError):
        validate_password("Xq7!vR2#mK9$tL", cast.liis)
