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
    SQL,
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


class InstantField(BigIntegerField):
    """An instant in UTC, stored as microseconds since 1970."""

    def db_value(self, value: Any) -> Any:
        """Give what is stored."""
        return clock.microseconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> Any:
        """Give the instant."""
        return value if value is None else clock.instant(value)


class ProfileTable(Model):
    """Profiles; the counts are kept in the transactions that change devices.

    `id` is given by us and never again: devices of a deleted profile refer to it
    until they are swept up.
    """

    id = BigIntegerField(primary_key=True)
    profile_id = TextField(unique=True)
    name = TextField()
    name_key = TextField(unique=True)
    description = TextField()
    type = TextField()
    origin = TextField()
    tokenless = BooleanField()
    user_id = TextField(index=True)
    registered_count = IntegerField(default=0)
    pending_count = IntegerField(default=0)
    configuration = TextField()
    create_time = InstantField(index=True)
    update_time = InstantField(index=True)
    devices_update_time = InstantField(null=True)
    revision = IntegerField(default=1)

    class Meta:
        table_name = "profiles"


class EndedProfileTable(Model):
    """Deleted profiles of which devices or uploads are still to be swept up."""

    profile = BigIntegerField(primary_key=True)

    class Meta:
        table_name = "ended_profiles"


class AttributeNameTable(Model):
    """Names of the custom attributes that a profile's devices have, or had."""

    id = AutoField()
    profile = IntegerField()
    name = TextField()

    class Meta:
        table_name = "attribute_names"
        indexes = ((("profile", "name"), True),)


class UserTable(Model):
    """Users; `password_hash` is Argon2's encoded form, empty without a password."""

    id = AutoField()
    user_id = TextField(unique=True)
    user_name = TextField()
    name_key = TextField(unique=True)
    display_name = TextField()
    email = TextField()
    password_hash = TextField()
    disabled = BooleanField()
    create_time = InstantField()
    update_time = InstantField()
    revision = IntegerField(default=1)

    class Meta:
        table_name = "users"


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


class ApiKeyTable(Model):
    """API keys; `rights` are words with blanks between them, `role` is empty for none."""

    id = AutoField()
    api_key_id = TextField(unique=True)
    digest = BlobField(unique=True)
    display_name = TextField()
    role = TextField()
    rights = TextField()
    create_time = InstantField(index=True)
    expire_time = InstantField(null=True)
    last_use_time = InstantField(null=True)
    revoke_time = InstantField(null=True)

    class Meta:
        table_name = "api_keys"


class DeviceTable(Model):
    """Devices; NULL where a key is unknown, so that unique indexes let it be.

    `id` is given by us, rising with the rows of an upload and never again; it is
    what tells which rows of a batch went in. `manufacturer_key` is NULL without a
    serial number: a manufacturer alone is no key.
    """

    id = BigIntegerField(primary_key=True)
    profile = IntegerField()  # without an index: see `profile_ranges`
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


class ProfileRangeTable(Model):
    """In which runs of numbers the devices of a profile lie, perhaps with others between."""

    profile = IntegerField()
    first_id = BigIntegerField()
    last_id = BigIntegerField()

    class Meta:
        table_name = "profile_ranges"
        primary_key = CompositeKey("profile", "first_id")
        without_rowid = True


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
    # Also serial numbers without a manufacturer, which are no key but are looked for.
    where=DeviceTable.serial_number.is_null(is_null=False),
)
_signed_in = DeviceTable.index(
    DeviceTable.user_id, name="devices_user", where=DeviceTable.user_id != SQL("''")
)
# For the first few of a large profile, which walking along it would meet late. New devices
# are not in it, so that uploads do not pay; for PENDING ones they would, a twelfth.
_registered = DeviceTable.index(
    DeviceTable.profile,
    name="devices_registered",
    where=DeviceTable.register_time.is_null(is_null=False),
)
for _index in (_known_imei, _known_imei2, _known_serial, _signed_in, _registered):
    DeviceTable.add_index(_index)


class AnswerTable(Model):
    """Answers to mutations with a request_id, each sealed for its request."""

    request_id = TextField(primary_key=True)
    digest = BlobField()
    answer = BlobField()
    create_time = InstantField(index=True)

    class Meta:
        table_name = "answers"


class GuessTable(Model):
    """News of wrong guesses; numbers rise, and are instants unless those are taken.

    `place` and `value` are keyed digests, so that nobody reads an identifier or an address.
    """

    number = BigIntegerField(primary_key=True)
    server = BigIntegerField()
    kind = BigIntegerField()
    place = BigIntegerField()
    begin_time = InstantField()
    value = BigIntegerField()

    class Meta:
        table_name = "guesses"


class CounterTable(Model):
    """Numbers that only rise, and the version of the schema."""

    name = TextField(primary_key=True)
    value = BigIntegerField()

    class Meta:
        table_name = "counters"


def stored(table: type[Model], row: Sequence[Any]) -> dict[str, Any]:
    """Give what `SELECT *` of raw SQL found, under its names and as Python has it."""
    fields: list[Field] = table._meta.sorted_fields  # noqa: SLF001 - peewee's reflection
    return {field.name: field.python_value(value) for field, value in zip(fields, row, strict=True)}
