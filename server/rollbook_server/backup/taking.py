"""Takes a backup of a SQLite database, and looks at what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.storage import contents, migrating, seals
from rollbook_server.storage.migrating import SchemaState
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.sqlite import backups
from rollbook_server.storage.sqlite.places import SqlitePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rollbook_server.storage.contents import Contents
    from rollbook_server.storage.migrating import SchemaStatus
    from rollbook_server.storage.sqlite.backups import BackupStep


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup holds; `contents` is None of a schema that this program cannot read.

    `key_ids` name the keys that its tokens are sealed with: more than one in a rotation.
    """

    database: str
    size_bytes: int
    schema_version: int
    contents: Contents | None
    wrong_counts: Sequence[str] = ()
    key_ids: Sequence[str] = ()


def take(source: Path, part: Path, told: Callable[[BackupStep], None]) -> Taken:
    """Copy the database of `source` into an empty file and check it; raises StoreError."""
    place = SqlitePlace(source)
    with place.looked_at() as database:
        refuse_no_roll(place.name, migrating.look(database))
    backups.copy_state(source, part, told)
    return looked_into(place.name, part)


def looked_into(name: str, copy: Path) -> Taken:
    """Look at a copy to which nobody writes; raises StoreError."""
    with SqlitePlace(copy).at_rest() as database:
        status = migrating.look(database)
        size = copy.stat().st_size
        if status.state is not SchemaState.CURRENT:
            return Taken(name, size, status.version, None)
        found, wrong = contents.look(database), contents.wrong_counts(database)
        key_ids = [each.hex() for each in seals.marks(database).key_ids]
        return Taken(name, size, status.version, found, wrong, key_ids)


def refuse_no_roll(name: str, status: SchemaStatus) -> None:
    """Raise StoreError for what has nothing in it that could be put back."""
    if status.state is SchemaState.EMPTY:
        raise StoreError(f"{name} holds no roll: it has no tables of Rollbook's.")
    if status.state is SchemaState.UNFINISHED_COPY:
        raise StoreError(
            f"{name} holds the beginning of a copy of another database, which is no roll yet. "
            "Give the same `rollbook database copy` again."
        )
