"""The end of files: runs, their files, and the register of what was destroyed."""

from dataclasses import asdict
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from clients_app import approvals, blockers, certificates, purges, sweeps
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Whole
from clients_app.api.pages import page
from clients_app.api.retention import Standing, standing
from clients_app.api.shapes import (
    Answer,
    Body,
    PageQuery,
    Person,
    Values,
    person,
    person_or_none,
)
from clients_app.models import Client, DestructionRecord, PurgeItem, PurgeRun, User


class RunLine(Answer):
    """A run in a list."""

    id = serializers.UUIDField()
    status = Choice(PurgeRun.Status.values)
    due_on = serializers.DateField()
    proposed_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = Person(allow_null=True)
    needs_second = serializers.BooleanField(
        help_text="Many files, or one that ends sooner than was said: somebody else confirms it."
    )
    seconded_at = serializers.DateTimeField(allow_null=True)
    seconded_by = Person(allow_null=True)
    executes_at = serializers.DateTimeField(
        allow_null=True, help_text="The end of the cooling-off; nothing is destroyed before."
    )
    stopped_at = serializers.DateTimeField(allow_null=True)
    stopped_by = Person(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    scrubbed_at = serializers.DateTimeField(
        allow_null=True, help_text="When the key table was rewritten without the destroyed keys."
    )


class Progress(Answer):
    """How far a run is."""

    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="Files by their status."
    )
    total = serializers.IntegerField()
    settled = serializers.IntegerField()
    files_per_minute = serializers.FloatField(allow_null=True)
    remaining_seconds = serializers.FloatField(allow_null=True)


class RunDetail(RunLine):
    """A run and how far it is."""

    progress = Progress()


class File(Answer):
    """A file of a run. It outlives the client, so it names an id and a code."""

    id = serializers.UUIDField()
    client = serializers.UUIDField()
    client_code = serializers.CharField()
    retain_until = serializers.DateField()
    rule = serializers.CharField()
    status = Choice(PurgeItem.Status.values)
    attempts = serializers.IntegerField()
    failure = serializers.CharField()
    blockers = serializers.ListField(
        child=Choice(blockers.Kind.values), help_text="What kept it when its turn came."
    )
    settled_at = serializers.DateTimeField(allow_null=True)


class HealthReport(Answer):
    """Whether purges are done in time."""

    swept_at = serializers.DateTimeField(allow_null=True)
    proposed_at = serializers.DateTimeField(allow_null=True)
    overdue_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when the oldest file waits that should be gone."
    )
    failed = serializers.IntegerField(help_text="Files that were given up and are still there.")
    alarms = serializers.ListField(
        child=Choice(["sweep_silent", "proposal_silent", "files_overdue", "files_failed"])
    )


class KeptFile(Answer):
    """A file whose day is past and which something keeps."""

    id = serializers.UUIDField(help_text="The client's.")
    code = serializers.CharField()
    retain_until = serializers.DateField()
    blockers = Standing(many=True)


class Certificate(Answer):
    """The record that a file was destroyed."""

    id = serializers.UUIDField()
    run = serializers.UUIDField()
    client = serializers.UUIDField()
    client_code = serializers.CharField()
    key = serializers.UUIDField(allow_null=True)
    counts = serializers.DictField(child=serializers.IntegerField())
    rule = serializers.CharField()
    retain_until = serializers.DateField()
    approved_by = Person()
    seconded_by = Person(allow_null=True)
    method = serializers.CharField()
    verification = serializers.CharField(help_text="Empty before it was written down.")
    destroyed_at = serializers.DateTimeField()
    wal_horizon = serializers.DateField()
    backup_horizon = serializers.DateField()
    rule_id = serializers.UUIDField(allow_null=True)
    rule_decided_on = serializers.DateField(
        allow_null=True, help_text="Since when the rule is in force: its version."
    )
    due_on = serializers.DateField()
    covers_from = serializers.DateField(allow_null=True)
    covers_until = serializers.DateField(allow_null=True)
    number = serializers.IntegerField(help_text="Its place in the practice's register, from 1.")
    head = serializers.CharField(help_text="SHA-256 over it and over the one before, in hex.")
    previous = serializers.CharField(help_text="The head of the one before; zeros for the first.")
    signing_key = serializers.CharField()
    signature = serializers.CharField(help_text="Ed25519, in hex.")


class Approval(Body):
    """What the approver saw."""

    files = Whole(min_value=0, max_value=10_000_000)
    example = {"files": 3}


