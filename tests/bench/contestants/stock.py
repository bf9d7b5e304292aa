"""Stock's data, by its models."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from rest_framework.authtoken.models import Token

from tests.bench.contestants import Door
from tests.bench.data import Caseload
from tests.stock.models import StockClient, StockNote


def fill(caseload: Caseload) -> Iterator[Door]:
    """Fill the migrated database; one door for each client, by number."""
    call_command("migrate", verbosity=0)
    counsellors = [User.objects.create_user(f"counsellor{n}") for n in range(caseload.counsellors)]
    tokens = [Token.objects.create(user=user).key for user in counsellors]
    with transaction.atomic():
        for number, entries in caseload.entries():
            mine = caseload.counsellor_of(number)
            # Under Stock's settings a user is Django's own; the types know only ours.
            user: Any = counsellors[mine]
            client = StockClient.objects.create(counsellor=user, code=f"C-{number}")
            StockNote.objects.bulk_create(
                StockNote(
                    id=entry.id,
                    client=client,
                    author=user,
                    session_at=entry.session_at,
                    body=entry.text,
                )
                for entry in entries
            )
            yield Door(str(client.pk), f"Token {tokens[mine]}", f"Token {tokens[mine - 1]}")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
