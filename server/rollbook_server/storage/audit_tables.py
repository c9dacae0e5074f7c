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


NOT_EMPTY = "<> ''"
BY_KEYS = "NOT IN ('', 'device')"
REFUSED = "<> 'DONE'"
# By what events are looked for, and which of them are: enrollments, which are by far the
# most, are in those by profile, device and token only.
SEARCHED = {
    "profile_id": NOT_EMPTY,
    "device_id": NOT_EMPTY,
    "resource_id": NOT_EMPTY,
    "actor": BY_KEYS,
    "reason": REFUSED,
}
for _name, _condition in SEARCHED.items():
    AuditEventTable.add_index(
        AuditEventTable.index(
            getattr(AuditEventTable, _name),
            name=f"audit_events_{_name.removesuffix('_id')}",
            where=SQL(f"{_name} {_condition}"),
        )
    )
