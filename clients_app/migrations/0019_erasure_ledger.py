"""What the database knows of the erasure ledger. Nothing is ever changed in it or taken out."""

from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION clients_app_destruction_is_append_only() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'what was destroyed stays written down: % is append-only, % refused',
        TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER erasures_append_only BEFORE UPDATE OR DELETE ON clients_app_erasuremark
    FOR EACH ROW EXECUTE FUNCTION clients_app_destruction_is_append_only();
CREATE TRIGGER erasures_never_truncated BEFORE TRUNCATE ON clients_app_erasuremark
    FOR EACH STATEMENT EXECUTE FUNCTION clients_app_destruction_is_append_only();
"""
NOT = """
DROP TRIGGER erasures_never_truncated ON clients_app_erasuremark;
DROP TRIGGER erasures_append_only ON clients_app_erasuremark;
DROP FUNCTION clients_app_destruction_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("clients_app", "0018_heartbeats")]

    operations = [
        migrations.CreateModel(
            name="ErasureMark",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("head", models.BinaryField()),
            ],
            options={
                "verbose_name": "mark of the erasure ledger",
                "verbose_name_plural": "marks of the erasure ledger",
            },
        ),
        migrations.RunSQL(APPEND_ONLY, NOT),
    ]
