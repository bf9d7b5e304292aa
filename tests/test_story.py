"""A day in the practice, told once from end to end through the verbs."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from clients_app import approvals, clients, destruction, purges, rules
from clients_app.errors import Denied, Hidden
from clients_app.models import Client, ClientKey, DestructionRecord
from sessions_app import disclosures, notes
from sessions_app.models import Disclosure, SessionNote
from tests.conftest import Cast, scrubbed, trail, until


def test_what_mari_confides_stays_between_two(
    cast: Cast, mari: Client, note: SessionNote, confided: Disclosure
) -> None:
    """Liis reads back every word; nobody else does, and each attempt is on the trail."""
    opened = disclosures.read(confided.pk, by=cast.liis)
    assert opened.text == "I have never told anybody that I lied to my brother."
    assert opened.themes == ["lying", "family"]
    assert notes.read(note.pk, by=cast.liis).body == {"text": "Mari came and spoke."}
    for outsider, refusal in [
        (cast.mark, Hidden),
        (cast.olga, Hidden),
        (cast.frida, Denied),
        (cast.sofia, Denied),
        (cast.mattias, Denied),
        (cast.piret, Denied),
        (cast.root, Denied),
    ]:
        with pytest.raises(refusal):
            disclosures.read(confided.pk, by=outsider)
    assert len(trail(denied=True, event="disclosure.read")) == 7
    assert trail(denied=False, event="disclosure.read") == ["disclosure.read"]


@pytest.mark.django_db(transaction=True)
def test_a_file_ends(cast: Cast, mari: Client, note: SessionNote, confided: Disclosure) -> None:
    """Discharged, due, proposed, approved, destroyed: nothing is left but the certificate."""
    rules.decide(by=cast.piret, trigger="discharge", years=7, source="practice policy")
    today = timezone.now().date()
    Client.objects.filter(pk=mari.pk).update(last_contact_on=date(2015, 3, 1))
    clients.discharge(mari.pk, by=cast.liis, on=today - timedelta(days=8 * 366))
    run = purges.propose(by=cast.piret)
    assert run is not None
    approvals.approve(run.pk, by=cast.piret, files=1)
    assert destruction.execute(until=timezone.now() + timedelta(minutes=1)) == 1
    assert not Client.objects.filter(pk=mari.pk).exists()
    assert not ClientKey.objects.exists()
    certificate = DestructionRecord.objects.get()
    assert certificate.client_id == mari.pk
    assert certificate.counts["sessions_app.Disclosure"] == 1
    run, progress = purges.read(run.pk, by=cast.piret)
    assert run.status == "done"
    until(lambda: scrubbed(run))
    assert progress.counts == {"purged": 1}
    assert destruction.execute(until=timezone.now() + timedelta(minutes=1)) == 0
