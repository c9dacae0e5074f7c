"""How far a copy into a database is: a table of that database, for as long as it goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from peewee import BigIntegerField, Model, TextField

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook_server.storage.engine import RollDatabase


class CopyPositionTable(Model):
    """The tables to be copied; `source` is what the source was known by when it began.

    `key` is that of the last row there is, as JSON; empty before the first.
    """

    name = TextField(primary_key=True)
    source = TextField()
    key = TextField(default="")
    row_count = BigIntegerField(default=0)

    class Meta:
        table_name = "copy_positions"


_ADVANCE = "UPDATE copy_positions SET key = ?, row_count = row_count + ? WHERE name = ?"


class CopyPositions:
    """The positions in one database; what changes them belongs into a transaction."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def begin(self, source: str, names: Iterable[str]) -> None:
        """Make the table, with every position before the first row."""
        with CopyPositionTable.bind_ctx(self._database):
            CopyPositionTable.create_table()
        for name in names:
            CopyPositionTable.insert(name=name, source=source).execute(self._database)

    def source(self) -> str:
        """Give what the source was known by."""
        query = CopyPositionTable.select(CopyPositionTable.source).limit(1)
        return str(query.scalar(self._database))

    def reached(self, name: str) -> tuple[Sequence[Any] | None, int]:
        """Give the key of a table's last row, None before the first, and how many there are."""
        query = CopyPositionTable.select().where(CopyPositionTable.name == name)
        (row,) = query.dicts().execute(self._database)
        return (json.loads(row["key"]) if row["key"] else None), row["row_count"]

    def advance(self, name: str, key: Sequence[Any], count: int) -> None:
        """Note rows that were put in, and the key of the last."""
        self._database.execute_sql(_ADVANCE, (json.dumps(key), count, name))

    def end(self) -> None:
        """Take the table away: the copy is whole."""
        with CopyPositionTable.bind_ctx(self._database):
            CopyPositionTable.drop_table()
