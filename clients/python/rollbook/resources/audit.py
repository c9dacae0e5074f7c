"""Audit events, and what a check of them found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.words import AuditFault

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that was done or refused.

    `actor` is the api_key_id of the caller, or "device"; `resource_id` names a token,
    an upload, a user or an API key; `reason` is DONE, or why it was refused or failed.
    """

    sequence: int
    event_time: datetime | None
    action: str
    reason: str
    actor: str
    source: str
    profile_id: str
    device_id: str
    resource_id: str
    details: Mapping[str, str] = field(default_factory=dict)
    digest: bytes = b""

    def digest_behind(self, before: bytes) -> bytes:
        """Compute the digest this event must have, from that of the event before.

        Before the first event stand 32 zero bytes; the rule is in the contract.
        """
        time = self.event_time or _EPOCH
        content = [
            *(self.sequence, (time - _EPOCH) // timedelta(microseconds=1)),
            *(self.action, self.actor, self.source),
            *(self.profile_id, self.device_id, self.resource_id),
            *(self.reason, dict(self.details)),
        ]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(before + text.encode()).digest()


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """The first event that is missing or not as it was written."""

    sequence: int
    fault: AuditFault


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a check of the whole log found.

    `last_sequence` and `last_digest` are of the last event that was found unbroken:
    an anchor for a later check, if they are kept apart from the server.
    """

    checked_count: int
    first_break: AuditBreak | None
    last_sequence: int
    last_digest: bytes
