"""To schema 4: in which runs of numbers devices of profiles lie, instead of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import BigIntegerField, CompositeKey, IntegerField, Model

if TYPE_CHECKING:
    from playhouse.migrate import SchemaMigrator

    from rollbook_server.storage.engine import RollDatabase


class _ProfileRanges(Model):
    profile = IntegerField()
    first_id = BigIntegerField()
    last_id = BigIntegerField()

    class Meta:
        table_name = "profile_ranges"
        primary_key = CompositeKey("profile", "first_id")
        without_rowid = True


# In the order of numbers, devices that follow each other without one of another profile.
_FILL = """
INSERT INTO profile_ranges (profile, first_id, last_id)
SELECT profile, min(id), max(id) FROM (
    SELECT profile, id, row_number() OVER (ORDER BY id)
        - row_number() OVER (PARTITION BY profile ORDER BY id) AS run
    FROM devices
) runs GROUP BY profile, run
"""


def up(_migrator: SchemaMigrator, db: RollDatabase) -> None:
    """Bring a database of schema 3 to schema 4."""
    with _ProfileRanges.bind_ctx(db):
        _ProfileRanges.create_table(safe=False)
    db.execute_sql(_FILL)
    db.execute_sql("DROP INDEX devicetable_profile")
