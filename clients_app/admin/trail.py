"""The trail: who did what, when. Read only; the database itself refuses to change it."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from clients_app import access, files, trail, users
from clients_app.admin.door import FORM, DoorAdmin, Text, attempt, the_user
from clients_app.admin.events import WORDS, lines
from clients_app.admin.forms import ChoiceField, DayField, DoorForm, any_of
from clients_app.models import AuditEvent, User
from clients_app.roles import Permission

PAGE = 50
# Lines are sealed every ten seconds. One that waits for longer than this is told about.
LATE = timedelta(minutes=10)


class FilterForm(DoorForm):
    """Sent by POST and turned into ids, so that whatever is typed stays out of addresses."""

    code = forms.CharField(
        label=_("Client’s code"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    event = ChoiceField(label=_("What"), required=False)
    actor = ChoiceField(label=_("Who"), required=False)
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Until"), required=False)
    denied = forms.BooleanField(label=_("Only what was refused"), required=False)

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = sorted(((label, str(text)) for label, text in WORDS.items()), key=lambda p: p[1])
        self.offer("event", any_of(words, _("All")))
        self.offer("actor", any_of(people, _("All")))


class AsAsked(DoorForm):
    """The filter as an address carries it. What does not fit is as if it were not there."""

    client = forms.UUIDField(required=False)
    actor = forms.UUIDField(required=False)
    event = ChoiceField(required=False, choices=[(label, label) for label in WORDS])
    since = DayField(required=False)
    until = DayField(required=False)
    denied = forms.BooleanField(required=False)
    before = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)


@admin.register(AuditEvent)
class AuditEventAdmin(DoorAdmin):
    sees = Permission.TRAIL_READ
    menu_order = 80
    list_methods = FORM

    def menu_label(self, user: User) -> Text:
        return _("Trail")

    def list_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.TRAIL_READ)
        people = users.colleagues(by=user)
        choices = [(str(pk), name) for pk, name in people.items()]
        if request.method == "POST":
            form = FilterForm(request.POST, people=choices)
            asked = attempt(form, lambda: as_asked(form, user))
            if asked is not None:
                return redirect(f"{self.url('changelist')}?{urlencode(asked)}")
            wanted: dict[str, Any] = {}
        else:
            address = AsAsked(request.GET)
            address.is_valid()
            wanted = {name: value for name, value in address.cleaned_data.items() if value}
            codes = files.codes([wanted["client"]] if "client" in wanted else [], by=user)
            typed = {**wanted, "code": codes.get(wanted.get("client"), "")}  # type: ignore[arg-type]
            form = FilterForm(initial=typed, people=choices)
        rows = chosen(trail.of_practice(by=user), wanted)
        events = list(rows[: PAGE + 1])
        page = events[:PAGE]
        known = files.codes({e.client_id for e in page if e.client_id}, by=user)
        wanted.pop("before", None)
        if len(events) > PAGE:
            wanted["before"] = page[-1].pk
        return self.page(
            request,
            "usaldus/trail.html",
            _("Trail"),
            form=form,
            lines=lines(page, people, known),
            **how_sealed(user),
            narrowed=bool(wanted.keys() - {"before"}),
            older=urlencode(wanted) if len(events) > PAGE else "",
        )


def how_sealed(user: User) -> dict[str, Any]:
    """How far the trail is sealed, and whether somebody should look after it."""
    sealed = trail.sealed(by=user)
    waits = sealed.waits_since is not None and timezone.now() - sealed.waits_since > LATE
    found = sealed.verified is not None and sealed.verified.detail["findings"] > 0
    return {"sealed": sealed, "waits": waits, "alarm": waits or found}


def as_asked(form: FilterForm, user: User) -> dict[str, Any]:
    """What was typed, as the parameters of an address: ids, labels, days."""
    typed = form.cleaned_data
    asked = {name: typed[name] for name in ("event", "actor", "since", "until") if typed[name]}
    if typed["denied"]:
        asked["denied"] = "on"
    if typed["code"]:
        asked["client"] = files.of_code(typed["code"], by=user).pk
    return asked


def chosen(rows: QuerySet[AuditEvent], wanted: dict[str, Any]) -> QuerySet[AuditEvent]:
    if "client" in wanted:
        rows = rows.filter(client_id=wanted["client"])
    if "actor" in wanted:
        rows = rows.filter(actor_id=wanted["actor"])
    if "event" in wanted:
        rows = rows.filter(event=wanted["event"])
    if "since" in wanted:
        rows = rows.filter(at__gte=_midnight(wanted["since"]))
    if "until" in wanted:
        rows = rows.filter(at__lt=_midnight(wanted["until"] + timedelta(days=1)))
    if "denied" in wanted:
        rows = rows.filter(denied=True)
    if "before" in wanted:
        rows = rows.filter(pk__lt=wanted["before"])
    return rows


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
