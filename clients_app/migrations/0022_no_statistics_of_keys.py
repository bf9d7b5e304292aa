"""PostgreSQL keeps a sample of each column's values for its planner (pg_statistic), and would keep
wrapped keys there after they were destroyed. Of this column it samples nothing any more; nobody
searches by it."""

from django.db import migrations

KEY = "clients_app_clientkey"


class Migration(migrations.Migration):
    dependencies = [("clients_app", "0021_clock_readings")]

    operations = [
        migrations.RunSQL(
            # Naming its type anew rewrites nothing and forgets the sample that there is.
            f"ALTER TABLE {KEY} ALTER COLUMN wrapped SET STATISTICS 0,"
            " ALTER COLUMN wrapped TYPE text",
            f"ALTER TABLE {KEY} ALTER COLUMN wrapped SET STATISTICS -1",
        )
    ]
