"""The rows of a table as every engine gives them, in the order of their keys."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

from peewee import BooleanField

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from peewee import Model

    from rollbook_server.storage.engine import RollDatabase

    Row = tuple[Any, ...]

_AT_ONCE = 250  # rows that a driver is asked for: a stored answer may have a megabyte
# What a NUL could get into while nobody looked for it: PostgreSQL can hold none.
_ONCE_UNCHECKED = {"profiles": "description", "uploads": "file_name"}
_REPLACEMENT = "\ufffd"
# What a batch is closed at.
BATCH_ROWS = 5_000
BATCH_BYTES = 8 * 1024 * 1024


class TableRows:
    """One of our tables in whatever database.

    `replaced_count` counts the texts read so far in which a NUL was replaced.
    """

    def __init__(self, table: type[Model]) -> None:
        meta = table._meta  # noqa: SLF001 - peewee's reflection
        fields = meta.sorted_fields
        self.name: str = meta.table_name
        self.columns = [field.column_name for field in fields]
        keys = [field.column_name for field in meta.get_primary_keys()]
        self._key_places = [self.columns.index(key) for key in keys]
        self._truths = [
            place for place, each in enumerate(fields) if isinstance(each, BooleanField)
        ]
        self._unchecked = [
            place
            for place, name in enumerate(self.columns)
            if name == _ONCE_UNCHECKED.get(self.name)
        ]
        self.replaced_count = 0
        self._keys = _quoted(keys)
        self._select = f"SELECT {_quoted(self.columns)} FROM {self.name}"

    def count(self, database: RollDatabase) -> int:
        """Give how many rows there are."""
        return int(database.execute_sql(f"SELECT count(*) FROM {self.name}").fetchone()[0])

    def key(self, row: Row) -> list[Any]:
        """Give the key of a row."""
        return [row[place] for place in self._key_places]

    def batches(self, database: RollDatabase, after: Sequence[Any] | None) -> Iterator[list[Row]]:
        """Give the rows behind a key, None for all, as many at a time as memory bears."""
        batch: list[Row] = []
        size = 0
        for some in self._read(database, after):
            batch += some
            size += sum(map(_size, some))
            if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _read(self, database: RollDatabase, after: Sequence[Any] | None) -> Iterator[list[Row]]:
        places = ", ".join("?" * len(self._key_places))
        behind = "" if after is None else f" WHERE ({self._keys}) > ({places})"
        sql = f"{self._select}{behind} ORDER BY {self._keys}"
        with closing(database.walk(sql, after or ())) as cursor:
            while found := cursor.fetchmany(_AT_ONCE):
                yield [self._alike(row) for row in found]

    def _alike(self, row: Row) -> Row:
        """Give a row as all engines would: truth is a number in SQLite, which holds NULs, too."""
        if not (self._truths or self._unchecked):
            return tuple(row)
        cells = list(row)
        for place in self._truths:
            cells[place] = int(cells[place])
        for place in self._unchecked:
            if isinstance(cells[place], str) and "\0" in cells[place]:
                cells[place] = cells[place].replace("\0", _REPLACEMENT)
                self.replaced_count += 1
        return tuple(cells)


class RowsDigest:
    """A SHA-256 over rows in the order of their keys, each as Python writes it, on a line."""

    def __init__(self) -> None:
        self._hash, self.row_count = hashlib.sha256(), 0

    def add(self, rows: Sequence[Row]) -> None:
        """Go on with further rows."""
        self._hash.update("".join(f"{row!r}\n" for row in rows).encode(errors="surrogatepass"))
        self.row_count += len(rows)

    @property
    def value(self) -> str:
        """Give what it is so far, in hexadecimal."""
        return self._hash.hexdigest()


def _size(row: Row) -> int:
    return sum(len(cell) for cell in row if isinstance(cell, str | bytes))


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
