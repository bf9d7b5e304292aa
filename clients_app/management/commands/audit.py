"""manage.py audit status | seal | anchor | verify | rebase | key"""

import base64
import os
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import Sum
from django.utils import timezone
from tqdm import tqdm

from clients_app import anchors, owner, seals, verification
from clients_app.models import TrailSeal

WHOLE, BROKEN, UNCHECKED = 0, 1, 2


class Command(BaseCommand):
    """The operator's and the auditor's view of the trail: numbers, hashes and times, no content."""

    help = "Seal the trail, anchor its head, and verify that nobody has rewritten it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="how far the trail is sealed, anchored and verified")
        verbs.add_parser("seal", help="seal what is not sealed yet, as beat does every 10 s")
        verbs.add_parser("anchor", help="write the newest head to the file, log and command")
        verify = verbs.add_parser(
            "verify",
            help="0: whole; 1: something is not as it was sealed or anchored; 2: cannot be told",
        )
        verify.add_argument("--since", type=_day, metavar="DATE", help="only seals made since then")
        verify.add_argument("--anchors", type=Path, metavar="FILE", help="not AUDIT_ANCHOR_FILE")
        verify.add_argument("--record", action="store_true", help="put the result on the trail")
        verbs.add_parser("rebase", help="after a restore into a new cluster, as the tables' owner")
        key = verbs.add_parser("key", help="print a new signing key")
        key.add_argument("--public", action="store_true", help="the public halves of those in use")

    def handle(self, *_args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(options)
        except (seals.ClockBehind, seals.NotBehind, anchors.CommandFailed) as refused:
            raise CommandError(str(refused)) from None

    def _status(self, _options: dict[str, Any]) -> None:
        state = seals.state()
        if state.number is None:
            self.stdout.write("Nothing is sealed yet.")
        else:
            self.stdout.write(f"Sealed until {_utc(state.sealed_at)} by seal {state.number}.")
        if state.waits_since is None:
            self.stdout.write("No line waits to be sealed.")
        else:
            age = int((timezone.now() - state.waits_since).total_seconds())
            self.stdout.write(f"The oldest unsealed line is of {_utc(state.waits_since)}: {age} s.")
        if seals.clock().behind:
            raise seals.ClockBehind
        if since := seals.held_up_since():
            self.stdout.write(
                f"A transaction that is open since {_utc(since)} holds the sealing up to it."
            )
        for word, event in (("Anchored", state.anchored), ("Verified", state.verified)):
            if event is None:
                self.stdout.write(f"Never {word.lower()}.")
            else:
                found = event.detail.get("findings", 0)
                more = f": {found} FINDINGS" if found else ""
                number = event.detail["number"]
                self.stdout.write(f"{word} {_utc(event.at)}, up to seal {number}{more}.")

    def _seal(self, _options: dict[str, Any]) -> None:
        made = events = 0
        with tqdm(unit="events", disable=None) as bar:
            for seal in seals.seal_all():
                made, events = made + 1, events + seal.count
                bar.update(seal.count)
        self.stdout.write(f"{events} events sealed by {made} seals.")

    def _anchor(self, _options: dict[str, Any]) -> None:
        made = anchors.anchor()
        if made is None:
            raise CommandError("Nothing is sealed yet, so there is nothing to anchor.")
        self.stdout.write(f"Seal {made.number} is anchored in {settings.AUDIT_ANCHOR_FILE}.")

    def _verify(self, options: dict[str, Any]) -> None:
        path = options["anchors"] or Path(settings.AUDIT_ANCHOR_FILE)
        rows = TrailSeal.objects.all()
        if options["since"]:
            rows = rows.filter(sealed_at__gte=options["since"])
        try:
            total = rows.aggregate(sum=Sum("count"))["sum"] or 0
            with tqdm(total=total, unit="events", unit_scale=True, disable=None) as bar:
                report = verification.verify(path, since=options["since"], progress=bar.update)
        except (DatabaseError, OSError) as failed:
            kind = type(failed).__name__
            raise CommandError(f"Could not be verified: {kind}.", returncode=UNCHECKED) from None
        if options["record"]:
            verification.record(report)
        for text in (*report.findings, *report.unchecked):
            self.stdout.write(text)
        self.stdout.write(
            f"{report.events} events in {report.seals} seals and {report.anchors} anchors compared;"
            f" {report.unsealed} events wait to be sealed."
        )
        if report.findings:
            raise CommandError("The trail is NOT as it was sealed.", returncode=BROKEN)
        if report.unchecked:
            raise CommandError("Not everything could be compared.", returncode=UNCHECKED)
        self.stdout.write("The trail is as it was sealed.")

    def _rebase(self, _options: dict[str, Any]) -> None:
        try:
            with owner.as_owner():
                offset, late = seals.rebase()
        except DatabaseError as refused:
            raise CommandError(
                f"The database refused ({type(refused).__name__}): run this as the tables' owner."
            ) from None
        self.stdout.write(
            f"Transaction numbers count on from {offset}; {late} lines written since the restore"
            " were numbered anew. Sealing goes on."
        )

    def _key(self, options: dict[str, Any]) -> None:
        if not options["public"]:
            self.stdout.write(base64.urlsafe_b64encode(os.urandom(32)).decode())
            return
        for fingerprint, public in seals.public_keys().items():
            self.stdout.write(f"{fingerprint}  {base64.urlsafe_b64encode(public).decode()}")


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _utc(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "never"