class Runs(Door):
    """The practice's runs."""

    @operation("listPurgeRuns", asks=PageQuery, answers=RunLine, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The runs, newest first."""
        return page(purges.browse(by=by), run, query)

    @operation("proposePurge", answers=RunLine, or_nothing=True, refuses=(403,))
    def post(self, by: User) -> Values | None:
        """Bring the proposal up to date now. 204 if nothing is due."""
        proposal = purges.propose(by=by)
        return run(proposal) if proposal else None


class KeptFiles(Door):
    """Due and not destroyed."""

    @operation("listKeptFiles", asks=PageQuery, answers=KeptFile, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """Files whose day is past and which something keeps, so that no run has them; by code."""
        found = page(purges.kept(by=by), lambda client: {"row": client}, query)
        rows: list[Client] = [line["row"] for line in found["results"]]
        why = purges.reasons([row.pk for row in rows], by=by)
        return {**found, "results": [kept(row, why.get(row.pk, [])) for row in rows]}


class PurgeHealth(Door):
    """Whether it is done."""

    @operation("readPurgeHealth", answers=HealthReport, refuses=(403,))
    def get(self, by: User) -> Values:
        """Whether purges are done in time: when last, what waits too long, what failed."""
        return asdict(sweeps.health_of_practice(by=by, now=timezone.now()))


class OneRun(Door):
    """A run."""

    @operation("readPurgeRun", answers=RunDetail, refuses=(403, 404))
    def get(self, by: User, run_id: UUID) -> Values:
        """A run and how far it is."""
        row, progress = purges.read(run_id, by=by)
        remaining = progress.remaining
        return {
            **run(row),
            "progress": {
                "counts": progress.counts,
                "total": progress.total,
                "settled": progress.settled,
                "files_per_minute": progress.rate,
                "remaining_seconds": remaining.total_seconds() if remaining is not None else None,
            },
        }


class Files(Door):
    """The files of a run."""

    @operation("listPurgeFiles", asks=PageQuery, answers=File, paged=True, refuses=(403, 404))
    def get(self, by: User, run_id: UUID, query: Values) -> Values:
        """The files of a run, by code."""
        return page(purges.items(run_id, by=by), item, query)


class TakingOut(Door):
    """A file left out of a run."""

    @operation("takeOutPurgeFile", answers=File, refuses=(403, 404, 409))
    def post(self, by: User, run_id: UUID, item_id: UUID) -> Values:
        """Leave one file out of a run, as long as it is there. The next proposal asks again."""
        return item(approvals.take_out(run_id, item_id, by=by))


class Approving(Door):
    """The decision to destroy."""

    @operation("approvePurge", takes=Approval, answers=RunLine, refuses=(403, 404, 409))
    def post(self, by: User, run_id: UUID, body: Values) -> Values:
        """Have the files destroyed: after a second person's word, where the run needs one, and the
        cooling-off. `files` is how many the approver saw; others are refused."""
        return run(approvals.approve(run_id, by=by, files=body["files"]))


class Seconding(Door):
    """The second person's word."""

    @operation("secondPurge", takes=Approval, answers=RunLine, refuses=(403, 404, 409))
    def post(self, by: User, run_id: UUID, body: Values) -> Values:
        """Confirm what somebody else approved. From now on the run cools off."""
        return run(approvals.second(run_id, by=by, files=body["files"]))


class Stopping(Door):
    """Second thoughts."""

    @operation("stopPurge", answers=RunLine, refuses=(403, 404, 409))
    def post(self, by: User, run_id: UUID) -> Values:
        """Stop a run that is approved. None of its files that is left is destroyed."""
        return run(approvals.stop(run_id, by=by))


class Refusing(Door):
    """The decision not to destroy."""

    @operation("refusePurge", answers=RunLine, refuses=(403, 404, 409))
    def post(self, by: User, run_id: UUID) -> Values:
        """Turn a proposal down. The next night proposes its files again."""
        return run(approvals.refuse(run_id, by=by))


class Certificates(Door):
    """The register of destroyed files."""

    @operation(
        "listDestructionRecords", asks=PageQuery, answers=Certificate, paged=True, refuses=(403,)
    )
    def get(self, by: User, query: Values) -> Values:
        """What was destroyed, when, by whose approval and what may linger how long."""
        return page(certificates.browse(by=by), certificate, query)


def run(row: PurgeRun) -> Values:
    return {
        "id": row.pk,
        "status": row.status,
        "due_on": row.due_on,
        "proposed_at": row.proposed_at,
        "decided_at": row.decided_at,
        "decided_by": person_or_none(row.decided_by),
        "needs_second": row.needs_second,
        "seconded_at": row.seconded_at,
        "seconded_by": person_or_none(row.seconded_by),
        "executes_at": row.executes_at,
        "stopped_at": row.stopped_at,
        "stopped_by": person_or_none(row.stopped_by),
        "finished_at": row.finished_at,
        "scrubbed_at": row.scrubbed_at,
    }


def kept(row: Client, why: list[blockers.Blocker]) -> Values:
    return {
        "id": row.pk,
        "code": row.code,
        "retain_until": row.retain_until,
        "blockers": [standing(one) for one in why],
    }


def item(row: PurgeItem) -> Values:
    return {
        "id": row.pk,
        "client": row.client_id,
        "client_code": row.client_code,
        "retain_until": row.retain_until,
        "rule": row.rule,
        "status": row.status,
        "attempts": row.attempts,
        "failure": row.failure,
        "blockers": row.blockers,
        "settled_at": row.settled_at,
    }


def certificate(row: DestructionRecord) -> Values:
    return {
        "id": row.pk,
        "run": row.run_id,
        "client": row.client_id,
        "client_code": row.client_code,
        "key": row.key_id,
        "counts": row.counts,
        "rule": row.rule,
        "retain_until": row.retain_until,
        "approved_by": person(row.approved_by),
        "seconded_by": person_or_none(row.seconded_by),
        "method": row.method,
        "verification": row.verification,
        "destroyed_at": row.destroyed_at,
        "wal_horizon": row.wal_horizon,
        "backup_horizon": row.backup_horizon,
        "rule_id": row.rule_id,
        "rule_decided_on": row.rule_decided_on,
        "due_on": row.due_on,
        "covers_from": row.covers_from,
        "covers_until": row.covers_until,
        "number": row.number,
        "head": bytes(row.head).hex(),
        "previous": bytes(row.previous).hex(),
        "signing_key": row.key,
        "signature": bytes(row.signature).hex(),
    }
