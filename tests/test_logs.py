"""What the logs say of what went wrong: types and places, ids and routes, and no words."""

import logging
from uuid import uuid4

import pytest
from django.test import RequestFactory
from django.urls import resolve

from config.logs import ContentFreeFormatter

WORDS = "what the client said"


def line(message: object, *args: object, **extra: object) -> str:
    """The line that our formatter makes of a record."""
    record = logging.LogRecord("somewhere", logging.ERROR, __file__, 1, message, args, None)
    record.__dict__.update(extra)
    return ContentFreeFormatter().format(record)


def failure(text: str = WORDS) -> BaseException:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_an_exception_is_its_type_and_its_places() -> None:
    error = failure()
    said = line("it failed", exc_info=(type(error), error, error.__traceback__))
    assert WORDS not in said
    assert "it failed" in said
    assert f"ValueError at {__file__}:" in said


def test_wherever_its_text_stands() -> None:
    """As the message, among its arguments, or already in the message, as Django's loggers do."""
    error = failure()
    info = (type(error), error, error.__traceback__)
    for said in (
        line(error),
        line("it failed: %s", error),
        line("it failed: %r", error),
        line(WORDS, exc_info=info),
        line("refused: " + WORDS, exc_info=info),
    ):
        assert WORDS not in said
        assert "ValueError" in said


def test_what_another_handler_made_of_it_is_not_repeated() -> None:
    """Handlers keep the text of a traceback on the record for one another."""
    error = failure()
    record = logging.LogRecord("somewhere", logging.ERROR, __file__, 1, "it failed", (), None)
    record.exc_info = (type(error), error, error.__traceback__)
    assert WORDS in logging.Formatter().format(record)
    assert WORDS not in ContentFreeFormatter().format(record)
    assert WORDS in logging.Formatter().format(record), "and theirs is left as it was"


def test_a_task_is_its_name_and_its_id() -> None:
    """Celery writes arguments, results and the text of exceptions."""
    told = {"name": "a.task", "id": "1234", "description": "raised unexpected", "runtime": 0.5}
    hidden = {"exc": WORDS, "args": WORDS, "kwargs": WORDS, "return_value": WORDS}
    said = line(
        "Task %(name)s[%(id)s] %(description)s after %(runtime)s: %(exc)s %(return_value)s",
        {**told, **hidden},
    )
    assert WORDS not in said
    assert "Task a.task[1234] raised unexpected after 0.5" in said


@pytest.mark.parametrize("path", [f"/admin/{WORDS}/", f"/api/v1/clients/{WORDS}", f"/{WORDS}"])
def test_an_address_that_leads_nowhere_is_not_written(path: str) -> None:
    """Somebody may have typed a name there."""
    request = RequestFactory().get("/")
    request.path = path
    if path.startswith("/admin/"):
        request.resolver_match = resolve(path)
    assert WORDS not in line("%s: %s", "Not Found", path, request=request)


def test_control_an_address_of_ours_is() -> None:
    path = f"/api/v1/clients/{uuid4()}"
    request = RequestFactory().get(path)
    request.resolver_match = resolve(path)
    assert path in line("%s: %s", "Internal Server Error", path, request=request)


def test_control_what_is_no_secret_is_written() -> None:
    assert "3 of 4 files" in line("%d of %d files", 3, 4)
