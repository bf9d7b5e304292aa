"""The custody of one client's file: who is in care, until when it is kept, who opened it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_lazy as _

from clients_app import access, blockers, care, clients, files, rules, snoozes, trail, users
from clients_app.admin.client_forms import ColleagueForm, DischargeForm, ReopenForm, SnoozeForm
from clients_app.admin.door import (
    DEED,
    READING,
    Crumb,
    DoorAdmin,
    asked_text,
    attempt,
    deed,
    offers,
    the_user,
    went,
)
from clients_app.admin.events import lines, said
from clients_app.models import CareAssignment, Client
from clients_app.roles import Permission

TRAIL_PAGE = 50
UNDATED_PAGE = 100


class CustodyPages(DoorAdmin):
    """The part of a client's pages that speaks of trust and time."""

    def more_urls(self) -> list[URLPattern]:
        one = "<uuid:object_id>"
        return [
            self.route(f"{one}/discharge/", self.discharge_page, "discharge"),
            self.route(f"{one}/reopen/", self.reopen_page, "reopen"),
            self.route(f"{one}/snooze/", self.snooze_page, "snooze"),
            self.route(f"{one}/hand-over/", self.hand_over_page, "hand_over"),
            self.route(f"{one}/care/", self.care_page, "care"),
            self.route(f"{one}/care/<uuid:care_id>/end/", self.end_care, "end_care", DEED),
            self.route(f"{one}/trail/", self.trail_page, "trail", READING),
            self.route(f"{one}/trail/print/", self.account_page, "trail_print", READING),
            self.route("undated/", self.undated_page, "undated", READING),
        ]

    def code_of(self, request: HttpRequest, client_id: UUID) -> str:
        return files.code(client_id, by=the_user(request))

    def crumbs(self, code: str, client_id: UUID) -> list[Crumb]:
        return [(code, self.url("change", client_id))]

    def kept(self, request: HttpRequest, client: Client) -> dict[str, Any] | None:
        """Until when the file is kept, and why; None where that is not the role's to know."""
        if not offers(request, Permission.RETENTION_READ, client.pk):
            return None
        found = clients.explain(client.pk, by=the_user(request))
        standing = blockers.sentences(found.blockers)
        decision = found.decision
        if decision is None:
            return {"in_care": True, "standing": standing}
        said = [*decision.candidates, *decision.ceilings]
        governing = client.governing_rule_id
        words = rules.in_words({*(c.rule_id for c in said), *([governing] if governing else [])})
        return {
            "until": client.retain_until,
            "sentence": rules.explained(client, decision, words),
            "candidates": [(c.until, words.get(c.rule_id, "")) for c in decision.candidates],
            "standing": standing,
            "unjustified": decision.passed(client.retain_until) is not None,
        }

    def confidants(self, request: HttpRequest, client_id: UUID) -> list[CareAssignment] | None:
        if not offers(request, Permission.CARE_READ, client_id):
            return None
        return list(care.of_client(client_id, by=the_user(request)))

    def discharge_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.CLIENT_DISCHARGE, object_id, subject_id=object_id)
        form = DischargeForm(request.POST or None, initial={"on": timezone.localdate()})
        if request.method == "POST":
            client = attempt(
                form, lambda: clients.discharge(object_id, by=user, on=form.cleaned_data["on"])
            )
            if client is not None:
                message = gettext("%(code)s is discharged.") % {"code": client.code}
                return self.done(request, message, "change", object_id)
        code = self.code_of(request, object_id)
        return self.form_page(
            request,
            form,
            gettext("Discharge %(code)s") % {"code": code},
            submit=_("Discharge"),
            explanation=_(
                "Care ends, and the practice's rules fix until when the file is kept. Notes and "
                "disclosures stay readable for the confidants until then. The file can be reopened."
            ),
            crumbs=self.crumbs(code, object_id),
            cancel=self.url("change", object_id),
        )

    def reopen_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Reopening gives up what has been counted: the page says what, and asks."""
        user = the_user(request)
        access.require(user, Permission.CLIENT_DISCHARGE, object_id, subject_id=object_id)
        form = ReopenForm(request.POST or None)
        if request.method == "POST" and went(
            form, lambda: clients.reopen(object_id, by=user, **form.cleaned_data)
        ):
            return self.done(request, _("The file is open again."), "change", object_id)
        client = clients.explain(object_id, by=user).client
        form.show(client.retain_until)
        return self.form_page(
            request,
            form,
            gettext("Reopen %(code)s") % {"code": client.code},
            submit=_("Reopen the file"),
            subject=gettext("Now it is kept until %(day)s. That day goes.")
            % {"day": date_format(client.retain_until)}
            if client.retain_until
            else "",
            explanation=_(
                "Care resumes, and the file has no end until the next discharge, from which the "
                "rules count anew. Whoever only wants to correct something discharges the file "
                "afterwards on the day on which care ended."
            ),
            crumbs=self.crumbs(client.code, object_id),
            cancel=self.url("change", object_id),
        )

    def snooze_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.PURGE_SNOOZE, object_id, subject_id=object_id)
        form = SnoozeForm(request.POST or None)
        if request.method == "POST" and went(
            form, lambda: snoozes.snooze(object_id, by=user, **form.cleaned_data)
        ):
            return self.done(request, _("The file stays until that day."), "change", object_id)
        code = self.code_of(request, object_id)
        return self.form_page(
            request,
            form,
            gettext("Keep the file of %(code)s a while longer") % {"code": code},
            submit=_("Keep it until then"),
            explanation=_(
                "The file is not destroyed before the day after. It is a delay and no decision: "
                "the privacy officer sees it. Another delay takes the place of the one before."
            ),
            crumbs=self.crumbs(code, object_id),
            cancel=self.url("change", object_id),
        )

    def hand_over_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.CARE_HAND_OVER, object_id, subject_id=object_id)
        others = care.counsellors(by=user).exclude(pk=user.pk)
        form = ColleagueForm(request.POST or None, colleagues=others)
        code = self.code_of(request, object_id)
        if request.method == "POST" and went(
            form, lambda: care.hand_over(object_id, UUID(form.cleaned_data["user"]), by=user)
        ):
            return self.done(
                request, gettext("%(code)s is handed over.") % {"code": code}, "changelist"
            )
        return self.form_page(
            request,
            form,
            gettext("Hand over %(code)s") % {"code": code},
            submit=_("Hand over"),
            explanation=_(
                "Your colleague becomes the client's confidant and reads the notes and the "
                "disclosures that are not locked. Your own access ends at once. Disclosures that "
                "you locked stay closed to everybody else."
            ),
            crumbs=self.crumbs(code, object_id),
            cancel=self.url("change", object_id),
        )

    def care_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Who is in care; the manager assigns and ends."""
        user = the_user(request)
        assigns = offers(request, Permission.CARE_ASSIGN)
        if request.method == "POST":
            access.require(user, Permission.CARE_ASSIGN, object_id, subject_id=object_id)
        form = ColleagueForm(request.POST or None, colleagues=care.counsellors(by=user))
        if request.method == "POST" and went(
            form, lambda: care.assign(object_id, UUID(form.cleaned_data["user"]), by=user)
        ):
            return self.done(request, _("The counsellor is assigned."), "care", object_id)
        confidants = list(care.of_client(object_id, by=user))
        code = self.code_of(request, object_id)
        return self.page(
            request,
            "usaldus/care.html",
            gettext("Who is in care of %(code)s") % {"code": code},
            client_id=object_id,
            confidants=confidants,
            form=form if assigns else None,
            about=object_id,
            crumbs=self.crumbs(code, object_id),
        )

    def end_care(self, request: HttpRequest, object_id: UUID, care_id: UUID) -> HttpResponse:
        return deed(
            request,
            lambda: care.end(care_id, by=the_user(request), client_id=object_id),
            _("The access is ended."),
            self.url("care", object_id),
        )

    def trail_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Who opened this file and when: what can be shown to the client."""
        user = the_user(request)
        rows = trail.of_client(object_id, by=user)
        before = request.GET.get("before", "")
        if before.isdecimal():
            rows = rows.filter(pk__lt=int(before[:18]))
        events = list(rows[: TRAIL_PAGE + 1])
        page = events[:TRAIL_PAGE]
        code = self.code_of(request, object_id)
        people = users.names({e.actor_id for e in page if e.actor_id}, by=user)
        return self.page(
            request,
            "usaldus/client_trail.html",
            gettext("Who opened the file of %(code)s") % {"code": code},
            client_id=object_id,
            lines=lines(page, people, {object_id: code}),
            before=page[-1].pk if len(events) > TRAIL_PAGE else None,
            crumbs=self.crumbs(code, object_id),
        )

    def account_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Who opened the file in the last year, on paper for the client, in their language."""
        user = the_user(request)
        now = timezone.now()
        account = trail.account(object_id, by=user, now=now)
        people = users.names({r["actor_id"] for r in account.rows if r["actor_id"]}, by=user)
        code = self.code_of(request, object_id)
        wished = request.GET.get("language", "")
        spoken = wished if wished in dict(settings.LANGUAGES) else get_language()
        with override(spoken):
            return self.page(
                request,
                "usaldus/account.html",
                gettext("Who opened your file"),
                account=account,
                said=said(account, people),
                practice=access.practice_of(user),
                made_at=now,
                code=code,
                spoken=spoken,
                client_id=object_id,
                crumbs=self.crumbs(code, object_id),
            )

    def undated_page(self, request: HttpRequest) -> HttpResponse:
        """Discharged files that nothing will ever purge until somebody looks at them."""
        rows = files.undated(by=the_user(request))
        after = asked_text(request, "after")
        found = list((rows.filter(code__gt=after) if after else rows)[: UNDATED_PAGE + 1])
        page = found[:UNDATED_PAGE]
        return self.page(
            request,
            "usaldus/undated.html",
            _("Discharged files without a date"),
            clients=page,
            after=page[-1].code if len(found) > UNDATED_PAGE else None,
        )
