"""The browser's door to what was said: sessions, notes, disclosures, excerpts, timeline."""

from sessions_app.admin import disclosures, notes, sessions, supervision, timeline, today

__all__ = ["disclosures", "notes", "sessions", "supervision", "timeline", "today"]
