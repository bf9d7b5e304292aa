"""The second wall around what was said. See the migration of the same name in clients_app."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from clients_app.migrations import _policies as wall

CLIENT, USER = "clients_app_client", "clients_app_user"
SESSION, NOTE = "sessions_app_therapysession", "sessions_app_sessionnote"
VERSION, DISCLOSURE = "sessions_app_noteversion", "sessions_app_disclosure"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("clients_app", "0003_second_wall"),
        ("sessions_app", "0002_seals_uncompressed"),
    ]

    operations = [
        wall.unique("therapysession", SESSION, "session_of_one_client", "id", "client_id"),
        wall.unique("sessionnote", NOTE, "note_of_one_client", "id", "client_id"),
        wall.unique("disclosure", DISCLOSURE, "disclosure_of_one_client", "id", "client_id"),
        *(
            wall.belongs(table, "client_id", CLIENT, within="practice_id")
            for table in (SESSION, NOTE, VERSION, DISCLOSURE)
        ),
        wall.belongs(SESSION, "counsellor_id", USER, within="practice_id"),
        wall.belongs(NOTE, "author_id", USER, within="practice_id"),
        wall.belongs(DISCLOSURE, "author_id", USER, within="practice_id"),
        wall.belongs(NOTE, "session_id", SESSION, within="client_id"),
        wall.belongs(DISCLOSURE, "session_id", SESSION, within="client_id"),
        wall.belongs(NOTE, "adds_to_id", NOTE, within="client_id"),
        wall.belongs(VERSION, "note_id", NOTE, within="client_id"),
        wall.belongs(DISCLOSURE, "amends_id", DISCLOSURE, within="client_id"),
        migrations.AlterField(
            model_name='disclosure',
            name='amends',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='amendments', to='sessions_app.disclosure'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='author',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='disclosures', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='disclosures', to='clients_app.client'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='practice',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='session',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='disclosures', to='sessions_app.therapysession'),
        ),
        migrations.AlterField(
            model_name='noteversion',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='clients_app.client'),
        ),
        migrations.AlterField(
            model_name='noteversion',
            name='note',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='sessions_app.sessionnote'),
        ),
        migrations.AlterField(
            model_name='noteversion',
            name='practice',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice'),
        ),
        migrations.AlterField(
            model_name='sessionnote',
            name='adds_to',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='addenda', to='sessions_app.sessionnote'),
        ),
        migrations.AlterField(
            model_name='sessionnote',
            name='author',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='notes', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='sessionnote',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='clients_app.client'),
        ),
        migrations.AlterField(
            model_name='sessionnote',
            name='practice',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice'),
        ),
        migrations.AlterField(
            model_name='sessionnote',
            name='session',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='sessions_app.therapysession'),
        ),
        migrations.AlterField(
            model_name='therapysession',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='clients_app.client'),
        ),
        migrations.AlterField(
            model_name='therapysession',
            name='counsellor',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='sessions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='therapysession',
            name='practice',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice'),
        ),
        wall.identity(SESSION),
        wall.content(NOTE),
        wall.content(VERSION),
        wall.content(DISCLOSURE),
    ]
