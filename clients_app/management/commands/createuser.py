"""manage.py createuser: a login of a practice, such as its first manager."""

import getpass
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables

from clients_app import invitations, users
from clients_app.errors import Refused
from clients_app.models import Practice
from clients_app.roles import Role


class Command(BaseCommand):
    help = "Make a login, and print the link by which its owner chooses a password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--practice", required=True, help="short name of the practice")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        parser.add_argument("--name", required=True, help="the person's name")
        parser.add_argument("--password", action="store_true", help="ask for a password twice")
        parser.add_argument(
            "--password-stdin", action="store_true", help="first line of standard input"
        )

    @sensitive_variables()
    def handle(self, *args: Any, **options: Any) -> None:
        practice = Practice.objects.filter(slug=options["practice"]).first()
        if practice is None:
            raise CommandError("There is no such practice: createpractice founds one.")
        password = None
        if options["password_stdin"]:
            password = _line()
        elif options["password"]:
            password = _asked_twice()
        try:
            user = users.create(
                by=None,
                email=options["email"],
                name=options["name"],
                role=options["role"],
                password=password,
                practice=practice,
            )
        except Refused as refused:
            raise CommandError(str(refused.message)) from None
        if password is not None:
            self.stdout.write(f"{user.email} can log in as {user.get_role_display()}.")
            return
        link = invitations.invite(user.pk, by=None)
        self.stdout.write(
            f"{user.email} chooses a password here, within seven days:\n"
            f"{settings.PUBLIC_URL or 'https://(your host)'}{link.path}"
        )


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


@sensitive_variables()
def _asked_twice() -> str:
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask at: use --password-stdin.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise CommandError("The two differ. Nothing was made.")
    return password
