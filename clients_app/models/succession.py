"""Who takes over from a counsellor: whom they named, and the caseloads that change hands."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients_app.models.client import Client
from clients_app.models.practice import Practice
from clients_app.models.row import Row
from clients_app.models.user import User


class Successor(Row):
    """Whom a counsellor named for the day they cannot, and what that colleague answered."""

    class Status(models.TextChoices):
        ASKED = "asked", _("not answered yet")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")

    class Rank(models.IntegerChoices):
        FIRST = 1, _("first choice")
        SECOND = 2, _("second choice")

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    counsellor = models.ForeignKey(User, models.PROTECT, related_name="+")
    successor = models.ForeignKey(User, models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(_("choice"), choices=Rank.choices)
    status = models.CharField(
        _("status"), max_length=8, choices=Status.choices, default=Status.ASKED
    )
    named_at = models.DateTimeField(_("named"))
    answered_at = models.DateTimeField(_("answered"), null=True)

    class Meta:
        verbose_name = _("successor")
        verbose_name_plural = _("successors")
        constraints = [
            models.UniqueConstraint(fields=["counsellor", "rank"], name="successor_once_a_rank"),
            models.UniqueConstraint(
                fields=["counsellor", "successor"], name="successor_named_once"
            ),
            models.CheckConstraint(
                name="successor_is_another",
                condition=~models.Q(counsellor=models.F("successor")),
            ),
            models.CheckConstraint(
                name="successor_answered_when",
                condition=models.Q(status="asked", answered_at=None)
                | models.Q(status__in=["accepted", "declined"], answered_at__isnull=False),
            ),
        ]


class Handover(Row):
    """A caseload, or a part of it, that goes from one counsellor to another: by the counsellor's
    own hand, or without it by the decision of two."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("waits for approval")
        APPROVED = "approved", _("approved, under way")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped half-way")
        REFUSED = "refused", _("refused")
        EXPIRED = "expired", _("expired")

    class Ground(models.TextChoices):
        """Why. A closed list and no words beside it: what ails a colleague is not for a form."""

        OWN = "own", _("by the counsellor")
        LEFT = "left", _("left the practice")
        ILL = "ill", _("cannot work")
        DIED = "died", _("died")
        DISMISSED = "dismissed", _("dismissed")
        OTHER = "other", _("another reason")

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    counsellor = models.ForeignKey(User, models.PROTECT, related_name="+")
    to = models.ForeignKey(User, models.PROTECT, related_name="+")
    ground = models.CharField(_("reason"), max_length=9, choices=Ground.choices)
    status = models.CharField(
        _("status"), max_length=8, choices=Status.choices, default=Status.PROPOSED
    )
    locks_out = models.BooleanField(_("login is disabled"), default=False)
    proposed_at = models.DateTimeField(_("proposed"))
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    effective_at = models.DateTimeField(_("from"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    begun_at = models.DateTimeField(_("begun"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("handover")
        verbose_name_plural = _("handovers")
        constraints = [
            models.UniqueConstraint(fields=["id", "practice"], name="handover_within_practice"),
            models.UniqueConstraint(
                fields=["counsellor"],
                condition=models.Q(status__in=["proposed", "approved"]) & ~models.Q(ground="own"),
                name="handover_one_succession_at_a_time",
            ),
            models.CheckConstraint(
                name="handover_to_another",
                condition=~models.Q(counsellor=models.F("to")),
            ),
            models.CheckConstraint(
                name="handover_own_or_by_two",
                condition=models.Q(ground="own", proposed_by=models.F("counsellor"))
                | (
                    ~models.Q(ground="own")
                    & (
                        models.Q(status__in=["proposed", "expired"], decided_by=None)
                        | models.Q(decided_at__isnull=False)
                        & models.Q(decided_by__isnull=False)
                        & ~models.Q(decided_by=models.F("proposed_by"))
                    )
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "-proposed_at", "id"], name="handover_of_practice"),
            models.Index(
                fields=["effective_at"],
                condition=models.Q(status="approved"),
                name="handover_under_way",
            ),
            models.Index(
                fields=["proposed_at"],
                condition=models.Q(status="proposed"),
                name="handover_waiting",
            ),
        ]


class HandoverItem(Row):
    """One file of a handover, so that half done is seen and can go on."""

    class Status(models.TextChoices):
        PENDING = "pending", _("waits")
        MOVED = "moved", _("handed over")
        SKIPPED = "skipped", _("no longer theirs")

    practice = models.ForeignKey(Practice, models.PROTECT, related_name="+")
    handover = models.ForeignKey(Handover, models.CASCADE, related_name="items")
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    status = models.CharField(
        _("status"), max_length=8, choices=Status.choices, default=Status.PENDING
    )

    class Meta:
        verbose_name = _("file in a handover")
        verbose_name_plural = _("files in a handover")
        constraints = [
            models.UniqueConstraint(fields=["handover", "client"], name="handover_item_once")
        ]
        indexes = [
            models.Index(
                fields=["handover", "client"],
                condition=models.Q(status="pending"),
                name="handover_item_waiting",
            )
        ]
