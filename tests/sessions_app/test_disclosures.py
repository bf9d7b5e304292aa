"""What is confided: read by its confidants, a locked one by its author, never changed."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients_app import care, wall
from clients_app.errors import Hidden, Invalid
from clients_app.models import Client
from sessions_app import disclosures
from sessions_app.models import Disclosure, TherapySession
from tests.conftest import Cast, somebody_waits, trail, until


def test_read_back_whole(cast: Cast, confided: Disclosure) -> None:
    opened = disclosures.read(confided.pk, by=cast.liis)
    assert opened.listening_intent == "be_heard"
    assert opened.first_told is True
    assert (opened.distress_before, opened.distress_after) == (8, 5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_text_comes_back_as_it_was(cast: Cast, meeting: TherapySession, text: str) -> None:
    written = disclosures.write(meeting.pk, by=cast.liis, text=text)
    assert disclosures.read(written.pk, by=cast.liis).text == text


def test_lists_say_that_there_is_one_and_nothing_else(cast: Cast, confided: Disclosure) -> None:
    assert list(disclosures.browse(by=cast.liis)) == [confided]
    assert "disclosure.read" not in trail()
    assert not list(disclosures.browse(by=cast.mark))


def test_a_locked_one_is_its_authors_alone(
    cast: Cast, mari: Client, meeting: TherapySession, confided: Disclosure
) -> None:
    """Mark becomes a confidant: he reads what is not locked, and does not even see the rest."""
    care.assign(mari.pk, cast.mark.pk, by=cast.mattias)
    locked = disclosures.write(meeting.pk, by=cast.liis, text="for Liis alone", locked=True)
    assert disclosures.read(confided.pk, by=cast.mark).text
    with pytest.raises(Hidden):
        disclosures.read(locked.pk, by=cast.mark)
    with pytest.raises(Hidden):
        disclosures.amend(locked.pk, by=cast.mark, text="x")
    assert list(disclosures.browse(by=cast.mark)) == [confided]
    amendment = disclosures.amend(locked.pk, by=cast.liis, text="also for Liis alone")
    assert amendment.locked
    with pytest.raises(Hidden):
        disclosures.read(amendment.pk, by=cast.mark)


def test_an_amendment_leaves_the_original(cast: Cast, confided: Disclosure) -> None:
    before = disclosures.read(confided.pk, by=cast.liis).text
    amendment = disclosures.amend(confided.pk, by=cast.liis, text="It was her sister.")
    again = disclosures.amend(amendment.pk, by=cast.liis, text="Her elder sister.")
    assert amendment.amends_id == again.amends_id == confided.pk
    assert disclosures.read(confided.pk, by=cast.liis).text == before


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "\n "}, "text"),
        ({"text": "\udcff"}, "text"),
        ({"text": "x" * (1024 * 1024 + 1)}, "text"),
        ({"listening_intent": "shout"}, "listening_intent"),
        ({"distress_before": 11}, "distress_before"),
        ({"distress_after": -1}, "distress_after"),
        ({"themes": ["x"] * 21}, "themes"),
        ({"themes": [""]}, "themes"),
        ({"themes": ["x" * 401]}, "themes"),
    ],
)
def test_what_will_not_do(
    cast: Cast, meeting: TherapySession, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        disclosures.write(meeting.pk, by=cast.liis, **({"text": "words"} | changed))
    assert refused.value.field == field
    assert not Disclosure.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_by_who_waited_while_the_client_was_handed_over(
    cast: Cast, meeting: TherapySession
) -> None:
    """The writer was in care when they were asked, and no more when the file was theirs to write
    in."""
    locked = threading.Event()

    def hand_over() -> None:
        try:
            with wall.system("tests"), transaction.atomic():
                care.hand_over(meeting.client_id, cast.mark.pk, by=cast.liis)
                locked.set()
                until(somebody_waits)
        finally:
            locked.set()
            connection.close()

    other = threading.Thread(target=hand_over)
    other.start()
    assert locked.wait(20)
    with wall.nobody():
        wall.enter(cast.liis.pk)
        with pytest.raises(Hidden):
            disclosures.write(meeting.pk, by=cast.liis, text="Too late.", locked=True)
    other.join()
    assert not Disclosure.objects.exists()
    assert trail(actor_id=cast.liis.pk, client_id=meeting.client_id, denied=True) == [
        "disclosure.write"
    ]
