"""The end of files: runs, their files, and the register of what was destroyed."""

from uuid import UUID

from rest_framework import serializers

from clients_app import certificates, purges
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Whole
from clients_app.api.pages import page
from clients_app.api.shapes import (
    Answer,
    Body,
    PageQuery,
    Person,
    Values,
    person,
    person_or_none,
)
from clients_app.models import DestructionRecord, PurgeItem, PurgeRun, User


class RunLine(Answer):
    """A run in a list."""

    id = serializers.UUIDField()
    status = Choice(PurgeRun.Status.values)
    due_on = serializers.DateField()
    proposed_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = Person(allow_null=True)
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
    settled_at = serializers.DateTimeField(allow_null=True)


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
        """Leave one file out of a proposal. The next proposal asks again."""
        return item(purges.take_out(run_id, item_id, by=by))


class Approving(Door):
    """The decision to destroy."""

    @operation("approvePurge", takes=Approval, answers=RunLine, refuses=(403, 404, 409))
    def post(self, by: User, run_id: UUID, body: Values) -> Values:
        """Have the files destroyed. `files` is how many the approver saw; others are refused."""
        return run(purges.approve(run_id, by=by, files=body["files"]))


class Refusing(Door):
    """The decision not to destroy."""

    @operation("refusePurge", answers=RunLine, refuses=(403, 404, 409))
    def post(self, by: User, run_id: UUID) -> Values:
        """Turn a proposal down. The next night proposes its files again."""
        return run(purges.refuse(run_id, by=by))


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
        "finished_at": row.finished_at,
        "scrubbed_at": row.scrubbed_at,
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
