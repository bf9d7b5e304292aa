"""manage.py keys check | rotate | generate"""

import base64
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from clients_app import keys


class Command(BaseCommand):
    """The operator's view of the master keys. Never prints a key that is in use."""

    help = "Check the master keys of FIELD_ENCRYPTION_KEY, change to the newest, or generate one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("check", help="which master key holds how much")
        check.add_argument("--open", action="store_true", help="also open each of them")
        verbs.add_parser("rotate", help="put everything under the newest master key")
        verbs.add_parser("generate", help="print a new master key")

    def handle(self, *_args: Any, verb: str, **options: Any) -> None:
        if verb == "generate":
            self.stdout.write(base64.urlsafe_b64encode(os.urandom(32)).decode())
        elif verb == "rotate":
            self._rotate()
        else:
            self._check(options["open"])

    def _check(self, open_all: bool) -> None:
        masters = keys.usage()
        for master in masters:
            state = "newest" if master.newest else "older" if master.configured else "MISSING"
            self.stdout.write(
                f"{master.fingerprint}  {state:8}  wraps {master.wraps} data keys,"
                f" seals {master.seals} secrets of second factors"
            )
        if any(not master.configured and master.wraps + master.seals for master in masters):
            raise CommandError(
                "Data keys or secrets are under a master key that FIELD_ENCRYPTION_KEY does not "
                "hold. Put that key back, behind the newest."
            )
        if open_all and (broken := keys.broken()):
            raise CommandError(f"{len(broken)} of them do not open: {', '.join(broken[:20])}")
        old = sum(master.wraps + master.seals for master in masters if not master.newest)
        if old:
            self.stdout.write(f"{old} of them wait for `keys rotate`; keep the older keys.")
        else:
            self.stdout.write("Everything is under the newest master key.")

    def _rotate(self) -> None:
        waiting = sum(master.wraps + master.seals for master in keys.usage() if not master.newest)
        with tqdm(total=waiting, unit="keys", disable=None) as bar:
            for done in keys.rotate():
                bar.update(done)
        self._check(open_all=False)
