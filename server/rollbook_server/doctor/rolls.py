"""What the checks have to know of a database that could be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.doctor.findings import ok, warning, wrong
from rollbook_server.domain.api_keys import ADMIN_KEY_ID
from rollbook_server.storage import contents, migrating, seals
from rollbook_server.storage.api_keys import StoredApiKeys
from rollbook_server.storage.audit import StoredAudit
from rollbook_server.storage.counters import TOKEN_EPOCH, next_number
from rollbook_server.storage.migrating import SchemaState
from rollbook_server.storage.schema import SCHEMA_VERSION
from rollbook_server.storage.seals import Marks

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.doctor.findings import Finding
    from rollbook_server.storage.engine import RollDatabase

_SCHEMA = "schema"
_WRONG_COUNTS = "counts of profiles"


@dataclass(frozen=True, slots=True)
class Roll:
    """What is in the database; `identity` is None where it is not looked up."""

    marks: Marks
    admin_digest: bytes | None
    epoch: int
    holds_secrets: bool
    audit_sequence: int
    newest_event_time: datetime | None
    identity: int | None = None


# What is to be known of a database that no server has begun yet: files beside it may lack.
NONE_YET = Roll(
    Marks(None, (), None),
    admin_digest=None,
    epoch=0,
    holds_secrets=False,
    audit_sequence=0,
    newest_event_time=None,
)


def read(database: RollDatabase, identity: int | None = None) -> Roll:
    """Read it; the schema must be this program's."""
    admin = StoredApiKeys(database).get(ADMIN_KEY_ID)
    found = contents.look(database)
    return Roll(
        marks=seals.marks(database),
        admin_digest=admin.digest if admin else None,
        epoch=next_number(database, TOKEN_EPOCH),
        holds_secrets=found.token_count + found.user_count > 0 or found.api_key_count > 1,
        audit_sequence=StoredAudit(database).newest().sequence,
        newest_event_time=found.newest_event_time,
        identity=identity,
    )


def schema(database: RollDatabase) -> Finding:
    """Look whether this program can serve with the schema."""
    status = migrating.look(database)
    version = f"schema {status.version}, this program's is {SCHEMA_VERSION}"
    if status.state is SchemaState.CURRENT:
        return ok(_SCHEMA, f"schema {status.version}, up to date")
    if status.state is SchemaState.EMPTY:
        return warning(_SCHEMA, "no roll in it yet", "The first start of a server makes it.")
    if status.state is SchemaState.OLDER:
        return warning(
            _SCHEMA,
            version,
            "Take a backup; then the next start of a server upgrades it, or `rollbook database "
            "upgrade`.",
        )
    if status.state is SchemaState.NEWER:
        return wrong(_SCHEMA, version, "Start the newer Rollbook that wrote it.")
    return wrong(
        _SCHEMA,
        "the beginning of a copy of another database",
        "Give the same `rollbook database copy` again.",
    )


def counts(database: RollDatabase) -> Finding:
    """Compare what profiles count with the devices that there are."""
    found = contents.wrong_counts(database)
    if found:
        return wrong(
            _WRONG_COUNTS,
            f"not those of their devices: {', '.join(found)}",
            "That is a bug: please report it.",
        )
    return ok(_WRONG_COUNTS, "those of their devices")
