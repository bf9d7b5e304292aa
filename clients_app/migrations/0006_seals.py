"""The trail gets an order that can be sealed: the number of the writing transaction.

Nothing is rewritten: with a constant default PostgreSQL stores the 0 of the lines that are there once,
for all of them, and they become the first batch that is sealed. The index is built beside the writers.

`clients_app_trail_tx` is where `manage.py audit rebase` adds an offset, after the database was restored
into a cluster whose transaction numbers begin anew.
"""


from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

FORWARD = """
SET LOCAL lock_timeout = '5s';
CREATE FUNCTION clients_app_trail_tx(xid8) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS 'SELECT $1::text::bigint + 0';
ALTER TABLE clients_app_auditevent ADD COLUMN tx bigint NOT NULL DEFAULT 0;
ALTER TABLE clients_app_auditevent
    ALTER COLUMN tx SET DEFAULT clients_app_trail_tx(pg_current_xact_id());
"""
BACKWARD = """
ALTER TABLE clients_app_auditevent DROP COLUMN tx;
DROP FUNCTION clients_app_trail_tx(xid8);
"""
APPEND_ONLY = """
CREATE TRIGGER seals_append_only BEFORE UPDATE OR DELETE ON clients_app_trailseal
    FOR EACH ROW EXECUTE FUNCTION clients_app_trail_is_append_only();
CREATE TRIGGER seals_never_truncated BEFORE TRUNCATE ON clients_app_trailseal
    FOR EACH STATEMENT EXECUTE FUNCTION clients_app_trail_is_append_only();
"""


class Migration(migrations.Migration):
    # For the index; each other operation is one statement, or one string of them, all or nothing.
    atomic = False
    dependencies = [("clients_app", "0005_break_glass")]

    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                migrations.AddField(
                    model_name="auditevent",
                    name="tx",
                    field=models.BigIntegerField(
                        db_default=models.Func(
                            models.Func(
                                function="pg_current_xact_id", template="%(function)s()"
                            ),
                            function="clients_app_trail_tx",
                            output_field=models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                )
            ],
        ),
        migrations.CreateModel(
            name="TrailSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("from_tx", models.BigIntegerField()),
                ("to_tx", models.BigIntegerField()),
                ("first_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("count", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("previous", models.BinaryField(unique=True)),
                ("head", models.BinaryField()),
                ("sealed_at", models.DateTimeField(db_index=True)),
                ("key", models.CharField(max_length=16)),
                ("signature", models.BinaryField()),
                ("marks", models.BinaryField()),
            ],
            options={"verbose_name": "seal", "verbose_name_plural": "seals"},
        ),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(fields=["tx", "id"], name="trail_in_order"),
        ),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("event__in", ["trail.anchored", "trail.verified"])),
                fields=["event", "-id"],
                name="trail_of_itself",
            ),
        ),
    ]
