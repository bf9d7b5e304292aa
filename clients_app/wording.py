"""What a promise of confidentiality may say. A wording that promises more than the law lets anybody
keep is not published: whoever trusted it would be betrayed the first time it mattered.

The lists catch what is written in good faith; they are no judge. A sentence that says what nobody
can promise ("nobody can promise complete secrecy") is not taken for the promise itself.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from re import Pattern

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clients_app import texts
from clients_app.errors import Invalid
from clients_app.models import Language

LONGEST = 20_000
SHIPPED = Path(__file__).with_name("wordings")
TO_FILL_IN = re.compile(r"\[[^\]]*\]")
EN, ET = Language.ENGLISH, Language.ESTONIAN

# Words for a secrecy that nobody can keep, and what before them in the sentence turns them round.
BOASTS: Mapping[str, Pattern[str]] = {
    EN: re.compile(
        r"\b(absolute(ly)?|complete(ly)?|total(ly)?|full(y)?|entire(ly)?|unconditional(ly)?"
        r"|(100|(a |one )?hundred) ?(%|per ?cent))\s+"
        r"(secre|confidential|silen|privacy|private|discre)\w*"
        r"|\b(no|without( an?y?)?) exceptions?\b"
        r"|\bguarantee\w*\s+(\w+\s+)?(secre|confidential|silen|privacy)\w*"
    ),
    ET: re.compile(
        r"\b(absoluut\w*|täieli\w*|täiesti|tingimusteta|sajaprotsendili\w*"
        r"|(100|sada) ?(%|protsen\w*)(-?\w+)?)\s+"
        r"(vaiki|salad|salaj|konfidentsiaal|privaat)\w*"
        r"|\b(ilma( ühegi| mingi\w*)? erandi\w*|eranditeta)\b"
        r"|\bgaranteeri\w*\s+(\w+\s+)?(vaiki|salad|salaj|konfidentsiaal)\w*"
    ),
}
TURNED: Mapping[str, Pattern[str]] = {
    EN: re.compile(r"\b(can ?not|can['’]t|no ?body can|no one can)( \w+){0,3} (promise|guarantee)"),
    ET: re.compile(r"\bei (saa|või|suuda)( \w+){0,3} (luba|tõota|garanteeri)"),
}
# Vows that leave no room for an exception.
VOWS: Mapping[str, Pattern[str]] = {
    EN: re.compile(
        r"\bnever (tell|reveal|share|pass|disclose|repeat)\w*\b[^.;:!?]*"
        r"\b(any ?one|any ?body|a soul)\b"
        r"(?![^.;:!?]*\b(unless|except|without your))"
        r"|\bunder (any|no) circumstances?\b|\bno matter what\b|\bwhatever happens\b"
        r"|\b(no one|no ?body) will ever (know|learn|hear|find)\b|\bto (my|the) grave\b"
    ),
    ET: re.compile(
        r"\bkunagi (mitte )?(kellelegi|kellegagi)\b|\b(kellelegi|kellegagi) (mitte )?kunagi\b"
        r"|\bmitte (kunagi )?kellelegi\b(?![^.;:!?]*\b(välja arvatud|ilma teie))"
        r"|\bmitte (mingi|ühe)\w* (juhul|tingimus\w*|asjaolu\w*)\b|\bmis ka ei juhtuks\b"
        r"|\bkeegi ei saa (\w+ )?(mitte )?kunagi teada\b|\bhauda kaasa\b"
    ),
}
# What has to be named, so that a client knows it before the first word.
NAMED: Mapping[str, Mapping[str, Pattern[str]]] = {
    EN: {
        "exception": re.compile(r"\bexcept|\bunless\b"),
        "life": re.compile(r"\b(life|lives|suicid\w*)\b"),
        "child": re.compile(r"\bchild"),
        "law": re.compile(r"\b(court|law|legal)"),
    },
    ET: {
        "exception": re.compile(r"\berand|\bvälja arvatud\b"),
        "life": re.compile(r"\belu(le|st|ga|oh\w*)?\b|\benesetap"),
        "child": re.compile(r"\bla(ps|st)"),
        "law": re.compile(r"\bkoh(us|tu)|\bseadus"),
    },
}
MISSING: Mapping[str, Promise] = {
    "exception": _(
        "This wording names no exceptions. Say when something may or must be told: danger to life, "
        "harm to a child or a dependent person, a court order or a duty by law."
    ),
    "life": _("Say what happens when somebody’s life is in danger."),
    "child": _("Say what happens when a child, or a person who depends on others, is harmed."),
    "law": _("Say what happens when a court orders it or a law demands it."),
}


def shipped(language: str) -> str:
    """The wording to begin with in that language."""
    return (SHIPPED / f"{checked_language(language)}.txt").read_text("utf-8").strip()


def checked_language(language: str) -> str:
    if language not in Language.values:
        raise Invalid("language", _("Choose one of the listed values."))
    return language


def checked(text: str) -> str:
    """A draft: anything that somebody may still be thinking about."""
    return texts.checked("text", text, longest=LONGEST)


def check(language: str, text: str) -> None:
    """Raises Invalid for what must not be published, with the reason."""
    checked(text)
    plain = " ".join(text.casefold().split())
    if promises_too_much(language, plain):
        raise Invalid(
            "text",
            _(
                "This promises a secrecy without limits, and nobody can keep that: a life in "
                "danger, a child, a court come before it. Promise what you keep, and say what the "
                "exceptions are."
            ),
            code="absolute",
        )
    for name, words in NAMED[language].items():
        if not words.search(plain):
            raise Invalid("text", MISSING[name], code=f"without_{name}")
    if TO_FILL_IN.search(text):
        raise Invalid("text", _("Fill in what stands in square brackets."), code="unfinished")


def promises_too_much(language: str, plain: str) -> bool:
    """Whether any sentence promises more than anybody can keep."""
    for sentence in re.split(r"(?<=[.;:!?])\s", plain):
        boast = BOASTS[language].search(sentence)
        if boast and not TURNED[language].search(sentence[: boast.start()]):
            return True
        if VOWS[language].search(sentence):
            return True
    return False
