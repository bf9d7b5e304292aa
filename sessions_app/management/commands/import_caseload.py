"""manage.py import_caseload: clients, sessions, notes and disclosures from a CSV file."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from clients_app.models import Practice
from sessions_app import imports

TEMPLATE = Path(imports.__file__).with_name("template.csv")
SHOWN = 10


class Command(BaseCommand):
    help = (
        "Import a caseload from a CSV file (UTF-8). One bad row and nothing is written, unless "
        "--skip-bad. The same file again adds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
        parser.add_argument("--practice", metavar="SLUG", help="short name of the practice")
        parser.add_argument("--dry-run", action="store_true", help="do everything, write nothing")
        parser.add_argument("--skip-bad", action="store_true", help="import the good rows")
        parser.add_argument(
            "--create-counsellors",
            action="store_true",
            help="make logins for unknown e-mails; the manager gives them passwords",
        )
        parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there")
        parser.add_argument(
            "--template", action="store_true", help="print a file to begin with, and stop"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["template"]:
            self.stdout.write(TEMPLATE.read_text("utf-8"), ending="")
            return
        if options["file"] is None or options["practice"] is None:
            raise CommandError("Give a FILE and --practice, or --template.")
        practice = Practice.objects.filter(slug=options["practice"]).first()
        if practice is None:
            raise CommandError("There is no such practice: createpractice founds one.")
        with ExitStack() as stack:
            file = stack.enter_context(_source(options["file"]))
            copy = None
            if options["report"] is not None:
                copy = stack.enter_context(_copy(options["report"], options["file"]))
            bar = stack.enter_context(_bar(file))
            try:
                report = imports.load(
                    file,
                    practice=practice,
                    dry_run=options["dry_run"],
                    skip_bad=options["skip_bad"],
                    create_counsellors=options["create_counsellors"],
                    progress=lambda: _advance(bar, file),
                )
            except KeyboardInterrupt:
                raise CommandError("Stopped. Nothing was written.", returncode=130) from None
            finally:
                bar.close()
            outcome = _outcome(report)
            if copy is not None:
                whole = [*_problems(report), *_summary(report), outcome]
                copy.writelines(f"{line}\n" for line in whole)
        for line in [*_kinds_of_problems(report), *_summary(report)]:
            self.stdout.write(line)
        if report.refused:
            raise CommandError(outcome)
        self.stdout.write(outcome)


def _source(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def _copy(path: Path, source: Path) -> TextIO:
    try:
        if path.exists() and path.samefile(source):
            raise CommandError("The report would overwrite the file that is to be imported.")
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def _bar(file: BinaryIO) -> "tqdm[Any]":
    """Progress through the bytes of the file, for a person who watches."""
    size = Path(file.name).stat().st_size if file.seekable() else None
    return tqdm(total=size, unit="B", unit_scale=True, leave=False, disable=not sys.stderr.isatty())


def _advance(bar: "tqdm[Any]", file: BinaryIO) -> None:
    if not bar.disable and file.seekable():
        bar.update(file.tell() - bar.n)


def _problems(report: imports.Report) -> list[str]:
    """Line by line, for the report."""
    problems = sorted((*report.problems, *report.remarks), key=lambda p: p.line)
    return [f"line {p.line}{_column(p.column)}: {p.reason}" for p in problems]


def _kinds_of_problems(report: imports.Report) -> list[str]:
    """Each reason once with its first lines, for the screen."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for problem in (*report.problems, *report.remarks):
        kinds.setdefault((problem.column, problem.reason), []).append(problem.line)
    said = []
    for (column, reason), lines in sorted(kinds.items(), key=lambda kind: kind[1]):
        named = ", ".join(map(str, lines[:SHOWN]))
        if len(lines) > SHOWN:
            named += f" and {len(lines) - SHOWN} more (--report FILE names them)"
        said.append(f"line{'s' * (len(lines) > 1)} {named}{_column(column)}: {reason}")
    return said


def _column(name: str) -> str:
    return f", {name}" if name else ""


def _summary(report: imports.Report) -> list[str]:
    counts = report.counts
    lines = [f"Rows read: {counts['rows']}, bad: {report.bad_rows}, known: {counts['known']}"]
    lines.append(
        "New: "
        + ", ".join(
            f"{counts[name]} {name}"
            for name in ("counsellors", "clients", "sessions", "notes", "disclosures")
        )
        + f"; discharged: {counts['discharged']}"
    )
    if counts["notes_with_themes"]:
        lines.append(
            f"A note has no themes here: those of {counts['notes_with_themes']} notes are left out"
        )
    if counts["counsellors"]:
        lines.append("New counsellors cannot log in until the manager gives them passwords")
    return lines


def _outcome(report: imports.Report) -> str:
    counts = report.counts
    if report.unreadable:
        return "The file cannot be read to its end. Nothing was written."
    if report.refused:
        return "Nothing was written. --skip-bad would import the good rows."
    if not report.written:
        return "Dry run: nothing was written."
    if counts["rows"] == counts["known"]:
        return "Nothing was written: every row was there already."
    return "Written, without the bad rows." if report.problems else "Written."
