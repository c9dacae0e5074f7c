"""The schema of a new database; how older ones come to it, `migrating` knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.storage.audit_tables import AuditEndTable, AuditEventTable
from rollbook_server.storage.counters import NEXT_DEVICE, NEXT_PROFILE, SCHEMA, TOKEN_EPOCH
from rollbook_server.storage.tables import (
    AnswerTable,
    ApiKeyTable,
    AttributeNameTable,
    CounterTable,
    DeviceTable,
    EndedProfileTable,
    GuessTable,
    ProfileRangeTable,
    ProfileTable,
    TokenTable,
    UserTable,
)
from rollbook_server.storage.upload_tables import (
    PreparationTable,
    PreparedRowTable,
    StagedRowTable,
    UploadClaimTable,
    UploadErrorTable,
    UploadRangeTable,
    UploadTable,
)

if TYPE_CHECKING:
    from peewee import Model

    from rollbook_server.storage.engine import RollDatabase

# The number of the last step in `migrations`, which brings older databases to these tables.
SCHEMA_VERSION = 5

TABLES: list[type[Model]] = [
    ProfileTable,
    EndedProfileTable,
    AttributeNameTable,
    UserTable,
    TokenTable,
    ApiKeyTable,
    DeviceTable,
    ProfileRangeTable,
    UploadTable,
    UploadRangeTable,
    UploadErrorTable,
    UploadClaimTable,
    StagedRowTable,
    PreparationTable,
    PreparedRowTable,
    AnswerTable,
    GuessTable,
    AuditEventTable,
    AuditEndTable,
    CounterTable,
]

_BEGINNINGS = ((SCHEMA, SCHEMA_VERSION), (NEXT_DEVICE, 1), (NEXT_PROFILE, 1), (TOKEN_EPOCH, 0))


def create(database: RollDatabase) -> None:
    """Make all tables, empty, within a transaction."""
    for table in TABLES:
        with table.bind_ctx(database):
            table.create_table(safe=True)
    for name, value in _BEGINNINGS:
        CounterTable.insert(name=name, value=value).on_conflict_ignore().execute(database)


def version(database: RollDatabase) -> int:
    """Give the number of a database's schema, 0 if it has none, in which counters are."""
    query = CounterTable.select(CounterTable.value).where(CounterTable.name == SCHEMA)
    return int(query.scalar(database) or 0)


def note_version(database: RollDatabase, number: int) -> None:
    """Keep the number of the schema, by which programs of before steps were noted know it."""
    CounterTable.update(value=number).where(CounterTable.name == SCHEMA).execute(database)
