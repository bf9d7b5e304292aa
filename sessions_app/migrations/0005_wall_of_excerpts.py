"""The second wall around excerpts for supervision."""

from django.db import migrations

from clients_app.migrations import _policies as wall

EXCERPT, NOTE = "sessions_app_supervisionexcerpt", "sessions_app_sessionnote"
DISCLOSURE, AGREEMENT = "sessions_app_disclosure", "clients_app_agreement"
EXCEPTION = "clients_app_confidentialityexception"
CONFIDANT = f"{wall.PRACTICE} AND client_id {wall.IN_CARE}"
ADDRESSED = f"{wall.PRACTICE} AND supervisor_id = (SELECT usaldus_user())"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("clients_app", "0008_wall_of_the_ledger"),
        ("sessions_app", "0004_supervision"),
    ]

    operations = [
        wall.belongs(EXCERPT, "client_id", "clients_app_client", within="practice_id"),
        *(
            wall.belongs(EXCERPT, column, "clients_app_user", within="practice_id")
            for column in ("author_id", "supervisor_id", "revoked_by_id")
        ),
        wall.belongs(EXCERPT, "note_id", NOTE, within="client_id"),
        wall.belongs(EXCERPT, "disclosure_id", DISCLOSURE, within="client_id"),
        wall.belongs(EXCERPT, "agreement_id", AGREEMENT, within="client_id"),
        wall.belongs(EXCERPT, "exception_id", EXCEPTION, within="client_id"),
        wall.belongs(DISCLOSURE, "agreement_id", AGREEMENT, within="client_id"),
        wall.custom(EXCERPT, seen=f"({CONFIDANT}) OR ({ADDRESSED})", written=CONFIDANT),
    ]
