"""Every management command, as somebody with a shell on the server runs it.

A command that is in neither list fails `test_every_command_has_its_row`.
"""

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from django.core.management import call_command
from django.core.management.base import CommandError

from sessions_app.management.commands.import_caseload import TEMPLATE
from tests.leaks.planting import sealed_fields
from tests.leaks.stores import Place

SEALED_MODELS = sorted({model._meta.label for model in sealed_fields().values()})
LOGIN = ["--practice=kalda", "--role=counsellor", "--name=Liis"]
RUN: dict[str, list[list[str]]] = {
    "account_unsetmultipleprimaryemails": [[]],
    "audit": [
        ["status"],
        ["seal"],
        ["anchor"],
        ["verify"],
        ["verify", "--record"],
        ["rebase"],
        ["key"],
        ["key", "--public"],
    ],
    "backup": [["--list"], [], ["--keys-only"]],
    "check": [[], ["--deploy"]],
    "clearsessions": [[]],
    "createpractice": [["kalda", "--name", "Kalda"]],
    "createuser": [
        ["liis@kalda.example", *LOGIN],
        ["maarja@kalda.example", *LOGIN],
        ["kert@kalda.example", *LOGIN, "--password-stdin"],
    ],
    "demo": [[], ["--codes"]],
    "dumpdata": [[], *([label] for label in SEALED_MODELS)],
    "inspectdb": [[]],
    "keys": [["check"], ["check", "--open"], ["rotate"]],
    "migrate": [["--plan"], ["--check"]],
    "purge": [[], ["--execute"], ["--once"], ["--health"], ["--clock-is-right"]],
    "reconcile": [[], ["--begin-anew"]],
    "register": [["verify"]],
    "restore": [[], ["--without-keys"], ["--keys-only"]],
    "retention": [["explain", "C-2026-0001", "--practice", "kalda"]],
    "remove_stale_contenttypes": [["--no-input"]],
    "sendtestemail": [["--admins"]],
    "showmigrations": [[]],
    "spectacular": [[]],
    "vouch": [["spare@kalda.example"]],
    "sqlsequencereset": [["clients_app", "sessions_app"]],
}
NOT_RUN = {
    "changepassword": "asks at a terminal, for a login",
    "collectstatic": "copies files of the checkout",
    "compilemessages": "compiles files of the checkout",
    "createcachetable": "makes a table that is not in use",
    "createsuperuser": "asks at a terminal, for a login",
    "dbshell": "superuser SQL, which the scan has of its own",
    "diffsettings": "shows the settings, which whoever runs it can read",
    "findstatic": "names files of the checkout",
    "flush": "empties tables",
    "generateschema": "needs packages that are not installed; spectacular is in its place",
    "import_caseload": "tried by itself: it takes a file",
    "loaddata": "takes a file; a sealed value comes out of none",
    "makemessages": "reads files of the checkout",
    "makemigrations": "writes files of the checkout",
    "optimizemigration": "writes files of the checkout",
    "runserver": "serves, as the web does",
    "shell": "runs any program, with the key in its hands",
    "sqlflush": "prints names of tables",
    "sqlmigrate": "prints a migration",
    "squashmigrations": "writes files of the checkout",
    "startapp": "writes files",
    "startproject": "writes files",
    "test": "runs tests",
    "testserver": "serves a database of its own",
}


def output() -> Iterator[Place]:
    """What each command says."""
    for name, ways in RUN.items():
        for arguments in ways:
            yield f"manage.py {name}", _said(name, *arguments)


def imports(directory: Path, *, known: str, unknown: str) -> Iterator[Place]:
    """A caseload of one good row and of bad ones of many kinds, with a client's words in all."""
    good = {
        "client_code": "K-1",
        "counsellor_email": "liis@kalda.example",
        "session_started_at": "2026-03-04T10:00:00+02:00",
        "duration_minutes": "50",
        "modality": "in_person",
        "kind": "disclosure",
        "themes": known,
        "text": known,
    }
    bad = [{**good, "client_code": "K-2", name: unknown} for name in good if name != "text"]
    bad += [{**good, "text": ""}, {**good, "text": unknown, "discharged_on": unknown}]
    file, report = directory / "caseload.csv", directory / "report.txt"
    columns = TEMPLATE.read_text("utf-8").partition("\n")[0].split(",")
    for rows, more in (([good, *bad], []), ([good, *bad], ["--skip-bad"]), ([good], [])):
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, columns)
            writer.writeheader()
            writer.writerows(rows)
        where = [str(file), "--practice=kalda", f"--report={report}"]
        yield "manage.py import_caseload", _said("import_caseload", *where, *more)
        yield "the report of an import", report.read_bytes()
    file.write_bytes(file.read_bytes() + unknown.encode("utf-16"))
    yield "manage.py import_caseload", _said("import_caseload", str(file), "--practice=kalda")


def _said(name: str, *arguments: str) -> bytes:
    out = io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(out),
        mock.patch.object(sys, "stdin", io.StringIO("seven quiet herons at dawn\n")),
    ):
        try:
            call_command(name, *arguments)
        except CommandError as error:
            out.write(str(error))
        except Exception as error:  # what manage.py would print of it
            out.write(f"{type(error).__name__}: {error}")
    return out.getvalue().encode()
