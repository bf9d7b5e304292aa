"""Words come back as they were said: byte for byte, or not at all."""

from collections.abc import Callable
from typing import Any

import pytest

from clients_app.models import Client, User
from sessions_app.models import FORMATS, TherapySession
from tests.api.conftest import Operation, Phone, ask, each, refusal, tell
from tests.conftest import Cast

Open = Callable[[User], Phone]
MEBIBYTE = 1024 * 1024
WORDS = {
    "spaces around": "  said, then silence  ",
    "lines of Windows": "one\r\ntwo\rthree\nfour\r\n\r\n",
    "tabs and stranger spaces": "\ta\u00a0b\u2003c\u200bd\ufeffe\x0b\x0cf",
    "combining letters": "o\u0303 is not \u00f5, S\u030c is not \u0160",
    "emoji": "👩‍👩‍👧 🏳️‍🌈 🇪🇪",
    "right to left": "\u202eshalom \u05e9\u05dc\u05d5\u05dd",
    "control characters": "\x01\x07\x1b[31m\x7f\x85",
    "private and unassigned": "\ue000\U0010fffd\ufffe\uffff",
    "looks like something else": '{"a": [1, null]} <b>&amp;</b> \\u0041 %41 gAAAAAB=',
    "one letter": "ä",
}


@pytest.fixture
def liis(cast: Cast, phone: Open) -> Phone:
    return phone(cast.liis)


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_words_come_back_as_they_were_sent(
    liis: Phone, meeting: TherapySession, words: str
) -> None:
    """In every section of every format, and in what was confided."""
    session = str(meeting.pk)
    for form, sections in FORMATS.items():
        body = dict.fromkeys(sections, words)
        note = tell(liis, "notes", {"session": session, "format": form, "body": body}, status=201)
        assert ask(liis, f"notes/{note['id']}")["body"] == body
    told = tell(liis, "disclosures", {"session": session, "text": words}, status=201)
    assert ask(liis, f"disclosures/{told['id']}")["text"] == words


def test_the_bytes_on_the_wire_are_utf8(liis: Phone, meeting: TherapySession) -> None:
    """Not escaped and not composed anew: the same bytes that came."""
    raw = f'{{"session":"{meeting.pk}","text":"o\u0303, 👩‍👩‍👧"}}'.encode()
    told = tell(liis, "disclosures", raw, status=201)
    answer = liis.send("GET", f"disclosures/{told['id']}")
    assert '"text":"o\u0303, 👩‍👩‍👧"'.encode() in answer.content


def test_a_mebibyte_fits_and_a_byte_more_does_not(liis: Phone, meeting: TherapySession) -> None:
    """Counted as it is stored, in UTF-8."""
    for letter in ("x", "õ"):
        words = letter * (MEBIBYTE // len(letter.encode()))
        body = {"session": str(meeting.pk), "text": words}
        told = tell(liis, "disclosures", body, status=201)
        assert ask(liis, f"disclosures/{told['id']}")["text"] == words
        problem = refusal(liis.send("POST", "disclosures", {**body, "text": words + "x"}), 400)
        assert problem["errors"][0]["field"] == "text"


@pytest.mark.parametrize("words", ["", "   ", "\r\n\t"])
def test_nothing_is_not_kept(liis: Phone, meeting: TherapySession, words: str) -> None:
    """A note or a disclosure has something in it."""
    session = {"session": str(meeting.pk)}
    refusal(liis.send("POST", "disclosures", {**session, "text": words}), 400)
    refusal(liis.send("POST", "notes", {**session, "body": {"text": words}}), 400)
    refusal(liis.send("POST", "notes", {**session, "body": {}}), 400)


def test_a_section_belongs_to_its_format(liis: Phone, meeting: TherapySession) -> None:
    """The answer says which sections the format has."""
    body = {"session": str(meeting.pk), "format": "dap", "body": {"text": "x"}}
    problem = refusal(liis.send("POST", "notes", body), 400)
    assert "data, assessment, plan" in problem["errors"][0]["detail"]


def text_fields(shape: dict[str, Any]) -> list[str]:
    return [
        name
        for name, field in shape["properties"].items()
        if "string" in field.get("type", ()) and not {"enum", "format"} & field.keys()
    ]


@each(lambda operation: operation.body and text_fields(operation.body))
@pytest.mark.parametrize("letter", ["\\u0000", "\\ud800", "\\udfff\\ud800"])
def test_what_is_no_letter_is_refused(liis: Phone, operation: Operation, letter: str) -> None:
    """NUL, which PostgreSQL does not store, and halves of letters, which UTF-8 does not know, in
    every text of every body: refused cleanly, and at once."""
    assert operation.body is not None
    for name in text_fields(operation.body):
        raw = f'{{"{name}": "a{letter}b"}}'.encode()
        refusal(operation.call(liis, raw), 400)


def test_identity_comes_back(liis: Phone, mari: Client) -> None:
    """Names and addresses are trimmed at the ends, as people type them, and else kept."""
    address = f"clients/{mari.pk}"
    sent = {
        "address": "  Tartu mnt 1\r\n50001 Õismäe  ",
        "pronouns": None,
        "birth_date": "2001-02-28",
    }
    tell(liis, address, sent, method="PATCH", if_match='"v1"')
    mari_now = ask(liis, address)
    assert mari_now["address"] == "Tartu mnt 1\r\n50001 Õismäe"
    assert (mari_now["pronouns"], mari_now["birth_date"]) == (None, "2001-02-28")
    assert mari_now["full_name"] == "Mari Maasikas"


def test_identity_that_cannot_be_is_refused(liis: Phone, mari: Client) -> None:
    """By the name of the field, and without repeating it."""
    for name, wrong in (
        ("birth_date", "1800-01-01"),
        ("birth_date", "2990-01-01"),
        ("email", "mari-at-mail"),
        ("jurisdiction", "Estonia"),
        ("full_name", "x" * 301),
    ):
        response = liis.send("PATCH", f"clients/{mari.pk}", {name: wrong}, if_match='"v1"')
        assert refusal(response, 400)["errors"][0]["field"] == name
        assert wrong.encode() not in response.content
