"""EnrollmentService: convert, call, convert."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from rollbook.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc
from rollbook_server.domain import callers, enrollment, enrollment_groups, sign_in
from rollbook_server.domain.audit import Action
from rollbook_server.domain.enrollment import Enrollment
from rollbook_server.domain.gate import too_many
from rollbook_server.domain.matching import Presented
from rollbook_server.domain.sign_in import SignIn
from rollbook_server.transport.messages import enrollment_messages

if TYPE_CHECKING:
    import grpc

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.gate import Gate
    from rollbook_server.domain.ports import PasswordHasher, Sealer, Store
    from rollbook_server.domain.tally import Tally

REQUEST_ID_LIMIT = 64  # characters; longer ones are cut, for a device cannot be told

_log = logging.getLogger(__name__)


class EnrollmentServicer(enrollment_service_pb2_grpc.EnrollmentServiceServicer):
    """Decides about devices."""

    def __init__(  # noqa: PLR0913 - what a decision needs
        self,
        store: Store,
        sealer: Sealer,
        hasher: PasswordHasher,
        gate: Gate,
        clock: Clock,
        *,
        tally: Tally,
    ) -> None:
        self._store, self._sealer, self._hasher = store, sealer, hasher
        self._gate, self._clock, self._tally = gate, clock, tally
        self._enroll_all = partial(enrollment_groups.enroll_all, gate)

    def EnrollDevice(
        self,
        request: enrollment_service_pb2.EnrollDeviceRequest,
        context: grpc.ServicerContext,
    ) -> enrollment_service_pb2.EnrollDeviceResponse:
        """Decide about a device, and register it if it is on the roll."""
        wanted = Enrollment(
            Presented.of(request.imeis, request.serial_number, request.manufacturer),
            enrollment.token_digest(self._sealer, request.token),
            request.request_id[:REQUEST_ID_LIMIT],
        )
        call = enrollment_groups.Call(wanted, callers.current(), self._clock())
        enrollment.check(self._store, wanted, self._gate, call.now)
        with self._gate.telling():
            decision = self._store.write_together(self._enroll_all, call)
        if decision.wait_seconds:
            raise too_many(decision.wait_seconds)
        self._tally.decided(Action.ENROLL_DEVICE, decision)
        _log.debug("enrollment %s: %s", decision.outcome, decision.cause)
        return enrollment_messages.enrollment(decision)

    def SignInDevice(
        self,
        request: enrollment_service_pb2.SignInDeviceRequest,
        context: grpc.ServicerContext,
    ) -> enrollment_service_pb2.SignInDeviceResponse:
        """Register a device to the user who signs in on it, if both are right."""
        wanted = SignIn(
            Presented.of(request.imeis, request.serial_number, request.manufacturer),
            request.user_name,
            request.password,
            request.request_id[:REQUEST_ID_LIMIT],
        )
        decision = sign_in.sign_in(self._store, self._hasher, wanted, self._gate, self._clock())
        self._tally.decided(Action.SIGN_IN_DEVICE, decision)
        _log.debug("sign-in %s: %s", decision.outcome, decision.cause)
        return enrollment_messages.sign_in(decision)
