"""manage.py migrate: as the tables' owner, and then what the application's role may do."""

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate

from clients_app import owner


class Command(migrate.Command):
    """Django's, as the role of DATABASE_OWNER_URL where it is set."""

    def handle(self, *args: Any, **options: Any) -> None:
        with owner.as_owner():
            super().handle(*args, **options)
            whole = options["app_label"] is None and not (
                options["plan"] or options["check_unapplied"]
            )
            if whole and settings.DATABASE_OWNER_URL:
                role, tables = owner.grant()
                if options["verbosity"]:
                    self.stdout.write(f"The role {role} may use {tables} tables.")
