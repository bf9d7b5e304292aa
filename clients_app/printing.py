"""What a certificate says, in words; certificates and registers as PDF and CSV.

Made in memory and handed over; nothing of it stays on the server. The fonts are ours
(`clients_app/fonts`), so that every name of Latin, Greek or Cyrillic letters prints the same
everywhere.
"""

import csv
import io
import zoneinfo
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from django.apps import apps
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from clients_app import certificates
from clients_app.models import DestructionRecord, Practice

FONTS = Path(__file__).parent / "fonts"
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
MARGIN = 18 * mm
# Of the register on a wide page.
WIDTHS = [12 * mm, 28 * mm, 42 * mm, 74 * mm, 34 * mm, 34 * mm, 32 * mm]
PADDING = 6
# Rows of a PDF: laying one out takes 4 ms and more.
LONGEST_PDF = 1_000
# A cell that begins with one of these a spreadsheet takes for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
CSV_COLUMNS = (
    "number",
    "client_code",
    "client_id",
    "covers_from",
    "covers_until",
    "rule",
    "rule_id",
    "rule_decided_on",
    "retain_until",
    "due_on",
    "approved_by",
    "seconded_by",
    "destroyed_at",
    "method",
    "verification",
    "key_id",
    "rows",
    "wal_horizon",
    "backup_horizon",
    "id",
    "run_id",
    "previous",
    "head",
    "signing_key",
    "signature",
)

Fact = tuple[str, str]


def facts(record: DestructionRecord) -> list[Fact]:
    """What a certificate says, each with its name, in the language of the moment."""
    day, unknown = _day, gettext("not recorded by the version that destroyed it")
    method, verified = record.method, record.verification or unknown
    if record.method == certificates.METHOD:
        method = gettext(
            "Cryptographic erase as in NIST SP 800-88: the file’s own 256-bit key was destroyed;"
            " then its rows were deleted."
        )
    if record.verification == certificates.VERIFICATION:
        verified = gettext("At once, before it counted: neither the key nor a row was left.")
    period = unknown
    if record.covers_from and record.covers_until:
        period = f"{day(record.covers_from)} – {day(record.covers_until)}"
    rule = record.rule or unknown
    if record.rule_decided_on:
        since = gettext("in force since %(day)s") % {"day": day(record.rule_decided_on)}
        rule = f"{rule} ({since})"
    return [
        (gettext("Client"), f"{record.client_code} · {record.client_id}"),
        (gettext("Period of the file"), period),
        (gettext("Rows destroyed"), "; ".join(f"{name}: {n}" for name, n in classes(record))),
        (gettext("Key destroyed"), str(record.key_id or "–")),
        (gettext("Rule"), rule),
        (gettext("Kept until"), day(record.retain_until)),
        (gettext("Due on"), day(record.due_on)),
        (gettext("Approved by"), _deciders(record)),
        (gettext("Destroyed"), _moment(record.destroyed_at, record.practice)),
        (gettext("Method"), method),
        (gettext("Verified"), verified),
        (gettext("Gone from write-ahead log by"), day(record.wal_horizon)),
        (gettext("Gone from backups by"), day(record.backup_horizon)),
    ]


def _deciders(record: DestructionRecord) -> str:
    """Who approved, and the second person where the run needed one."""
    return ", ".join(user.name for user in (record.approved_by, record.seconded_by) if user)


def proofs(record: DestructionRecord) -> list[Fact]:
    """What chains a certificate into its register."""
    return [
        (gettext("Certificate"), str(record.pk)),
        (gettext("Hash"), bytes(record.head).hex()),
        (gettext("Hash of the one before"), bytes(record.previous).hex()),
        (gettext("Signature"), bytes(record.signature).hex()),
        (gettext("Signing key"), record.key),
    ]


def classes(record: DestructionRecord) -> list[tuple[str, int]]:
    """How many rows of which class, by their names where the class is still one."""
    found = []
    for label, count in record.counts.items():
        try:
            name = str(apps.get_model(label)._meta.verbose_name_plural)
        except LookupError:
            name = label
        found.append((name, count))
    return sorted(found)


def certificate_pdf(record: DestructionRecord) -> bytes:
    """One certificate, to be printed and signed."""
    title = gettext("Certificate of destruction No. %(n)d") % {"n": record.number}
    styles = _styles()
    story: list[Flowable] = [
        Paragraph(escape(record.practice.name), styles["quiet"]),
        Paragraph(escape(title), styles["title"]),
        _pairs(facts(record), styles),
        Spacer(0, 6 * mm),
        _pairs(proofs(record), styles, quiet=True),
        Spacer(0, 14 * mm),
        Paragraph("_" * 40, styles["plain"]),
        Paragraph(escape(gettext("Date, signature")), styles["quiet"]),
    ]
    return _built(story, title, record.practice)


