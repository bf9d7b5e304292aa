"""manage.py backup: the data, and apart from it the keys."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clients_app import backups, erasures


class Command(BaseCommand):
    """Backs up and deletes what has expired. The master key is in no backup."""

    help = (
        "Back up the data into BACKUP_DIRECTORY and the wrapped keys into KEY_BACKUP_DIRECTORY, and"
        " delete the backups whose time is over. Needs DATABASE_BACKUP_URL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_mutually_exclusive_group()
        verbs.add_argument(
            "--keys-only", action="store_true", help="the keys alone, as after `keys rotate`"
        )
        verbs.add_argument("--list", action="store_true", help="what there is; changes nothing")

    def handle(self, *_args: Any, keys_only: bool, **options: Any) -> None:
        now = timezone.now()
        if options["list"]:
            self._list()
            return
        try:
            made = backups.make(now=now, keys_only=keys_only)
        except (backups.Failed, erasures.OutOfStep) as refused:
            raise CommandError(f"No backup was made. {refused}") from None
        except OSError as failed:
            where = failed.filename or "the disk"
            raise CommandError(f"No backup was made: {type(failed).__name__}, {where}.") from None
        for one in made:
            self.stdout.write(f"{one.path}  {one.size:,} bytes, the {one.kind}")
        gone = backups.expire(now=now)
        self.stdout.write(f"{_many(gone)} deleted: the time was over.")

    def _list(self) -> None:
        found = [*backups.known(backups.DATA), *backups.known(backups.KEYS)]
        for one in found:
            self.stdout.write(
                f"{one.made_at:%Y-%m-%d %H:%M} UTC  {one.kind:5}{one.size:>16,} bytes  {one.path}"
            )
        if not found:
            self.stdout.write("There is no backup yet.")


def _many(gone: list[Path]) -> str:
    return "1 backup was" if len(gone) == 1 else f"{len(gone)} backups were"
