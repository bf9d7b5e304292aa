"""Who takes over: a counsellor's own choice and caseload, and successions by two people."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, care, clients, handovers, succession
from clients_app.admin.door import DEED, READING, DoorAdmin, Text, attempt, deed, offers, the_user
from clients_app.admin.forms import ChoiceField, DoorForm, MomentField, any_of
from clients_app.models import Handover, Successor, User
from clients_app.roles import Permission

PAGE = 50
OWN = 10
# So many clients are listed to choose from; a larger caseload goes whole, or in parts.
LISTED = 200
GROUNDS = [(ground.value, ground.label) for ground in succession.GROUNDS]


class ClientsField(forms.MultipleChoiceField):
    """Any clients: whose they are, the verb asks, and records it where they are not."""

    widget = forms.CheckboxSelectMultiple
    default_error_messages = {
        "invalid_choice": _("Choose from the list."),
        "invalid_list": _("Choose from the list."),
    }

    def valid_value(self, value: Any) -> bool:
        try:
            UUID(str(value))
        except ValueError:
            return False
        return True


class NameForm(DoorForm):
    """Who would take over."""

    successor = ChoiceField(label=_("Counsellor"))
    rank = ChoiceField(label=_("As"), choices=Successor.Rank.choices)

    def __init__(self, *args: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("successor", any_of([(str(c.pk), c.name) for c in colleagues], _("Choose…")))

    def values(self) -> dict[str, Any]:
        typed = self.cleaned_data
        return {"successor_id": UUID(typed["successor"]), "rank": int(typed["rank"])}


class HandOverForm(DoorForm):
    """Nobody gives a caseload away by a slip of the finger: the number of clients is typed."""

    to = ChoiceField(label=_("Who takes over"))
    which = ChoiceField(
        label=_("Which clients"),
        choices=[("all", _("all of them")), ("chosen", _("only those that are ticked"))],
        widget=forms.RadioSelect,
    )
    clients = ClientsField(label=_("Clients"), required=False)
    number = forms.IntegerField(
        label=_("Number of clients"),
        min_value=1,
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        help_text=_("Type how many clients you hand over. You cannot take them back."),
    )
    leave_unsigned = forms.BooleanField(
        label=_("My unsigned notes may stay unsigned"),
        required=False,
        help_text=_("Nobody will be able to read or sign them. They end with the file."),
    )

    def __init__(self, *args: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("to", any_of([(str(c.pk), c.name) for c in colleagues], _("Choose…")))

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or {}
        if typed.get("which") == "chosen" and not typed.get("clients"):
            self.add_error("clients", _("Tick at least one client."))
        return typed

    def values(self) -> dict[str, Any]:
        typed = self.cleaned_data
        chosen = typed["which"] == "chosen"
        return {
            "to": UUID(typed["to"]),
            "number": typed["number"],
            "clients": [UUID(pk) for pk in typed["clients"]] if chosen else None,
            "leave_unsigned": typed["leave_unsigned"],
        }


class ProposeForm(DoorForm):
    """Whose caseload, to whom, and why: from lists, no words beside them."""

    counsellor = ChoiceField(label=_("Whose clients"))
    ground = ChoiceField(label=_("Reason"), choices=any_of(GROUNDS, _("Choose…")))
    to = ChoiceField(
        label=_("Who takes over"),
        required=False,
        help_text=_("Leave it empty for the successor whom they named and who accepted."),
    )
    effective_at = MomentField(
        label=_("From"),
        required=False,
        help_text=_("Leave it empty for the moment of approval."),
    )
    locks_out = forms.BooleanField(
        label=_("Disable their login"),
        required=False,
        help_text=_("Every browser and device of theirs is locked out at that moment."),
    )

    def __init__(self, *args: Any, whose: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("counsellor", any_of([(str(c.pk), c.name) for c in whose], _("Choose…")))
        named = _("the named successor")
        self.offer("to", any_of([(str(c.pk), c.name) for c in colleagues], named))

    def values(self) -> dict[str, Any]:
        typed = self.cleaned_data
        return {
            **typed,
            "counsellor": UUID(typed["counsellor"]),
            "to": UUID(typed["to"]) if typed["to"] else None,
        }


@admin.register(Successor)
class SuccessorAdmin(DoorAdmin):
    """A counsellor's own: whom they named, by whom they were named, and their whole caseload."""

    sees = Permission.CARE_HAND_OVER
    adds = Permission.CARE_HAND_OVER
    menu_order = 50

    def menu_label(self, user: User) -> Text:
        return _("Succession")

    def more_urls(self) -> list[URLPattern]:
        one, handover = "<uuid:object_id>", "hand-over/<uuid:handover_id>"
        return [
            self.route(f"{one}/accept/", self.accept, "accept", DEED),
            self.route(f"{one}/decline/", self.decline, "decline", DEED),
            self.route(f"{one}/withdraw/", self.withdraw, "withdraw", DEED),
            self.route("hand-over/", self.hand_over_page, "hand_over"),
            self.route(f"{handover}/", self.handover_page, "handover", READING),
            self.route(f"{handover}/progress/", self.progress, "progress", READING),
            self.route(f"{handover}/continue/", self.go_on, "continue", DEED),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        return self.page(
            request,
            "usaldus/successors.html",
            _("Succession"),
            standing=succession.standing(by=user),
            caseload=handovers.caseload(by=user),
            handovers=list(handovers.mine(by=user)[:OWN]),
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.CARE_HAND_OVER)
        others = care.counsellors(by=user).exclude(pk=user.pk)
        form = NameForm(request.POST or None, colleagues=others)
        if request.method == "POST":
            named = attempt(form, lambda: succession.name(by=user, **form.values()))
            if named is not None:
                return self.done(request, _("Your colleague is asked."), "changelist")
        return self.form_page(
            request,
            form,
            _("Name a successor"),
            submit=_("Ask them"),
            explanation=_(
                "If you cannot care for your clients any more, this colleague takes over, once "
                "the practice manager and the privacy officer agree that the day has come. Until "
                "then they see nothing of your clients."
            ),
            cancel=self.url("changelist"),
        )

    def accept(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: succession.accept(object_id, by=the_user(request)),
            _("Your colleague sees that you would take over."),
            self.url("changelist"),
        )

    def decline(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: succession.decline(object_id, by=the_user(request)),
            _("Your colleague sees that you would not take over."),
            self.url("changelist"),
        )

    def withdraw(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: succession.withdraw(object_id, by=the_user(request)),
            _("Your choice is taken back."),
            self.url("changelist"),
        )

    def hand_over_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        caseload = handovers.caseload(by=user)
        others = care.counsellors(by=user).exclude(pk=user.pk)
        form = HandOverForm(request.POST or None, colleagues=others, initial={"which": "all"})
        if request.method == "POST":
            handover = attempt(form, lambda: handovers.hand_over(by=user, **form.values()))
            if handover is not None:
                return self.done(request, _("The handover is begun."), "handover", handover.pk)
        page = clients.browse(by=user, status="all", limit=LISTED)
        form.offer("clients", [(str(p.client.pk), label(p)) for p in page.profiles])
        return self.form_page(
            request,
            form,
            _("Hand over my clients"),
            submit=_("Hand over"),
            template="usaldus/hand_over.html",
            caseload=caseload,
            more=page.after is not None,
            listed=LISTED,
            cancel=self.url("changelist"),
        )

    def handover_page(self, request: HttpRequest, handover_id: UUID) -> HttpResponse:
        handover, progress = handovers.read(handover_id, by=the_user(request))
        return self.page(
            request,
            "usaldus/handover.html",
            _("Handover of my clients"),
            handover=handover,
            progress=progress,
            running=handover.status == Handover.Status.APPROVED,
            watch=self.url("progress", handover_id),
            go_on=self.url("continue", handover_id),
        )

    def progress(self, request: HttpRequest, handover_id: UUID) -> HttpResponse:
        handover, progress = handovers.read(handover_id, by=the_user(request))
        return figures(handover, progress)

    def go_on(self, request: HttpRequest, handover_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: handovers.go_on(handover_id, by=the_user(request)),
            _("The handover goes on."),
            self.url("handover", handover_id),
        )


@admin.register(Handover)
class HandoverAdmin(DoorAdmin):
    """The practice's successions: the manager proposes, the privacy officer decides."""

    sees = Permission.SUCCESSION_READ
    adds = Permission.SUCCESSION_PROPOSE
    menu_order = 50

    def menu_label(self, user: User) -> Text:
        return _("Succession")

    def more_urls(self) -> list[URLPattern]:
        one = "<uuid:object_id>"
        return [
            self.route(f"{one}/approve/", self.approve, "approve", DEED),
            self.route(f"{one}/refuse/", self.refuse, "refuse", DEED),
            self.route(f"{one}/progress/", self.progress, "progress", READING),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        number = max(int(page), 1) if (page := request.GET.get("p", "")).isdecimal() else 1
        first = (min(number, 10_000) - 1) * PAGE
        found = list(succession.browse(by=user)[first : first + PAGE + 1])
        unprepared = list(succession.unprepared(by=user)[: LISTED + 1])
        return self.page(
            request,
            "usaldus/successions.html",
            _("Succession"),
            successions=found[:PAGE],
            next_page=number + 1 if len(found) > PAGE else None,
            unprepared=unprepared[:LISTED],
            more=len(unprepared) > LISTED,
        )

    def new_page(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.SUCCESSION_PROPOSE)
        form = ProposeForm(
            request.POST or None,
            whose=succession.candidates(by=user),
            colleagues=care.counsellors(by=user),
        )
        if request.method == "POST":
            made = attempt(form, lambda: succession.propose(by=user, **form.values()))
            if made is not None:
                message = _("The succession is proposed. The privacy officer decides.")
                return self.done(request, message, "change", made.pk)
        return self.form_page(
            request,
            form,
            _("Propose a succession"),
            submit=_("Propose"),
            explanation=_(
                "For a counsellor who cannot hand over themself. All their clients go to the "
                "colleague, the discharged ones too. Nothing happens before the privacy officer "
                "approves, and after 14 days the proposal is void."
            ),
            cancel=self.url("changelist"),
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        report = succession.read(object_id, by=the_user(request))
        handover = report.handover
        void = handover.status == Handover.Status.PROPOSED and (
            handover.proposed_at <= timezone.now() - succession.VALID
        )
        proposed = handover.status == Handover.Status.PROPOSED and not void
        return self.page(
            request,
            "usaldus/succession.html",
            gettext("Succession %(id)s") % {"id": str(handover.pk)[-12:]},
            handover=handover,
            progress=report.progress,
            caseload=report.caseload,
            void=void,
            proposed=proposed,
            running=handover.status == Handover.Status.APPROVED and bool(handover.begun_at),
            decides=proposed and offers(request, Permission.SUCCESSION_APPROVE),
            watch=self.url("progress", object_id),
        )

    def approve(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: succession.approve(object_id, by=the_user(request)),
            _("The succession is approved."),
            self.url("change", object_id),
        )

    def refuse(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: succession.refuse(object_id, by=the_user(request)),
            _("The succession is refused. Everything stays as it is."),
            self.url("change", object_id),
        )

    def progress(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        report = succession.read(object_id, by=the_user(request))
        return figures(report.handover, report.progress)


def label(profile: clients.Profile) -> str:
    """A client in the list to choose from."""
    known = profile.identity
    called = known.get("preferred_name") or known.get("full_name") or ""
    return f"{profile.client.code} {called}".strip()


def figures(handover: Handover, progress: handovers.Progress) -> JsonResponse:
    """The same figures as the page shows, for the page to keep them fresh."""
    return JsonResponse(
        {
            "status": handover.status,
            "settled": progress.settled,
            "total": progress.total,
            "text": gettext("%(settled)d of %(total)d clients")
            % {"settled": progress.settled, "total": progress.total},
        }
    )