def register_pdf(records: Sequence[DestructionRecord], practice: Practice, days: str) -> bytes:
    """The register of some days, a line a file; the names of the columns are on every page."""
    title = gettext("Register of destroyed files, %(days)s") % {"days": days}
    styles = _styles()
    heads = [
        gettext("No."),
        gettext("Client"),
        gettext("Period of the file"),
        gettext("Rule"),
        gettext("Approved by"),
        gettext("Destroyed"),
        gettext("Hash"),
    ]
    rows: list[list[Flowable]] = []
    for record in records:
        period = "–"
        if record.covers_from and record.covers_until:
            period = f"{_day(record.covers_from)} – {_day(record.covers_until)}"
        cells = [
            str(record.number),
            record.client_code,
            period,
            record.rule,
            _deciders(record),
            _moment(record.destroyed_at, practice),
            bytes(record.head).hex()[:16],
        ]
        rows.append([Paragraph(escape(cell), styles["cell"]) for cell in cells])
    story: list[Flowable] = [
        Paragraph(escape(practice.name), styles["quiet"]),
        Paragraph(escape(title), styles["title"]),
    ]
    if not records:
        story.append(Paragraph(escape(gettext("No file was destroyed then.")), styles["plain"]))
        return _built(story, title, practice, wide=True)
    # Tables of a few rows: laying out a long one takes the square of its length.
    for first in range(0, len(rows), 5):
        story.append(Table(rows[first : first + 5], colWidths=WIDTHS, style=_LINES, hAlign="LEFT"))
    return _built(story, title, practice, columns=[*zip(heads, WIDTHS, strict=True)], wide=True)


def register_csv(records: Sequence[DestructionRecord]) -> bytes:
    """The register with every column, for a spreadsheet or a program (RFC 4180; UTF-8 with a mark,
    without which a spreadsheet takes it for something else). The names of the columns are those of
    the API."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for record in records:
        values = {
            "approved_by": record.approved_by.name,
            "seconded_by": record.seconded_by.name if record.seconded_by else "",
            "rows": " ".join(f"{label}={n}" for label, n in sorted(record.counts.items())),
            "destroyed_at": record.destroyed_at.isoformat(timespec="seconds"),
            "signing_key": record.key,
            **{name: bytes(getattr(record, name)).hex() for name in certificates.HASHES},
        }
        cells = [values.get(name, getattr(record, name, None)) for name in CSV_COLUMNS]
        writer.writerow([_harmless(cell) for cell in cells])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _built(
    story: list[Flowable],
    title: str,
    practice: Practice,
    *,
    columns: Sequence[tuple[str, float]] = (),
    wide: bool = False,
) -> bytes:
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=landscape(A4) if wide else A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author=practice.name,
        lang=get_language(),
        initialFontName=PLAIN,
    )
    made = _moment(timezone.now(), practice)

    def frame(canvas: Canvas, built: SimpleDocTemplate) -> None:
        canvas.setFont(BOLD, 8)
        left = MARGIN + PADDING
        for name, width in columns:
            canvas.drawString(left, built.pagesize[1] - 13 * mm, name)
            left += width
        canvas.setFont(PLAIN, 7)
        canvas.setFillColor(colors.HexColor("#555555"))
        canvas.drawString(MARGIN, 10 * mm, f"{title} · {made}")
        right = built.pagesize[0] - MARGIN
        canvas.drawRightString(right, 10 * mm, str(canvas.getPageNumber()))

    document.build(story, onFirstPage=frame, onLaterPages=frame)
    return out.getvalue()


_LINES = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.HexColor("#bbbbbb")),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ]
)


def _pairs(rows: list[Fact], styles: dict[str, ParagraphStyle], *, quiet: bool = False) -> Table:
    style = styles["cell" if quiet else "plain"]
    cells = [
        [Paragraph(escape(name), styles["quiet"]), Paragraph(escape(text), style)]
        for name, text in rows
    ]
    width = A4[0] - 2 * MARGIN - 2 * PADDING
    return Table(cells, colWidths=[48 * mm, width - 48 * mm], style=_LINES, hAlign="LEFT")


@lru_cache(maxsize=1)
def _styles() -> dict[str, ParagraphStyle]:
    for name in (PLAIN, BOLD):
        registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))

    def style(name: str, size: float, font: str = PLAIN, **more: Any) -> ParagraphStyle:
        # A hash has no place to break but between any two letters.
        return ParagraphStyle(
            name, fontName=font, fontSize=size, leading=size * 1.35, splitLongWords=1, **more
        )

    return {
        "title": style("title", 16, BOLD, spaceAfter=6 * mm),
        "plain": style("plain", 10),
        "quiet": style("quiet", 9, textColor=colors.HexColor("#555555")),
        "cell": style("cell", 8),
    }


def _day(day: object) -> str:
    return date_format(day, "DATE_FORMAT")  # type: ignore[arg-type]


def _moment(moment: datetime, practice: Practice) -> str:
    local = moment.astimezone(zoneinfo.ZoneInfo(practice.time_zone))
    return f"{date_format(local, 'DATETIME_FORMAT')} ({practice.time_zone})"
