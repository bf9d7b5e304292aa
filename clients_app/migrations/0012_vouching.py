"""Who vouched for a login; and the second wall asks for it, and for the role where one is meant.

The logins that there are stay what they are: those who worked yesterday work today. Deploy it while
the application is stopped: the version before makes logins that open nothing.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from clients_app.migrations import _policies as wall

TRUST = "UPDATE clients_app_user SET vouched_at = now() WHERE NOT is_superuser"
# Nobody vouches for what they had a hand in, whatever the application forgets to ask.
FOUR_EYES = """
ALTER TABLE clients_app_user ADD CONSTRAINT user_vouched_by_another CHECK (
    vouched_by_id IS NULL OR NOT vouched_by_id = ANY (introduced_by)) NOT VALID;
ALTER TABLE clients_app_user VALIDATE CONSTRAINT user_vouched_by_another;
"""
ENTER = """
CREATE FUNCTION usaldus_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('usaldus.role', true), '') $$;

CREATE OR REPLACE FUNCTION usaldus_enter(who uuid, purpose text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_practice uuid;
    has_role text;
    caseload uuid[];
    known uuid[];
BEGIN
    PERFORM set_config('usaldus.purpose', purpose, true),
            set_config('usaldus.user', coalesce(who::text, ''), true),
            set_config('usaldus.practice', '', true),
            set_config('usaldus.role', '', true),
            set_config('usaldus.sees_practice', '', true),
            set_config('usaldus.caseload', '', true),
            set_config('usaldus.known', '', true);
    IF who IS NULL THEN
        RETURN;
    END IF;
    SELECT practice_id, role INTO of_practice, has_role
        FROM clients_app_user WHERE id = who AND is_active AND vouched_at IS NOT NULL;
    IF of_practice IS NULL THEN
        RETURN;
    END IF;
    PERFORM set_config('usaldus.practice', of_practice::text, true),
            set_config('usaldus.role', has_role, true);
    IF has_role IN ('front_desk', 'practice_manager', 'privacy_officer') THEN
        PERFORM set_config('usaldus.sees_practice', 'yes', true);
        RETURN;
    END IF;
    caseload := ARRAY(
        SELECT client_id FROM clients_app_careassignment WHERE user_id = who AND until IS NULL
        UNION
        SELECT client_id FROM clients_app_breakglass
        WHERE user_id = who AND role = has_role AND ended_at IS NULL
            AND expires_at > statement_timestamp());
    known := ARRAY(SELECT client_id FROM clients_app_breakglass WHERE user_id = who);
    PERFORM set_config('usaldus.caseload', caseload::text, true),
            set_config('usaldus.known', known::text, true);
END $$;
"""
OFFICER = "(SELECT usaldus_role()) = 'privacy_officer'"
IN_CARE = f"client_id {wall.IN_CARE}"
# What was told to others, emergencies and the trail: the privacy officer's of the practice, a
# counsellor's of their clients; neither the front desk nor the manager has a page of any.
LEDGER = f"{wall.PRACTICE} AND ({OFFICER} OR {IN_CARE})"
EMERGENCIES = f"{wall.PRACTICE} AND ({OFFICER} OR user_id = (SELECT usaldus_user()) OR {IN_CARE})"
TRAIL = f"{wall.PRACTICE} AND ({OFFICER} OR actor_id = (SELECT usaldus_user()) OR {IN_CARE})"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients_app", "0011_ledger_search_path")]

    operations = [
        migrations.AddField("user", "vouched_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField(
            "user",
            "vouched_by",
            models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "user",
            "introduced_by",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), default=list, editable=False, size=None
            ),
        ),
        migrations.RunSQL(TRUST, migrations.RunSQL.noop),
        migrations.RunSQL(
            FOUR_EYES, "ALTER TABLE clients_app_user DROP CONSTRAINT user_vouched_by_another"
        ),
        migrations.RunSQL(ENTER, migrations.RunSQL.noop),
        *(
            wall.seen(table, condition)
            for table, condition in (
                ("clients_app_confidentialityexception", LEDGER),
                ("clients_app_clienttold", LEDGER),
                ("clients_app_breakglass", EMERGENCIES),
                ("clients_app_auditevent", TRAIL),
            )
        ),
    ]
