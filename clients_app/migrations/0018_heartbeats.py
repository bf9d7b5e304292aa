"""Whether the sweeps go through, and which files were given up: the index is built beside writers."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients_app", "0017_shortenings")]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("beat_at", models.DateTimeField()),
            ],
        ),
        AddIndexConcurrently(
            model_name="purgeitem",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["client_id"], name="item_given_up"
            ),
        ),
    ]
