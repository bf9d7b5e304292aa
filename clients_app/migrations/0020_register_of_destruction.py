"""The destruction records of each practice become a chain that cannot be rewritten unnoticed.

Those that are there already are chained in the order of their destruction; what was not written down
of them stays empty. Each certificate is rewritten once, a thousand at a time. Deploy it while the worker
is stopped: its older version would write a certificate without a number.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from clients_app import certificates, seals
from clients_app.migrations import _policies as wall
from clients_app.wall import system

APPEND_ONLY = """
CREATE TRIGGER certificates_append_only BEFORE UPDATE OR DELETE ON clients_app_destructionrecord
    FOR EACH ROW EXECUTE FUNCTION clients_app_destruction_is_append_only();
CREATE TRIGGER certificates_never_truncated BEFORE TRUNCATE ON clients_app_destructionrecord
    FOR EACH STATEMENT EXECUTE FUNCTION clients_app_destruction_is_append_only();
"""
NOT = """
DROP TRIGGER certificates_never_truncated ON clients_app_destructionrecord;
DROP TRIGGER certificates_append_only ON clients_app_destructionrecord;
"""
COLUMNS = ["number", "previous", "head", "key", "signature"]
BATCH = 1000


def chain(apps: Any, _schema_editor: Any) -> None:
    """Goes on where it was interrupted."""
    Record = apps.get_model("clients_app", "DestructionRecord")
    Practice = apps.get_model("clients_app", "Practice")
    with system("migration"):
        for practice in Practice.objects.order_by("pk"):
            rows = Record.objects.filter(practice=practice)
            last = rows.exclude(number=None).order_by("-number").first()
            number, head = (last.number, bytes(last.head)) if last else (0, seals.NOTHING_BEFORE)
            waiting = rows.filter(number=None).order_by("destroyed_at", "pk")
            while batch := list(waiting[:BATCH]):
                for record in batch:
                    number += 1
                    certificates.link(record, number=number, previous=head)
                    head = record.head
                Record.objects.bulk_update(batch, COLUMNS)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("clients_app", "0019_erasure_ledger")]

    operations = [
        migrations.AddField(
            "destructionrecord",
            "seconded_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        wall.belongs(
            "clients_app_destructionrecord",
            "seconded_by_id",
            "clients_app_user",
            within="practice_id",
        ),
        migrations.AddField("destructionrecord", "rule_id", models.UUIDField(null=True)),
        migrations.AddField(
            "destructionrecord",
            "rule_decided_on",
            models.DateField(null=True, verbose_name="rule in force since"),
        ),
        migrations.AddField(
            "destructionrecord", "covers_from", models.DateField(null=True, verbose_name="file from")
        ),
        migrations.AddField(
            "destructionrecord",
            "covers_until",
            models.DateField(null=True, verbose_name="file until"),
        ),
        migrations.AddField(
            "destructionrecord",
            "verification",
            models.CharField(blank=True, default="", max_length=64, verbose_name="verified"),
            preserve_default=False,
        ),
        migrations.AddField(
            "destructionrecord", "number", models.BigIntegerField(null=True, verbose_name="number")
        ),
        migrations.AddField("destructionrecord", "previous", models.BinaryField(null=True)),
        migrations.AddField("destructionrecord", "head", models.BinaryField(null=True)),
        migrations.AddField("destructionrecord", "key", models.CharField(max_length=16, null=True)),
        migrations.AddField("destructionrecord", "signature", models.BinaryField(null=True)),
        migrations.RunPython(chain, migrations.RunPython.noop),
        migrations.AlterField(
            "destructionrecord", "number", models.BigIntegerField(verbose_name="number")
        ),
        migrations.AlterField("destructionrecord", "previous", models.BinaryField()),
        migrations.AlterField("destructionrecord", "head", models.BinaryField()),
        migrations.AlterField("destructionrecord", "key", models.CharField(max_length=16)),
        migrations.AlterField("destructionrecord", "signature", models.BinaryField()),
        migrations.AddConstraint(
            "destructionrecord",
            models.UniqueConstraint(fields=["practice", "number"], name="destroyed_in_order"),
        ),
        migrations.AddConstraint(
            "destructionrecord",
            models.UniqueConstraint(fields=["practice", "previous"], name="destroyed_in_one_chain"),
        ),
        migrations.RunSQL(APPEND_ONLY, NOT),
    ]
