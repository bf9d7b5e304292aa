"""Sets of retention rules that come with the product, each with the source it was taken from.

They are a place to begin, not legal advice: laws change, and what holds for a practice depends on
its register, its contracts and its insurer. Every set says so, and `ADVICE` stands beside it
wherever it is offered. A practice that adopts a set owns the rules from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
ADVICE = _("A place to begin, not legal advice. Check it with your lawyer before you adopt it.")


@dataclass(frozen=True, slots=True)
class Preset:
    """A set of rules: `rules` are the terms of each, as `rules.decide` takes them. `checked_in` is
    the month in which its sources were read."""

    name: str
    title: Text
    note: Text
    rules: tuple[Mapping[str, Any], ...]
    checked_in: str = "2026-09"


def _rule(trigger: str, source: str, **terms: Any) -> Mapping[str, Any]:
    return {"trigger": trigger, "source": source, **terms}


SHIPPED = (
    Preset(
        "ee-counselling",
        _("Estonia: counselling outside health care"),
        _(
            "No law gives a number: the GDPR lets you keep a file as long as its purpose needs it. "
            "These are three years, the ordinary limitation of claims, and a year for enquiries; "
            "longer than five wants a reason."
        ),
        (
            _rule(
                "last_contact",
                "GDPR 5(1)(e); general limitation period, TsÜS § 146 (1)",
                record_class="client_file",
                service_type="counselling",
                jurisdiction="EE",
                years=3,
            ),
            _rule(
                "registration",
                "GDPR 5(1)(e); practice policy for enquiries",
                record_class="enquiry",
                service_type="counselling",
                jurisdiction="EE",
                years=1,
            ),
            _rule(
                "last_contact",
                "GDPR 5(1)(e), storage limitation",
                bound="ceiling",
                service_type="counselling",
                jurisdiction="EE",
                years=5,
            ),
        ),
    ),
    Preset(
        "ee-health-service",
        _("Estonia: health service"),
        _(
            "Documents of treatment are kept for thirty years. Some records once had 110 years "
            "from birth: ask whether yours are among them."
        ),
        (
            _rule(
                "last_contact",
                "Health service documents, 30 years: VÕS § 769; regulation no 56",
                service_type="health_service",
                jurisdiction="EE",
                years=30,
            ),
        ),
    ),
    Preset(
        "de-630f",
        _("Germany: treatment"),
        _(
            "Ten years after the end of the treatment. A counselling centre is another matter: "
            "there the purpose decides, and decades are too long."
        ),
        (
            _rule("discharge", "BGB § 630f (3): ten years", jurisdiction="DE", years=10),
            _rule(
                "discharge",
                "GDPR 5(1)(e); thirty-year claims, BGB § 197, may justify longer",
                bound="ceiling",
                jurisdiction="DE",
                years=30,
            ),
        ),
    ),
    Preset(
        "england-nhs",
        _("England: NHS"),
        _(
            "Mental health records, psychology among them: twenty years after the end, or ten "
            "after a death. A child’s file until the 25th birthday, the 26th of those who were 17."
        ),
        (
            _rule(
                "discharge",
                "NHS Records Management Code of Practice: mental health, 20 years",
                jurisdiction="GB",
                years=20,
                until_age=25,
                older_from=17,
                older_until_age=26,
                unless_died=True,
            ),
            _rule(
                "death",
                "NHS Records Management Code of Practice: 10 years after death",
                jurisdiction="GB",
                years=10,
            ),
        ),
    ),
    Preset(
        "england-private",
        _("England: private practice"),
        _(
            "No law gives a number. Many keep six years and destroy together in the January after; "
            "your insurer may ask for another number."
        ),
        (
            _rule(
                "last_contact",
                "Practice policy; BACP and ICO: decide, state it, keep to it",
                record_class="client_file",
                jurisdiction="GB",
                years=6,
                until_age=25,
                batch_month=1,
                batch_day=1,
            ),
            _rule(
                "registration",
                "Practice policy for enquiries",
                record_class="enquiry",
                jurisdiction="GB",
                years=1,
            ),
            _rule(
                "last_contact",
                "Practice policy: those looked after as children may ask late",
                jurisdiction="GB",
                category="care_experienced",
                years=100,
            ),
        ),
    ),
    Preset(
        "us-ca",
        _("California: psychologists and counsellors"),
        _("Seven years after the end of therapy; a minor’s until seven years after turning 18."),
        (
            _rule(
                "discharge",
                "Cal. BPC § 2919; §§ 4989.51, 4999.75 for therapy ended from 2015 on",
                jurisdiction="US-CA",
                years=7,
                until_age=25,
                counts_from=date(2015, 1, 1),
            ),
            _rule(
                "discharge",
                "Cal. BPC § 2919",
                jurisdiction="US-CA",
                years=7,
                until_age=25,
                counts_before=date(2015, 1, 1),
            ),
        ),
    ),
    Preset(
        "us-az",
        _("Arizona"),
        _("Six years after the last service; a minor’s until 21 if that is later."),
        (
            _rule(
                "last_contact",
                "A.R.S. § 12-2297: six years; minors three years past 18",
                jurisdiction="US-AZ",
                years=6,
                until_age=21,
            ),
        ),
    ),
    Preset(
        "au",
        _("Australia"),
        _(
            "Seven years after the last contact; a child’s until 25. Keep the register of "
            "destruction."
        ),
        (
            _rule(
                "last_contact",
                "APS Code of Ethics B.2.2; NSW HRIP Act s 25; Vic HPP 4",
                jurisdiction="AU",
                years=7,
                until_age=25,
            ),
        ),
    ),
    Preset(
        "us-hipaa",
        _("United States: HIPAA and nothing else"),
        _(
            "HIPAA gives no period for clients’ records, only six years for its own documents. "
            "Where no state law fits, the APA’s guideline does: seven years, or three past "
            "majority."
        ),
        (
            _rule(
                "last_contact",
                "APA Record Keeping Guidelines: 7 years, or 3 past majority",
                jurisdiction="US",
                years=7,
                until_age=21,
            ),
        ),
    ),
)
BY_NAME = {preset.name: preset for preset in SHIPPED}
