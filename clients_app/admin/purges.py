"""Purge runs: propose, look, take out, approve, refuse, watch."""

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import purges
from clients_app.admin.door import (
    DEED,
    READING,
    DoorAdmin,
    Text,
    asked_text,
    attempt,
    deed,
    offers,
    the_user,
)
from clients_app.admin.forms import DoorForm
from clients_app.models import PurgeItem, PurgeRun, User
from clients_app.roles import Permission

PAGE = 100
RUNS = 30


class ApproveForm(DoorForm):
    """Nobody destroys by a slip of the finger: the number of files is typed."""

    aliases = {"files": "number"}
    number = forms.IntegerField(
        label=_("Number of files"),
        min_value=1,
        widget=forms.NumberInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        help_text=_("Type the number of files shown above. They cannot be had back."),
    )


@admin.register(PurgeRun)
class PurgeRunAdmin(DoorAdmin):
    sees = Permission.PURGE_READ
    menu_order = 60

    def menu_label(self, user: User) -> Text:
        return _("Purge runs")

    def more_urls(self) -> list[URLPattern]:
        one = "<uuid:object_id>"
        return [
            self.route("propose/", self.propose, "propose", DEED),
            self.route(f"{one}/progress/", self.progress, "progress", READING),
            self.route(f"{one}/approve/", self.approve_page, "approve"),
            self.route(f"{one}/refuse/", self.refuse, "refuse", DEED),
            self.route(f"{one}/<uuid:item_id>/take-out/", self.take_out, "take_out", DEED),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        found = list(purges.browse(by=the_user(request))[: RUNS + 1])
        return self.page(
            request,
            "usaldus/purge_runs.html",
            _("Purge runs"),
            runs=found[:RUNS],
            more=len(found) > RUNS,
        )

    def propose(self, request: HttpRequest) -> HttpResponse:
        run = purges.propose(by=the_user(request))
        if run is None:
            messages.info(request, gettext("Nothing is due today."))
            return redirect(self.url("changelist"))
        return redirect(self.url("change", run.pk))

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return self.run_page(request, object_id, ApproveForm())

    def run_page(self, request: HttpRequest, run_id: UUID, form: ApproveForm) -> HttpResponse:
        user = the_user(request)
        run, progress = purges.read(run_id, by=user)
        rows = purges.items(run_id, by=user)
        after = asked_text(request, "after")
        found = list((rows.filter(client_code__gt=after) if after else rows)[: PAGE + 1])
        page = found[:PAGE]
        names = PurgeItem.Status
        return self.page(
            request,
            "usaldus/purge_run.html",
            gettext("Purge run %(id)s") % {"id": str(run.pk)[-12:]},
            run=run,
            progress=progress,
            waiting=progress.counts.get(names.PENDING, 0),
            counts=[(names(status).label, n) for status, n in sorted(progress.counts.items())],
            items=page,
            after=page[-1].client_code if len(found) > PAGE else None,
            form=form if offers(request, Permission.PURGE_APPROVE) else None,
            proposed=run.status == PurgeRun.Status.PROPOSED,
            running=run.status == PurgeRun.Status.APPROVED,
        )

    def progress(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The same figures as the page shows, for the page to keep them fresh."""
        run, progress = purges.read(object_id, by=the_user(request))
        remaining = progress.remaining
        return JsonResponse(
            {
                "status": run.status,
                "settled": progress.settled,
                "total": progress.total,
                "text": in_words(progress),
                "remaining": remaining.total_seconds() if remaining else None,
            }
        )

    def approve_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        form = ApproveForm(request.POST or None)
        if request.method == "POST":
            user = the_user(request)
            run = attempt(
                form,
                lambda: purges.approve(object_id, by=user, files=form.cleaned_data["number"]),
            )
            if run is not None:
                message = _("The run is approved. The worker destroys its files now.")
                return self.done(request, message, "change", object_id)
        return self.run_page(request, object_id, form)

    def refuse(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: purges.refuse(object_id, by=the_user(request)),
            _("The run is refused. Its files stay, and the next night proposes them again."),
            self.url("change", object_id),
        )

    def take_out(self, request: HttpRequest, object_id: UUID, item_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: purges.take_out(object_id, item_id, by=the_user(request)),
            _("The file is taken out of this run."),
            self.url("change", object_id),
        )


def in_words(progress: purges.Progress) -> str:
    """How far a run is, in a sentence."""
    words = gettext("%(settled)d of %(total)d files") % {
        "settled": progress.settled,
        "total": progress.total,
    }
    if progress.remaining is not None:
        minutes = -(-int(progress.remaining.total_seconds()) // 60)
        words += ", " + gettext("about %(n)d min left") % {"n": max(minutes, 1)}
    return words
