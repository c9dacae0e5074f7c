"""The tables of uploads, beside those of the roll itself."""

from __future__ import annotations

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    IntegerField,
    Model,
    TextField,
)

from rollbook_server.storage.tables import InstantField


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
    """Which device ids an upload created: see `storage.upload_ranges`."""

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


class PreparationTable(Model):
    """How far the end of a FAIL upload is prepared: see `domain.preparing`."""

    upload = IntegerField(primary_key=True)
    through_row = IntegerField()
    created_count = IntegerField()
    unchanged_count = IntegerField()
    reach_time = InstantField()

    class Meta:
        table_name = "preparations"


class PreparedRowTable(Model):
    """Staged rows that its last transaction writes: over a `device`, or as it then finds it."""

    upload = IntegerField()
    row = IntegerField()
    line = IntegerField(null=True)
    device = BigIntegerField(null=True)
    revision = IntegerField(null=True)
    manufacturer = TextField(null=True)
    attributes = TextField(null=True)

    class Meta:
        table_name = "prepared_rows"
        primary_key = CompositeKey("upload", "row")
        without_rowid = True
