"""When what is done without anybody asking was done last."""

from django.db import models


class Heartbeat(models.Model):
    """One row a sweep: a worker that is deaf leaves an old one."""

    name = models.CharField(primary_key=True, max_length=16)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
