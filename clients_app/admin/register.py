"""The register of destroyed files: look, print a certificate, take the register out."""

from datetime import date
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients_app import access, certificates, printing, retention
from clients_app.admin.door import READING, DoorAdmin, Text, attempt, the_user
from clients_app.admin.forms import ChoiceField, DayField, DoorForm
from clients_app.models import DestructionRecord, User
from clients_app.roles import Permission

PAGE = 100
PDF, CSV = "pdf", "csv"
LARGEST = {PDF: printing.LONGEST_PDF, CSV: certificates.LARGEST}
TYPES = {PDF: "application/pdf", CSV: "text/csv; charset=utf-8"}


class ExportForm(DoorForm):
    """Sent by POST: a file that leaves the house is asked for, not stumbled upon."""

    since = DayField(label=_("From"))
    until = DayField(label=_("Until"))
    form = ChoiceField(
        label=_("Kind of file"),
        choices=[(PDF, _("PDF, to print")), (CSV, _("CSV, for a spreadsheet"))],
    )


@admin.register(DestructionRecord)
class DestructionRecordAdmin(DoorAdmin):
    sees = Permission.PURGE_READ
    menu_order = 70

    def menu_label(self, user: User) -> Text:
        return _("Destroyed files")

    def more_urls(self) -> list[URLPattern]:
        return [
            self.route("export/", self.export, "export"),
            self.route("<uuid:object_id>/pdf/", self.pdf, "pdf", READING),
        ]

    def list_page(self, request: HttpRequest) -> HttpResponse:
        number = max(int(page), 1) if (page := request.GET.get("p", "")).isdecimal() else 1
        first = (min(number, 10_000) - 1) * PAGE
        found = list(certificates.browse(by=the_user(request))[first : first + PAGE + 1])
        return self.page(
            request,
            "usaldus/certificates.html",
            _("Destroyed files"),
            certificates=found[:PAGE],
            next_page=number + 1 if len(found) > PAGE else None,
        )

    def one_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        certificate = certificates.read(object_id, by=the_user(request))
        return self.page(
            request,
            "usaldus/certificate.html",
            gettext("Destruction of %(code)s") % {"code": certificate.client_code},
            certificate=certificate,
            facts=printing.facts(certificate),
            proofs=printing.proofs(certificate),
        )

    def pdf(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        record = certificates.printed(object_id, by=the_user(request))
        name = f"destruction-certificate-{record.number}.pdf"
        return _file(printing.certificate_pdf(record), PDF, name)

    def export(self, request: HttpRequest) -> HttpResponse:
        user = the_user(request)
        access.require(user, Permission.PURGE_READ)
        practice = access.practice_of(user)
        today = retention.local_day(practice, timezone.now())
        form = ExportForm(
            request.POST or None, initial={"since": date(today.year, 1, 1), "until": today}
        )
        if request.method == "POST":
            records = attempt(
                form,
                lambda: certificates.export(
                    by=user,
                    since=form.cleaned_data["since"],
                    until=form.cleaned_data["until"],
                    largest=LARGEST[form.cleaned_data["form"]],
                ),
            )
            if records is not None:
                since, until, kind = (form.cleaned_data[n] for n in ("since", "until", "form"))
                name = f"destruction-register-{practice.slug}-{since}-{until}.{kind}"
                if kind == CSV:
                    return _file(printing.register_csv(records), CSV, name)
                days = " – ".join(date_format(day, "DATE_FORMAT") for day in (since, until))
                return _file(printing.register_pdf(records, practice, days), PDF, name)
        return self.form_page(
            request,
            form,
            _("Take the register out"),
            submit=_("Make the file"),
            explanation=_(
                "The certificates of these days, without a name. That the file was made is on the"
                " trail."
            ),
            cancel=self.url("changelist"),
        )


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
