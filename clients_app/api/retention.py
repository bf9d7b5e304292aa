"""How long files are kept and why: one file's explanation, the rules."""

from uuid import UUID

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from clients_app import clients, retention, rules
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Text, Whole
from clients_app.api.pages import page
from clients_app.api.shapes import (
    Answer,
    Body,
    ClientRef,
    PageQuery,
    Person,
    Values,
    client_ref,
    person_or_none,
)
from clients_app.models import Client, RetentionRule, ServiceType, Trigger, User


class Ground(Answer):
    """A rule and, in words, what it says."""

    rule = serializers.UUIDField()
    sentence = serializers.CharField()


class CandidateDate(Answer):
    """One last day of keeping that one rule asks for."""

    rule = serializers.UUIDField()
    sentence = serializers.CharField()
    until = serializers.DateField()
    ground = Choice(["adult", "minor"])


class Explanation(Answer):
    """Until when a file is kept, and why."""

    client = ClientRef()
    discharged_on = serializers.DateField(allow_null=True)
    last_contact_on = serializers.DateField(allow_null=True)
    retain_until = serializers.DateField(
        allow_null=True, help_text="The last day of keeping, itself included."
    )
    governing = Ground(allow_null=True)
    candidates = CandidateDate(many=True, help_text="What the rules in force would ask for today.")
    missing = Choice(
        ["", "rule", "birth_date"], help_text="What keeps the rules from naming a date."
    )
    sentence = serializers.CharField()


class Rule(Answer):
    """A rule of the practice; empty service or jurisdiction means every one."""

    id = serializers.UUIDField()
    service_type = Choice(["", *ServiceType.values])
    jurisdiction = serializers.CharField()
    trigger = Choice(Trigger.values)
    adult_years = serializers.IntegerField()
    minor_until_age = serializers.IntegerField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # of the schema, not of the class
    sentence = serializers.CharField()
    decided_at = serializers.DateTimeField()
    decided_by = Person(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)


class NewRule(Body):
    """A rule to put in force."""

    trigger = Choice(Trigger.values)
    adult_years = Whole(min_value=1, max_value=110)
    minor_until_age = Whole(min_value=18, max_value=110, required=False, allow_null=True)
    service_type = Choice(["", *ServiceType.values], required=False)
    jurisdiction = Text(required=False)
    source = Text(help_text="The law, code or policy that says so.")  # type: ignore[assignment]
    example = {"trigger": "discharge", "adult_years": 7, "source": "…"}


class DecidedRule(Rule):
    """A rule that was put in force."""

    kept_longer = serializers.IntegerField(help_text="How many discharged files it keeps longer.")


class Retention(Door):
    """The end of one file."""

    @operation("explainRetention", answers=Explanation, refuses=(403, 404))
    def get(self, by: User, client_id: UUID) -> Values:
        """Until when this file is kept, and why: every date that a rule asks for."""
        client, decision = clients.explain(client_id, by=by)
        return explanation(client, decision)


class Rules(Door):
    """The practice's rules of retention."""

    @operation("listRules", asks=PageQuery, answers=Rule, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The rules, those in force first."""
        return page(rules.browse(by=by), rule, query)

    @operation("decideRule", takes=NewRule, answers=DecidedRule, status=201, refuses=(403,))
    def post(self, by: User, body: Values) -> Values:
        """Put a rule in force. It can keep files longer, never shorter."""
        row, longer = rules.decide(by=by, **body)
        return {**rule(row), "kept_longer": longer}


class RetiringRule(Door):
    """A rule going out of force."""

    @operation("retireRule", answers=Rule, refuses=(403, 404, 409))
    def post(self, by: User, rule_id: UUID) -> Values:
        """Take a rule out of force, for files discharged from now on. Dates that stand, stand."""
        return rule(rules.retire(rule_id, by=by))


def explanation(client: Client, decision: retention.Decision | None) -> Values:
    candidates = decision.candidates if decision else ()
    governing = client.governing_rule_id
    words = rules.in_words({*(c.rule_id for c in candidates), *([governing] if governing else [])})
    return {
        "client": client_ref(client),
        "discharged_on": client.discharged_on,
        "last_contact_on": client.last_contact_on,
        "retain_until": client.retain_until,
        "governing": governing and {"rule": governing, "sentence": words.get(governing, "")},
        "candidates": [
            {
                "rule": candidate.rule_id,
                "sentence": words.get(candidate.rule_id, ""),
                "until": candidate.until,
                "ground": candidate.ground,
            }
            for candidate in candidates
        ],
        "missing": decision.missing if decision else "",
        "sentence": sentence(client, decision, words.get(governing, "") if governing else ""),
    }


def sentence(client: Client, decision: retention.Decision | None, rule: str) -> Promise | str:
    """The explanation in one plain sentence."""
    if decision is None:
        return _("In care: the file is kept, and discharge gives it an end.")
    if client.retain_until is not None:
        return _("Kept until %(day)s, that day included: %(rule)s.") % {
            "day": date_format(client.retain_until),
            "rule": rule,
        }
    if decision.missing == "birth_date":
        return _("Kept without end: a rule for minors fits, and the birth date is not known.")
    return _("Kept without end: no rule of the practice fits this file.")


def rule(row: RetentionRule) -> Values:
    return {
        "id": row.pk,
        "service_type": row.service_type,
        "jurisdiction": row.jurisdiction,
        "trigger": row.trigger,
        "adult_years": row.adult_years,
        "minor_until_age": row.minor_until_age,
        "source": row.source,
        "sentence": rules.sentence(row),
        "decided_at": row.decided_at,
        "decided_by": person_or_none(row.decided_by),
        "retired_at": row.retired_at,
    }
