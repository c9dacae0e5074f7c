"""Copies a roll from one database into another, whatever their engines.

Rows go over table by table in the order of their keys, a batch in each transaction, and
with it the position in the target: whoever goes on after a kill finds every row once. At
the end both databases are read from beginning to end and compared; only then does the
note of the positions go away, which kept every server off the target.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from peewee import DataError

from rollbook_server.storage import migrating
from rollbook_server.storage.audit_tables import AuditEndTable
from rollbook_server.storage.copy_positions import CopyPositions
from rollbook_server.storage.copy_rows import RowsDigest, TableRows
from rollbook_server.storage.migrating import SchemaState
from rollbook_server.storage.places import told_of_schema
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.schema import SCHEMA_VERSION, TABLES
from rollbook_server.storage.tables import ApiKeyTable, CounterTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from rollbook_server.storage.copy_rows import Row
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.places import Filling, Place

_ANY = "SELECT 1 FROM {} LIMIT 1"

COPYING, COMPARING = "copying", "comparing"

# Small, and together different after whatever a server did.
_TELLING = (CounterTable, AuditEndTable, ApiKeyTable)


class CopyRefusedError(StoreError):
    """One of the databases is not fit for it; to repeat it would not help."""


class CopyBrokenError(StoreError):
    """A database failed in the middle; what was copied stays there."""


class CopyDiffersError(StoreError):
    """What was copied is not what the source holds."""


@dataclass(frozen=True, slots=True)
class CopyStep:
    """How far a copy is: `row_count` of `row_total` rows, of all tables."""

    phase: str
    table: str
    row_count: int
    row_total: int


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that is the same in both databases; `digest` is RowsDigest's.

    But for the NUL of so many texts, which became U+FFFD.
    """

    table: str
    row_count: int
    digest: str
    replaced_count: int = field(default=0, compare=False)


def copy(source: Place, target: Place, told: Callable[[CopyStep], None]) -> Sequence[CopiedTable]:
    """Copy the whole roll, or go on with a copy that was begun; tell of every batch.

    The target must be empty, or hold the beginning of this very copy. Raises
    CopyRefusedError, CopyDiffersError, or StoreError if a database cannot be opened; and once
    it is begun CopyBrokenError, after which it can be gone on with.
    """
    if source.name == target.name:
        raise CopyRefusedError(f"Source and target are the same database, {source.name}.")
    begun = False
    try:
        with source.kept_still() as original:
            _check_source(original)
            with target.filled() as filling:
                run = _Copy(original, filling, told, source.looked_at)
                run.begin()
                begun = True
                return run.go_on()
    except StoreError as error:
        if not begun or isinstance(error, CopyRefusedError | CopyDiffersError):
            raise
        raise CopyBrokenError(str(error)) from error


def _check_source(database: RollDatabase) -> None:
    with told_of_schema():
        status = migrating.look(database)
        status.check()
    if status.state is SchemaState.EMPTY:
        raise CopyRefusedError("The source holds no roll: it has no tables of Rollbook's.")
    if status.state is SchemaState.OLDER:
        raise CopyRefusedError(
            f"The source has schema {status.version}, this program copies {SCHEMA_VERSION}: run "
            "`rollbook database upgrade` on it first."
        )


