"""Row-level security, forced on the owner too, and foreign keys that cannot point across.

Deploy it while the application is stopped: the version before does not say who asks, so it would
see nothing. Each statement is a transaction of its own and none waits for writers for long.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from clients_app.migrations import _policies as wall

# Who asks, for this transaction. The caseload is looked up here and not told by the application.
CLIENT, USER, KEY = "clients_app_client", "clients_app_user", "clients_app_clientkey"
CARE, HOLD = "clients_app_careassignment", "clients_app_legalhold"

FUNCTIONS = """
CREATE FUNCTION usaldus_practice() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('usaldus.practice', true), '')::uuid $$;

CREATE FUNCTION usaldus_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('usaldus.user', true), '')::uuid $$;

CREATE FUNCTION usaldus_caseload() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('usaldus.caseload', true), '')::uuid[] $$;

CREATE FUNCTION usaldus_sees_practice() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('usaldus.sees_practice', true), '') = 'yes' $$;

CREATE FUNCTION usaldus_is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('usaldus.purpose', true), '') <> '' $$;

CREATE FUNCTION usaldus_enter(who uuid, purpose text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_practice uuid;
    has_role text;
    caseload uuid[];
BEGIN
    PERFORM set_config('usaldus.purpose', purpose, true),
            set_config('usaldus.user', coalesce(who::text, ''), true),
            set_config('usaldus.practice', '', true),
            set_config('usaldus.sees_practice', '', true),
            set_config('usaldus.caseload', '', true);
    IF who IS NULL THEN
        RETURN;
    END IF;
    SELECT practice_id, role INTO of_practice, has_role
        FROM clients_app_user WHERE id = who AND is_active;
    IF of_practice IS NULL THEN
        RETURN;
    END IF;
    PERFORM set_config('usaldus.practice', of_practice::text, true);
    IF has_role IN ('front_desk', 'practice_manager', 'privacy_officer') THEN
        PERFORM set_config('usaldus.sees_practice', 'yes', true);
        RETURN;
    END IF;
    caseload := ARRAY(
        SELECT client_id FROM clients_app_careassignment WHERE user_id = who AND until IS NULL);
    PERFORM set_config('usaldus.caseload', caseload::text, true);
END $$;
"""
NO_FUNCTIONS = """
DROP FUNCTION usaldus_enter(uuid, text);
DROP FUNCTION usaldus_is_system();
DROP FUNCTION usaldus_sees_practice();
DROP FUNCTION usaldus_caseload();
DROP FUNCTION usaldus_user();
DROP FUNCTION usaldus_practice();
"""

# Rewriting the key table takes owning it, and the application's role does not: this one deed the
# owner lends. CLUSTER rewrites like VACUUM FULL and, unlike it, may be called from a function.
SCRUB = """
CREATE FUNCTION usaldus_scrub_keys() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    EXECUTE format('CLUSTER (VERBOSE) %s USING %I', 'public.clients_app_clientkey'::regclass,
        (SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
            WHERE indrelid = 'public.clients_app_clientkey'::regclass AND indisprimary));
END $$;
REVOKE ALL ON FUNCTION usaldus_scrub_keys() FROM PUBLIC;
"""
NO_SCRUB = "DROP FUNCTION usaldus_scrub_keys();"

OWN_LINES = (
    f"{wall.PRACTICE} AND ({wall.WHOLE_PRACTICE} OR user_id = (SELECT usaldus_user())"
    f" OR client_id {wall.IN_CARE})"
)
# The trail: a line is written by whatever happens; read by the practice's officers, and by a
# counsellor where it is of a client in care or their own deed.
TRAIL = (
    f"{wall.PRACTICE} AND ({wall.WHOLE_PRACTICE} OR actor_id = (SELECT usaldus_user())"
    f" OR client_id {wall.IN_CARE})"
)
ITEMS = (
    f"{wall.WHOLE_PRACTICE} AND EXISTS"
    f" (SELECT FROM clients_app_purgerun r WHERE r.id = run_id AND r.{wall.PRACTICE})"
)
OFFICE = f"{wall.PRACTICE} AND {wall.WHOLE_PRACTICE}"

FILL_PRACTICE = """
UPDATE clients_app_clientkey k SET practice_id = c.practice_id
FROM clients_app_client c WHERE c.id = k.client_id AND k.practice_id IS NULL
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients_app", "0002_append_only_trail")]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        wall.unique("client", "clients_app_client", "client_of_practice", "id", "practice_id"),
        wall.unique("user", "clients_app_user", "user_within_practice", "id", "practice_id"),
        migrations.AddField(
            "clientkey",
            "practice",
            models.ForeignKey(
                "clients_app.practice",
                django.db.models.deletion.PROTECT,
                related_name="+",
                db_constraint=False,
                db_index=False,
                null=True,
            ),
        ),
        migrations.RunSQL(FILL_PRACTICE, ""),
        migrations.AlterField(
            "clientkey",
            "practice",
            models.ForeignKey(
                "clients_app.practice",
                django.db.models.deletion.PROTECT,
                related_name="+",
                db_constraint=False,
                db_index=False,
            ),
        ),
        wall.belongs(KEY, "client_id", CLIENT, within="practice_id"),
        wall.belongs(CARE, "client_id", CLIENT, within="practice_id"),
        wall.belongs(CARE, "user_id", USER, within="practice_id"),
        wall.belongs(HOLD, "client_id", CLIENT, within="practice_id"),
        wall.belongs(HOLD, "placed_by_id", USER, within="practice_id"),
        wall.belongs(HOLD, "lifted_by_id", USER, within="practice_id"),
        wall.belongs(
            "clients_app_destructionrecord", "approved_by_id", USER, within="practice_id"
        ),
        migrations.AlterField(
            model_name='careassignment',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='care', to='clients_app.client'),
        ),
        migrations.AlterField(
            model_name='careassignment',
            name='practice',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice'),
        ),
        migrations.AlterField(
            model_name='careassignment',
            name='user',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='care', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='clientkey',
            name='client',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='key', to='clients_app.client'),
        ),
        migrations.AlterField(
            model_name='legalhold',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='clients_app.client'),
        ),
        migrations.AlterField(
            model_name='legalhold',
            name='practice',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice'),
        ),
        migrations.RunSQL(SCRUB, NO_SCRUB),
        wall.identity(CLIENT, client="id"),
        wall.identity(KEY),
        wall.custom(CARE, seen=OWN_LINES, written=wall.PRACTICE),
        wall.custom(HOLD, seen=OFFICE, written=OFFICE),
        wall.custom("clients_app_purgeitem", seen=ITEMS, written=ITEMS),
        wall.custom("clients_app_destructionrecord", seen=OFFICE, written=OFFICE),
        wall.custom("clients_app_auditevent", seen=TRAIL, written="true"),
    ]
