"""manage.py purge: what the worker does, without Celery."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from tqdm import tqdm

from clients_app import destruction, notices, purges, shortenings

SLICE = timedelta(seconds=2)


class Command(BaseCommand):
    """Shows what is due and what is approved; destroys only with --execute, and only what the
    privacy officer approved."""

    help = (
        "Show what is due and what is approved. With --execute, bring the proposals up to date "
        "and destroy the files of approved runs: this cannot be undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--execute", action="store_true", help="destroy the files of approved runs"
        )

    def handle(self, *_args: Any, execute: bool, **_options: Any) -> None:
        if execute:
            self._execute()
            return
        for summary in purges.outlook(now=timezone.now()):
            self.stdout.write(
                f"{summary.practice}: {summary.due} due, {summary.kept} of them kept, "
                f"{summary.undated} discharged without a date, {summary.approved} approved"
            )
        self.stdout.write("Nothing was changed. --execute destroys what is approved.")

    def _execute(self) -> None:
        shortenings.take_effect(now=timezone.now())
        purges.propose_everywhere(now=timezone.now())
        settled = 0
        with tqdm(unit="files", disable=None) as bar:
            while True:
                done = destruction.execute(until=timezone.now() + SLICE)
                bar.update(done)
                settled += done
                if not destruction.unfinished():
                    break
        notices.tell_all()
        self.stdout.write(f"{settled} files settled.")