class _Copy:
    """One run of a copy."""

    def __init__(
        self,
        source: RollDatabase,
        target: Filling,
        told: Callable[[CopyStep], None],
        looked_at: Callable[[], AbstractContextManager[RollDatabase]],
    ) -> None:
        self._source, self._target, self._told = source, target, told
        self._looked_at = looked_at
        self._positions = CopyPositions(target.database)
        self._tables = [TableRows(table) for table in TABLES]

    def begin(self) -> None:
        """Make the positions, or find them as a copy of the same source left them."""
        with self._target.transaction():
            self._begin()

    def go_on(self) -> Sequence[CopiedTable]:
        """Copy what is left, compare everything, and take the positions away."""
        self._total = sum(rows.count(self._source) for rows in self._tables)
        self._done = 0
        for rows in self._tables:
            self._fill(rows)
        self._done = 0
        copied = [self._compare(rows) for rows in self._tables]
        self._check_unserved()
        with self._target.transaction():
            self._target.database.take_over(TABLES)
            self._positions.end()
        return copied

    def _check_unserved(self) -> None:
        """Raise CopyDiffersError if the source is another one by now than what we read of it.

        Not every engine can keep servers away until the end.
        """
        with self._looked_at() as now:
            if _known_by(now) != _known_by(self._source):
                raise CopyDiffersError(
                    "The source was served while it was copied: what was done there is not in the "
                    "copy. Stop its servers, and begin anew with an empty target."
                )

    def _begin(self) -> None:
        status = migrating.look(self._target.database)
        known = _known_by(self._source)
        if status.state is SchemaState.UNFINISHED_COPY:
            if self._positions.source() != known:
                raise CopyRefusedError(
                    "The target holds the beginning of a copy of another database, or the source "
                    "was served since that began. Begin anew with an empty target."
                )
            return
        with told_of_schema():
            status.check()
        self._make_empty(status.state)
        self._positions.begin(known, [rows.name for rows in self._tables])

    def _make_empty(self, state: SchemaState) -> None:
        """Make the tables, or see that nothing is in them but what every beginning has."""
        database = self._target.database
        if state is SchemaState.EMPTY:
            migrating.upgrade(database)
        counters = TableRows(CounterTable).name
        full = [rows.name for rows in self._tables if rows.name != counters]
        held = [name for name in full if database.execute_sql(_ANY.format(name)).fetchone()]
        if held or state is SchemaState.OLDER:
            raise CopyRefusedError(
                f"The target is not empty: it has {', '.join(held) or 'an older schema'}. Name a "
                "new file, or a database without tables."
            )
        CounterTable.delete().execute(database)

    def _fill(self, rows: TableRows) -> None:
        key, before = self._positions.reached(rows.name)
        self._tell(COPYING, rows, before)
        for batch in rows.batches(self._source, key):
            self._put_in(rows, batch)
            self._tell(COPYING, rows, len(batch))

    def _put_in(self, rows: TableRows, batch: Sequence[Row]) -> None:
        last = rows.key(batch[-1])
        try:
            with self._target.transaction():
                self._target.database.add_rows(rows.name, rows.columns, batch)
                self._positions.advance(rows.name, last, len(batch))
        except DataError as error:  # whose text may hold an identifier
            raise CopyRefusedError(
                f"The target cannot hold a row of {rows.name} with a key between "
                f"{rows.key(batch[0])[0]} and {last[0]}: it has a text with a NUL, or a value of "
                "another type than its column. Mend it in the source, and begin anew with an "
                "empty target."
            ) from error

    def _compare(self, rows: TableRows) -> CopiedTable:
        found = self._digest(rows, self._source)
        with self._target.reading():
            ours = self._digest(rows, self._target.database)
        if found != ours:
            raise CopyDiffersError(
                f"The copy differs from its source in {rows.name}: {ours.row_count:,} rows with "
                f"digest {ours.digest}, {found.row_count:,} with {found.digest} in the source. "
                "One of them was changed meanwhile. Begin anew with an empty target."
            )
        return found

    def _digest(self, rows: TableRows, database: RollDatabase) -> CopiedTable:
        digest, replaced = RowsDigest(), rows.replaced_count
        for batch in rows.batches(database, None):
            digest.add(batch)
            self._tell(COMPARING, rows, len(batch))
        replaced = rows.replaced_count - replaced
        return CopiedTable(rows.name, digest.row_count, digest.value, replaced)

    def _tell(self, phase: str, rows: TableRows, count: int) -> None:
        self._done += count
        total = self._total * (1 if phase == COPYING else 2)
        self._told(CopyStep(phase, rows.name, self._done, total))


def _known_by(database: RollDatabase) -> str:
    digest = RowsDigest()
    for table in _TELLING:
        for batch in TableRows(table).batches(database, None):
            digest.add(batch)
    return digest.value
