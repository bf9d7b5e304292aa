"""Emergency access: ask for it, give it back, and the privacy officer's review."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, break_glass, users
from clients_app.admin import panels
from clients_app.admin.door import DEED, FORM, DoorAdmin, Text, attempt, deed, offers, the_user
from clients_app.admin.events import lines
from clients_app.admin.forms import ChoiceField, DoorForm, LongTextField, any_of
from clients_app.admin.panels import Panel
from clients_app.models import BreakGlass, Finding, Reason, User
from clients_app.roles import Permission

PAGE = 50
READINGS = 500


class RequestForm(DoorForm):
    code = forms.CharField(
        label=_("Client’s code"), max_length=32, widget=forms.TextInput({"autocomplete": "off"})
    )
    reason_code = ChoiceField(label=_("Reason"), choices=any_of(Reason.choices, _("Choose…")))
    text = LongTextField(
        label=_("Why it cannot wait"),
        rows=5,
        help_text=_(
            "The privacy officer reads this. Say what happened and what you need to know; do not "
            "repeat the client’s words."
        ),
    )


class ReviewForm(DoorForm):
    finding = ChoiceField(label=_("Finding"), choices=any_of(Finding.choices, _("Choose…")))
    text = LongTextField(
        label=_("In words"),
        rows=5,
        help_text=_("What you asked, what you were told, and what follows from it."),
    )


@admin.register(BreakGlass)
class BreakGlassAdmin(DoorAdmin):
    """Lists and titles show codes, names of colleagues and times; words are on one page alone."""

    adds = Permission.BREAK_GLASS_REQUEST
    menu_order = 45
    one_methods = FORM

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return offers(request, Permission.BREAK_GLASS_REQUEST) or offers(
            request, Permission.BREAK_GLASS_REVIEW
        )

    def menu_label(self, user: User) -> Text:
        late = break_glass.headline(by=user).overdue
        if not late:
            return _("Emergency access")
        overdue = gettext("%(n)s overdue") % {"n": late}
        return f"{gettext('Emergency access')} ({overdue})"

    def more_urls(self) -> list[URLPattern]:
        one = "<uuid:object_id>"
        return [self.route(f"{one}/give-back/", self.give_back, "give_back", DEED)]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        number = max(int(page), 1) if (page := request.GET.get("p", "")).isdecimal() else 1
        first = (min(number, 10_000) - 1) * PAGE
        found = list(break_glass.browse(by=user)[first : first + PAGE + 1])
        figures = None
        if offers(request, Permission.BREAK_GLASS_REVIEW):
            figures = break_glass.counts(by=user)
        names = dict(Reason.choices)
        return self.page(
            request,
            "usaldus/emergencies.html",
            _("Emergency access"),
            rows=with_age(found[:PAGE]),
            next_page=number + 1 if len(found) > PAGE else None,
            counts=figures,
            by_reason=[(names[c], n) for c, n in figures.by_reason.items()] if figures else [],
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.BREAK_GLASS_REQUEST)
        form = RequestForm(request.POST or None)
        if request.method == "POST":
            opened = attempt(form, lambda: break_glass.request(by=user, **form.cleaned_data))
            if opened is not None:
                return redirect("admin:clients_app_client_change", opened.client_id)
        return self.form_page(
            request,
            form,
            _("Open a file in an emergency"),
            submit=_("Open for 15 minutes"),
            explanation=_(
                "For a client who is not in your care, when it cannot wait for somebody who is. "
                "You can read their file for 15 minutes and change nothing. Their counsellors and "
                "the privacy officer are told at once, every reading is marked, and the privacy "
                "officer reviews it. What a counsellor locked stays locked. In danger to life call "
                "the emergency services first."
            ),
            cancel=self.url("changelist"),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The review; for those concerned who, when and with what outcome."""
        user = the_user(request)
        if not offers(request, Permission.BREAK_GLASS_REVIEW):
            return self.shown(request, break_glass.look(object_id, by=user))
        form = ReviewForm(request.POST or None)
        if request.method == "POST":
            reviewed = attempt(
                form, lambda: break_glass.review(object_id, by=user, **form.cleaned_data)
            )
            if reviewed is not None:
                return self.done(request, _("The review is on record."), "changelist")
        opened = break_glass.read(object_id, by=user)
        events = list(break_glass.readings(object_id, by=user)[: READINGS + 1])
        row = opened.access
        return self.shown(
            request,
            row,
            opened=opened,
            lines=lines(events[:READINGS], users.colleagues(by=user), {}),
            more=len(events) > READINGS,
            form=form if row.reviewed_at is None and row.user_id != user.pk else None,
            submit=_("Put the review on record"),
        )

    def shown(self, request: HttpRequest, row: BreakGlass, **more: Any) -> HttpResponse:
        return self.page(
            request,
            "usaldus/emergency.html",
            gettext("Emergency access to %(code)s") % {"code": row.client.code},
            row=row,
            overdue=break_glass.is_overdue(row),
            ends=break_glass.is_open(row)
            and (row.user == the_user(request) or offers(request, Permission.BREAK_GLASS_REVIEW)),
            **more,
        )

    def give_back(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: break_glass.give_back(object_id, by=the_user(request)),
            _("The emergency access is ended."),
            self.url("changelist"),
        )


def with_age(rows: list[BreakGlass]) -> list[tuple[BreakGlass, bool]]:
    """Each with whether its review is overdue."""
    return [(row, break_glass.is_overdue(row)) for row in rows]


def today(request: HttpRequest) -> Panel | None:
    """What waits for the privacy officer's review, the oldest first; for confidants that somebody
    opened a file of theirs, until the review is done and shortly after."""
    user = the_user(request)
    if offers(request, Permission.BREAK_GLASS_REVIEW):
        rows = list(break_glass.waiting(by=user)[: PAGE + 1])
    elif offers(request, Permission.BREAK_GLASS_REQUEST):
        rows = list(break_glass.concerning(by=user)[: PAGE + 1])
    else:
        return None
    if not rows:
        return None
    return Panel(
        "usaldus/today_emergency.html",
        {
            "rows": with_age(rows[:PAGE]),
            "more": len(rows) > PAGE,
            "waiting": break_glass.headline(by=user),
            "list": reverse("admin:clients_app_breakglass_changelist"),
        },
    )


panels.add_to_today(today, order=5)
