"""Plaintext cannot be stored, and what the stock package does wrong does not reach us.

For each defect of django-encrypted-model-fields 0.6.5 the first half of a test reproduces it on
the stock field (`tests.stock`), so that we see it is real; the second half shows it gone on ours.
"""

import io
import json
import pickle
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.forms import modelform_factory
from django.utils import timezone
from encrypted_model_fields import fields as stock
from rest_framework.serializers import ModelSerializer

from clients_app import vault
from clients_app.fields import PlaintextRefused, Sealed, SealedField, Wrapped, WrappedKeyField
from clients_app.models import Client, ClientKey, ConfidentialityException, SealedRow
from sessions_app.models import Disclosure, SessionNote, SupervisionExcerpt
from tests.conftest import Cast
from tests.stock.models import StockClient, StockNote

SECRET = "canary what was never told"
SEALED_COLUMNS = [
    (model, field)
    for model in apps.get_models()
    for field in model._meta.concrete_fields
    if isinstance(field, SealedField)
]


@pytest.fixture
def two_stock_notes(cast: Cast) -> list[StockNote]:
    client = StockClient.objects.create(counsellor=cast.liis, code="S-1")
    return [
        StockNote.objects.create(
            client=client, author=cast.liis, session_at=timezone.now(), body=f"note of {name}"
        )
        for name in ("A", "B")
    ]


@pytest.fixture
def rows(
    mari: Client,
    note: SessionNote,
    confided: Disclosure,
    told: ConfidentialityException,
    released: SupervisionExcerpt,
    cast: Cast,
) -> dict[str, Any]:
    """One row of every model that has sealed columns."""
    from clients_app import break_glass, client_requests, holds
    from sessions_app import notes

    draft = notes.write(note.session_id, by=cast.liis, body={"text": "one"})
    notes.revise(draft.pk, by=cast.liis, version=1, body={"text": "two"})
    holds.place(mari.pk, by=cast.piret, matter="matter", reason="reason", notice_to="a lawyer")
    client_requests.record(mari.pk, by=cast.liis, kind="access", details="All of it.")
    reason = "She called and said goodbye; nobody can be reached."
    break_glass.request(mari.code, by=cast.mark, reason_code="danger_to_life", text=reason)
    found = {}
    for model in {model for model, _field in SEALED_COLUMNS}:
        found[model._meta.label] = model._default_manager.first()
    return found


@pytest.mark.parametrize(
    ("model", "field"), SEALED_COLUMNS, ids=lambda x: getattr(x, "__name__", str(x))
)
class TestEverySealedColumn:
    """Create, bulk_create, save, update, bulk_update, raw SQL: none stores what is not sealed."""

    @pytest.mark.parametrize("plain", [SECRET, SECRET.encode(), None, 7, [SECRET]])
    def test_refuses_plaintext(
        self, rows: dict[str, Any], model: type[SealedRow], field: SealedField, plain: Any
    ) -> None:
        if plain is None and field.name in model.unsealed_before:
            return  # nothing may be there, as in rows that are older than the column
        row = rows[model._meta.label]
        table = model._default_manager
        with pytest.raises(PlaintextRefused):
            table.filter(pk=row.pk).update(**{field.name: plain})
        setattr(row, field.name, plain)
        for store in (
            row.save,
            lambda: table.bulk_update([row], [field.name]),
            lambda: _as_new(row).save(force_insert=True),
            lambda: table.bulk_create([_as_new(row)]),
        ):
            with pytest.raises(PlaintextRefused), transaction.atomic():
                store()

    def test_the_database_itself_refuses(
        self, rows: dict[str, Any], model: type[SealedRow], field: SealedField
    ) -> None:
        """Asked by copying a row with another value in the column: a change of some rows is refused
        before the column is looked at."""
        table = connection.ops.quote_name(model._meta.db_table)
        copied = "SELECT (jsonb_populate_record(t, %s::jsonb)).*"
        copy = f"INSERT INTO {table} {copied} FROM {table} t LIMIT 1"
        for value in (SECRET.encode() * 20, b"\x01" + b"short", b""):
            with (
                pytest.raises(DatabaseError, match="check constraint"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(copy, [json.dumps({field.column: f"\\x{value.hex()}"})])

    def test_cannot_be_searched_or_ordered_into_a_leak(
        self, rows: dict[str, Any], model: type[SealedRow], field: SealedField
    ) -> None:
        for lookup in ("", "__exact", "__contains", "__startswith", "__in", "__gt", "__lower"):
            with pytest.raises(FieldError):
                list(model._default_manager.filter(**{field.name + lookup: SECRET}))


def _as_new(row: SealedRow) -> SealedRow:
    copy = type(row)(**{f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields})
    copy.pk = uuid4()
    return copy


def test_there_are_sealed_columns_to_test() -> None:
    assert len(SEALED_COLUMNS) >= 20


def test_a_sealed_value_shows_nothing_anywhere(confided: Disclosure) -> None:
    """values(), repr, str, pickle, JSON, forms, serializers, dumpdata."""
    row = Disclosure.objects.get(pk=confided.pk)
    sealed = Disclosure.objects.values_list("text", flat=True).get()
    assert isinstance(sealed, Sealed)
    assert repr(sealed) == str(sealed) == f"{sealed}" == "<Sealed>"
    for refuse in (
        lambda: pickle.dumps(sealed),
        lambda: pickle.dumps(row),
        lambda: json.dumps({"text": sealed}),
        lambda: serializers.serialize("json", [row]),
        lambda: call_command("dumpdata", "sessions_app.disclosure", stdout=io.StringIO()),
    ):
        with pytest.raises(Exception, match=r"sealed|Sealed|encrypted"):
            refuse()
    form = modelform_factory(Disclosure, fields="__all__")
    assert not {"text", "themes", "listening_intent"} & set(form.base_fields)


def test_a_serializer_cannot_render_a_sealed_column(confided: Disclosure) -> None:
    class Everything(ModelSerializer[Disclosure]):
        class Meta:
            model = Disclosure
            fields = ["id", "text"]

    with pytest.raises(PlaintextRefused):
        json.dumps(Everything(confided).data)


def test_defect_1_stock_decrypts_what_a_user_types(cast: Cast) -> None:
    """Whoever saw somebody's ciphertext could have it decrypted by sending it in a form."""
    stolen = stock.encrypt_str(SECRET).decode()
    assert stock.EncryptedTextField().to_python(stolen) == SECRET
    for ours in (SealedField(), WrappedKeyField()):
        ours.model, ours.name = Client, "x"
        with pytest.raises(PlaintextRefused):
            ours.to_python(stolen)


def test_defect_2_stock_hands_out_ciphertext_when_the_key_is_wrong(
    two_stock_notes: list[StockNote], mari: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "CRYPTER", Fernet(Fernet.generate_key()))
    body = StockNote.objects.get(pk=two_stock_notes[0].pk).body
    assert body.startswith("gAAAA")
    monkeypatch.undo()
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    with pytest.raises(vault.MasterKeyMissing):
        vault.open_key(mari.pk)


def test_defect_3_stock_reads_a_row_moved_from_another_client(
    two_stock_notes: list[StockNote], cast: Cast, confided: Disclosure
) -> None:
    one, other = two_stock_notes
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE stock_stocknote SET body ="
            " (SELECT body FROM stock_stocknote WHERE id = %s) WHERE id = %s",
            [one.pk, other.pk],
        )
    assert StockNote.objects.get(pk=other.pk).body == "note of A"
    from sessions_app import disclosures

    second = disclosures.write(confided.session_id, by=cast.liis, text="another")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sessions_app_disclosure SET text ="
            " (SELECT text FROM sessions_app_disclosure WHERE id = %s) WHERE id = %s",
            [confided.pk, second.pk],
        )
    with pytest.raises(vault.SealBroken):
        disclosures.read(second.pk, by=cast.liis)


