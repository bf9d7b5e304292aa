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
        # A server that begins has not been silent yet.
        migrations.RunSQL(
            "INSERT INTO clients_app_heartbeat (name, beat_at)"
            " VALUES ('sweep', now()), ('proposal', now())",
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            model_name="purgeitem",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["client_id"], name="item_given_up"
            ),
        ),
    ]
