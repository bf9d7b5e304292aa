"""What was said."""

from sessions_app.models.disclosure import Disclosure, ListeningIntent
from sessions_app.models.excerpt import SupervisionExcerpt
from sessions_app.models.note import FORMATS, Format, NoteVersion, SessionNote
from sessions_app.models.session import Modality, TherapySession

__all__ = [
    "FORMATS",
    "Disclosure",
    "Format",
    "ListeningIntent",
    "Modality",
    "NoteVersion",
    "SessionNote",
    "SupervisionExcerpt",
    "TherapySession",
]
