"""How long files are kept and why: one file's explanation, the rules."""

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from rest_framework import serializers

from clients_app import blockers, clients, keeping, presets, retention, rules
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Day, Flag, Text, Whole
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
from clients_app.models import (
    Bound,
    Category,
    RecordClass,
    RetentionRule,
    ServiceType,
    Trigger,
    User,
)


def _number(name: str, help_text: str = "", *, nothing: bool = True) -> Whole:
    """A number of a rule, within the range that the verb knows. `nothing`: null is an answer."""
    least, most, _words = rules.RANGES[name]
    return Whole(
        min_value=least,
        max_value=most,
        required=False,
        allow_null=nothing,
        help_text=help_text or None,
    )


class Ground(Answer):
    """A rule and, in words, what it says."""

    rule = serializers.UUIDField()
    sentence = serializers.CharField()


class CandidateDate(Answer):
    """One last day of keeping that one rule names."""

    rule = serializers.UUIDField()
    sentence = serializers.CharField()
    until = serializers.DateField()
    ground = Choice([retention.PERIOD, retention.BIRTHDAY])


class Standing(Answer):
    """Something that keeps a file although its day may come."""

    kind = Choice(blockers.Kind.values)
    since = serializers.DateField()
    until = serializers.DateField(
        allow_null=True, help_text="When it is expected to end, or to be answered."
    )
    sentence = serializers.CharField()


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
    ceilings = CandidateDate(
        many=True, help_text="Days after which keeping needs a reason, the earliest first."
    )
    unjustified = CandidateDate(
        allow_null=True, help_text="The ceiling beyond which no rule justifies this file."
    )
    missing = Choice(
        ["", "rule", "birth_date"], help_text="What keeps the rules from naming a date."
    )
    sentence = serializers.CharField()
    blockers = Standing(many=True, help_text="What keeps the file even when its day is past.")


class Rule(Answer):
    """A rule of the practice; empty service, jurisdiction or category means every one."""

    id = serializers.UUIDField()
    bound = Choice(Bound.values)
    record_class = Choice(RecordClass.values)
    service_type = Choice(["", *ServiceType.values])
    jurisdiction = serializers.CharField()
    category = Choice(["", *Category.values])
    trigger = Choice(Trigger.values)
    years = serializers.IntegerField()
    months = serializers.IntegerField()
    days = serializers.IntegerField()
    until_age = serializers.IntegerField(allow_null=True)
    older_from = serializers.IntegerField(allow_null=True)
    older_until_age = serializers.IntegerField(allow_null=True)
    started_from_age = serializers.IntegerField(allow_null=True)
    started_below_age = serializers.IntegerField(allow_null=True)
    counts_from = serializers.DateField(allow_null=True)
    counts_before = serializers.DateField(allow_null=True)
    unless_died = serializers.BooleanField()
    batch_month = serializers.IntegerField(allow_null=True)
    batch_day = serializers.IntegerField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # of the schema, not of the class
    sentence = serializers.CharField()
    decided_at = serializers.DateTimeField()
    decided_by = Person(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)


class NewRule(Body):
    """A rule to put in force."""

    trigger = Choice(Trigger.values, help_text="The day from which it counts.")
    source = Text(help_text="The law, code or policy that says so.")  # type: ignore[assignment]
    bound = Choice(
        Bound.values, required=False, help_text="floor: kept at least; ceiling: warns after it."
    )
    record_class = Choice(RecordClass.values, required=False)
    service_type = Choice(["", *ServiceType.values], required=False)
    jurisdiction = Text(required=False, help_text="A country's rules hold in its states, too.")
    category = Choice(["", *Category.values], required=False)
    years = _number("years", nothing=False)
    months = _number("months", nothing=False)
    days = _number("days", nothing=False)
    until_age = _number("until_age", "A minor's file also until this birthday.")
    older_from = _number("older_from", "Another birthday for minors of this age or older ...")
    older_until_age = _number("older_until_age", "... namely this one.")
    started_from_age = _number("started_from_age", "Only who was this old at registration.")
    started_below_age = _number("started_below_age", "Only who was younger at registration.")
    counts_from = Day(required=False, allow_null=True, help_text="Only periods from this day on.")
    counts_before = Day(required=False, allow_null=True, help_text="Only periods before this day.")
    unless_died = Flag(required=False, help_text="Not where a date of death is known.")
    batch_month = _number("batch_month")
    batch_day = _number(
        "batch_day", "Destroyed together: kept to the day before the next such day."
    )
    example = {"trigger": "discharge", "years": 7, "source": "…"}


class DecidedRule(Rule):
    """A rule that was put in force."""

    kept_longer = serializers.IntegerField(help_text="How many discharged files it keeps longer.")


class Effect(Answer):
    """What would change about the last days of discharged files."""

    files = serializers.IntegerField(help_text="Discharged files that were looked at.")
    later = serializers.IntegerField(help_text="Files that would end later: done at once.")
    sooner = serializers.IntegerField(
        help_text="Files that would end sooner: only by a shortening, which two people decide."
    )
    due = serializers.IntegerField(help_text="Of the sooner ones, those past their day then.")


