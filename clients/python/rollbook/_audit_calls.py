"""The part of `AdminClient` that reads the audit log."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from google.protobuf import timestamp_pb2

from rollbook import _dual, _enums, resources
from rollbook._calls import Calls, Pages
from rollbook.v1 import audit_service_pb2, audit_service_pb2_grpc
from rollbook.words import AuditFault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from rollbook.resources import AuditBreak, AuditCheck, AuditEvent

_BEGINNING = (0, bytes(32))  # what stands before the first event


class AuditCalls(Calls):
    """Calls AuditService."""

    @property
    def _audit(self) -> audit_service_pb2_grpc.AuditServiceStub:
        return self._caller.stub(audit_service_pb2_grpc.AuditServiceStub)

    @_dual.iterator
    async def list_audit_events(  # noqa: PLR0913 - one argument for each filter
        self,
        *,
        profile_id: str = "",
        device_id: str = "",
        resource_id: str = "",
        action: str = "",
        actor: str = "",
        reason: str = "",
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[AuditEvent]:
        """Give every event for which all holds that is given, newest first.

        From `start_time` on and before `end_time`, both aware. Pages are fetched one
        after another while you iterate.
        """
        request = audit_service_pb2.ListAuditEventsRequest(
            page_size=page_size,
            profile_id=profile_id,
            device_id=device_id,
            resource_id=resource_id,
            action=action,
            actor=actor,
            reason=reason,
            start_time=_timestamp(start_time),
            end_time=_timestamp(end_time),
        )
        async for page in Pages(self._caller, self._audit.ListAuditEvents, request):
            for each in page.events:
                yield _event(each)

    @_dual.method
    async def verify_audit_log(
        self,
        *,
        anchor_sequence: int = 0,
        anchor_digest: bytes = b"",
        progress: Callable[[int], None] | None = None,
    ) -> AuditCheck:
        """Let the server check the whole log, with the seals that take its key file.

        An anchor is an event known from an earlier check, which must still be there as
        it was. Each piece of the log has the deadline of a call; behind each, `progress` is
        called with how many events were found unbroken so far.
        """
        request = audit_service_pb2.VerifyAuditLogRequest(
            anchor_sequence=anchor_sequence, anchor_digest=anchor_digest
        )
        checks = Pages(self._caller, self._audit.VerifyAuditLog, request)
        last = audit_service_pb2.VerifyAuditLogResponse()
        async for last in checks:  # each goes on where the last one stopped
            _tell(progress, last.checked_count)
        return resources.AuditCheck(
            checked_count=last.checked_count,
            first_break=_break(last.first_break) if last.HasField("first_break") else None,
            last_sequence=last.last_sequence,
            last_digest=last.last_digest,
        )

    @_dual.method
    async def recompute_audit_log(
        self, *, progress: Callable[[int], None] | None = None
    ) -> AuditCheck:
        """Fetch all events and compute their digests here, without trust in the server.

        Only what the server did not compute anew itself is found, and no event that is
        missing at the end: compare `last_digest` with one that you kept. `progress` is
        called with how many events were fetched so far.
        """
        later: AuditEvent | None = None
        broken: AuditBreak | None = None
        reached, count = _BEGINNING, 0
        request = audit_service_pb2.ListAuditEventsRequest(page_size=1000)
        async for page in Pages(self._caller, self._audit.ListAuditEvents, request):
            for event in map(_event, page.events):
                this = (event.sequence, event.digest)
                fault = None if later is None else _fault(later, *this)
                if later is None or fault is not None:
                    broken, reached = fault, this
                later = event
            count += len(page.events)
            _tell(progress, count)
        fault = None if later is None else _fault(later, *_BEGINNING)
        if fault is not None:
            broken, reached = fault, _BEGINNING
        return resources.AuditCheck(reached[0], broken, *reached)


def _tell(progress: Callable[[int], None] | None, count: int) -> None:
    if progress is not None:
        progress(count)


def _fault(event: AuditEvent, before: int, digest: bytes) -> AuditBreak | None:
    """Compare an event with what it must be behind the one before."""
    if event.sequence != before + 1:
        return resources.AuditBreak(before + 1, AuditFault.EVENT_MISSING)
    if event.digest != event.digest_behind(digest):
        return resources.AuditBreak(event.sequence, AuditFault.EVENT_CHANGED)
    return None


def _event(message: audit_service_pb2.AuditEvent) -> AuditEvent:
    return resources.AuditEvent(
        sequence=message.sequence,
        event_time=message.event_time.ToDatetime(tzinfo=UTC),
        action=message.action,
        reason=message.reason,
        actor=message.actor,
        source=message.source,
        profile_id=message.profile_id,
        device_id=message.device_id,
        resource_id=message.resource_id,
        details=dict(message.details),
        digest=message.digest,
    )


def _break(message: audit_service_pb2.AuditBreak) -> AuditBreak:
    word = _enums.word(audit_service_pb2.AuditFault.DESCRIPTOR, message.fault)
    return resources.AuditBreak(message.sequence, AuditFault(word))


def _timestamp(moment: datetime | None) -> timestamp_pb2.Timestamp | None:
    """Give a time as a message; ValueError for one that may mean any zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("start_time and end_time must be aware, such as datetime.now(UTC)")
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(moment)
    return message
