"""Whether the clock can be believed. What is destroyed a day early cannot be had back.

A clock that jumps ahead makes files due, and ends a cooling-off, before their time. Two things
betray it: since the last look on this machine the time of day went on by more, or by less, than the
machine itself counted (CLOCK_BOOTTIME, which nobody sets); or the worker's time and the database's
differ. More than an hour of either, and nothing is proposed or destroyed until whoever runs the
server has looked at the clock and says that it is right (`manage.py purge --clock-is-right`). Until
then it is an alarm (`sweeps`).

A worker that was stopped for days is no jump, for the machine went on counting; after a reboot
there is no count to compare with, and the database's clock alone has to do.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from clients_app import audit
from clients_app.models import ClockReading
from clients_app.pipeline import ask

MOST = timedelta(hours=1)
# Readings of boots that are over.
KEPT = timedelta(days=30)
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Count:
    """What the machine counts since it was started, in seconds, and which start that was."""

    boot: str
    seconds: float


def counted() -> Count:
    """Of this machine, now. Where no start has a name every process is one of its own."""
    try:
        return Count(BOOT.read_text().strip(), time.clock_gettime(time.CLOCK_BOOTTIME))
    except (OSError, AttributeError):
        return Count("", time.monotonic())


def believed(*, now: datetime) -> bool:
    """Look at the clock; whether it can be believed. What was found stays until `is_right`."""
    count = counted()
    with transaction.atomic():
        last = ClockReading.objects.filter(boot=count.boot).first()
        reading = ClockReading(boot=count.boot, at=now, counted=count.seconds)
        reading.jumped_at = last.jumped_at if last else None
        off = max(_since(last, now, count), now - _of_the_database(), key=abs)
        if abs(off) > MOST and not jumped():
            reading.jumped_at = now
            audit.record("clock.jumped", by=None, ahead=int(off.total_seconds()))
        ClockReading.objects.bulk_create(
            [reading],
            update_conflicts=True,
            unique_fields=["boot"],
            update_fields=["at", "counted", "jumped_at"],
        )
        ClockReading.objects.filter(at__lt=now - KEPT, jumped_at=None).delete()
    return not jumped()


def jumped() -> bool:
    return ClockReading.objects.filter(jumped_at__isnull=False).exists()


def is_right() -> None:
    """Whoever runs the server has looked: count from here."""
    with transaction.atomic():
        audit.record("clock.believed", by=None, jumped=jumped())
        ClockReading.objects.all().delete()


def _since(last: ClockReading | None, now: datetime, count: Count) -> timedelta:
    """By how much the time of day went on more than the machine counted."""
    if last is None or not count.boot:
        return timedelta(0)
    return (now - last.at) - timedelta(seconds=count.seconds - last.counted)


def _of_the_database() -> datetime:
    row = ask("SELECT clock_timestamp()")
    moment: datetime = row[0] if row else timezone.now()
    return moment
