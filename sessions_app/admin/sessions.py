"""The calendar: a week of sessions, and each session's own page."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, care, clients, files
from clients_app.admin.door import DEED, DoorAdmin, Text, asked_id, attempt, deed, offers, the_user
from clients_app.admin.forms import ChoiceField, DoorForm, MomentField, PrivateField, any_of
from clients_app.models import User
from clients_app.roles import Permission, Scope
from sessions_app import disclosures, notes, sessions
from sessions_app.models import Modality, TherapySession

MOST = 400


class PlaceField(PrivateField):
    def __init__(self) -> None:
        super().__init__(
            label=_("Place"),
            required=False,
            max_length=1000,
            help_text=_("A room, or the address of a video call. Sealed like the notes."),
        )


class MoveForm(DoorForm):
    starts_at = MomentField(label=_("When"))
    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=1440, initial=50)
    modality = ChoiceField(label=_("How you meet"), choices=Modality.choices)
    place = PlaceField()
    version = forms.IntegerField(widget=forms.HiddenInput)


class PlanForm(DoorForm):
    """A session to come, or one that has been."""

    aliases = {"counsellor": "counsellor_id"}
    starts_at = MomentField(label=_("When"))
    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=1440, initial=50)
    modality = ChoiceField(label=_("How you meet"), choices=Modality.choices)
    place = PlaceField()
    counsellor_id = ChoiceField(label=_("Counsellor"))
    status = ChoiceField(
        label=_("Has it been?"),
        choices=[("planned", _("It is to come")), ("held", _("It took place"))],
        widget=forms.RadioSelect,
        initial="planned",
    )

    def __init__(self, *args: Any, confidants: list[User], planner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if confidants == [planner]:
            del self.fields["counsellor_id"]
            return
        choices = [(str(user.pk), user.name) for user in confidants]
        if planner in confidants or len(confidants) == 1:
            likely = planner if planner in confidants else confidants[0]
            self.fields["counsellor_id"].initial = str(likely.pk)
            self.offer("counsellor_id", choices)
        else:
            self.offer("counsellor_id", any_of(choices, _("Choose…")))

    def values(self) -> dict[str, Any]:
        typed = dict(self.cleaned_data)
        if counsellor := typed.pop("counsellor_id", None):
            typed["counsellor_id"] = UUID(counsellor)
        return typed


@admin.register(TherapySession)
class TherapySessionAdmin(DoorAdmin):
    sees = Permission.SESSION_READ
    adds = Permission.SESSION_PLAN
    menu_order = 20

    def menu_label(self, user: User) -> Text:
        return _("Calendar")

    def more_urls(self) -> list[URLPattern]:
        one = "<uuid:object_id>"
        return [
            self.route(f"{one}/move/", self.move_page, "move"),
            self.route(f"{one}/hold/", self.hold, "hold", DEED),
            self.route(f"{one}/cancel/", self.cancel, "cancel", DEED),
            self.route(f"{one}/no-show/", self.no_show, "no_show", DEED),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """A week, of one counsellor or of all whose sessions this user may see."""
        user = the_user(request)
        monday = week_of(request.GET.get("week", ""))
        since, until = midnight(monday), midnight(monday + timedelta(days=7))
        rows = sessions.browse(by=user, since=since, until=until)
        practice_wide = access.scope(user, Permission.SESSION_READ) is Scope.PRACTICE
        people = list(care.counsellors(by=user)) if practice_wide else []
        chosen = next((p for p in people if str(p.pk) == request.GET.get("counsellor")), None)
        if chosen is not None:
            rows = rows.filter(counsellor=chosen)
        found = list(rows[: MOST + 1])
        profiles = clients.introduce(list({s.client_id for s in found[:MOST]}), by=user)
        days: dict[date, list[Any]] = {monday + timedelta(days=n): [] for n in range(7)}
        for session in found[:MOST]:
            day = timezone.localtime(session.starts_at).date()
            days[day].append((session, profiles.get(session.client_id)))
        return self.page(
            request,
            "said/week.html",
            _("Calendar"),
            days=days.items(),
            today=timezone.localdate(),
            monday=monday,
            sunday=monday + timedelta(days=6),
            before=monday - timedelta(days=7),
            after=monday + timedelta(days=7),
            people=people,
            chosen=chosen,
            more=len(found) > MOST,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        """Plan a session of the client that the address names."""
        user = the_user(request)
        client_id = asked_id(request, "client")
        if client_id is None:
            access.require(user, Permission.SESSION_PLAN)
            return self.page(request, "said/whose.html", _("Plan a session"))
        access.require(user, Permission.SESSION_PLAN, client_id, subject_id=client_id)
        confidants = [c.user for c in care.of_client(client_id, by=user) if c.until is None]
        soon = timezone.localtime().replace(minute=0, second=0, microsecond=0)
        form = PlanForm(
            request.POST or None,
            confidants=confidants,
            planner=user,
            initial={"starts_at": soon + timedelta(hours=1)},
        )
        code = files.codes([client_id], by=user).get(client_id, "")
        if request.method == "POST":
            session = attempt(form, lambda: sessions.plan(client_id, by=user, **form.values()))
            if session is not None:
                message = gettext("The session of %(code)s is in the calendar.") % {"code": code}
                return self.done(request, message, "change", session.pk)
        return self.form_page(
            request,
            form,
            gettext("Plan a session of %(code)s") % {"code": code},
            submit=_("Plan the session"),
            cancel=client_url(client_id),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        opened = sessions.read(object_id, by=user)
        session = opened.session
        profile = clients.introduce([session.client_id], by=user).get(session.client_id)
        told, written = [], []
        here: dict[str, Any] = {"by": user, "client_id": session.client_id}
        if offers(request, Permission.NOTE_READ, session.client_id):
            written = list(notes.browse(session_id=object_id, **here))
        if offers(request, Permission.DISCLOSURE_READ, session.client_id):
            told = list(disclosures.browse(session_id=object_id, **here))
        return self.page(
            request,
            "said/session.html",
            gettext("Session of %(code)s") % {"code": session.client.code},
            session=session,
            place=opened.place,
            profile=profile,
            written=written,
            told=told,
            planned=session.status == TherapySession.Status.PLANNED,
            started=session.starts_at <= timezone.now() + sessions.SOON,
            about=session.client_id,
        )

    def move_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        form = MoveForm(request.POST or None)
        if request.method == "POST":
            moved = attempt(
                form,
                lambda: sessions.move(object_id, by=user, **form.cleaned_data),
                current=lambda: known(sessions.read(object_id, by=user)),
            )
            if moved is not None:
                return self.done(request, _("The session is moved."), "change", object_id)
        access.require(user, Permission.SESSION_PLAN, subject_id=object_id)
        opened = sessions.read(object_id, by=user)
        if request.method != "POST":
            start = {name: getattr(opened.session, name) for name in ("minutes", "modality")}
            start |= {"starts_at": opened.session.starts_at, "version": opened.session.version}
            form = MoveForm(initial={**start, "place": opened.place})
        return self.form_page(
            request,
            form,
            gettext("Move the session of %(code)s") % {"code": opened.session.client.code},
            submit=_("Move"),
            crumbs=[(_("Session"), self.url("change", object_id))],
            cancel=self.url("change", object_id),
        )

    def hold(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return self.conclude(
            request,
            object_id,
            lambda version: sessions.hold(object_id, by=the_user(request), version=version),
            _("It is on record that the session took place."),
        )

    def cancel(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return self.conclude(
            request,
            object_id,
            lambda version: sessions.cancel(object_id, by=the_user(request), version=version),
            _("The session is cancelled."),
        )

    def no_show(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return self.conclude(
            request,
            object_id,
            lambda version: sessions.cancel(
                object_id, by=the_user(request), version=version, no_show=True
            ),
            _("It is on record that the client did not come."),
        )

    def conclude(
        self, request: HttpRequest, session_id: UUID, verb: Any, message: Text
    ) -> HttpResponse:
        version = asked_number(request, "version")
        return deed(request, lambda: verb(version), message, self.url("change", session_id))


def known(opened: sessions.OpenedSession) -> dict[str, str]:
    session = opened.session
    return {
        "starts_at": timezone.localtime(session.starts_at).strftime("%Y-%m-%dT%H:%M"),
        "minutes": str(session.minutes),
        "modality": session.modality,
        "place": opened.place,
    }


def asked_number(request: HttpRequest, name: str) -> int:
    value = request.POST.get(name, "")
    return int(value[:9]) if value.isdecimal() else 0


def week_of(asked: str) -> date:
    """The Monday of the week of that day, or of today."""
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        day = timezone.localdate()
    if not 1950 <= day.year <= 2200:
        day = timezone.localdate()
    return day - timedelta(days=day.weekday())


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def client_url(client_id: UUID) -> str:
    return reverse("admin:clients_app_client_change", args=[client_id])
