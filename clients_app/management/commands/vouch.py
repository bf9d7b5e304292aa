"""manage.py vouch: where a practice has nobody left who could vouch for a login."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clients_app import vouching
from clients_app.errors import Refused


class Command(BaseCommand):
    help = "Say that a login belongs to whom it names. In a practice a colleague does that."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = vouching.vouch_as_operator(options["email"])
        except Refused as refused:
            raise CommandError(str(refused.message)) from None
        self.stdout.write(f"{user.email} can work as {user.get_role_display()}.")
