"""The promise ledger. What is published or on record stays as it is, in the database itself."""

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import clients_app.fields

FORWARD = """
CREATE FUNCTION clients_app_statement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NULL THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.retired_at IS NULL
            AND to_jsonb(NEW) - 'retired_at' = to_jsonb(OLD) - 'retired_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published wording never changes: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER statement_stays BEFORE UPDATE OR DELETE ON clients_app_confidentialitystatement
    FOR EACH ROW EXECUTE FUNCTION clients_app_statement_stays();

-- Arguments: the columns that may be filled once. A line goes only after its client's data key, as
-- it does when the file is destroyed.
CREATE FUNCTION clients_app_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    once text[] := COALESCE(TG_ARGV, '{}');
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM clients_app_clientkey WHERE client_id = OLD.client_id) THEN
            RETURN OLD;
        END IF;
    ELSIF cardinality(once) > 0
            AND to_jsonb(NEW) - once = to_jsonb(OLD) - once
            AND NOT EXISTS (SELECT FROM unnest(once) AS name WHERE to_jsonb(OLD) -> name <> 'null'::jsonb) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the promise ledger is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER agreement_append_only BEFORE UPDATE OR DELETE ON clients_app_agreement
    FOR EACH ROW EXECUTE FUNCTION clients_app_ledger_is_append_only('withdrawn_at', 'withdrawn_by_id');
CREATE TRIGGER exception_append_only BEFORE UPDATE OR DELETE ON clients_app_confidentialityexception
    FOR EACH ROW EXECUTE FUNCTION clients_app_ledger_is_append_only();
CREATE TRIGGER told_append_only BEFORE UPDATE OR DELETE ON clients_app_clienttold
    FOR EACH ROW EXECUTE FUNCTION clients_app_ledger_is_append_only();
"""
BACKWARD = """
DROP TRIGGER told_append_only ON clients_app_clienttold;
DROP TRIGGER exception_append_only ON clients_app_confidentialityexception;
DROP TRIGGER agreement_append_only ON clients_app_agreement;
DROP FUNCTION clients_app_ledger_is_append_only();
DROP TRIGGER statement_stays ON clients_app_confidentialitystatement;
DROP FUNCTION clients_app_statement_stays();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('clients_app', '0006_seals'),
    ]

    operations = [
        migrations.CreateModel(
            name='ConfidentialityException',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('ground', models.CharField(choices=[('danger_to_life', 'danger to life'), ('child_protection', 'a child in need of help'), ('dependent_person', 'harm to a person who depends on others'), ('medical_emergency', 'medical emergency'), ('serious_crime', 'a crime that must be reported'), ('court_order', 'order of a court'), ('legal_duty', 'another duty by law'), ('clients_consent', 'the client’s own consent')], max_length=24, verbose_name='ground')),
                ('recipient', clients_app.fields.SealedField()),
                ('content', clients_app.fields.SealedField()),
                ('about_id', models.UUIDField(null=True)),
                ('decided_at', models.DateTimeField(verbose_name='decided')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded')),
                ('told', models.CharField(choices=[('yes', 'the client knows'), ('not_yet', 'the client does not know yet'), ('no', 'the client is not told')], max_length=8, verbose_name='client told')),
                ('told_at', models.DateTimeField(null=True, verbose_name='told')),
                ('why_not_told', clients_app.fields.SealedField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exceptions', to='clients_app.client')),
                ('decided_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice')),
            ],
            options={
                'verbose_name': 'exception to confidentiality',
                'verbose_name_plural': 'exceptions to confidentiality',
            },
        ),
        migrations.CreateModel(
            name='ClientTold',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('told_at', models.DateTimeField(verbose_name='told')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='clients_app.client')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('exception', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='telling', to='clients_app.confidentialityexception')),
            ],
            options={
                'verbose_name': 'telling of the client',
                'verbose_name_plural': 'tellings of clients',
            },
        ),
        migrations.CreateModel(
            name='ConfidentialityStatement',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('language', models.CharField(choices=[('en', 'English'), ('et', 'Estonian')], max_length=2, verbose_name='language')),
                ('number', models.PositiveIntegerField(verbose_name='version')),
                ('text', models.TextField(verbose_name='wording')),
                ('version', models.PositiveIntegerField(default=1)),
                ('drafted_at', models.DateTimeField(verbose_name='drafted')),
                ('published_at', models.DateTimeField(null=True, verbose_name='published')),
                ('retired_at', models.DateTimeField(null=True, verbose_name='retired')),
                ('drafted_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice')),
                ('published_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'confidentiality statement',
                'verbose_name_plural': 'confidentiality statements',
            },
        ),
        migrations.CreateModel(
            name='Agreement',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('given_at', models.DateTimeField(verbose_name='given')),
                ('how', models.CharField(choices=[('spoken', 'spoken'), ('paper', 'on paper'), ('electronic', 'electronically')], max_length=16, verbose_name='how')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded')),
                ('withdrawn_at', models.DateTimeField(null=True, verbose_name='withdrawn')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='agreements', to='clients_app.client')),
                ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients_app.practice')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('withdrawn_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='clients_app.confidentialitystatement')),
            ],
            options={
                'verbose_name': 'agreement',
                'verbose_name_plural': 'agreements',
            },
        ),
        migrations.AddIndex(
            model_name='confidentialityexception',
            index=models.Index(fields=['practice', '-id'], name='exception_of_practice'),
        ),
        migrations.AddIndex(
            model_name='confidentialityexception',
            index=models.Index(fields=['client', '-id'], name='exception_of_client'),
        ),
        migrations.AddConstraint(
            model_name='confidentialityexception',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('told', 'yes'), ('told_at__isnull', False)), models.Q(models.Q(('told', 'yes'), _negated=True), ('told_at', None)), _connector='OR'), name='exception_told_when'),
        ),
        migrations.AddConstraint(
            model_name='confidentialitystatement',
            constraint=models.UniqueConstraint(fields=('practice', 'language', 'number'), name='statement_number_once'),
        ),
        migrations.AddConstraint(
            model_name='confidentialitystatement',
            constraint=models.UniqueConstraint(condition=models.Q(('published_at', None)), fields=('practice', 'language'), name='statement_one_draft'),
        ),
        migrations.AddConstraint(
            model_name='confidentialitystatement',
            constraint=models.UniqueConstraint(condition=models.Q(('published_at__isnull', False), ('retired_at', None)), fields=('practice', 'language'), name='statement_one_in_force'),
        ),
        migrations.AddConstraint(
            model_name='confidentialitystatement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('published_at', None), ('published_by', None), ('retired_at', None)), models.Q(('published_at__isnull', False), ('published_by__isnull', False)), _connector='OR'), name='statement_published_by_somebody'),
        ),
        migrations.AddIndex(
            model_name='agreement',
            index=models.Index(fields=['client', '-given_at', '-id'], name='agreement_of_client'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at', None), ('withdrawn_by', None)), models.Q(('withdrawn_at__gte', models.F('given_at')), ('withdrawn_by__isnull', False)), _connector='OR'), name='agreement_withdrawn_by_somebody'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
