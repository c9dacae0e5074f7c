"""The tables of the audit log, beside those of the roll itself."""

from __future__ import annotations

from peewee import SQL, BigIntegerField, BlobField, Model, TextField

from rollbook_server.storage.tables import InstantField


class AuditEventTable(Model):
    """Events in their chain; rows are only added.

    Ids are texts, so that they outlive what they name. `seal` is a part of an HMAC.
    """

    sequence = BigIntegerField(primary_key=True)
    event_time = InstantField()
    action = TextField()
    actor = TextField()
    source = TextField()
    profile_id = TextField()
    device_id = TextField()
    resource_id = TextField()
    reason = TextField()
    details = TextField()
    digest = BlobField()
    seal = BlobField()

    class Meta:
        table_name = "audit_events"


class AuditEndTable(Model):
    """The one row that says which event is the newest."""

    id = BigIntegerField(primary_key=True)
    sequence = BigIntegerField()
    digest = BlobField()
    seal = BlobField()

    class Meta:
        table_name = "audit_end"


# By what events are looked for, and the values for which a walk along all of them is
# taken: enrollments, by far the most, are in the indexes of profile, device and token only.
SEARCHED = {
    "profile_id": ("",),
    "device_id": ("",),
    "resource_id": ("",),
    "action": ("EnrollDevice",),
    "actor": ("", "device"),
    "reason": ("DONE",),
}


def in_index(name: str) -> SQL:
    """Give the condition of an index, without which SQLite does not use it."""
    values = ", ".join(f"'{value}'" for value in SEARCHED[name])
    return SQL(f"{name} NOT IN ({values})")


for _name in SEARCHED:
    AuditEventTable.add_index(
        AuditEventTable.index(
            getattr(AuditEventTable, _name),
            name=f"audit_events_{_name.removesuffix('_id')}",
            where=in_index(_name),
        )
    )
