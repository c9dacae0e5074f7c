"""The schema of the database: made in a new file, brought up to date in an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.storage.audit_tables import AuditEndTable, AuditEventTable
from rollbook_server.storage.counters import NEXT_DEVICE, NEXT_PROFILE, TOKEN_EPOCH
from rollbook_server.storage.device_rows import STAYS
from rollbook_server.storage.tables import (
    AnswerTable,
    ApiKeyTable,
    AttributeNameTable,
    CounterTable,
    DeviceTable,
    EndedProfileTable,
    ProfileTable,
    TokenTable,
    UserTable,
)
from rollbook_server.storage.upload_tables import (
    StagedRowTable,
    UploadClaimTable,
    UploadErrorTable,
    UploadRangeTable,
    UploadTable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from peewee import Model

    from rollbook_server.storage.engine import RollDatabase

SCHEMA_VERSION = 2

TABLES: list[type[Model]] = [
    ProfileTable,
    EndedProfileTable,
    AttributeNameTable,
    UserTable,
    TokenTable,
    ApiKeyTable,
    DeviceTable,
    UploadTable,
    UploadRangeTable,
    UploadErrorTable,
    UploadClaimTable,
    StagedRowTable,
    AnswerTable,
    AuditEventTable,
    AuditEndTable,
    CounterTable,
]

_SCHEMA = "schema_version"

# From each version to the next, around the making of the tables and indexes that are
# missing. Schema 1 had no users, numbered profiles by itself, and did not seal answers.
_COUNT_PROFILES = f"""
UPDATE counters SET value = (SELECT ifnull(max(id), 0) + 1 FROM profiles)
WHERE name = '{NEXT_PROFILE}'
"""
_NAME_ATTRIBUTES = """
INSERT INTO attribute_names (profile, name)
SELECT d.profile, a.key FROM devices d, json_each(d.attributes) a
GROUP BY d.profile, a.key ORDER BY min(d.id)
"""
# Schema 1 counted devices of ended uploads until they were swept up.
_COUNT_PENDING = f"""
UPDATE profiles SET pending_count = (
    SELECT count(*) FROM devices d LEFT JOIN uploads u ON u.id = d.upload
    WHERE d.profile = profiles.id AND d.register_time IS NULL
        AND {STAYS}
)
"""
_BEFORE: Mapping[int, Sequence[str]] = {1: ("DROP INDEX devices_serial", "DELETE FROM answers")}
_AFTER: Mapping[int, Sequence[str]] = {1: (_COUNT_PROFILES, _COUNT_PENDING, _NAME_ATTRIBUTES)}


class NewerSchemaError(Exception):
    """A newer program made the database; the text says which."""


def prepare(database: RollDatabase) -> None:
    """Bring the schema up to date, within a transaction; raises NewerSchemaError."""
    _create(database, CounterTable)
    _begin_counting(database)
    found = _version(database)
    for version in range(found, SCHEMA_VERSION):
        _run(database, _BEFORE.get(version, ()))
    for table in TABLES:
        _create(database, table)
    for version in range(found, SCHEMA_VERSION):
        _run(database, _AFTER.get(version, ()))
    _note_version(database)


def _begin_counting(database: RollDatabase) -> None:
    numbers = ((NEXT_DEVICE, 1), (NEXT_PROFILE, 1), (TOKEN_EPOCH, 0))
    beginnings = ((_SCHEMA, SCHEMA_VERSION), *numbers)
    for name, value in beginnings:
        CounterTable.insert(name=name, value=value).on_conflict_ignore().execute(database)


def _version(database: RollDatabase) -> int:
    query = CounterTable.select(CounterTable.value).where(CounterTable.name == _SCHEMA)
    version = int(query.scalar(database))
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"The database has schema {version}, this program knows {SCHEMA_VERSION}: it was "
            "written by a newer Rollbook. Start that one."
        )
    return version


def _note_version(database: RollDatabase) -> None:
    CounterTable.update(value=SCHEMA_VERSION).where(CounterTable.name == _SCHEMA).execute(database)


def _create(database: RollDatabase, table: type[Model]) -> None:
    with table.bind_ctx(database):
        table.create_table(safe=True)


def _run(database: RollDatabase, statements: Sequence[str]) -> None:
    for statement in statements:
        database.execute_sql(statement)
