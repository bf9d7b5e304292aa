"""manage.py createpractice: found a practice on this server."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clients_app import practices
from clients_app.errors import Refused


class Command(BaseCommand):
    help = "Found a practice. Its first login is made by createuser."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its short name in commands, such as kalda")
        parser.add_argument("--name", required=True, help="its name as people know it")
        parser.add_argument("--time-zone", default="Europe/Tallinn")
        parser.add_argument("--jurisdiction", default="EE", help="country code")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            practices.create(
                by=None,
                name=options["name"],
                slug=options["slug"],
                time_zone=options["time_zone"],
                jurisdiction=options["jurisdiction"],
            )
        except Refused as refused:
            raise CommandError(str(refused.message)) from None
        self.stdout.write(f"The practice {options['slug']} is founded.")
