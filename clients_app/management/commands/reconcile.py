"""manage.py reconcile: after a restore, before anything is served."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from clients_app import checks, erasures, reconciliation


class Command(BaseCommand):
    """Destroys again what was destroyed since the backup, and holds again what was held."""

    help = (
        "After a restore: destroy again what the erasure ledger says, hold again what was held"
        " since the backup. Until it has run, web, worker and beat do not start. Interrupted, it"
        " goes on where it stopped; where nothing is missing it changes nothing."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--begin-anew",
            action="store_true",
            help="the ledger is lost for good: begin another with what this database knows. Only"
            " where the database itself is NOT a restored one, for of what was destroyed since its"
            " backup no ledger would know",
        )

    def handle(self, *_args: Any, begin_anew: bool, **_options: Any) -> None:
        try:
            if begin_anew:
                lines = erasures.begin_anew()
                self.stdout.write(f"The ledger begins anew with {lines} lines.")
            with tqdm(unit="lines", disable=None) as bar:
                report = reconciliation.reconcile(progress=bar.update)
        except (erasures.OutOfStep, erasures.LedgerBroken) as refused:
            raise CommandError(f"{refused}. Nothing is served until it is.") from None
        except OSError as failed:
            kind = type(failed).__name__
            raise CommandError(f"{erasures.path()} cannot be read ({kind}).") from None
        if not report.lines and not report.destroyed:
            self.stdout.write("The database knows every line of the erasure ledger.")
        else:
            self._tell(report)
        if report.keyless:
            self.stdout.write(
                f"Files without a key, of which nothing sealed can be read: {report.keyless}."
                " If there is a younger backup of the keys: `manage.py restore --keys-only`."
            )
        for finding in checks.what_was_destroyed_stays_so(databases=["default"]):
            raise CommandError(f"{finding.msg} {finding.hint}")

    def _tell(self, report: reconciliation.Report) -> None:
        self.stdout.write(
            f"Lines done again: {report.lines}. Files destroyed: {report.destroyed}; certificates"
            f" put back: {report.certificates}; holds placed: {report.held}, lifted:"
            f" {report.released}."
        )
        if report.strays:
            self.stdout.write(
                f"Lines of files or practices that this database does not have: {report.strays}."
            )
        self.stdout.write(
            f"Files that left runs approved before the backup, to be proposed anew:"
            f" {report.taken_back}. Logins ended: {report.logins}."
        )
        if not report.scrubbed:
            self.stdout.write(
                "The key table could not be rewritten while somebody reads it: run this again."
            )
        self.stdout.write(
            "Look at the logins before you start: whoever was disabled, or had another role, since"
            " the backup has their old access again."
        )
