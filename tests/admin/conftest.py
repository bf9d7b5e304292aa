"""What the stories at the browser's door have in common."""

import html
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from clients_app import break_glass, client_requests, clients, holds, purges, rules, succession
from clients_app.models import (
    Agreement,
    BreakGlass,
    Client,
    ClientRequest,
    ConfidentialityException,
    LegalHold,
    PurgeRun,
    RetentionRule,
    Shortening,
)
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt
from tests.conftest import Cast

INLINE = re.compile(
    rb"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE
)


def page(name: str, *args: Any, **query: Any) -> str:
    """An address of the admin: `page("clients_app_client_change", pk)`."""
    address = reverse(f"admin:{name}", args=args)
    return address + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")


def told(response: Any) -> str:
    """The text of the reading page's one element that holds the words, as a browser has it."""
    found = re.search(r'<div class="words reading"[^>]*>(.*?)</div>', response.text, re.DOTALL)
    assert found, "no reading page"
    raw = found.group(1).replace("\r\n", "\n").replace("\r", "\n")
    return html.unescape(raw)


@pytest.fixture
def rule(cast: Cast) -> RetentionRule:
    made, _longer = rules.decide(
        by=cast.piret, trigger="discharge", years=7, source="practice policy"
    )
    return made


@pytest.fixture
def gone(cast: Cast, rule: RetentionRule) -> Client:
    """A client of Liis's whose file is due."""
    client = clients.register(by=cast.liis, identity={"full_name": "Vana Klient"})
    return clients.discharge(client.pk, by=cast.liis, on=date(2012, 3, 1))


@pytest.fixture
def run(cast: Cast, gone: Client) -> PurgeRun:
    proposed = purges.propose(by=cast.piret)
    assert proposed is not None
    return proposed


@pytest.fixture
def hold(cast: Cast, mari: Client) -> LegalHold:
    return holds.place(mari.pk, by=cast.piret, matter="Case 7", reason="The court asked.")


@pytest.fixture
def wish(cast: Cast, mari: Client) -> ClientRequest:
    return client_requests.record(mari.pk, by=cast.liis, kind="access", details="All of it.")


@pytest.fixture
def shortening(cast: Cast) -> Shortening:
    moment = timezone.now()
    return Shortening.objects.create(
        practice=cast.practice,
        files=1,
        due=0,
        proposed_at=moment,
        proposed_by=cast.piret,
        effective_at=moment,
    )


@pytest.fixture
def emergency(cast: Cast, mari: Client) -> BreakGlass:
    """Mark opened Mari's file two hours ago; it is over, and nobody has reviewed it."""
    return break_glass.request(
        mari.code,
        by=cast.mark,
        reason_code="danger_to_life",
        text="She called and said goodbye; Liis is abroad.",
        now=timezone.now() - timedelta(hours=2),
    )


@pytest.fixture
def things(
    cast: Cast,
    mari: Client,
    note: SessionNote,
    confided: Disclosure,
    rule: RetentionRule,
    hold: LegalHold,
    wish: ClientRequest,
    shortening: Shortening,
    run: PurgeRun,
    emergency: BreakGlass,
    agreed: Agreement,
    told: ConfidentialityException,
    released: SupervisionExcerpt,
) -> dict[str, UUID]:
    """The object that each model's pages are asked for."""
    return {
        "client": mari.pk,
        "user": cast.frida.pk,
        "practice": cast.practice.pk,
        "retentionrule": rule.pk,
        "legalhold": hold.pk,
        "clientrequest": wish.pk,
        "shortening": shortening.pk,
        "purgerun": run.pk,
        "successor": succession.name(cast.mark.pk, by=cast.liis).pk,
        "handover": succession.propose(
            by=cast.mattias, counsellor=cast.liis.pk, ground="ill", to=cast.mark.pk
        ).pk,
        "breakglass": emergency.pk,
        "therapysession": note.session_id,
        "sessionnote": note.pk,
        "disclosure": confided.pk,
        "destructionrecord": uuid4(),
        "auditevent": uuid4(),
        "confidentialitystatement": agreed.statement_id,
        "agreement": agreed.pk,
        "confidentialityexception": told.pk,
        "supervisionexcerpt": released.pk,
    }


Desk = Callable[..., Browser]
