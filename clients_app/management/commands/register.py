"""manage.py register verify: is the register of destruction what was written?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from clients_app import certificates, erasures

WHOLE, BROKEN, UNCHECKED = 0, 1, 2


class Command(BaseCommand):
    """For the operator and the auditor: numbers and hashes, no name."""

    help = "Verify that nobody has rewritten the register of destroyed files, or its ledger."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser(
            "verify",
            help="0: whole; 1: something is not as it was written, and where; 2: cannot be told",
        )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            report = certificates.verify()
            erasures.compare(report)
        except (DatabaseError, OSError) as failed:
            kind = type(failed).__name__
            raise CommandError(f"Could not be verified: {kind}.", returncode=UNCHECKED) from None
        for text in report.findings:
            self.stdout.write(text)
        self.stdout.write(
            f"{report.certificates} certificates in {report.registers} registers compared with each"
            " other and with the erasure ledger."
        )
        if report.findings:
            raise CommandError("The register is NOT as it was written.", returncode=BROKEN)
        self.stdout.write("The register is as it was written.")
