"""To schema 3: what servers tell each other of wrong guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import BigIntegerField, Model

if TYPE_CHECKING:
    from playhouse.migrate import SchemaMigrator

    from rollbook_server.storage.engine import RollDatabase


class _Guesses(Model):
    number = BigIntegerField(primary_key=True)
    server = BigIntegerField()
    kind = BigIntegerField()
    place = BigIntegerField()
    begin_time = BigIntegerField()
    value = BigIntegerField()

    class Meta:
        table_name = "guesses"


def up(_migrator: SchemaMigrator, db: RollDatabase) -> None:
    """Bring a database of schema 2 to schema 3."""
    with _Guesses.bind_ctx(db):
        _Guesses.create_table(safe=False)
