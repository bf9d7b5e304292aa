"""The trail refuses UPDATE, DELETE and TRUNCATE in the database itself."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION clients_app_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the trail is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER trail_append_only BEFORE UPDATE OR DELETE ON clients_app_auditevent
    FOR EACH ROW EXECUTE FUNCTION clients_app_trail_is_append_only();
CREATE TRIGGER trail_never_truncated BEFORE TRUNCATE ON clients_app_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION clients_app_trail_is_append_only();
"""
BACKWARD = """
DROP TRIGGER trail_never_truncated ON clients_app_auditevent;
DROP TRIGGER trail_append_only ON clients_app_auditevent;
DROP FUNCTION clients_app_trail_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("clients_app", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
