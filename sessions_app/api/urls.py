"""Routes of the API: what was said."""

from django.urls import path

from sessions_app.api import disclosures, notes, records, sessions, supervision

urlpatterns = [
    path("clients/<uuid:client_id>/record", records.Record.as_view()),
    path("clients/<uuid:client_id>/excerpts", supervision.Releases.as_view()),
    path("clients/<uuid:client_id>/excerpts/<uuid:excerpt_id>", supervision.OneRelease.as_view()),
    path(
        "clients/<uuid:client_id>/excerpts/<uuid:excerpt_id>/revoke",
        supervision.Revoking.as_view(),
    ),
    path("excerpts", supervision.Excerpts.as_view()),
    path("excerpts/<uuid:excerpt_id>", supervision.OneExcerpt.as_view()),
    path("supervisors", supervision.Supervisors.as_view()),
    path("sessions", sessions.Sessions.as_view()),
    path("sessions/<uuid:session_id>", sessions.OneSession.as_view()),
    path("sessions/<uuid:session_id>/hold", sessions.Holding.as_view()),
    path("sessions/<uuid:session_id>/cancel", sessions.Cancelling.as_view()),
    path("notes", notes.Notes.as_view()),
    path("notes/<uuid:note_id>", notes.OneNote.as_view()),
    path("notes/<uuid:note_id>/sign", notes.Signing.as_view()),
    path("notes/<uuid:note_id>/addenda", notes.Addenda.as_view()),
    path("disclosures", disclosures.Disclosures.as_view()),
    path("disclosures/<uuid:disclosure_id>", disclosures.OneDisclosure.as_view()),
    path("disclosures/<uuid:disclosure_id>/amendments", disclosures.Amendments.as_view()),
]
