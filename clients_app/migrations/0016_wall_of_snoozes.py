"""The second wall around what counsellors put off."""

from django.db import migrations

from clients_app.migrations import _policies as wall

SNOOZE, CLIENT, USER = "clients_app_purgesnooze", "clients_app_client", "clients_app_user"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients_app", "0015_purge_decisions")]

    operations = [
        wall.belongs(SNOOZE, "client_id", CLIENT, within="practice_id"),
        wall.belongs(SNOOZE, "user_id", USER, within="practice_id"),
        wall.identity(SNOOZE),
    ]
