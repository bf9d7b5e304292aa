"""The demonstration practice: invented people and words, told by `practice.json` relative to today.

Everything goes through the verbs, as the person who would do it in a practice, so the trail of the
demonstration reads like a real one. It is one transaction: either it is all there or nothing is.
"""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from clients_app import (
    agreements,
    break_glass,
    care,
    client_requests,
    clients,
    exceptions,
    holds,
    practices,
    promises,
    purges,
    retention,
    rules,
    second_factor,
    succession,
    users,
    vouching,
    wall,
    wording,
)
from clients_app.models import Client, ConfidentialityStatement, Language, Practice, User
from clients_app.roles import Role
from sessions_app import disclosures, notes, records, sessions, supervision
from sessions_app.models import Disclosure, TherapySession

STORY = Path(__file__).with_name("practice.json")
ROOT = "root@demo.example"
# The first two are the practice's beginning; for everybody else the second of them vouches.
HIRED = [
    Role.PRACTICE_MANAGER,
    Role.PRIVACY_OFFICER,
    Role.COUNSELLOR,
    Role.SUPERVISOR,
    Role.FRONT_DESK,
]
OPENS_AT = time(9)
# No letter that is taken for another one: they are typed on phones.
ALPHABET = "abcdefghjkmnpqrstuvwxyz"
TO_SEE = {
    Role.COUNSELLOR: "own clients, their notes and what they confided; not a colleague's",
    Role.SUPERVISOR: "one excerpt under a pseudonym, and nothing else of any client",
    Role.FRONT_DESK: "calendar and contacts; no note opens",
    Role.PRACTICE_MANAGER: "who is in whose care, logins; no note opens",
    Role.PRIVACY_OFFICER: "what waits: a purge run, an emergency access; holds, rules, trail",
}


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who can log in to the demonstration. No password: somebody took the file away."""

    role: str
    email: str
    password: str
    code: str
    to_see: str


@wall.system("demo")
def present() -> list[Login]:
    """The logins of the demonstration practice, which is made if it is not there yet."""
    story = json.loads(STORY.read_bytes())
    practice = Practice.objects.filter(slug=story["practice"]["slug"]).first()
    if practice is None:
        _make(story, now=timezone.now())
    elif not logins_file().exists() or not all(len(line) == 3 for line in _kept()):
        _renew(practice)
    return _logins()


def logins_file() -> Path:
    """Where the passwords and the secrets of the apps lie, readable by the operator alone."""
    named = os.environ.get("DEMO_LOGINS_FILE")
    return Path(named) if named else Path(settings.BASE_DIR) / "var" / "demo-logins.txt"


@sensitive_variables()
def _make(story: Mapping[str, Any], *, now: datetime) -> None:
    passwords = {person["email"]: _password() for person in story["users"]}
    passwords[ROOT] = _password()
    secrets_of = {}
    with transaction.atomic():
        root = User.objects.create_superuser(ROOT, passwords[ROOT])
        secrets_of[ROOT] = _app(root)
        about = {name: text for name, text in story["practice"].items() if name != "language"}
        practice = practices.create(by=root, **about)
        people = _hire(story["users"], passwords, practice, by=root)
        secrets_of |= {user.email: _app(user) for user in people.values()}
        _vouch(people)
        _Telling(practice, people, now).tell(story)
        # Before the end of the transaction: a practice whose passwords nobody knows is of no use,
        # a file of passwords without a practice is overwritten by the next run.
        _keep(passwords, secrets_of)


@sensitive_variables()
def _hire(
    persons: Sequence[Mapping[str, str]],
    passwords: Mapping[str, str],
    practice: Practice,
    *,
    by: User,
) -> dict[str, User]:
    """Whoever runs the server makes the manager's login, and the manager everybody else's."""
    people: dict[str, User] = {}
    for person in sorted(persons, key=lambda person: HIRED.index(Role(person["role"]))):
        user = users.create(
            by=by,
            email=person["email"],
            name=person["name"],
            role=person["role"],
            password=passwords[person["email"]],
            practice=practice,
        )
        if user.role == Role.PRACTICE_MANAGER:
            by = user
        people[person["key"]] = user
    return people


def _vouch(people: Mapping[str, User]) -> None:
    """The privacy officer, whom the practice began with, knows them all."""
    officer = next(user for user in people.values() if user.role == Role.PRIVACY_OFFICER)
    for user in people.values():
        if user.vouched_at is None:
            vouched = vouching.vouch(user.pk, by=officer, code=vouching.code(user))
            user.vouched_at = vouched.vouched_at


@sensitive_variables()
def _renew(practice: Practice) -> None:
    """The file is gone: new passwords and apps for everybody of the practice. The superuser's
    password is changed with `manage.py changepassword`."""
    root = User.objects.get(email=ROOT)
    passwords = {ROOT: ""}
    secrets_of = {}
    with transaction.atomic():
        second_factor.forget(root)
        secrets_of[ROOT] = _app(root)
        for user in User.objects.filter(practice=practice):
            passwords[user.email] = _password()
            users.reset_password(user.pk, by=root, password=passwords[user.email])
            second_factor.forget(user)
            secrets_of[user.email] = _app(user)
        _keep(passwords, secrets_of)


@sensitive_variables()
def _app(user: User) -> str:
    """An authenticator app as its owner would set it up; its secret."""
    offered = second_factor.offer_totp(user)
    secret, _picture = second_factor.shown_totp(user, offered)
    # The code of half a minute ago, so that the one of now still opens.
    second_factor.add_totp(offered, second_factor.code_of(secret, back=1), by=user)
    return secret


class _Telling:
    """From the story to the verbs."""

    def __init__(self, practice: Practice, people: Mapping[str, User], now: datetime) -> None:
        self.people = people
        self.files: dict[str, Client] = {}
        self.zone = ZoneInfo(practice.time_zone)
        self.now = now
        self.today = retention.local_day(practice, now)
        by_role = {user.role: user for user in people.values()}
        self.front_desk = by_role[Role.FRONT_DESK]
        self.manager = by_role[Role.PRACTICE_MANAGER]
        self.officer = by_role[Role.PRIVACY_OFFICER]
        self.supervisor = by_role[Role.SUPERVISOR]
        self.promises: dict[str, ConfidentialityStatement] = {}

    def tell(self, story: Mapping[str, Any]) -> None:
        for rule in story["rules"]:
            rules.decide(by=self.officer, **rule)
        self._promise(story["promise"])
        # In the order in which they came, because codes are numbered by the year.
        for client in sorted(story["clients"], key=lambda c: -c["registered_days_ago"]):
            self._client(client)
        for emergency in story["emergencies"]:
            self._emergency(emergency)
        for request in story["requests"]:
            self._request(**request)
        purges.propose(by=self.officer)
        self._succession(**story["succession"])

    def _succession(self, *, named: Mapping[str, str], proposed: Mapping[str, str]) -> None:
        """A successor who has agreed, and a proposal that waits for the privacy officer."""
        heir = self.people[named["successor"]]
        asked = succession.name(heir.pk, by=self.people[named["counsellor"]])
        succession.accept(asked.pk, by=heir)
        succession.propose(
            by=self.manager,
            counsellor=self.people[proposed["counsellor"]].pk,
            to=self.people[proposed["to"]].pk,
            ground=proposed["ground"],
        )

    def _promise(self, told: Mapping[str, str | int]) -> None:
        """The shipped wording in both languages, with the brackets filled in."""
        at = self._at(int(told["published_days_ago"]), OPENS_AT)
        for language in Language.values:
            years, officer = wording.TO_FILL_IN.findall(wording.shipped(language))
            text = wording.shipped(language).replace(years, str(told["years"]))
            text = text.replace(officer, str(told["officer"]))
            draft = promises.draft(language, by=self.officer, text=text, now=at)
            self.promises[language] = promises.publish(
                draft.pk, by=self.officer, version=draft.version, now=at
            )

    def _client(self, told: Mapping[str, Any]) -> None:
        counsellor, *others = (self.people[key] for key in told["counsellors"])
        since = self._at(told["registered_days_ago"], OPENS_AT)
        identity = dict(told["identity"])
        born = identity.pop("birth_years_ago")
        if born is not None:
            identity["birth_date"] = self._years_ago(*born).isoformat()
        client = clients.register(
            by=counsellor,
            identity=identity,
            kind=told["kind"],
            service_type=told["service_type"],
            now=since,
        )
        self.files[identity["full_name"]] = client
        for other in others:
            care.assign(client.pk, other.pk, by=self.manager, now=since)
        if told["promised"] is not None:
            agreements.record(
                client.pk,
                by=counsellor,
                statement=self.promises[told["language"]].pk,
                how=told["promised"],
                given_at=since,
                now=since,
            )
        for meeting in sorted(told["sessions"], key=lambda m: -m["days_ago"]):
            self._meeting(client.pk, counsellor, meeting)
        self._told_outside(client, counsellor, told)
        if told["discharged_days_ago"] is not None:
            last_day = self.today - timedelta(days=told["discharged_days_ago"])
            clients.discharge(client.pk, by=counsellor, on=last_day)
        if told["hold"] is not None:
            holds.place(client.pk, by=self.officer, **told["hold"])

    def _told_outside(self, client: Client, counsellor: User, told: Mapping[str, Any]) -> None:
        if told["exception"] is not None:
            about = dict(told["exception"])
            at = self._at(about.pop("days_ago"), OPENS_AT)
            exceptions.record(client.pk, by=counsellor, decided_at=at, told_at=at, now=at, **about)
        if told["excerpt"] is not None:
            about = dict(told["excerpt"])
            first = Disclosure.objects.filter(client=client).earliest("written_at")
            supervision.release(
                client.pk,
                by=counsellor,
                disclosure=first.pk,
                supervisor=self.supervisor.pk,
                consented_at=self._at(about.pop("consented_days_ago"), OPENS_AT),
                now=self.now,
                **about,
            )

    def _meeting(self, client_id: UUID, counsellor: User, told: Mapping[str, Any]) -> None:
        held = told["status"] == TherapySession.Status.HELD
        planner = counsellor if held else self.front_desk
        session = sessions.plan(
            client_id,
            by=planner,
            starts_at=self._at(told["days_ago"], time.fromisoformat(told["time"])),
            minutes=told["minutes"],
            modality=told["modality"],
            place=told["place"],
            counsellor_id=counsellor.pk,
            status="held" if held else "planned",
        )
        if told["status"] in ("cancelled", "no_show"):
            sessions.cancel(session.pk, by=planner, version=1, no_show=told["status"] == "no_show")
        ended_at = session.starts_at + timedelta(minutes=session.minutes)
        note = told["note"]
        if note is not None:
            draft = notes.write(
                session.pk,
                by=counsellor,
                format=note["format"],
                body=note["sections"],
                now=ended_at,
            )
            if note["signed"]:
                notes.sign(draft.pk, by=counsellor, version=draft.version, now=ended_at)
        for confided in told["disclosures"]:
            disclosures.write(session.pk, by=counsellor, now=ended_at, **confided)

    def _emergency(self, told: Mapping[str, Any]) -> None:
        """One that waits for a review was opened then; one that is reviewed is lived through now,
        because its quarter of an hour cannot be had in the past."""
        client, by, review = self.files[told["client"]], self.people[told["by"]], told["review"]
        opened = break_glass.request(
            client.code,
            by=by,
            reason_code=told["reason_code"],
            text=told["text"],
            now=None if review else self._at(told["days_ago"], time.fromisoformat(told["time"])),
        )
        if review:
            records.read(client.pk, by=by)
            break_glass.give_back(opened.pk, by=by)
            break_glass.review(opened.pk, by=self.officer, **review)

    def _request(
        self, *, client: str, by: str, kind: str, details: str, received_days_ago: int
    ) -> None:
        client_requests.record(
            self.files[client].pk,
            by=self.people[by],
            kind=kind,
            details=details,
            received_on=self.today - timedelta(days=received_days_ago),
        )

    def _at(self, days_ago: int, clock: time) -> datetime:
        day = self.today - timedelta(days=days_ago)
        return datetime.combine(day, clock, tzinfo=self.zone).astimezone(UTC)

    def _years_ago(self, years: int, days: int) -> date:
        return retention.later(self.today - timedelta(days=days), years=-years)


@sensitive_variables()
def _logins() -> list[Login]:
    kept = {email: (password, app) for email, password, app in _kept()}
    people = User.objects.in_bulk(list(kept), field_name="email")
    return [
        Login(
            role=str(user.get_role_display()) if user.role else "superuser",
            email=user.email,
            password=kept[user.email][0],
            code=second_factor.code_of(kept[user.email][1]),
            to_see=TO_SEE[Role(user.role)] if user.role else "practices and logins; no file opens",
        )
        for user in (people[email] for email in kept if email in people)
    ]


@sensitive_variables()
def _kept() -> list[list[str]]:
    """E-mail, password, and the secret of the app; a file of before there were apps has two."""
    return [line.split(" ") for line in logins_file().read_text("utf-8").splitlines()]


@sensitive_variables()
def _keep(passwords: Mapping[str, str], apps: Mapping[str, str]) -> None:
    path = logins_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(
            f"{email} {password} {apps[email]}\n" for email, password in passwords.items()
        )
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)


def _password() -> str:
    """72 bits that can be typed."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
