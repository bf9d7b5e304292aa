"""The lists of the API, and how to fill them: for each a reader, an address, one row more.

Rows come in pairs that the first column of their order cannot tell apart, and some have nulls in
it, so that a cursor has to be right about both.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from clients_app import care, clients, holds, logins, rules
from clients_app.models import (
    Client,
    DestructionRecord,
    Login,
    PurgeItem,
    PurgeRun,
    RetentionRule,
    User,
)
from sessions_app import disclosures, notes, sessions
from sessions_app.models import Disclosure, TherapySession
from tests.conftest import Cast, yesterday


@dataclass
class Shelves:
    """What the lists of the practice hang on."""

    cast: Cast
    mari: Client
    meeting: TherapySession
    confided: Disclosure
    run: PurgeRun

    def where(self, operation: str) -> tuple[User, str]:
        """Who reads the list, and at which address."""
        cast, mari = self.cast, f"clients/{self.mari.pk}"
        return {
            "listClients": (cast.liis, "clients"),
            "listCare": (cast.liis, f"{mari}/care"),
            "listAccessLog": (cast.liis, f"{mari}/access-log"),
            "listCounsellors": (cast.liis, "counsellors"),
            "readRecord": (cast.liis, f"{mari}/record"),
            "listSessions": (cast.liis, "sessions"),
            "listNotes": (cast.liis, "notes"),
            "listDisclosures": (cast.liis, "disclosures"),
            "listAmendments": (cast.liis, f"disclosures/{self.confided.pk}/amendments"),
            "listHolds": (cast.piret, "legal-holds"),
            "listRules": (cast.piret, "retention-rules"),
            "listPurgeRuns": (cast.piret, "purge-runs"),
            "listPurgeFiles": (cast.piret, f"purge-runs/{self.run.pk}/items"),
            "listDestructionRecords": (cast.piret, "destruction-records"),
            "listTrail": (cast.piret, "trail"),
            "listUsers": (cast.mattias, "users"),
            "listMyLogins": (cast.liis, "me/logins"),
        }[operation]

    def put(self, operation: str, number: int) -> None:
        """One row more."""
        cast, mari, meeting = self.cast, self.mari, self.meeting
        match operation:
            case "listClients":
                clients.register(by=cast.liis)
            case "listCare":
                care.assign(mari.pk, self.colleague(number).pk, by=cast.mattias)
            case "listCounsellors" | "listUsers":
                self.colleague(number)
            case "listAccessLog" | "listTrail":
                clients.read(mari.pk, by=cast.liis)
            case "listMyLogins":
                login, _secret = logins.open_device(cast.liis, device=str(number))
                at = timezone.now().replace(microsecond=0, second=number // 2)
                Login.objects.filter(pk=login.pk).update(created_at=at)
            case "listSessions":
                at = yesterday().replace(microsecond=0) + timedelta(days=number // 2)
                sessions.plan(mari.pk, by=cast.liis, starts_at=at)
            case "listNotes" | "readRecord":
                notes.write(meeting.pk, by=cast.liis, body={"text": "x"})
            case "listDisclosures":
                disclosures.write(meeting.pk, by=cast.liis, text="x")
            case "listAmendments":
                disclosures.amend(self.confided.pk, by=cast.liis, text="x")
            case "listHolds":
                holds.place(mari.pk, by=cast.piret, matter="x", reason="y")
            case "listRules":
                self.rule(number)
            case "listPurgeRuns":
                self.run_refused(number)
            case "listPurgeFiles":
                self.file(number)
            case "listDestructionRecords":
                self.certificate(number)
            case _:
                raise AssertionError(f"say how to fill {operation}")

    def colleague(self, number: int) -> User:
        return User.objects.create(
            email=f"c{number}@kalda.example",
            name=f"Colleague {number // 2}",
            role="counsellor",
            practice=self.cast.practice,
            password="!",
        )

    def rule(self, number: int) -> None:
        rule, _longer = rules.decide(
            by=self.cast.piret, trigger="discharge", adult_years=7, source="policy"
        )
        moment = timezone.now().replace(microsecond=0, second=number // 4)
        retired = moment if number % 3 == 0 else None
        rows = RetentionRule.objects.filter(pk=rule.pk)
        rows.update(decided_at=moment, retired_at=retired)

    def run_refused(self, number: int) -> None:
        moment = timezone.now().replace(microsecond=0, second=number // 2)
        PurgeRun.objects.create(
            practice=self.cast.practice,
            due_on=moment.date(),
            proposed_at=moment,
            status="refused",
            decided_at=moment,
            decided_by=self.cast.piret,
        )

    def file(self, number: int) -> None:
        PurgeItem.objects.create(
            run=self.run,
            client_id=UUID(int=number),
            client_code=f"C-{number:04d}",
            retain_until=self.run.due_on,
            rule="",
        )

    def certificate(self, number: int) -> None:
        moment = timezone.now().replace(microsecond=0, second=number // 2)
        DestructionRecord.objects.create(
            practice=self.cast.practice,
            run_id=self.run.pk,
            client_id=UUID(int=number),
            client_code=f"C-{number:04d}",
            counts={"sessions_app.SessionNote": number},
            rule="",
            retain_until=moment.date(),
            approved_by=self.cast.piret,
            method="cryptographic-erase+deletion",
            destroyed_at=moment,
            wal_horizon=moment.date(),
            backup_horizon=moment.date(),
        )
