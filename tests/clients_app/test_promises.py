"""The promise, its versions, and what no promise may say."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.utils import timezone

from clients_app import promises, wording
from clients_app.errors import Conflict, Denied, Hidden, Invalid, Stale
from clients_app.models import ConfidentialityStatement
from tests.conftest import Cast, promised, trail, wording_of

START = datetime(2026, 1, 1, tzinfo=UTC)
Refusal = (ProgrammingError, InternalError)


@pytest.mark.parametrize("language", ["en", "et"])
def test_the_shipped_wording_is_published_once_it_is_filled_in(cast: Cast, language: str) -> None:
    draft = promises.draft(language, by=cast.mattias)
    assert draft.text == wording.shipped(language)
    with pytest.raises(Invalid) as refused:
        promises.publish(draft.pk, by=cast.mattias, version=1)
    assert (refused.value.field, refused.value.code) == ("text", "unfinished")
    promises.revise(draft.pk, by=cast.piret, version=1, text=wording_of(language))
    promises.publish(draft.pk, by=cast.mattias, version=2)
    now = promises.current(language, by=cast.frida)
    assert now is not None
    assert (now.pk, now.number, now.published_by) == (draft.pk, 1, cast.mattias)
    assert trail(subject_id=draft.pk) == ["promise.drafted", "promise.revised", "promise.published"]


TOO_MUCH = {
    "en": [
        "I will never tell anyone.",
        "I promise you absolute secrecy.",
        "Everything is 100% confidential.",
        "Everything is 100 % confidential.",
        "Our talks are completely confidential.",
        "There are no exceptions to this.",
        "I keep silent under any circumstances.",
        "I guarantee your privacy.",
        "Nobody will ever know.",
        "I take it to the grave.",
        "I cannot speak of my family, but I promise you total confidentiality.\nReally.",
    ],
    "et": [
        "Luban teile absoluutset vaikimist.",
        "Luban täielikku vaikimist.",
        "Kõik on 100% konfidentsiaalne.",
        "Kõik on täiesti konfidentsiaalne.",
        "Ma ei räägi sellest mitte kunagi kellelegi.",
        "Mitte mingil juhul ei räägi ma sellest edasi.",
        "See kehtib eranditeta.",
        "Keegi ei saa sellest kunagi teada.",
        "Viin selle hauda kaasa.",
        "Garanteerime täieliku konfidentsiaalsuse.",
    ],
}
HONEST = {
    "en": [
        "Nobody can promise complete secrecy.",
        "I can’t promise absolute confidentiality.",
        "I never tell anybody about you without your consent.",
        "I never tell anyone unless the law demands it.",
    ],
    "et": [
        "Keegi ei saa lubada täielikku vaikimist.",
        "Ma ei või tõotada absoluutset vaikimist.",
        "Ma ei räägi teist kellelegi ilma teie nõusolekuta.",
    ],
}


@pytest.mark.parametrize(
    ("language", "sentence"), [(lang, s) for lang, all_ in TOO_MUCH.items() for s in all_]
)
def test_nobody_promises_what_nobody_can_keep(language: str, sentence: str) -> None:
    """Whatever stands around it, in capitals and over line ends too."""
    for said in (sentence, sentence.upper(), sentence.replace(" ", "\n")):
        with pytest.raises(Invalid) as refused:
            wording.check(language, f"{wording_of(language)}\n\n{said}")
        assert refused.value.code == "absolute"


@pytest.mark.parametrize(
    ("language", "sentence"), [(lang, s) for lang, all_ in HONEST.items() for s in all_]
)
def test_an_honest_sentence_about_it_is_none(language: str, sentence: str) -> None:
    wording.check(language, f"{wording_of(language)}\n\n{sentence}")


@pytest.mark.parametrize(
    ("language", "text", "missing"),
    [
        ("en", "What you say stays here.", "without_exception"),
        ("en", "It stays here, except before a court, or for a child.", "without_life"),
        ("en", "It stays here, except before a court, or when a life is at risk.", "without_child"),
        ("en", "It stays here, unless a life or a child is in danger.", "without_law"),
        ("et", "Teie jutt jääb siia.", "without_exception"),
        ("et", "Erandid: seadus ja lapse abivajadus. Elukoht jääb salajaseks.", "without_life"),
        ("et", "Erandid: oht elule ja kohus.", "without_child"),
        ("et", "Erandid: oht elule, laps hädas.", "without_law"),
    ],
)
def test_a_promise_without_its_exceptions_is_not_published(
    cast: Cast, language: str, text: str, missing: str
) -> None:
    """As a draft it may stand; the refusal says what is missing, never what was written."""
    draft = promises.draft(language, by=cast.piret, text=text)
    with pytest.raises(Invalid) as refused:
        promises.publish(draft.pk, by=cast.piret, version=1)
    assert refused.value.code == missing
    assert text not in str(refused.value.message)
    draft.refresh_from_db()
    assert draft.published_at is None
    assert promises.current(language, by=cast.piret) is None


@pytest.mark.parametrize("seed", range(8))
def test_at_every_moment_the_last_version_published_is_in_force(cast: Cast, seed: int) -> None:
    """Against a plain model: random moments of publishing in both languages, asked before, at and
    after each of them."""
    chance = random.Random(seed)
    model: list[tuple[datetime, str, object]] = []
    at = START
    for _ in range(chance.randint(1, 8)):
        at += timedelta(seconds=chance.choice([1, 59, 86_400]))
        language = chance.choice(["en", "et"])
        model.append((at, language, promised(cast, at, language).pk))
    for moment, _language, _pk in model:
        for around in (-1, 0, 1):
            asked = moment + timedelta(microseconds=around)
            for language in ("en", "et"):
                due = [pk for at, lang, pk in model if lang == language and at <= asked]
                found = promises.current(language, by=cast.liis, now=asked)
                assert (found.pk if found else None) == (due[-1] if due else None)
    numbers = ConfidentialityStatement.objects.filter(language="en").order_by("published_at")
    assert [s.number for s in numbers] == list(range(1, len(numbers) + 1))


def test_one_draft_a_language(cast: Cast, promise: ConfidentialityStatement) -> None:
    promises.draft("en", by=cast.piret)
    with pytest.raises(Conflict):
        promises.draft("en", by=cast.mattias)
    promises.draft("et", by=cast.mattias)
    for language in ("ru", "", "EN"):
        with pytest.raises(Invalid) as refused:
            promises.draft(language, by=cast.piret)
        assert refused.value.field == "language"


def test_two_who_write_do_not_overwrite_each_other(cast: Cast) -> None:
    draft = promises.draft("en", by=cast.piret, text="One.")
    promises.revise(draft.pk, by=cast.piret, version=1, text="Two.")
    with pytest.raises(Stale) as stale:
        promises.revise(draft.pk, by=cast.mattias, version=1, text="Three.")
    assert stale.value.current == 2
    with pytest.raises(Stale):
        promises.publish(draft.pk, by=cast.mattias, version=1)
    assert promises.read(draft.pk, by=cast.piret).text == "Two."


def test_a_published_version_never_changes(cast: Cast, promise: ConfidentialityStatement) -> None:
    """Not by the verbs, and not in the database."""
    with pytest.raises(Conflict):
        promises.revise(promise.pk, by=cast.piret, version=1, text="Less.")
    with pytest.raises(Conflict):
        promises.publish(promise.pk, by=cast.piret, version=1)
    rows = ConfidentialityStatement.objects.filter(pk=promise.pk)
    for change in ({"text": "Less."}, {"number": 9}, {"published_at": None}, {"language": "et"}):
        with pytest.raises(Refusal, match="never changes"), transaction.atomic():
            rows.update(**change)
    with pytest.raises(Refusal, match="never changes"), transaction.atomic():
        rows.delete()
    promised(cast, timezone.now())
    promise.refresh_from_db()
    assert promise.retired_at is not None
    for later in (None, timezone.now()):
        with pytest.raises(Refusal, match="never changes"), transaction.atomic():
            rows.update(retired_at=later)


def test_drafts_are_for_those_who_write_them(cast: Cast) -> None:
    """A counsellor who read one might give it to somebody."""
    published = promised(cast, timezone.now())
    draft = promises.draft("en", by=cast.piret)
    for user in (cast.liis, cast.mark, cast.frida):
        assert list(promises.browse(by=user)) == [published]
        with pytest.raises(Hidden):
            promises.read(draft.pk, by=user)
        with pytest.raises(Denied):
            promises.revise(draft.pk, by=user, version=1, text="Mine.")
        with pytest.raises(Denied):
            promises.publish(draft.pk, by=user, version=1)
        with pytest.raises(Denied):
            promises.draft("et", by=user)
    assert set(promises.browse(by=cast.mattias)) == {published, draft}
    assert list(promises.browse(by=cast.mattias, language="et")) == []
    for user in (cast.sofia, cast.root):
        with pytest.raises(Denied):
            promises.browse(by=user)


def test_another_practice_promises_for_itself(
    cast: Cast, promise: ConfidentialityStatement
) -> None:
    assert list(promises.browse(by=cast.olga)) == []
    assert promises.current("en", by=cast.olga) is None
    with pytest.raises(Hidden):
        promises.read(promise.pk, by=cast.olga)


def test_control_the_database_lets_a_draft_change(cast: Cast) -> None:
    """So it is the trigger that refuses above, and only for what is published."""
    draft = promises.draft("en", by=cast.piret)
    ConfidentialityStatement.objects.filter(pk=draft.pk).update(text="Other.")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM clients_app_confidentialitystatement")
        assert cursor.rowcount == 1
