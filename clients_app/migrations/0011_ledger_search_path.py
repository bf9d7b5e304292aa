"""The trigger of the promise ledger looks at the tables it means, whatever a session calls the same:
a temporary table would come first."""

from django.db import migrations

FUNCTION = "FUNCTION clients_app_ledger_is_append_only()"


class Migration(migrations.Migration):
    dependencies = [("clients_app", "0010_rules_as_data")]

    operations = [
        migrations.RunSQL(
            f"ALTER {FUNCTION} SET search_path = public, pg_temp",
            f"ALTER {FUNCTION} RESET search_path",
        )
    ]
