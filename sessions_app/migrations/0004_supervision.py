"""Excerpts for supervision, and the promise under which each disclosure was said."""

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import clients_app.fields


class Migration(migrations.Migration):

    dependencies = [
        ('clients_app', '0007_promises'),
        ('sessions_app', '0003_second_wall'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SupervisionExcerpt',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('consented_at', models.DateTimeField(verbose_name='the client agreed')),
                ('consent_how', models.CharField(choices=[('spoken', 'spoken'), ('paper', 'on paper'), ('electronic', 'electronically')], max_length=16, verbose_name='how')),
                ('released_at', models.DateTimeField(verbose_name='released')),
                ('expires_at', models.DateTimeField(verbose_name='until')),
                ('revoked_at', models.DateTimeField(null=True, verbose_name='revoked')),
                ('pseudonym', clients_app.fields.SealedField()),
                ('text', clients_app.fields.SealedField()),
            ],
            options={
                'verbose_name': 'excerpt for supervision',
                'verbose_name_plural': 'excerpts for supervision',
            },
        ),
        migrations.AddField(
            model_name='disclosure',
            name='agreement',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='clients_app.agreement'),
        ),
        migrations.AddIndex(
            model_name='disclosure',
            index=models.Index(condition=models.Q(('agreement__isnull', False)), fields=['agreement'], name='disclosure_agreement'),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='agreement',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='clients_app.agreement'),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='author',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='client',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='excerpts', to='clients_app.client'),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='disclosure',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sessions_app.disclosure'),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='exception',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='clients_app.confidentialityexception'),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='note',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sessions_app.sessionnote'),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='practice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice'),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='revoked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='supervisionexcerpt',
            name='supervisor',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='supervisionexcerpt',
            index=models.Index(fields=['supervisor', '-id'], name='excerpt_for_supervisor'),
        ),
        migrations.AddIndex(
            model_name='supervisionexcerpt',
            index=models.Index(fields=['client', '-id'], name='excerpt_of_client'),
        ),
        migrations.AddConstraint(
            model_name='supervisionexcerpt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disclosure__isnull', False), ('note', None)), models.Q(('disclosure', None), ('note__isnull', False)), _connector='OR'), name='excerpt_of_one_source'),
        ),
        migrations.AddConstraint(
            model_name='supervisionexcerpt',
            constraint=models.CheckConstraint(condition=models.Q(('agreement__isnull', False), ('exception__isnull', False), _connector='OR'), name='excerpt_on_a_ground'),
        ),
        migrations.AddConstraint(
            model_name='supervisionexcerpt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('revoked_at', None), ('revoked_by', None)), models.Q(('revoked_at__isnull', False), ('revoked_by__isnull', False)), _connector='OR'), name='excerpt_revoked_by_somebody'),
        ),
        migrations.RunSQL(
            "ALTER TABLE sessions_app_supervisionexcerpt ALTER COLUMN text SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
    ]
