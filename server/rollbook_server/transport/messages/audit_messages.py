"""Audit events between messages and the domain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollbook.v1 import audit_service_pb2
from rollbook_server.domain.audit_chain import BEGINNING, End
from rollbook_server.domain.audit_lists import AuditQuery
from rollbook_server.domain.errors import FieldsError
from rollbook_server.transport.messages.enums import wire
from rollbook_server.transport.messages.times import instant, timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.audit import AuditEvent
    from rollbook_server.domain.audit_checks import Break

_DIGEST_BYTES = 32


def audit_query(request: audit_service_pb2.ListAuditEventsRequest) -> AuditQuery:
    """Read which events to list."""
    return AuditQuery(
        profile_id=request.profile_id,
        device_id=request.device_id,
        resource_id=request.resource_id,
        action=request.action,
        actor=request.actor,
        reason=request.reason,
        start_time=_bound(request, "start_time"),
        end_time=_bound(request, "end_time"),
    )


def _bound(request: audit_service_pb2.ListAuditEventsRequest, field: str) -> datetime | None:
    return instant(getattr(request, field), field) if request.HasField(field) else None


def audit_event(value: AuditEvent) -> audit_service_pb2.AuditEvent:
    """Write an event."""
    deed = value.deed
    return audit_service_pb2.AuditEvent(
        sequence=value.sequence,
        event_time=timestamp(deed.event_time),
        actor=deed.actor,
        source=deed.source,
        action=deed.action,
        profile_id=deed.subject.profile_id,
        device_id=deed.subject.device_id,
        resource_id=deed.subject.resource_id,
        reason=deed.reason,
        details=json.loads(deed.details),
        digest=value.digest,
    )


def anchor(request: audit_service_pb2.VerifyAuditLogRequest) -> End:
    """Read the event that is known from elsewhere; sequence 0 for none."""
    named = End(request.anchor_sequence, request.anchor_digest or BEGINNING.digest)
    if named == BEGINNING:  # as the check of an empty log gives it
        return BEGINNING
    if request.anchor_sequence < 1:
        raise FieldsError({"anchor_sequence": "must be 1 or more, with the digest of that event"})
    if len(request.anchor_digest) != _DIGEST_BYTES:
        raise FieldsError({"anchor_digest": f"must have {_DIGEST_BYTES} bytes"})
    return named


def audit_break(value: Break) -> audit_service_pb2.AuditBreak:
    """Write where the chain is broken."""
    fault = wire(audit_service_pb2.AuditFault, value.fault)
    return audit_service_pb2.AuditBreak(sequence=value.sequence, fault=fault)
