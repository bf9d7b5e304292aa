"""manage.py demo: make the demonstration practice if it is not there, and print its logins."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sessions_app import demo


class Command(BaseCommand):
    help = "Make the demonstration practice on the first run; print its logins on every run."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMONSTRATION:
            raise CommandError(
                "The demonstration is only made where settings.DEMONSTRATION is on, as in "
                "config.settings.dev; never beside the files of real people."
            )
        logins = demo.present()
        rows = [("role", "e-mail", "password", "what to look at")]
        for login in logins:
            secret = login.password or "manage.py changepassword"
            rows.append((login.role, login.email, secret, login.to_see))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            cells = [row[column].ljust(widths[column]) for column in range(3)]
            self.stdout.write("  " + "  ".join([*cells, row[3]]))
        self.stdout.write(f"\n  The passwords lie in {demo.logins_file()}")
