"""The end of files: what was proposed, who approved, what became of each, and the certificate."""

from datetime import date, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients_app.models.practice import Practice
from clients_app.models.row import Row
from clients_app.models.user import User


class PurgeRun(Row):
    """A proposal to destroy the files that are due, and its execution."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("waits for approval")
        AWAITING = "awaiting", _("waits for a second person")
        APPROVED = "approved", _("approved")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        STOPPED = "stopped", _("stopped")

    # In these a file that waits may still be destroyed.
    OPEN = (Status.PROPOSED, Status.AWAITING, Status.APPROVED)

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="purge_runs")
    status = models.CharField(
        _("status"), max_length=8, choices=Status.choices, default=Status.PROPOSED
    )
    due_on = models.DateField(_("due on"))
    proposed_at = models.DateTimeField(_("proposed"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    needs_second = models.BooleanField(_("needs a second person"), default=False)
    seconded_at = models.DateTimeField(_("confirmed"), null=True)
    seconded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # The end of the cooling-off: before it no file is destroyed.
    executes_at = models.DateTimeField(_("destroys from"), null=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True)
    stopped_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField(_("finished"), null=True)
    # When the key table was rewritten after the last destroyed key, so that its files no longer
    # hold the dead rows.
    scrubbed_at = models.DateTimeField(_("key table rewritten"), null=True)

    class Meta:
        verbose_name = _("purge run")
        verbose_name_plural = _("purge runs")
        indexes = [
            models.Index(fields=["practice", "-proposed_at"], name="run_of_practice"),
            models.Index(
                fields=["decided_at"],
                condition=models.Q(status="approved") | models.Q(status="done", scrubbed_at=None),
                name="run_in_progress",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["practice"],
                condition=models.Q(status="proposed"),
                name="run_one_proposal_at_a_time",
            ),
            models.CheckConstraint(
                name="run_decided_by_somebody",
                condition=models.Q(status="proposed")
                | models.Q(decided_at__isnull=False, decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="run_executes_after_every_word",
                condition=~models.Q(status__in=("approved", "done"))
                | models.Q(executes_at__isnull=False, needs_second=False)
                | models.Q(executes_at__isnull=False, seconded_by__isnull=False),
            ),
            models.CheckConstraint(
                name="run_seconded_by_another",
                condition=models.Q(seconded_at=None, seconded_by=None)
                | (
                    models.Q(seconded_at__isnull=False, seconded_by__isnull=False)
                    & ~models.Q(seconded_by=models.F("decided_by"))
                ),
            ),
        ]

    @property
    def cooling(self) -> bool:
        """Whether it is approved and waits out its cooling-off."""
        return (
            self.status == self.Status.APPROVED
            and self.executes_at is not None
            and self.executes_at > timezone.now()
        )


class PurgeItem(Row):
    """One file of a run. Outlives the client, so it holds ids and a code, no foreign key."""

    class Status(models.TextChoices):
        PENDING = "pending", _("waits")
        EXCLUDED = "excluded", _("taken out")
        PURGED = "purged", _("destroyed")
        HELD = "held", _("kept: legal hold")
        BLOCKED = "blocked", _("kept: something stands against it")
        NOT_DUE = "not_due", _("kept: no longer due")
        FAILED = "failed", _("failed")

    run = models.ForeignKey(PurgeRun, models.CASCADE, related_name="items")
    client_id = models.UUIDField()
    client_code = models.CharField(_("client"), max_length=32)
    retain_until = models.DateField(_("kept until"))
    rule = models.CharField(_("rule"), max_length=400)
    status = models.CharField(
        _("status"), max_length=8, choices=Status.choices, default=Status.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(null=True)
    # When the file came into the run: what is written later, nobody has considered.
    proposed_at = models.DateTimeField(_("proposed"), default=timezone.now)
    # What stood against its destruction when its turn came (`blockers`).
    blockers = models.JSONField(default=list)
    failure = models.CharField(_("failure"), max_length=100, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    class Meta:
        verbose_name = _("file in a purge run")
        verbose_name_plural = _("files in a purge run")
        constraints = [models.UniqueConstraint(fields=["run", "client_id"], name="item_once_a_run")]
        indexes = [
            models.Index(
                fields=["run", "not_before"],
                condition=models.Q(status="pending"),
                name="item_waiting",
            ),
            models.Index(fields=["run", "client_code"], name="item_of_run"),
            models.Index(
                fields=["client_id"], condition=models.Q(status="failed"), name="item_given_up"
            ),
        ]


class DestructionRecord(Row):
    """The certificate that a file was destroyed: ids, counts and dates, no name.

    A practice's certificates are its register: numbered from 1, each chained to the one before and
    signed (`certificates`). A trigger refuses to change or delete one (migration 0015)."""

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="destruction_records")
    run_id = models.UUIDField()
    client_id = models.UUIDField(unique=True)
    client_code = models.CharField(_("client"), max_length=32)
    key_id = models.UUIDField(_("key destroyed"), null=True)
    counts = models.JSONField(_("rows destroyed"))
    rule = models.CharField(_("rule"), max_length=400)
    retain_until = models.DateField(_("kept until"))
    approved_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    # The second person, where the run needed one.
    seconded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    method = models.CharField(_("method"), max_length=64)
    destroyed_at = models.DateTimeField(_("destroyed"))
    # What may linger, and until when: copies of the wrapped key in write-ahead log and backups.
    wal_horizon = models.DateField(_("gone from write-ahead log by"))
    backup_horizon = models.DateField(_("gone from backups by"))
    # Not known of files destroyed before these were written down.
    rule_id = models.UUIDField(null=True)
    rule_decided_on = models.DateField(_("rule in force since"), null=True)
    covers_from = models.DateField(_("file from"), null=True)
    covers_until = models.DateField(_("file until"), null=True)
    verification = models.CharField(_("verified"), max_length=64, blank=True)

    number = models.BigIntegerField(_("number"))
    previous = models.BinaryField()
    head = models.BinaryField()
    key = models.CharField(max_length=16)
    signature = models.BinaryField()

    class Meta:
        verbose_name = _("destruction record")
        verbose_name_plural = _("destruction records")
        indexes = [models.Index(fields=["practice", "-destroyed_at"], name="destroyed_of_practice")]
        constraints = [
            models.UniqueConstraint(fields=["practice", "number"], name="destroyed_in_order"),
            models.UniqueConstraint(fields=["practice", "previous"], name="destroyed_in_one_chain"),
        ]

    @property
    def due_on(self) -> date:
        """The first day on which the file could be destroyed."""
        return self.retain_until + timedelta(days=1)


class ErasureMark(models.Model):
    """What the database knows of the erasure ledger: its lines by number and hash, nothing else.
    Never changed; what is missing here of what the ledger says was lost in a restore."""

    number = models.BigIntegerField(primary_key=True)
    head = models.BinaryField()

    class Meta:
        verbose_name = _("mark of the erasure ledger")
        verbose_name_plural = _("marks of the erasure ledger")

    def __str__(self) -> str:
        return f"line {self.number}"
