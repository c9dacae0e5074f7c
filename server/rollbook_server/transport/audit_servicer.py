"""AuditService: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import audit_service_pb2, audit_service_pb2_grpc
from rollbook_server.domain import audit_checks, audit_lists
from rollbook_server.domain.audit_checks import Verifier
from rollbook_server.domain.pages import page_request
from rollbook_server.transport.messages import audit_messages

if TYPE_CHECKING:
    import grpc

    from rollbook_server.domain.audit_chain import Seals
    from rollbook_server.domain.ports import Store


class AuditServicer(audit_service_pb2_grpc.AuditServiceServicer):
    """Tells what was done, and whether the log of it is as it was written."""

    def __init__(self, store: Store, seals: Seals) -> None:
        self._store, self._seals = store, seals

    def ListAuditEvents(
        self,
        request: audit_service_pb2.ListAuditEventsRequest,
        context: grpc.ServicerContext,
    ) -> audit_service_pb2.ListAuditEventsResponse:
        """List events."""
        query = audit_messages.audit_query(request)
        wanted = page_request(
            request.page_size, request.page_token, ("audit", query), kinds=audit_lists.KINDS
        )
        page = self._store.read(lambda roll: audit_lists.list_page(roll, query, wanted))
        return audit_service_pb2.ListAuditEventsResponse(
            events=map(audit_messages.audit_event, page.values),
            next_page_token=page.next_page_token,
        )

    def VerifyAuditLog(
        self,
        request: audit_service_pb2.VerifyAuditLogRequest,
        context: grpc.ServicerContext,
    ) -> audit_service_pb2.VerifyAuditLogResponse:
        """Check the next piece of the chain."""
        seen = self._store.newest_event()  # before we look: what is written meanwhile is later
        verifier = Verifier(self._seals, audit_messages.anchor(request), seen)
        wanted = audit_checks.piece_request(request.page_token, verifier.anchor)
        begin = audit_checks.begin_of(wanted)
        check = self._store.read(lambda roll: verifier.check(roll.audit, begin, audit_checks.PIECE))
        broken = check.first_break
        return audit_service_pb2.VerifyAuditLogResponse(
            checked_count=check.reached.sequence,
            next_page_token=audit_checks.next_token(check, wanted),
            first_break=audit_messages.audit_break(broken) if broken else None,
            last_sequence=check.reached.sequence,
            last_digest=check.reached.digest,
        )
