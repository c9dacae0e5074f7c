"""What is sealed in a data directory, with which keys, and calls about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from databases import DATABASES
from raw_calls import unary
from rollbook.v1 import token_service_pb2 as messages
from rollbook_server.config import SEALING_KEY_NAME
from rollbook_server.storage.faults import disk_full

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook import AdminClient

COUNT = 5  # profiles: several pieces of two
LONG_SECONDS = 60.0  # only a test that fails waits so long


def fill_disk(*_: object) -> None:
    """Be what is done when the disk is full by then."""
    raise disk_full()


def call(admin: AdminClient, method: str, **fields: Any) -> Any:
    request = getattr(messages, f"{method}Request")(**fields)
    return unary(admin, getattr(admin._tokens, method), request)


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / SEALING_KEY_NAME).read_bytes())
    return found


def key_ids(folder: Path) -> list[str]:
    return [each["key_id"] for each in document(folder)["sealing_keys"]]


def sealed_with(folder: Path) -> set[str]:
    """Give the ids of the keys that anything in the database is sealed with."""
    sealed = "SELECT substr(sealed_value, 2, 4) FROM tokens UNION SELECT substr(answer, 2, 4)"
    return {key_id.hex() for (key_id,) in DATABASES.query(folder, f"{sealed} FROM answers")}
