"""Removes the many rows of an upload a piece at a time, so that nobody waits long for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peewee import Field

    from rollbook_server.storage.engine import RollDatabase


def delete_piece(database: RollDatabase, column: Field, upload: int, limit: int) -> int:
    """Delete up to `limit` rows of an upload: those up to the key of the last of them.

    The `column` makes the key of its table together with the upload. PostgreSQL would find
    keys that are given as a subquery anew for each row, for as long as it remembers the table
    as empty.
    """
    table = column.model
    rows = table.upload == upload
    ordered = table.select(column).where(rows).order_by(column)
    last = ordered.offset(limit - 1).limit(1).scalar(database)
    if last is not None:
        rows &= column <= last
    return int(table.delete().where(rows).execute(database))
