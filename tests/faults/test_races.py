"""A legal hold and the end of its file at the same moment (promise P2): some hundreds here, ten
thousand by `make bench WHAT=races`."""

import time
from typing import Any
from uuid import UUID

import pytest
from django.db.models import QuerySet

from clients_app import vault
from clients_app.models import Client
from tests.bench import races
from tests.conftest import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_hold_that_was_acknowledged_loses_its_file(cast: Cast) -> None:
    result = races.run(300, counsellor=cast.liis, officer=cast.piret)
    assert (result.lost, result.failed) == (0, 0)
    assert result.held + result.destroyed == 300
    assert result.held, "neither side wins always"
    assert result.destroyed, "neither side wins always"


def test_without_the_lock_on_the_client_the_same_races_are_lost(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nobody locks the client's row, and the worker dawdles between its last look
    and the deed."""
    lock, destroy = QuerySet.select_for_update, vault.destroy

    def unlocked(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.all() if self.model is Client else lock(self, *args, **kwargs)

    def slowly(client_id: UUID) -> Any:
        time.sleep(0.03)
        return destroy(client_id)

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    monkeypatch.setattr(vault, "destroy", slowly)
    result = races.run(20, counsellor=cast.liis, officer=cast.piret)
    assert result.lost + result.failed > 0