class Preset(Answer):
    """A set of rules that comes with the product; a place to begin, not legal advice."""

    name = serializers.CharField()
    title = serializers.CharField()
    note = serializers.CharField()
    advice = serializers.CharField()
    checked_in = serializers.CharField(help_text="The month in which its sources were read.")
    rules = serializers.ListField(
        child=serializers.CharField(), help_text="Each rule as a sentence, its source last."
    )


class Presets(Answer):
    """The shipped sets."""

    results = Preset(many=True)


class AdoptedRules(Answer):
    """The rules that were put in force."""

    results = Rule(many=True)
    kept_longer = serializers.IntegerField(help_text="How many discharged files they keep longer.")


class Retention(Door):
    """The end of one file."""

    @operation("explainRetention", answers=Explanation, refuses=(403, 404))
    def get(self, by: User, client_id: UUID) -> Values:
        """Until when this file is kept, and why: every date that a rule asks for."""
        return explanation(clients.explain(client_id, by=by))


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


class PreviewingRule(Door):
    """A rule that is not in force."""

    @operation("previewRule", takes=NewRule, answers=Effect, refuses=(403,))
    def post(self, by: User, body: Values) -> Values:
        """What the rule would change, were it put in force. Nothing is changed."""
        return effect(rules.preview(by=by, **body))


class PreviewingRetirement(Door):
    """The rules without one of them."""

    @operation("previewRetirement", answers=Effect, refuses=(403, 404))
    def get(self, by: User, rule_id: UUID) -> Values:
        """What would change without this rule. Nothing is changed."""
        _rule, found = rules.preview_retirement(rule_id, by=by)
        return effect(found)


class ShippedRules(Door):
    """The sets of rules that come with the product."""

    @operation("listRulePresets", answers=Presets, refuses=(403,))
    def get(self, by: User) -> Values:
        """Sets of rules to begin with, each with its sources. Check them with your lawyer."""
        return {"results": [preset(found) for found in rules.shipped(by=by)]}


class AdoptingRules(Door):
    """A shipped set going in force."""

    @operation("adoptRulePreset", answers=AdoptedRules, status=201, refuses=(403, 404, 409))
    def post(self, by: User, name: str) -> Values:
        """Put a shipped set in force, whole. It can keep files longer, never shorter."""
        made, longer = rules.adopt(name, by=by)
        return {"results": [rule(row) for row in made], "kept_longer": longer}


class RetiringRule(Door):
    """A rule going out of force."""

    @operation("retireRule", answers=Rule, refuses=(403, 404, 409))
    def post(self, by: User, rule_id: UUID) -> Values:
        """Take a rule out of force, for files discharged from now on. Dates that stand, stand."""
        return rule(rules.retire(rule_id, by=by))


def explanation(found: clients.Explanation) -> Values:
    client, decision = found.client, found.decision
    said = decision or retention.Decision(None, ())
    governing = client.governing_rule_id
    named = {c.rule_id for c in (*said.candidates, *said.ceilings)}
    words = rules.in_words({*named, *([governing] if governing else [])})
    unjustified = said.passed(client.retain_until)
    return {
        "client": client_ref(client),
        "discharged_on": client.discharged_on,
        "last_contact_on": client.last_contact_on,
        "retain_until": client.retain_until,
        "governing": governing and {"rule": governing, "sentence": words.get(governing, "")},
        "candidates": [candidate(one, words) for one in said.candidates],
        "ceilings": [candidate(one, words) for one in said.ceilings],
        "unjustified": candidate(unjustified, words) if unjustified else None,
        "missing": said.missing,
        "sentence": rules.explained(client, decision, words),
        "blockers": [standing(one) for one in found.blockers],
    }


def standing(one: blockers.Blocker) -> Values:
    return {
        "kind": one.kind,
        "since": one.since,
        "until": one.until,
        "sentence": blockers.sentence(one),
    }


def candidate(found: retention.Candidate, words: Mapping[UUID, str]) -> Values:
    return {
        "rule": found.rule_id,
        "sentence": words.get(found.rule_id, ""),
        "until": found.until,
        "ground": found.ground,
    }


def rule(row: RetentionRule) -> Values:
    return {
        **rules.terms_of(row),
        "id": row.pk,
        "sentence": rules.sentence(row),
        "decided_at": row.decided_at,
        "decided_by": person_or_none(row.decided_by),
        "retired_at": row.retired_at,
    }


def effect(found: keeping.Effect) -> Values:
    return asdict(found)


def preset(found: presets.Preset) -> Values:
    return {
        "name": found.name,
        "title": found.title,
        "note": found.note,
        "advice": presets.ADVICE,
        "checked_in": found.checked_in,
        "rules": [rules.sentence(RetentionRule(**terms)) for terms in found.rules],
    }
