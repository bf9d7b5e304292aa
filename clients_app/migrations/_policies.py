"""The second wall as migrations need it: operations, each statement a transaction of its own.

What has been migrated with one of these is not changed by changing it: write another.
"""

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

PRACTICE = "practice_id = (SELECT usaldus_practice())"
IN_CARE = "= ANY ((SELECT usaldus_caseload())::uuid[])"
WHOLE_PRACTICE = "(SELECT usaldus_sees_practice())"


def identity(table: str, client: str = "client_id") -> Operation:
    """Rows of the own practice to its staff, to a counsellor those of clients in care. New rows
    are of the own practice: a counsellor registers a client before being in charge of it."""
    seen = f"{PRACTICE} AND ({WHOLE_PRACTICE} OR {client} {IN_CARE})"
    return _wall(table, seen, PRACTICE)


def content(table: str) -> Operation:
    """What was said: rows of clients in care, and to nobody else."""
    seen = f"{PRACTICE} AND client_id {IN_CARE}"
    return _wall(table, seen, seen)


def custom(table: str, *, seen: str, written: str) -> Operation:
    """Rows that show by a condition of their own."""
    return _wall(table, seen, written)


def seen(table: str, condition: str) -> Operation:
    """Rows that from now on show by another condition. Writing them stays as it is."""
    return migrations.RunSQL(
        f"""
        ALTER POLICY reads ON {table} USING ({condition});
        ALTER POLICY changes ON {table} USING ({condition});
        ALTER POLICY removes ON {table} USING ({condition});
        """,
        migrations.RunSQL.noop,
    )


def belongs(table: str, column: str, other: str, *, within: str) -> Operation:
    """A foreign key that cannot point across: the other row has the same `within`. Checked for
    new rows at once and for old ones without stopping writers (NOT VALID, then VALIDATE)."""
    name = f"{table}_{column}_{within}"[:63]
    return migrations.RunSQL(
        [
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}, {within})"
            f" REFERENCES {other} (id, {within}) DEFERRABLE INITIALLY DEFERRED NOT VALID",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
        ],
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def unique(model: str, table: str, name: str, *columns: str) -> Operation:
    """A unique constraint whose index is built while writers go on."""
    fields = [column.removesuffix("_id") for column in columns]
    return migrations.SeparateDatabaseAndState(
        [
            migrations.RunSQL(
                [
                    f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({', '.join(columns)})",
                    f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}",
                ],
                f"ALTER TABLE {table} DROP CONSTRAINT {name}",
            )
        ],
        [migrations.AddConstraint(model, models.UniqueConstraint(fields=fields, name=name))],
    )


def _wall(table: str, seen: str, written: str) -> Operation:
    return migrations.RunSQL(
        f"""
        CREATE POLICY reads ON {table} FOR SELECT USING ({seen});
        CREATE POLICY inserts ON {table} FOR INSERT WITH CHECK ({written});
        CREATE POLICY changes ON {table} FOR UPDATE USING ({seen}) WITH CHECK ({written});
        CREATE POLICY removes ON {table} FOR DELETE USING ({seen});
        CREATE POLICY system ON {table} USING ((SELECT usaldus_is_system()));
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        """,
        f"""
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
        DROP POLICY reads ON {table};
        DROP POLICY inserts ON {table};
        DROP POLICY changes ON {table};
        DROP POLICY removes ON {table};
        DROP POLICY system ON {table};
        """,
    )
