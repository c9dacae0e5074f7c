"""The tables of the roll, as peewee models that belong to no database.

Every query names the database it runs on (`query.execute(database)`), so that one
set of models serves the writing and the reading connections.

Profiles and uploads are referred to by their integer keys: a roll has millions of
devices, and each reference is stored with every one of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    Field,
    IntegerField,
    Model,
    TextField,
)

from rollbook_server.domain import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_VERSION = 1


class InstantField(BigIntegerField):
    """An instant in UTC, stored as microseconds since 1970."""

    def db_value(self, value: Any) -> Any:
        """Give what is stored."""
        return clock.microseconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> Any:
        """Give the instant."""
        return value if value is None else clock.instant(value)


class ProfileTable(Model):
    """Profiles; the counts are kept in the transactions that change devices."""

    id = AutoField()
    profile_id = TextField(unique=True)
    name = TextField()
    name_key = TextField(unique=True)
    description = TextField()
    type = TextField()
    origin = TextField()
    tokenless = BooleanField()
    user_id = TextField()
    registered_count = IntegerField(default=0)
    pending_count = IntegerField(default=0)
    configuration = TextField()
    create_time = InstantField(index=True)
    update_time = InstantField(index=True)
    devices_update_time = InstantField(null=True)
    revision = IntegerField(default=1)

    class Meta:
        table_name = "profiles"


class TokenTable(Model):
    """Tokens; `current` is the one that its profile shows, older ones are kept."""

    id = AutoField()
    token_id = TextField(unique=True)
    profile = IntegerField()
    current = BooleanField()
    digest = BlobField(unique=True)
    sealed_value = BlobField()
    obfuscated_value = TextField()
    create_time = InstantField()
    expire_time = InstantField()
    revoke_time = InstantField(null=True)
    use_count = IntegerField(default=0)
    last_use_time = InstantField(null=True)

    class Meta:
        table_name = "tokens"
        indexes = ((("profile", "current"), False),)


class DeviceTable(Model):
    """Devices; NULL where a key is unknown, so that unique indexes let it be.

    `id` is given by us, rising with the rows of an upload and never again; it is
    what tells which rows of a batch went in. `manufacturer_key` is NULL without a
    serial number: a manufacturer alone is no key.
    """

    id = BigIntegerField(primary_key=True)
    profile = IntegerField()
    imei = TextField(null=True)
    imei2 = TextField(null=True)
    serial_number = TextField(null=True)
    manufacturer = TextField(null=True)
    manufacturer_key = TextField(null=True)
    attributes = TextField()
    upload = IntegerField(null=True)
    source_row = IntegerField()
    source_line = IntegerField()
    create_time = InstantField()
    update_time = InstantField()
    register_time = InstantField(null=True)
    last_request_id = TextField(default="")
    user_id = TextField(default="")
    revision = IntegerField(default=1)

    class Meta:
        table_name = "devices"


# Partial where many rows have no such key: an index costs nothing for those.
_known_imei = DeviceTable.index(
    DeviceTable.imei,
    unique=True,
    name="devices_imei",
    where=DeviceTable.imei.is_null(is_null=False),
)
_known_imei2 = DeviceTable.index(
    DeviceTable.imei2,
    unique=True,
    name="devices_imei2",
    where=DeviceTable.imei2.is_null(is_null=False),
)
_known_serial = DeviceTable.index(
    DeviceTable.serial_number,
    DeviceTable.manufacturer_key,
    unique=True,
    name="devices_serial",
    where=DeviceTable.manufacturer_key.is_null(is_null=False),
)
for _index in (_known_imei, _known_imei2, _known_serial):
    DeviceTable.add_index(_index)


class UploadTable(Model):
    """Uploads with their position; `reader` is where reading goes on, as JSON."""

    id = AutoField()
    upload_id = TextField(unique=True)
    profile = IntegerField(index=True)
    file_name = TextField()
    on_invalid_row = TextField()
    on_conflict = TextField()
    validate_only = BooleanField()
    column_mapping = TextField()
    state = TextField()
    failure_reason = TextField(default="")
    epoch = IntegerField(default=1)
    created_count = IntegerField(default=0)
    updated_count = IntegerField(default=0)
    unchanged_count = IntegerField(default=0)
    rejected_count = IntegerField(default=0)
    committed_offset = BigIntegerField(default=0)
    committed_rows = IntegerField(default=0)
    committed_crc32 = BigIntegerField(default=0)
    reader = TextField(null=True)
    create_time = InstantField()
    update_time = InstantField()

    class Meta:
        table_name = "uploads"


class UploadRangeTable(Model):
    """Which device ids an upload created: one run a batch, instead of an index."""

    upload = IntegerField()
    first_id = BigIntegerField()
    last_id = BigIntegerField()

    class Meta:
        table_name = "upload_ranges"
        primary_key = CompositeKey("upload", "first_id")
        without_rowid = True


class UploadErrorTable(Model):
    """Rejected rows."""

    upload = IntegerField()
    row = IntegerField()
    line = IntegerField()
    column = TextField()
    reason = TextField()
    message = TextField()
    device_id = TextField()
    cells = TextField()
    suggestion = TextField()

    class Meta:
        table_name = "upload_errors"
        primary_key = CompositeKey("upload", "row")
        without_rowid = True


class UploadClaimTable(Model):
    """Keys that rows of a dry run or a FAIL upload hold, while it is OPEN."""

    upload = IntegerField()
    key = TextField()
    line = IntegerField()

    class Meta:
        table_name = "upload_claims"
        primary_key = CompositeKey("upload", "key")
        without_rowid = True


class StagedRowTable(Model):
    """Rows of a FAIL upload, while it is OPEN."""

    upload = IntegerField()
    row = IntegerField()
    content = TextField()

    class Meta:
        table_name = "staged_rows"
        primary_key = CompositeKey("upload", "row")
        without_rowid = True


class AnswerTable(Model):
    """Answers to mutations with a request_id."""

    request_id = TextField(primary_key=True)
    digest = BlobField()
    answer = BlobField()
    create_time = InstantField(index=True)

    class Meta:
        table_name = "answers"


class CounterTable(Model):
    """Numbers that only rise, and the version of the schema."""

    name = TextField(primary_key=True)
    value = BigIntegerField()

    class Meta:
        table_name = "counters"


TABLES: list[type[Model]] = [
    ProfileTable,
    TokenTable,
    DeviceTable,
    UploadTable,
    UploadRangeTable,
    UploadErrorTable,
    UploadClaimTable,
    StagedRowTable,
    AnswerTable,
    CounterTable,
]


def stored(table: type[Model], row: Sequence[Any]) -> dict[str, Any]:
    """Give what `SELECT *` of raw SQL found, under its names and as Python has it."""
    fields: list[Field] = table._meta.sorted_fields  # noqa: SLF001 - peewee's reflection
    return {field.name: field.python_value(value) for field, value in zip(fields, row, strict=True)}
