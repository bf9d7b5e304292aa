"""The second wall around what clients asked for."""

from django.db import migrations

from clients_app.migrations import _policies as wall

REQUEST, CLIENT, USER = "clients_app_clientrequest", "clients_app_client", "clients_app_user"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clients_app", "0013_blockers")]

    operations = [
        wall.belongs(REQUEST, "client_id", CLIENT, within="practice_id"),
        wall.belongs(REQUEST, "recorded_by_id", USER, within="practice_id"),
        wall.belongs(REQUEST, "decided_by_id", USER, within="practice_id"),
        wall.identity(REQUEST),
    ]
