"""The second wall around emergency accesses, handovers and the promise ledger."""

from django.db import migrations

from clients_app.migrations import _policies as wall

# As in `second_wall`, and a file that was opened in an emergency belongs to the caseload while it is
# open. Afterwards whoever opened it still knows its code, and nothing more of it.
ENTER = """
CREATE FUNCTION usaldus_known() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('usaldus.known', true), '')::uuid[] $$;

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
            set_config('usaldus.sees_practice', '', true),
            set_config('usaldus.caseload', '', true),
            set_config('usaldus.known', '', true);
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
        SELECT client_id FROM clients_app_careassignment WHERE user_id = who AND until IS NULL
        UNION
        SELECT client_id FROM clients_app_breakglass
        WHERE user_id = who AND role = has_role AND ended_at IS NULL
            AND expires_at > statement_timestamp());
    known := ARRAY(SELECT client_id FROM clients_app_breakglass WHERE user_id = who);
    PERFORM set_config('usaldus.caseload', caseload::text, true),
            set_config('usaldus.known', known::text, true);
END $$;

DROP POLICY reads ON clients_app_client;
CREATE POLICY reads ON clients_app_client FOR SELECT USING (
    practice_id = (SELECT usaldus_practice())
    AND ((SELECT usaldus_sees_practice())
        OR id = ANY ((SELECT usaldus_caseload())::uuid[])
        OR id = ANY ((SELECT usaldus_known())::uuid[])));
"""
AGREEMENT, EXCEPTION = "clients_app_agreement", "clients_app_confidentialityexception"
STATEMENT, TOLD = "clients_app_confidentialitystatement", "clients_app_clienttold"
BROKEN, HANDOVER = "clients_app_breakglass", "clients_app_handover"
ITEM = "clients_app_handoveritem"
CLIENT, USER = "clients_app_client", "clients_app_user"
OWN = (
    f"{wall.PRACTICE} AND ({wall.WHOLE_PRACTICE} OR user_id = (SELECT usaldus_user())"
    f" OR client_id {wall.IN_CARE})"
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients_app", "0007_promises")]

    operations = [
        wall.unique(
            "confidentialitystatement", STATEMENT, "statement_within_practice", "id", "practice_id"
        ),
        wall.unique("agreement", AGREEMENT, "agreement_of_one_client", "id", "client_id"),
        wall.unique(
            "confidentialityexception", EXCEPTION, "exception_of_one_client", "id", "client_id"
        ),
        wall.unique("handover", HANDOVER, "handover_within_practice", "id", "practice_id"),
        *(
            wall.belongs(table, "client_id", CLIENT, within="practice_id")
            for table in (AGREEMENT, EXCEPTION, TOLD, BROKEN, ITEM)
        ),
        *(
            wall.belongs(table, column, USER, within="practice_id")
            for table, column in (
                (AGREEMENT, "recorded_by_id"),
                (AGREEMENT, "withdrawn_by_id"),
                (EXCEPTION, "decided_by_id"),
                (TOLD, "recorded_by_id"),
                (BROKEN, "user_id"),
                (BROKEN, "reviewed_by_id"),
            )
        ),
        wall.belongs(AGREEMENT, "statement_id", STATEMENT, within="practice_id"),
        wall.belongs(TOLD, "exception_id", EXCEPTION, within="client_id"),
        wall.belongs(ITEM, "handover_id", HANDOVER, within="practice_id"),
        wall.custom(BROKEN, seen=OWN, written=wall.PRACTICE),
        migrations.RunSQL(ENTER, migrations.RunSQL.noop),
        wall.custom(ITEM, seen=wall.PRACTICE, written=wall.PRACTICE),
        wall.identity(AGREEMENT),
        wall.identity(EXCEPTION),
        wall.identity(TOLD),
    ]
