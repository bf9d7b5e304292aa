"""The browser's door to what was said: sessions, notes, disclosures, and the timeline."""

from sessions_app.admin import disclosures, notes, sessions, timeline, today

__all__ = ["disclosures", "notes", "sessions", "timeline", "today"]
