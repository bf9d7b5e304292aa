"""When what is done without anybody asking was done last, and by which clock."""

from django.db import models


class Heartbeat(models.Model):
    """One row a sweep: a worker that is deaf leaves an old one."""

    name = models.CharField(primary_key=True, max_length=16)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ClockReading(models.Model):
    """One row for each start of a machine: what the clock said when the machine had counted so
    many seconds. `jumped_at`: when the two were found not to agree."""

    boot = models.CharField(primary_key=True, max_length=36)
    at = models.DateTimeField()
    counted = models.FloatField()
    jumped_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.boot
