"""Which passwords will do: 15 characters or more, and nothing that a guesser tries first.

Long passwords that people choose are mostly short ones made longer, and lists of long ones are
lists of these. So everything that a guesser knows is taken away – walks along the keyboard, the
alphabet and the numbers, the names of the person and the practice, figures and signs, the 20,000
common passwords that Django brings along – in the spelling that was typed and with 3 read as e.
Enough has to be left. Nothing leaves the machine for this.
"""

import re
import unicodedata
from functools import lru_cache

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clients_app.models import User

# What has to be left, unless there are so many different words that together they do.
OWN_SIGNS = 8
WORDS = 4
# A shorter common password is part of many a good word.
COMMON, LONGEST_COMMON = 5, 20
WALKED = 4
WALKS = ("qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")
COUNTED = ("abcdefghijklmnopqrstuvwxyz", "01234567890")
LOOKS_LIKE = str.maketrans("0134578@$!", "oleastbasi")


class ReadilyGuessedValidator:
    """For AUTH_PASSWORD_VALIDATORS."""

    def validate(self, password: str, user: User | None = None) -> None:
        if readily_guessed(password, _names(user)):
            raise ValidationError(
                _("This is easy to guess. Take four or more words that do not belong together."),
                code="readily_guessed",
            )

    def get_help_text(self) -> str:
        return _("Take four or more words that do not belong together.")


def readily_guessed(password: str, names: tuple[str, ...] = ()) -> bool:
    """Whether too little is left of it once everything that guessers know is taken away."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    return any(_weak(typed, names) for typed in (plain, plain.translate(LOOKS_LIKE)))


def _weak(password: str, names: tuple[str, ...]) -> bool:
    unit = _repeated(password)
    if password in _common() or unit in _common():
        return True
    for name in names:
        unit = unit.replace(name, " ")
    if len(set(re.findall(r"[^\W\d_]{3,}", _unwalked(unit)))) >= WORDS:
        return False
    # A walk may begin with the last sign of a common password, and the other way round.
    left = (_uncommon(_unwalked(unit)), _unwalked(_uncommon(unit)))
    return min(len(set(re.findall(r"[^\W_]", rest))) for rest in left) < OWN_SIGNS


def _unwalked(text: str) -> str:
    for walk in _walks():
        text = text.replace(walk, " ")
    return text


def _uncommon(text: str) -> str:
    """What stands beside the longest common password in it, and the longest one after that."""
    for _turn in range(2):
        inner = [
            text[i:j]
            for i in range(len(text))
            for j in range(i + COMMON, min(len(text), i + LONGEST_COMMON) + 1)
            if text[i:j] in _common()
        ]
        text = text.replace(max(inner, key=len), " ") if inner else text
    return text


def _repeated(password: str) -> str:
    """The part of which a password is nothing but repetitions, the last of them perhaps cut."""
    for length in range(1, len(password)):
        unit = password[:length]
        if (unit * (len(password) // length + 1))[: len(password)] == password:
            return unit
    return password


def _names(user: User | None) -> tuple[str, ...]:
    if user is None:
        return ()
    texts = [user.name, user.email, user.practice.name if user.practice else ""]
    parts = {part for text in texts for part in re.split(r"[\W_]+", text.casefold())}
    return tuple(sorted((part for part in parts if len(part) >= 3), key=len, reverse=True))


@lru_cache(maxsize=1)
def _walks() -> tuple[str, ...]:
    """Every way of four keys or more, the longest first."""
    ways = [way for line in (*WALKS, *COUNTED) for way in (line, line[::-1])]
    parts = {
        way[i:j] for way in ways for i in range(len(way)) for j in range(i + WALKED, len(way) + 1)
    }
    return tuple(sorted(parts, key=len, reverse=True))


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)
