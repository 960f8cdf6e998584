"""Who runs what in the background."""

from django.db import models


class ProcessingLock(models.Model):
    """Who runs a duty now. `fence` grows with each take-over; `stop` asks the holder to end."""

    duty = models.CharField(max_length=40, primary_key=True)
    owner = models.CharField(max_length=80, blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="")
    pid = models.PositiveIntegerField(null=True)
    process_start = models.CharField(max_length=40, blank=True, default="")
    fence = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    stop = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.duty
