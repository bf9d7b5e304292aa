"""Rules of retention say more: any period, other days to count from, ages, ceilings, batches.

Every new column has a constant default or none, so no table is rewritten; deploy it while the
application is stopped, for two columns change their names.
"""

from django.db import migrations, models

import clients_app.fields


class Migration(migrations.Migration):
    dependencies = [("clients_app", "0009_logins")]

    operations = [
        migrations.RemoveConstraint("retentionrule", "rule_years_sane"),
        migrations.RenameField("retentionrule", "adult_years", "years"),
        migrations.RenameField("retentionrule", "minor_until_age", "until_age"),
        migrations.AddField(
            model_name='client',
            name='category',
            field=clients_app.fields.SealedField(null=True),
        ),
        migrations.AddField(
            model_name='client',
            name='death_date',
            field=clients_app.fields.SealedField(null=True),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='batch_day',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='day of destruction'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='batch_month',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='month of destruction'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='bound',
            field=models.CharField(choices=[('floor', 'kept at least'), ('ceiling', 'not without a reason longer than')], default='floor', max_length=8, verbose_name='says'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='category',
            field=models.CharField(blank=True, choices=[('care_experienced', 'looked after as a child'), ('mandated', 'sent by a court or an authority'), ('funded', 'paid for by an insurer or employer')], help_text='Empty: every client.', max_length=16, verbose_name='category'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='counts_before',
            field=models.DateField(blank=True, null=True, verbose_name='beginning before'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='counts_from',
            field=models.DateField(blank=True, null=True, verbose_name='beginning from'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='days',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='days'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='months',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='months'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='older_from',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='from age'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='older_until_age',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='until this birthday instead'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='record_class',
            field=models.CharField(choices=[('file', 'every file'), ('client_file', 'files of clients: a session was held'), ('enquiry', 'enquiries: no session was held')], default='file', max_length=16, verbose_name='files'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='started_below_age',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='registered below this age'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='started_from_age',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='registered at this age or older'),
        ),
        migrations.AddField(
            model_name='retentionrule',
            name='unless_died',
            field=models.BooleanField(default=False, verbose_name='not where the client has died'),
        ),
        migrations.AlterField(
            model_name='retentionrule',
            name='trigger',
            field=models.CharField(choices=[('last_contact', 'last contact'), ('discharge', 'discharge'), ('registration', 'registration'), ('birth', 'birth'), ('death', 'death')], max_length=16, verbose_name='counts from'),
        ),
        migrations.AlterField(
            model_name='retentionrule',
            name='years',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='years'),
        ),
        migrations.AddConstraint(
            model_name='retentionrule',
            constraint=models.CheckConstraint(condition=models.Q(('days__lte', 32000), ('months__lte', 1320), ('years__lte', 110), models.Q(('years__gt', 0), ('months__gt', 0), ('days__gt', 0), ('until_age__isnull', False), _connector='OR')), name='rule_says_how_long'),
        ),
        migrations.AddConstraint(
            model_name='retentionrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('until_age', None), ('until_age__range', (18, 110)), _connector='OR'), models.Q(models.Q(('older_from', None), ('older_until_age', None)), models.Q(('older_from__range', (1, 17)), ('older_until_age__range', (18, 110)), ('until_age__isnull', False)), _connector='OR')), name='rule_ages_sane'),
        ),
        migrations.AddConstraint(
            model_name='retentionrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('batch_day', None), ('batch_month', None)), models.Q(('batch_day__range', (1, 28)), models.Q(('batch_month', None), ('batch_month__range', (1, 12)), _connector='OR')), _connector='OR'), name='rule_batch_is_a_day'),
        ),
    ]
