"""manage.py purge: what the worker does, without Celery; and whether it does it."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from clients_app import clocks, destruction, notices, purges, sweeps

SLICE = timedelta(seconds=2)
ONCE = timedelta(minutes=10)


class Command(BaseCommand):
    """Shows what is due and what is approved; destroys only when asked, and only what was approved
    and has cooled off."""

    help = (
        "Show what is due and what is approved. With --execute or --once, bring the proposals up "
        "to date and destroy the files of approved runs that have cooled off: this cannot be "
        "undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--execute", action="store_true", help="until nothing is left that can be done now"
        )
        what.add_argument(
            "--once", action="store_true", help="for ten minutes at most, as the worker: for cron"
        )
        what.add_argument(
            "--health",
            action="store_true",
            help="say whether purges are done in time; exits with 1 where they are not",
        )
        what.add_argument(
            "--clock-is-right",
            action="store_true",
            help="after an alarm about the clock: you have looked at it, and it is right",
        )

    def handle(
        self,
        *_args: Any,
        execute: bool,
        once: bool,
        health: bool,
        clock_is_right: bool,
        **_options: Any,
    ) -> None:
        if health:
            self._health()
        elif clock_is_right:
            clocks.is_right()
            self.stdout.write("The clock is believed again.")
        elif execute or once:
            self._execute(once=once)
        else:
            self._show()

    def _show(self) -> None:
        for summary in purges.outlook(now=timezone.now()):
            self.stdout.write(
                f"{summary.practice}: {summary.due} due, {summary.kept} of them kept, "
                f"{summary.undated} discharged without a date, {summary.approved} approved"
            )
        self.stdout.write("Nothing was changed. --execute destroys what is approved.")

    def _execute(self, *, once: bool) -> None:
        sweeps.propose(now=timezone.now())
        if clocks.jumped():
            raise CommandError(
                "The clock jumped, so nothing was destroyed. Set it right, then run "
                "`purge --clock-is-right`."
            )
        settled, stop = 0, timezone.now() + ONCE
        with tqdm(unit="files", disable=None) as bar:
            while True:
                now = timezone.now()
                done = sweeps.sweep(until=now + SLICE, now=now)
                bar.update(done)
                settled += done
                if (
                    clocks.jumped()
                    or not destruction.unfinished()
                    or (once and timezone.now() >= stop)
                ):
                    break
        notices.tell_all()
        self.stdout.write(f"{settled} files settled.")

    def _health(self) -> None:
        found = sweeps.health(now=timezone.now())
        for name in ("swept_at", "proposed_at", "overdue_since"):
            moment = getattr(found, name)
            self.stdout.write(f"{name}: {moment.isoformat() if moment else 'never'}")
        self.stdout.write(f"failed: {found.failed}")
        if found.alarms:
            raise CommandError("ALARM: " + ", ".join(found.alarms), returncode=1)
        self.stdout.write("OK")
