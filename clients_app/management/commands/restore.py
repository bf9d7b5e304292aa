"""manage.py restore: a backup into an empty database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from clients_app import backups
from clients_app.backups import DATA, KEYS, Backup

WITHOUT = (
    "Without the keys no name, note or disclosure can be read, by anybody, for good, and everybody"
    " has to set up a new second factor. What stays is what lies open: codes, dates, the calendar,"
    " the register of destroyed files, the trail."
)


class Command(BaseCommand):
    """Restores. What was destroyed since the backup comes back with it, until `reconcile`."""

    help = (
        "Restore a backup of the data and the newest backup of the keys into the empty database of"
        " DATABASE_URL, as its owner (DATABASE_OWNER_URL). Then run `reconcile`."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("data", nargs="?", type=Path, help="default: the newest")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--keys", type=Path, metavar="FILE", help="default: the newest living")
        which.add_argument("--without-keys", action="store_true", help="nothing can be read then")
        parser.add_argument(
            "--keys-only", action="store_true", help="into a database that is there already"
        )

    def handle(self, *_args: Any, data: Path | None, keys_only: bool, **options: Any) -> None:
        try:
            found = None if keys_only else _data(data)
            keys = None if options["without_keys"] else _keys(options["keys"])
            if keys is None and not options["without_keys"]:
                raise backups.Failed(
                    "There is no living backup of the keys: KEY_BACKUP_DIRECTORY has none, or its"
                    f" newest is older than KEY_BACKUP_DAYS. {WITHOUT} Name a file with --keys if"
                    " you have one, however old, or say --without-keys."
                )
            for one in (found, keys):
                if one is not None:
                    self.stdout.write(
                        f"The {one.kind} of {one.made_at:%Y-%m-%d %H:%M} UTC: {one.path}"
                    )
            done = backups.restore(found, keys)
        except backups.Failed as refused:
            raise CommandError(f"Nothing was restored. {refused}") from None
        except (OSError, DatabaseError) as failed:
            raise CommandError(
                f"The restore failed ({type(failed).__name__}). Drop this database and restore into"
                " a new one."
            ) from None
        self._tell(done, keys)

    def _tell(self, done: backups.Restored, keys: Backup | None) -> None:
        self.stdout.write(f"Keys and second factors that came back: {done.opened}.")
        if done.rebased:
            self.stdout.write("The trail counts on in this cluster.")
        if keys is None:
            self.stdout.write(WITHOUT)
        elif done.keyless:
            self.stdout.write(
                f"Files without a key: {done.keyless}. They were destroyed since this backup of the"
                " data, or are younger than this backup of the keys; `reconcile` tells which."
            )
        self.stdout.write("Now run `manage.py reconcile`: until then nothing is served.")


def _data(path: Path | None) -> Backup:
    if path is not None:
        return backups.opened(path, DATA)
    if (newest := next(iter(backups.known(DATA)), None)) is None:
        raise backups.Failed("There is no backup of the data in BACKUP_DIRECTORY: name a file.")
    return newest


def _keys(path: Path | None) -> Backup | None:
    if path is not None:
        return backups.opened(path, KEYS)
    return backups.living_keys(now=timezone.now())
