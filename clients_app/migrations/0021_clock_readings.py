"""What the clock said, beside what the machine counted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients_app", "0020_register_of_destruction")]

    operations = [
        migrations.CreateModel(
            name="ClockReading",
            fields=[
                ("boot", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("counted", models.FloatField()),
                ("jumped_at", models.DateTimeField(null=True)),
            ],
        ),
    ]
