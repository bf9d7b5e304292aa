"""The same things as ours, kept by the stock encrypted fields."""

import uuid

from django.conf import settings
from django.db import models
from encrypted_model_fields.fields import EncryptedTextField


class StockClient(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    counsellor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    code = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.code


class StockNote(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    client = models.ForeignKey(StockClient, models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    session_at = models.DateTimeField()
    written_at = models.DateTimeField(auto_now_add=True)
    body = EncryptedTextField()

    def __str__(self) -> str:
        return f"note {self.pk}"


class StockRead(models.Model):
    """A line of a trail as anybody would keep one: who read which client's notes, when."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    client = models.ForeignKey(StockClient, models.CASCADE)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"read {self.pk}"
