"""The API of the stock models, as a first tutorial would have it."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ModelViewSet

from tests.stock.models import StockClient, StockNote, StockRead


class NoteSerializer(ModelSerializer[StockNote]):
    class Meta:
        model = StockNote
        fields = "__all__"


class Notes(ModelViewSet[StockNote]):
    """A counsellor's notes, of one client with ?client=."""

    serializer_class = NoteSerializer

    def get_queryset(self) -> QuerySet[StockNote]:
        user: Any = self.request.user
        notes = StockNote.objects.filter(client__counsellor=user)
        if client := self.request.query_params.get("client"):
            notes = notes.filter(client__id=client)
        return notes.order_by("-session_at", "-id")


class RecordedNotes(Notes):
    """The same with a trail: who lists a client's notes leaves a row, or sees nothing."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user: Any = request.user
        client = get_object_or_404(StockClient, pk=request.query_params["client"], counsellor=user)
        with transaction.atomic():
            StockRead.objects.create(user=user, client=client)
            return super().list(request, *args, **kwargs)