def test_defect_4_stock_reads_plain_text_without_a_word(two_stock_notes: list[StockNote]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE stock_stocknote SET body = 'plain'")
    assert StockNote.objects.first().body == "plain"  # type: ignore[union-attr]
    # Ours: TestEverySealedColumn.test_the_database_itself_refuses


def test_defect_5_stock_bulk_update_writes_every_text_into_every_row(
    two_stock_notes: list[StockNote], mari: Client, cast: Cast
) -> None:
    StockNote.objects.bulk_update(two_stock_notes, ["body"])
    body = StockNote.objects.get(pk=two_stock_notes[0].pk).body
    assert "note of A" in body
    assert "note of B" in body
    from clients_app import clients

    second = clients.register(by=cast.liis, identity={"full_name": "Juhan Tamm"})
    keys = list(ClientKey.objects.order_by("pk"))
    before = {key.pk: key.wrapped.token for key in keys}
    ClientKey.objects.bulk_update(keys, ["wrapped"])
    assert {key.pk: key.wrapped.token for key in ClientKey.objects.all()} == before
    assert clients.read(second.pk, by=cast.liis).identity["full_name"] == "Juhan Tamm"


def test_defect_6_stock_rows_do_not_say_which_key_they_need(mari: Client) -> None:
    """Ours name the fingerprint of the master key beside each wrapped data key."""
    key = ClientKey.objects.get(client=mari)
    assert key.master_key == vault.master_fingerprints()[0]


def test_defect_7_stock_serializes_plaintext(two_stock_notes: list[StockNote]) -> None:
    assert "note of A" in serializers.serialize("json", two_stock_notes)
    # Ours: test_a_sealed_value_shows_nothing_anywhere


@pytest.mark.parametrize("plain", ["plain", b"plain", None, Sealed(b"x" * 200)])
def test_a_wrapped_key_column_takes_nothing_but_a_wrapped_key(mari: Client, plain: Any) -> None:
    key = ClientKey.objects.get(client=mari)
    assert isinstance(key.wrapped, Wrapped)
    assert repr(key.wrapped) == "<Wrapped>"
    with pytest.raises(PlaintextRefused):
        ClientKey.objects.update(wrapped=plain)
    key.wrapped = plain
    with pytest.raises(PlaintextRefused):
        key.save()
    with pytest.raises(PlaintextRefused):
        ClientKey.objects.bulk_update([key], ["wrapped"])
    with pytest.raises(PlaintextRefused):
        pickle.dumps(Wrapped("x"))


def test_update_by_expression_cannot_smuggle_plaintext(confided: Disclosure) -> None:
    """An expression passes by the field, so the database's own check stands behind it."""
    with pytest.raises(DatabaseError), transaction.atomic():
        Disclosure.objects.update(
            text=models.Value(SECRET.encode() * 9, output_field=models.BinaryField())
        )
