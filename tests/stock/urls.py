"""Routes of Stock."""

from rest_framework.routers import DefaultRouter

from tests.stock.api import Notes, RecordedNotes

router = DefaultRouter()
router.register("notes", Notes, basename="note")
router.register("recorded-notes", RecordedNotes, basename="recorded-note")
urlpatterns = router.urls
