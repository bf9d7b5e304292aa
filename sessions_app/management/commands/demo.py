"""manage.py demo: make the demonstration practice if it is not there, and print its logins.

With --codes: the codes that the apps of the demonstration's people show now.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions_app import demo


class Command(BaseCommand):
    help = "Make the demonstration practice on the first run; print its logins on every run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--codes", action="store_true", help="print the codes of this moment")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMONSTRATION:
            raise CommandError(
                "The demonstration is only made where settings.DEMONSTRATION is on, as in "
                "config.settings.dev; never beside the files of real people."
            )
        logins = demo.present()
        if options["codes"]:
            for login in logins:
                self.stdout.write(f"  {login.code}  {login.email}")
            return
        rows = [("role", "e-mail", "password", "what to look at")]
        for login in logins:
            secret = login.password or "manage.py changepassword"
            rows.append((login.role, login.email, secret, login.to_see))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            cells = [row[column].ljust(widths[column]) for column in range(3)]
            self.stdout.write("  " + "  ".join([*cells, row[3]]))
        self.stdout.write(
            "\n  The code that is asked for beside the password: `make codes` in another terminal."
            f"\n  The passwords lie in {demo.logins_file()}"
        )
