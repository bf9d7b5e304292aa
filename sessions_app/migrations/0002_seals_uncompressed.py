"""Long seals are stored as they are: PostgreSQL would try in vain to compress ciphertext."""

from django.db import migrations

LONG = {
    "sessions_app_sessionnote": "body",
    "sessions_app_noteversion": "body",
    "sessions_app_disclosure": "text",
}


def _alter(storage: str) -> str:
    return "".join(
        f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {storage};"
        for table, column in LONG.items()
    )


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0001_initial")]

    operations = [migrations.RunSQL(_alter("EXTERNAL"), _alter("EXTENDED"))]
