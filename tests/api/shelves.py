"""The lists of the API, and how to fill them: for each a reader, an address, one row more.

Rows come in pairs that the first column of their order cannot tell apart, and some have nulls in
it, so that a cursor has to be right about both.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from clients_app import (
    agreements,
    care,
    certificates,
    client_requests,
    clients,
    exceptions,
    holds,
    logins,
    rules,
    vault,
)
from clients_app.models import (
    BreakGlass,
    Client,
    ConfidentialityStatement,
    Handover,
    Login,
    PurgeItem,
    PurgeRun,
    RetentionRule,
    Shortening,
    User,
)
from sessions_app import disclosures, notes, sessions, supervision
from sessions_app.models import Disclosure, TherapySession
from tests.conftest import Cast, promised, yesterday


@dataclass
class Shelves:
    """What the lists of the practice hang on."""

    cast: Cast
    mari: Client
    meeting: TherapySession
    confided: Disclosure
    run: PurgeRun
    emergency: BreakGlass
    promise: ConfidentialityStatement

    def where(self, operation: str) -> tuple[User, str]:
        """Who reads the list, and at which address."""
        cast, mari = self.cast, f"clients/{self.mari.pk}"
        return {
            "listAgreements": (cast.liis, f"{mari}/agreements"),
            "listClientExceptions": (cast.liis, f"{mari}/exceptions"),
            "listClients": (cast.liis, "clients"),
            "listCare": (cast.liis, f"{mari}/care"),
            "listAccessLog": (cast.liis, f"{mari}/access-log"),
            "listCounsellors": (cast.liis, "counsellors"),
            "readRecord": (cast.liis, f"{mari}/record"),
            "listSessions": (cast.liis, "sessions"),
            "listNotes": (cast.liis, "notes"),
            "listDisclosures": (cast.liis, "disclosures"),
            "listAmendments": (cast.liis, f"disclosures/{self.confided.pk}/amendments"),
            "listExceptions": (cast.piret, "exceptions"),
            "listExcerpts": (cast.sofia, "excerpts"),
            "listPromises": (cast.mattias, "promises"),
            "listReleases": (cast.liis, f"{mari}/excerpts"),
            "listSupervisors": (cast.liis, "supervisors"),
            "listClientRequests": (cast.piret, "client-requests"),
            "listMyEndingFiles": (cast.liis, "me/ending-files"),
            "listKeptFiles": (cast.piret, "purge-runs/kept"),
            "listHolds": (cast.piret, "legal-holds"),
            "listShortenings": (cast.piret, "shortenings"),
            "listRules": (cast.piret, "retention-rules"),
            "listEmergencies": (cast.piret, "break-glass"),
            "listEmergencyReadings": (cast.piret, f"break-glass/{self.emergency.pk}/readings"),
            "listPurgeRuns": (cast.piret, "purge-runs"),
            "listPurgeFiles": (cast.piret, f"purge-runs/{self.run.pk}/items"),
            "listDestructionRecords": (cast.piret, "destruction-records"),
            "listMyHandovers": (cast.liis, "me/hand-overs"),
            "listSuccessions": (cast.piret, "successions"),
            "listUnprepared": (cast.mattias, "successions/unprepared"),
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
            case "listCounsellors" | "listUsers" | "listUnprepared":
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
            case "listPromises":
                promised(cast, timezone.now(), "en" if number % 2 else "et")
            case "listAgreements":
                given_at = yesterday() - timedelta(minutes=number // 2)
                agreements.record(
                    mari.pk, by=cast.liis, statement=self.promise.pk, how="paper", given_at=given_at
                )
            case "listExceptions" | "listClientExceptions":
                exceptions.record(
                    mari.pk, by=cast.liis, ground="court_order", recipient="x", content="y"
                )
            case "listReleases":
                self.excerpt(self.confided)
            case "listExcerpts":
                # Each of a client of its own, so that there are as many keys.
                client = clients.register(by=cast.liis)
                new = sessions.plan(client.pk, by=cast.liis, starts_at=yesterday())
                self.excerpt(disclosures.write(new.pk, by=cast.liis, text="x"))
            case "listSupervisors":
                self.colleague(number, "supervisor")
            case "listClientRequests":
                client_requests.record(mari.pk, by=cast.liis, kind="access", details="x")
            case "listKeptFiles" | "listMyEndingFiles":
                self.kept_file()
            case "listHolds":
                holds.place(mari.pk, by=cast.piret, matter="x", reason="y")
            case "listShortenings":
                moment = timezone.now().replace(microsecond=0, second=number // 2)
                Shortening.objects.create(
                    practice=cast.practice,
                    files=number,
                    due=0,
                    proposed_at=moment,
                    proposed_by=cast.piret,
                    effective_at=moment,
                    ended_at=moment,
                )
            case "listRules":
                self.rule(number)
            case "listEmergencies":
                self.opened(number)
            case "listEmergencyReadings":
                clients.read(mari.pk, by=cast.sofia)
            case "listPurgeRuns":
                self.run_refused(number)
            case "listPurgeFiles":
                self.file(number)
            case "listDestructionRecords":
                self.certificate(number)
            case "listMyHandovers" | "listSuccessions":
                self.handover(number, own=operation == "listMyHandovers")
            case _:
                raise AssertionError(f"say how to fill {operation}")

    def excerpt(self, told: Disclosure) -> None:
        agreements.record(told.client_id, by=self.cast.liis, statement=self.promise.pk, how="paper")
        supervision.release(
            told.client_id,
            by=self.cast.liis,
            disclosure=told.pk,
            text="x",
            pseudonym="K",
            supervisor=self.cast.sofia.pk,
            consent_how="spoken",
        )

    def colleague(self, number: int, role: str = "counsellor") -> User:
        return User.objects.create(
            vouched_at=timezone.now(),
            email=f"c{number}@kalda.example",
            name=f"Colleague {number // 2}",
            role=role,
            practice=self.cast.practice,
            password="!",
        )

    def rule(self, number: int) -> None:
        rule, _longer = rules.decide(
            by=self.cast.piret, trigger="discharge", years=7, source="policy"
        )
        moment = timezone.now().replace(microsecond=0, second=number // 4)
        retired = moment if number % 3 == 0 else None
        rows = RetentionRule.objects.filter(pk=rule.pk)
        rows.update(decided_at=moment, retired_at=retired)

    def opened(self, number: int) -> None:
        moment = timezone.now().replace(microsecond=0, second=number // 2)
        row = BreakGlass(
            practice=self.cast.practice,
            client=self.mari,
            user=self.cast.mark,
            role="counsellor",
            reason_code="other",
            opened_at=moment,
            expires_at=moment,
            alert_due_at=moment,
        )
        vault.seal(row, vault.open_key(self.mari.pk), reason="x", review=None)
        row.save()

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

    def kept_file(self) -> None:
        """Due since long, and its client has asked to see it."""
        client = clients.register(by=self.cast.liis)
        client_requests.record(client.pk, by=self.cast.liis, kind="access", details="x")
        rule = (
            self.cast.practice.retention_rules.first()
            or rules.decide(by=self.cast.piret, trigger="discharge", years=7, source="policy")[0]
        )
        day = yesterday().date()
        Client.objects.filter(pk=client.pk).update(
            discharged_on=day, retain_until=day, governing_rule_id=rule.pk
        )

    def file(self, number: int) -> None:
        PurgeItem.objects.create(
            run=self.run,
            client_id=UUID(int=number),
            client_code=f"C-{number:04d}",
            retain_until=self.run.due_on,
            rule="",
        )

    def handover(self, number: int, *, own: bool) -> None:
        moment = timezone.now().replace(microsecond=0, second=number // 2)
        cast = self.cast
        Handover.objects.create(
            practice=cast.practice,
            counsellor=cast.liis,
            to=cast.mark,
            ground="own" if own else "left",
            status="done" if own else "refused",
            proposed_at=moment,
            proposed_by=cast.liis if own else cast.mattias,
            effective_at=moment,
            decided_at=moment,
            decided_by=cast.liis if own else cast.piret,
            begun_at=moment,
        )

    def certificate(self, number: int) -> None:
        moment = timezone.now().replace(microsecond=0, second=number // 2)
        certificates.issue(
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
