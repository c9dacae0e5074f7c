"""To schema 5: what an upload under FAIL has prepared for its last transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import BigIntegerField, CompositeKey, IntegerField, Model, TextField

if TYPE_CHECKING:
    from playhouse.migrate import SchemaMigrator

    from rollbook_server.storage.engine import RollDatabase


class _Preparations(Model):
    upload = IntegerField(primary_key=True)
    through_row = IntegerField()
    created_count = IntegerField()
    unchanged_count = IntegerField()
    reach_time = BigIntegerField()

    class Meta:
        table_name = "preparations"


class _PreparedRows(Model):
    upload = IntegerField()
    row = IntegerField()
    line = IntegerField(null=True)
    device = BigIntegerField(null=True)
    revision = IntegerField(null=True)
    manufacturer = TextField(null=True)
    attributes = TextField(null=True)

    class Meta:
        table_name = "prepared_rows"
        primary_key = CompositeKey("upload", "row")
        without_rowid = True


def up(_migrator: SchemaMigrator, db: RollDatabase) -> None:
    """Bring a database of schema 4 to schema 5."""
    with db.bind_ctx([_Preparations, _PreparedRows]):
        _Preparations.create_table(safe=False)
        _PreparedRows.create_table(safe=False)
